package connectors

import (
	"context"
	"time"
)

// Idle is how a Read waits while its system has nothing to say: it looks at once, whenever
// it is woken, at its own pace, and once more when IdleRead has passed, when it must
// answer. Nothing else may block in a Read.
type Idle[E any] struct {
	Wake <-chan E             // something may be there; nil if nobody says so
	Pace func() time.Duration // how long until it looks again unasked; nil = not
}

// Await calls look until it has a batch or fails. expired says that it must answer now,
// with an empty batch if need be.
func (i Idle[E]) Await(ctx context.Context, look func(expired bool) (Batch, bool, error)) (Batch, error) {
	deadline := time.NewTimer(IdleRead)
	defer deadline.Stop()
	for expired := false; ; {
		if err := ctx.Err(); err != nil {
			return Batch{}, err
		}
		b, ok, err := look(expired)
		if ok || err != nil {
			return b, err
		}
		if expired, err = i.wait(ctx, deadline.C); err != nil {
			return Batch{}, err
		}
	}
}

// wait returns when it is worth another look, and whether that is the last.
func (i Idle[E]) wait(ctx context.Context, deadline <-chan time.Time) (expired bool, err error) {
	var pace <-chan time.Time
	if i.Pace != nil {
		timer := time.NewTimer(i.Pace())
		defer timer.Stop()
		pace = timer.C
	}
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-deadline:
		return true, nil
	case <-i.Wake:
	case <-pace:
	}
	return false, nil
}
