package processors

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus/engine"
)

// standbyWait is how long a partition has no owner in this process before its
// state is kept warm: a rebalance takes partitions away for a moment.
const standbyWait = time.Second

// standby keeps warm the state of every partition of a step that no worker of
// this process holds: it implements engine.Standby.
type standby struct {
	*restorer
	partitions int
}

func newStandby(step string, cfg Config, held *holdings, partitions int) *standby {
	return &standby{restorer: newRestorer(step, cfg, held, nil), partitions: partitions}
}

// Wanted implements engine.Standby.
func (s *standby) Wanted() []int32 {
	return s.held.free(s.partitions, s.cfg.Clock().Add(-standbyWait))
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
