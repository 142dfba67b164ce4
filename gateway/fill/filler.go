package fill

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/gateway/fold"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
)

// Filler fills a cache. It is safe for concurrent use.
type Filler struct {
	opener
	rebuilds *prometheus.CounterVec
	filling  atomic.Pointer[generation] // the current one while it is written, nil = it is not
}

// New returns a filler that has done nothing yet.
func New(parts Parts, reg prometheus.Registerer) *Filler {
	f := &Filler{
		opener: opener{Parts: parts, ids: slices.Sorted(maps.Keys(parts.Views)), written: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "yiyuan_gateway_materialised_total", Help: "从共享主题装入缓存的记录数。 / Records of the shared topics taken into the cache.",
		}, []string{"view"})},
		rebuilds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "yiyuan_gateway_rebuilds_total", Help: "缓存重建的次数，按原因：人工要求或内容丢失。 / Times the cache was filled again: asked for, or lost.",
		}, []string{"cause"}),
	}
	reg.MustRegister(f.written, f.rebuilds)
	return f
}

// Polled returns which writing of the current generation is under way and for how
// long its readers have waited for records; ok is false while there is none.
func (f *Filler) Polled() (session int64, waited time.Duration, ok bool) {
	now := f.filling.Load()
	if now == nil {
		return 0, 0, false
	}
	return now.session, now.polled(), true
}

// Loaded reports whether every view is complete in the current generation, and kept level.
func (f *Filler) Loaded() bool {
	now := f.filling.Load()
	return now != nil && len(now.unsealed()) == 0
}

// Run keeps the cache level with the shared topics until ctx ends.
func (f *Filler) Run(ctx context.Context) error {
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval, retry.MaxInterval = 50*time.Millisecond, 5*time.Second
	for {
		begin := time.Now()
		err := f.tend(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Since(begin) > 30*time.Second {
			retry.Reset()
		}
		switch {
		case errors.Is(err, errFlipped):
			f.Logger.Info("another generation of the cache is current")
			continue
		case errors.Is(err, store.ErrLost):
			f.rebuilds.WithLabelValues("lost").Inc()
			if n, ok := f.told.Tell("lost", time.Now()); ok {
				f.Logger.Warn("cache lost what was written, filling it again", "times", n, "error", err)
			}
		default:
			if n, ok := f.told.Tell("again "+trouble(err), time.Now()); ok {
				f.Logger.Warn("cache cannot be written, trying again", "times", n, "error", err)
			}
		}
		if err := fold.Pause(ctx, retry.NextBackOff()); err != nil {
			return err
		}
	}
}

// tend fills the current generation until it is replaced or something fails.
func (f *Filler) tend(ctx context.Context) error {
	generation, err := f.Cache.Current(ctx)
	if err != nil {
		return err
	}
	writing, err := f.next(ctx, generation)
	if errors.Is(err, errBeyond) {
		// The topics were made anew: what the cache holds belongs to the old ones.
		f.Logger.Warn("shared topics are shorter than what was read of them, starting a new generation")
		next, err := f.Cache.Begin(ctx)
		if err != nil {
			return err
		}
		if err := f.Cache.Flip(ctx, generation, next, nil); err != nil {
			return err
		}
		return errFlipped
	}
	if err != nil {
		return err
	}
	f.filling.Store(writing)
	defer f.filling.Store(nil)
	return writing.run(ctx, true)
}
