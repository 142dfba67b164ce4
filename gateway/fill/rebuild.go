package fill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/fold"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
)

// ErrCount says that a rebuilt generation does not hold as many records as the
// one it was to replace.
var ErrCount = errors.New("generations hold different numbers of records")

// Rebuild fills a new generation of the cache from the start of the topics,
// makes it the current one when it is complete and holds what the old one
// does, and unlinks the old one. Lookups go on meanwhile. The cache needs room
// for both.
func (f *Filler) Rebuild(ctx context.Context) error {
	f.rebuilds.WithLabelValues("asked").Inc()
	old, err := f.Cache.Current(ctx)
	if err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	next, err := f.Cache.Begin(ctx)
	if err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	if err := f.rebuildInto(ctx, old, next); err != nil {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		return errors.Join(fmt.Errorf("rebuild: %w", err), f.Cache.Drop(clean, next))
	}
	f.Logger.Info("rebuilt cache is current", "generation", string(next), "before", string(old))
	if err := fold.Pause(ctx, f.Linger); err != nil {
		return fmt.Errorf("rebuild: old generation stays: %w", err)
	}
	if err := f.Cache.Drop(ctx, old); err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	return nil
}

func (f *Filler) rebuildInto(ctx context.Context, old, next store.Generation) error {
	writing, err := f.next(ctx, next)
	if err != nil {
		return err
	}
	filling, stop := context.WithCancel(ctx)
	failed := make(chan error, 1)
	go func() { failed <- writing.run(filling, false) }()
	defer func() {
		stop()
		<-failed //nolint:errcheck // its error has been seen, or nobody wants it any more
	}()
	select {
	case err := <-failed:
		failed <- err // for the deferred wait
		return err
	case <-writing.whole:
	}
	if err := f.compare(ctx, old, next); err != nil {
		return err
	}
	for {
		// Both follow the same topics: one of the next looks finds them level.
		err := f.Cache.Flip(ctx, old, next, f.ids)
		if !errors.Is(err, store.ErrBehind) {
			return err
		}
		if err := fold.Pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// compare holds two generations against one another. Both move on meanwhile:
// a view's counts may differ by as many records as its positions do, and no more.
func (f *Filler) compare(ctx context.Context, old, next store.Generation) error {
	before, err := f.Cache.Progress(ctx, old, f.ids)
	if err != nil {
		return err
	}
	after, err := f.Cache.Progress(ctx, next, f.ids)
	if err != nil {
		return err
	}
	for _, id := range f.ids {
		b, a := before[id], after[id]
		if !b.Ready {
			continue // the old one is no measure
		}
		var apart int64
		for p := range a.Next {
			apart += distance(a.Next[p], b.Next[p])
		}
		for p := range b.Next {
			if _, both := a.Next[p]; !both {
				apart += b.Next[p]
			}
		}
		if distance(a.Live, b.Live) > apart {
			return fmt.Errorf("view %q holds %d records instead of %d: %w", id, a.Live, b.Live, ErrCount)
		}
	}
	return nil
}

func distance(a, b int64) int64 { return max(a-b, b-a) }
