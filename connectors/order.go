package connectors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// ErrNoSource says that no source of that name has ever published.
var ErrNoSource = errors.New("没有这个数据源 / no such source")

// What a person asks of a source stands in its status, so that a restart does
// not forget it and the process that runs the source need not run now. Whoever
// runs it is fenced by the order and finds it when it comes back.

// Stop says of a source that it stays down, over restarts, until Start. Its
// position is kept. by is who asks.
func Stop(ctx context.Context, b *bus.Bus, name, by string) error {
	return order(ctx, b, "stop", name, func(s *contract.SourceStatus) { Down(s, contract.StateStopped, by) })
}

// Down makes a status that of a source which a person has stopped or retired. One that is down in that way already stays
// as it is: who did it and since when is what counts, not who asked again.
func Down(s *contract.SourceStatus, state, by string) {
	if s.Stop && s.State == state {
		return
	}
	s.Stop, s.State, s.Error = true, state, ""
	s.StoppedBy, s.StoppedAt = by, time.Now().UnixMilli()
}

// up takes that back.
func up(s *contract.SourceStatus) { s.Stop, s.StoppedBy, s.StoppedAt = false, "", 0 }

// Start takes back Stop and Retire: the source goes on from its position when it
// is run.
func Start(ctx context.Context, b *bus.Bus, name string) error {
	return order(ctx, b, "start", name, up)
}

// Retire says of a source that is down that it stays so: its datasets come from
// elsewhere now, or no more, and need not wait for it to be called current. Its
// position is kept; after Start it goes on, and counts again. A resync under way is
// kept too: what it has not deleted yet is still there, so it goes on with it. by is who asks.
func Retire(ctx context.Context, b *bus.Bus, name, by string) error {
	return order(ctx, b, "retire", name, func(s *contract.SourceStatus) { Down(s, contract.StateRetired, by) })
}

// Resync has a source read again from the beginning, the one remedy of a lost
// position: every row is published under a raised epoch, and what the department
// has no more is deleted at the end. accept is how many deletes a person has said
// yes to, 0 = as many as the limit lets pass. A resync that stands still over its
// deletes goes on when accept covers them.
func Resync(ctx context.Context, b *bus.Bus, name string, accept int64) error {
	return order(ctx, b, "resync", name, func(s *contract.SourceStatus) {
		up(s)
		if s.Resync != nil && s.Resync.Step == contract.ResyncDeleting && accept > 0 {
			going := *s.Resync
			going.Accept = accept
			s.Resync = &going
			return
		}
		s.Resync = &contract.Resync{Step: contract.ResyncAsked, Accept: accept}
	})
}

func order(ctx context.Context, b *bus.Bus, verb, name string, change func(*contract.SourceStatus)) error {
	p, err := b.Publisher(ctx, name)
	if err != nil {
		return fmt.Errorf("%s %q: %w", verb, name, err)
	}
	defer p.Close()
	next := p.Status()
	if next.State == "" {
		return fmt.Errorf("%s %q: %w", verb, name, ErrNoSource)
	}
	change(&next)
	next.At = 0
	var records []bus.Record
	if next.State == contract.StateRetired {
		if records, err = withoutIt(ctx, b, name, next); err != nil {
			return fmt.Errorf("%s %q: %w", verb, name, err)
		}
	}
	if err := p.Publish(ctx, records, next); err != nil {
		return fmt.Errorf("%s %q: %w", verb, name, err)
	}
	return nil
}
