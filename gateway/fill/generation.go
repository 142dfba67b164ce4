package fill

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/fold"
	"github.com/yiyuan-bus/yiyuan/gateway/freshness"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// maxValue bounds a record taken into the cache.
const maxValue = 1 << 20

// followers is how many readers share the shared topics.
const followers = 2

// generation is one generation of the cache while it is written.
type generation struct {
	Parts
	name    store.Generation
	ids     []string // of all views, sorted
	log     *slog.Logger
	written *prometheus.CounterVec
	ends    map[contract.Topic]map[int32]int64 // where the topics ended at the start
	views   map[contract.Topic]*view.View
	starts  map[contract.Topic]map[int32]int64 // where the cache stood at the start

	mu     sync.Mutex
	have   map[string]map[int32]int64 // by view: the offset reached, -1 = none
	sealed map[string]bool
	quiet  map[contract.Topic]*freshness.Silence // about where the topics ended at the start
	whole  chan struct{}

	told    *listener.Sparse
	session int64 // which writing of the cache it is
	readers [followers]fold.Stopwatch
}

// polled returns how long the reader that waited least has waited for records.
func (f *generation) polled() time.Duration {
	least := f.readers[0].Total()
	for i := range f.readers {
		least = min(least, f.readers[i].Total())
	}
	return least
}

// errBeyond says that the cache stands behind the end of a topic.
var errBeyond = errors.New("cache is ahead of the log")

// opener begins generations.
type opener struct {
	Parts
	ids      []string // of all views, sorted
	written  *prometheus.CounterVec
	sessions atomic.Int64
	told     listener.Sparse // what every attempt can cause, by what it is
}

// next begins to write a generation where the cache says that it stands.
func (o *opener) next(ctx context.Context, name store.Generation) (*generation, error) {
	f := &generation{
		Parts: o.Parts, name: name, ids: o.ids, written: o.written, log: o.Logger.With("generation", string(name)), views: map[contract.Topic]*view.View{}, starts: map[contract.Topic]map[int32]int64{},
		have: map[string]map[int32]int64{}, sealed: map[string]bool{}, quiet: map[contract.Topic]*freshness.Silence{}, whole: make(chan struct{}), session: o.sessions.Add(1), told: &o.told,
	}
	var topics []contract.Topic
	for _, id := range f.ids {
		v := f.Views[id]
		f.views[v.Topic], f.quiet[v.Topic] = v, &freshness.Silence{}
		topics = append(topics, v.Topic)
	}
	var err error
	if f.ends, err = f.Bus.EndOffsets(ctx, topics...); err != nil {
		return nil, err
	}
	progress, err := f.Cache.Progress(ctx, name, f.ids)
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

// take writes the records of one partition.
func (f *generation) take(ctx context.Context, records []bus.Record) error {
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
		f.Guard.Take(v.ID, &records[i], func() error {
			w, err := f.write(v, &records[i])
			if err == nil {
				b.Writes = append(b.Writes, w)
			}
			return err
		})
	}
	if err := f.apply(ctx, b); err != nil {
		return err
	}
	f.written.WithLabelValues(v.ID).Add(float64(len(records)))
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.have[v.ID] == nil {
		f.have[v.ID] = map[int32]int64{}
	}
	f.have[v.ID][first.Partition] = max(b.Next, from)
	return nil
}

// write turns a record of a shared topic into what the cache keeps of it.
func (f *generation) write(v *view.View, r *bus.Record) (store.Write, error) {
	version, ok := contract.ParseVersion(r.Header(contract.Version))
	if !ok {
		return store.Write{}, &fold.UnfitError{Reason: "no_version", Err: errVersion}
	}
	if len(r.Value) > maxValue {
		return store.Write{}, &fold.UnfitError{Reason: "too_large", Err: fmt.Errorf("value has %d bytes", len(r.Value))}
	}
	w := store.Write{Key: v.Digest(string(r.Key)), Version: version, Time: r.Time, Value: r.Value, Moved: r.Value == nil && r.Header(contract.Moved) != nil}
	if r.Value != nil && !f.Lineage.Believes(v.ID, string(r.Header(contract.Catalogue))) {
		w.Value, w.Withheld = nil, true
	}
	return w, nil
}

var errVersion = errors.New("header ver is missing or malformed")

// apply writes a batch, however long the cache is away.
func (f *generation) apply(ctx context.Context, b store.Batch) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		try, cancel := context.WithTimeout(ctx, 15*time.Second)
		defer cancel()
		err := f.Cache.Apply(try, f.name, b)
		if errors.Is(err, store.ErrLost) {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(&backoff.ExponentialBackOff{InitialInterval: 20 * time.Millisecond, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: 2 * time.Second}),
		backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, _ time.Duration) {
			if n, ok := f.told.Tell("written "+b.View+" "+trouble(err), time.Now()); ok {
				f.log.Warn("cache cannot be written, trying again", "view", b.View, "times", n, "error", err)
			}
		}))
	return err
}
