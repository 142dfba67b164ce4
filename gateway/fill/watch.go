package fill

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/freshness"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// errFlipped says that the generation being written is not the current one any more.
var errFlipped = errors.New("generation was replaced")

// run follows the topics until ctx ends or something fails. That of the
// current one ends with errFlipped when it is replaced.
func (f *generation) run(ctx context.Context, current bool) error {
	group, ctx := errgroup.WithContext(ctx)
	var parts [followers][]contract.Topic
	n := 0
	for _, id := range f.ids {
		parts[n%followers] = append(parts[n%followers], f.Views[id].Topic)
		n++
	}
	for i, topics := range parts {
		f.readers[i].Wait(true)
		if len(topics) == 0 {
			continue
		}
		group.Go(func() error {
			return f.Bus.Follow(ctx, bus.FollowConfig{Topics: topics, Start: func(t contract.Topic, p int32) int64 {
				if next, ok := f.starts[t][p]; ok {
					return next
				}
				return -1
			}}, func(ctx context.Context, records []bus.Record) error {
				f.readers[i].Wait(false)
				defer f.readers[i].Wait(true)
				return f.take(ctx, records)
			})
		})
	}
	group.Go(func() error { return f.watch(ctx, current) })
	return group.Wait()
}

// watch seals the views as they become complete, and notices when the cache
// has lost something or another generation has become current.
func (f *generation) watch(ctx context.Context, current bool) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	var checked time.Time
	for {
		if err := f.seal(ctx); err != nil {
			return err
		}
		if time.Since(checked) >= 600*time.Millisecond {
			checked = time.Now()
			if err := f.check(ctx, current); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// seal declares complete what has been read up to where it ended at the start.
func (f *generation) seal(ctx context.Context) error {
	open := f.unsealed()
	if len(open) == 0 {
		return nil
	}
	stable, err := f.Bus.StableOffsets(ctx, open...)
	if err != nil {
		return err
	}
	// Waited is read before have: what is there is what was given in that time, or more.
	waited := f.polled()
	for _, topic := range open {
		v := f.views[topic]
		f.mu.Lock()
		have := maps.Clone(f.have[v.ID])
		f.mu.Unlock()
		if !f.complete(topic, have, stable[topic], waited) {
			continue
		}
		if err := f.Cache.Seal(ctx, f.name, v.ID, have); err != nil {
			return err
		}
		f.mu.Lock()
		f.sealed[v.ID] = true
		whole := len(f.unsealedLocked()) == 0
		f.mu.Unlock()
		if whole {
			close(f.whole)
			f.log.Info("cache is complete")
		}
	}
	return nil
}

// complete reports whether a topic has been read up to where it ended at the start.
func (f *generation) complete(topic contract.Topic, have, stable map[int32]int64, waited time.Duration) bool {
	return freshness.Decided(f.ends[topic], have, nil) ||
		f.quiet[topic].Tells(f.session, waited, func() bool { return freshness.Decided(f.ends[topic], have, stable) })
}

func (f *generation) unsealed() []contract.Topic {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.unsealedLocked()
}

func (f *generation) unsealedLocked() []contract.Topic {
	var out []contract.Topic
	for topic, v := range f.views {
		if !f.sealed[v.ID] {
			out = append(out, topic)
		}
	}
	return out
}

// check compares what the cache says of itself with what was written to it.
func (f *generation) check(ctx context.Context, current bool) error {
	f.mu.Lock()
	have := make(map[string]map[int32]int64, len(f.have))
	for id, partitions := range f.have {
		have[id] = maps.Clone(partitions)
	}
	sealed := maps.Clone(f.sealed)
	f.mu.Unlock()
	progress, err := f.Cache.Progress(ctx, f.name, f.ids)
	if err != nil {
		return err
	}
	for id, partitions := range have {
		for p, at := range partitions {
			if next, ok := progress[id].Next[p]; at >= 0 && (!ok || next < at) {
				return fmt.Errorf("check view %q partition %d: %w", id, p, store.ErrLost)
			}
		}
		if sealed[id] && !progress[id].Ready {
			return fmt.Errorf("check view %q: %w", id, store.ErrLost)
		}
	}
	if !current {
		return nil
	}
	now, err := f.Cache.Current(ctx)
	if err == nil && now != f.name {
		err = errFlipped
	}
	return err
}
