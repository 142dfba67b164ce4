package process

import (
	"context"
	"errors"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
)

// keepEvery is how often it is looked whether somebody has set topics otherwise, and
// countEvery whether they are those that this process began with: before their steps give up.
const (
	keepEvery  = time.Minute
	countEvery = 10 * time.Second
)

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

// countTopics ends when a topic was made anew, or given another number of partitions: what
// this process knows is of the one that was.
func (a *Process) countTopics(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	atIntervals(ctx, countEvery, func() {
		err := a.sameTopics(ctx)
		if err == nil {
			err = a.Bus.Count(ctx, wiring.Topics(a.Catalogue, a.Steps)...)
		}
		if errors.Is(err, bus.ErrConfig) { // any other says that Kafka is away, which others tell
			stop(err)
		}
	})
	if err := context.Cause(ctx); errors.Is(err, bus.ErrConfig) {
		return err
	}
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
