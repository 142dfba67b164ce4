package processors

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/engine"
	"github.com/yiyuan-bus/yiyuan/processors/state"
)

// standbyWait is how long a partition has no owner in this process before its
// state is kept warm: a rebalance takes partitions away for a moment.
const standbyWait = time.Second

// standby keeps warm the state of every partition of a step that no worker of
// this process holds: it implements engine.Standby.
type standby struct {
	step       string
	cfg        Config
	held       *holdings
	partitions int
	warm       map[int32]*restoring
}

func newStandby(step string, cfg Config, held *holdings, partitions int) *standby {
	return &standby{step: step, cfg: cfg, held: held, partitions: partitions, warm: map[int32]*restoring{}}
}

func (s *standby) state(n int32) *state.Partition { return s.cfg.Store.Partition(s.step, n) }

// Wanted implements engine.Standby.
func (s *standby) Wanted() []int32 {
	return s.held.free(s.partitions, s.cfg.Clock().Add(-standbyWait))
}

// Position implements engine.Standby.
func (s *standby) Position(n int32) (int64, error) {
	if r := s.warm[n]; r != nil {
		r.drop()
	}
	s.warm[n] = &restoring{store: s.cfg.Store, partition: s.state(n)}
	return position(s.state(n), s.cfg.Clock())
}

// Reset implements engine.Standby.
func (s *standby) Reset(n int32) error {
	return s.held.use(nil, s.state(n).Reset, n)
}

// Warm implements engine.Standby.
func (s *standby) Warm(n int32, records []bus.Record, next int64, more bool) error {
	r := s.warm[n]
	err := s.held.use(nil, func() error { return r.apply(records, next, more, s.cfg.Clock()) }, n)
	if err != nil {
		r.drop()
	}
	return err
}

// forgetEvery is how often local state is looked for that is of no more use.
const forgetEvery = time.Minute

// forget drops the local state of partitions that this process has not held for
// so long that it could not be rolled forward. Younger state is kept for their
// return: that costs nothing but disk, and one range delete later.
func forget(ctx context.Context, step string, cfg Config, held *holdings, partitions int, log *slog.Logger) error {
	tick := time.NewTicker(forgetEvery)
	defer tick.Stop()
	for {
		for n := range int32(partitions) {
			p := cfg.Store.Partition(step, n)
			err := held.use(nil, func() error {
				_, at, found, err := p.Position()
				if err != nil || !found || cfg.Clock().Sub(at) <= maxStateAge {
					return err
				}
				log.Info("dropping state that is too old to be used", "step", step, "partition", n, "of", at)
				return p.Reset()
			}, n)
			if err != nil && !errors.Is(err, engine.ErrHandedOver) {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
