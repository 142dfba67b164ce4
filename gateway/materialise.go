package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/freshness"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
)

// maxValue bounds a record taken into the cache.
const maxValue = 1 << 20

// followers is how many readers share the shared topics.
const followers = 2

// Materialise keeps the cache level with the shared topics until ctx ends. It
// starts from what the cache itself says it holds, so a restart loses and
// repeats nothing, and an emptied cache is filled again from the start.
func (g *Gateway) Materialise(ctx context.Context) error { return g.materialise(ctx) }

func (g *Gateway) materialise(ctx context.Context) error {
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval, retry.MaxInterval = 50*time.Millisecond, 5*time.Second
	for {
		begin := time.Now()
		err := g.tend(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Since(begin) > 30*time.Second {
			retry.Reset()
		}
		switch {
		case errors.Is(err, errFlipped):
			g.log.Info("another generation of the cache is current")
			continue
		case errors.Is(err, store.ErrLost):
			g.metrics.rebuilds.WithLabelValues("lost").Inc()
			g.log.Warn("cache lost what was written, filling it again", "error", err)
		default:
			g.log.Warn("cache cannot be written, trying again", "error", err)
		}
		if err := pause(ctx, retry.NextBackOff()); err != nil {
			return err
		}
	}
}

// errFlipped says that the generation being written is not the current one any more.
var errFlipped = errors.New("generation was replaced")

// tend fills the current generation until it is replaced or something fails.
func (g *Gateway) tend(ctx context.Context) error {
	generation, err := g.parts.Cache.Current(ctx)
	if err != nil {
		return err
	}
	f, err := g.newFill(ctx, generation)
	if errors.Is(err, errBeyond) {
		// The topics were made anew: what the cache holds belongs to the old ones.
		g.log.Warn("shared topics are shorter than what was read of them, starting a new generation")
		next, err := g.parts.Cache.Begin(ctx)
		if err != nil {
			return err
		}
		if err := g.parts.Cache.Flip(ctx, generation, next, nil); err != nil {
			return err
		}
		return errFlipped
	}
	if err != nil {
		return err
	}
	g.filling.Store(f)
	defer g.filling.Store(nil)
	return f.run(ctx, true)
}

// fill writes one generation.
type fill struct {
	g          *Gateway
	generation store.Generation
	log        *slog.Logger
	ends       map[contract.Topic]map[int32]int64 // where the topics ended at the start
	views      map[contract.Topic]*view.View
	starts     map[contract.Topic]map[int32]int64 // where the cache stood at the start

	mu     sync.Mutex
	have   map[string]map[int32]int64 // by view: the offset reached, -1 = none
	sealed map[string]bool
	shown  map[contract.Topic]time.Duration // how long the readers had waited when all up to ends was seen to be decided
	whole  chan struct{}

	session int64
	readers [followers]stopwatch
}

// stopwatch measures how long a reader has waited for records.
type stopwatch struct {
	mu     sync.Mutex
	since  time.Time // when it began to wait, zero while it does not
	waited time.Duration
}

func (s *stopwatch) wait(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.since.IsZero() {
		s.waited += time.Since(s.since)
	}
	if s.since = (time.Time{}); on {
		s.since = time.Now()
	}
}

func (s *stopwatch) total() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since.IsZero() {
		return s.waited
	}
	return s.waited + time.Since(s.since)
}

// polled returns how long the reader that waited least has waited for records.
func (f *fill) polled() time.Duration {
	least := f.readers[0].total()
	for i := range f.readers {
		least = min(least, f.readers[i].total())
	}
	return least
}

// errBeyond says that the cache stands behind the end of a topic.
var errBeyond = errors.New("cache is ahead of the log")

func (g *Gateway) newFill(ctx context.Context, generation store.Generation) (*fill, error) {
	f := &fill{
		g: g, generation: generation, log: g.log.With("generation", string(generation)), views: map[contract.Topic]*view.View{}, starts: map[contract.Topic]map[int32]int64{},
		have: map[string]map[int32]int64{}, sealed: map[string]bool{}, shown: map[contract.Topic]time.Duration{}, whole: make(chan struct{}), session: g.sessions.Add(1),
	}
	var topics []contract.Topic
	for _, id := range g.viewIDs() {
		v := g.views[id]
		f.views[v.Topic] = v
		topics = append(topics, v.Topic)
	}
	var err error
	if f.ends, err = g.parts.Bus.EndOffsets(ctx, topics...); err != nil {
		return nil, err
	}
	progress, err := g.parts.Cache.Progress(ctx, generation, g.viewIDs())
	if err != nil {
		return nil, err
	}
	for topic, partitions := range f.ends {
		v := f.views[topic]
		if v == nil {
			continue
		}
		f.have[v.ID] = map[int32]int64{}
		f.starts[topic] = map[int32]int64{}
		for p, end := range partitions {
			next, ok := progress[v.ID].Next[p]
			if !ok {
				next = -1
			}
			if next > end {
				return nil, fmt.Errorf("view %q partition %d: %w", v.ID, p, errBeyond)
			}
			f.have[v.ID][p], f.starts[topic][p] = next, next
		}
		f.sealed[v.ID] = progress[v.ID].Ready
	}
	return f, nil
}

// run follows the topics until ctx ends or something fails. A fill of the
// current generation ends with errFlipped when it is replaced.
func (f *fill) run(ctx context.Context, current bool) error {
	group, ctx := errgroup.WithContext(ctx)
	var parts [followers][]contract.Topic
	n := 0
	for _, id := range f.g.viewIDs() {
		parts[n%followers] = append(parts[n%followers], f.g.views[id].Topic)
		n++
	}
	for i, topics := range parts {
		f.readers[i].wait(true)
		if len(topics) == 0 {
			continue
		}
		group.Go(func() error {
			return f.g.parts.Bus.Follow(ctx, bus.FollowConfig{Topics: topics, Start: func(t contract.Topic, p int32) int64 {
				if next, ok := f.starts[t][p]; ok {
					return next
				}
				return -1
			}}, func(ctx context.Context, records []bus.Record) error {
				f.readers[i].wait(false)
				defer f.readers[i].wait(true)
				return f.take(ctx, records)
			})
		})
	}
	group.Go(func() error { return f.watch(ctx, current) })
	return group.Wait()
}

// take writes the records of one partition.
func (f *fill) take(ctx context.Context, records []bus.Record) error {
	first, last := &records[0], &records[len(records)-1]
	v := f.views[first.Topic]
	if v == nil {
		return nil
	}
	f.mu.Lock()
	from, ok := f.have[v.ID][first.Partition]
	f.mu.Unlock()
	if !ok {
		from = -1
	}
	b := store.Batch{View: v.ID, Partition: first.Partition, From: from, Next: last.Offset + 1, Writes: make([]store.Write, 0, len(records))}
	for i := range records {
		if w, ok := f.write(v, &records[i]); ok {
			b.Writes = append(b.Writes, w)
		}
	}
	if err := f.apply(ctx, b); err != nil {
		return err
	}
	f.g.metrics.materialised.WithLabelValues(v.ID).Add(float64(len(records)))
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.have[v.ID] == nil {
		f.have[v.ID] = map[int32]int64{}
	}
	f.have[v.ID][first.Partition] = max(b.Next, from)
	return nil
}

// write turns a record of a shared topic into what the cache keeps of it.
func (f *fill) write(v *view.View, r *bus.Record) (w store.Write, ok bool) {
	defer func() {
		if p := recover(); p != nil { // see one
			f.g.skip(v.ID, "panicked", r, crash.Of(p))
			w, ok = store.Write{}, false
		}
	}()
	version, ok := contract.ParseVersion(r.Header(contract.Version))
	if !ok {
		f.g.skip(v.ID, "no_version", r, errors.New("header ver is missing or malformed"))
		return store.Write{}, false
	}
	if len(r.Value) > maxValue {
		f.g.skip(v.ID, "too_large", r, fmt.Errorf("value has %d bytes", len(r.Value)))
		return store.Write{}, false
	}
	return store.Write{Key: v.Digest(string(r.Key)), Version: version, Time: r.Time, Value: r.Value, Moved: r.Value == nil && r.Header(contract.Moved) != nil}, true
}

// apply writes a batch, however long the cache is away.
func (f *fill) apply(ctx context.Context, b store.Batch) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		try, cancel := context.WithTimeout(ctx, 15*time.Second)
		defer cancel()
		err := f.g.parts.Cache.Apply(try, f.generation, b)
		if errors.Is(err, store.ErrLost) {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(&backoff.ExponentialBackOff{InitialInterval: 20 * time.Millisecond, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: 2 * time.Second}),
		backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, _ time.Duration) {
			f.log.Warn("cache cannot be written, trying again", "view", b.View, "error", err)
		}))
	return err
}

// watch seals the views as they become complete, and notices when the cache
// has lost something or another generation has become current.
func (f *fill) watch(ctx context.Context, current bool) error {
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
func (f *fill) seal(ctx context.Context) error {
	open := f.unsealed()
	if len(open) == 0 {
		return nil
	}
	stable, err := f.g.parts.Bus.StableOffsets(ctx, open...)
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
		if err := f.g.parts.Cache.Seal(ctx, f.generation, v.ID, have); err != nil {
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
func (f *fill) complete(topic contract.Topic, have, stable map[int32]int64, waited time.Duration) bool {
	if freshness.Decided(f.ends[topic], have, nil) {
		return true
	}
	since, ok := f.shown[topic]
	if !ok {
		if freshness.Decided(f.ends[topic], have, stable) {
			f.shown[topic] = waited
		}
		return false
	}
	return waited-since >= freshness.Fetched
}

func (f *fill) unsealed() []contract.Topic {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.unsealedLocked()
}

func (f *fill) unsealedLocked() []contract.Topic {
	var out []contract.Topic
	for topic, v := range f.views {
		if !f.sealed[v.ID] {
			out = append(out, topic)
		}
	}
	return out
}

// check compares what the cache says of itself with what was written to it.
func (f *fill) check(ctx context.Context, current bool) error {
	f.mu.Lock()
	have := make(map[string]map[int32]int64, len(f.have))
	for id, partitions := range f.have {
		have[id] = maps.Clone(partitions)
	}
	sealed := maps.Clone(f.sealed)
	f.mu.Unlock()
	progress, err := f.g.parts.Cache.Progress(ctx, f.generation, f.g.viewIDs())
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
	now, err := f.g.parts.Cache.Current(ctx)
	if err == nil && now != f.generation {
		err = errFlipped
	}
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
