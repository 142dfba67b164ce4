package process

import (
	"context"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
)

// keepEvery is how often it is looked whether somebody has set topics otherwise.
const keepEvery = time.Minute

// keepTopics holds topics to how they must be kept, as long as the process runs:
// with another cleanup policy positions and state would be gone in a week.
func (a *Process) keepTopics(ctx context.Context) error {
	atIntervals(ctx, keepEvery, func() {
		if err := a.Bus.Keep(ctx, wiring.Topics(a.Catalogue, a.Steps)...); err != nil && ctx.Err() == nil {
			a.Log.Error("topics could not be looked at, or not be kept as they must be; trying again in a minute", "error", err)
		}
	})
	return nil
}

// atIntervals calls fn once an interval until ctx ends, first after one.
func atIntervals(ctx context.Context, interval time.Duration, fn func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			fn()
		}
	}
}
