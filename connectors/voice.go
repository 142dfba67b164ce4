package connectors

import (
	"context"
	"log/slog"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// heartbeat is how often an idle source's status is written.
const heartbeat = 2 * time.Second

// voice is how a source speaks on the bus: its publisher, what it last said of itself, and
// why its last session ended for as long as that is its word. It is for one goroutine.
type voice struct {
	cfg       Config
	log       *slog.Logger
	publisher *bus.Publisher
	status    contract.SourceStatus // as last published
	written   time.Time             // when that was

	failure  *failure
	progress bool // this session has got somewhere: a turn of it is whole
	restarts int  // sessions that failed since one has
}

// say publishes a status alone.
func (v *voice) say(ctx context.Context, next contract.SourceStatus) error {
	next.At = 0
	return v.commit(ctx, nil, next)
}

// commit publishes records and the status behind them.
func (v *voice) commit(ctx context.Context, records []bus.Record, next contract.SourceStatus) error {
	if err := v.publisher.Publish(ctx, records, next); err != nil {
		return err
	}
	v.status, v.written = next, time.Now()
	if v.cfg.Tell != nil {
		v.cfg.Tell(Told{v.status, "", v.restarts})
	}
	return nil
}
