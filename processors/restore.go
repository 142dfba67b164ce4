package processors

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors/state"
)

// maxStateAge is how old local state may be to be rolled forward. Older state
// may have missed a tombstone that compaction has removed since (the changelog
// keeps them for 24 hours), which would bring a deleted key back to life.
const maxStateAge = 20 * time.Hour

// restoring brings changelog records into a partition's local state: few of them
// in a batch, many by a loader.
type restoring struct {
	store     *state.Store
	partition *state.Partition
	loader    *state.Loader // nil unless something waits in it
}

// manyBytes is from when on a loader is worth its while.
const manyBytes = 1 << 20

// apply takes in records; next is the offset after them. Unless more will come,
// all of it is stored when it returns.
func (r *restoring) apply(records []bus.Record, next int64, more bool, now time.Time) error {
	size := 0
	for i := range records {
		size += len(records[i].Key) + len(records[i].Value)
	}
	if r.loader == nil && size < manyBytes {
		return r.batch(records, next, now)
	}
	if r.loader == nil {
		r.loader = r.partition.Loader()
	}
	for i := range records {
		r.loader.Set(records[i].Key, records[i].Value)
	}
	r.loader.Reach(next, now)
	if more && !r.loader.Full() {
		return nil
	}
	if err := r.loader.Commit(); err != nil {
		return fmt.Errorf("roll state forward: %w", err)
	}
	if !more {
		r.drop()
	}
	return nil
}

func (r *restoring) batch(records []bus.Record, next int64, now time.Time) error {
	b := r.store.Batch()
	for i := range records {
		if _, _, err := b.Set(r.partition, records[i].Key, records[i].Value); err != nil {
			return errors.Join(fmt.Errorf("roll state forward: %w", err), b.Close())
		}
	}
	if err := b.Reach(r.partition, next, now); err != nil {
		return errors.Join(fmt.Errorf("roll state forward: %w", err), b.Close())
	}
	return b.Commit()
}

// drop forgets what waits.
func (r *restoring) drop() {
	if r.loader != nil {
		r.loader.Close()
		r.loader = nil
	}
}

// restorer implements engine.Restorer for one of those who may change the local state of
// a step's partitions: a worker, or the standby.
type restorer struct {
	step string
	cfg  Config
	held *holdings
	me   *holder // nil: the standby, which may while no worker does

	mu    sync.Mutex
	parts map[int32]*restoring // of the partitions met so far
}

func newRestorer(step string, cfg Config, held *holdings, me *holder) *restorer {
	return &restorer{step: step, cfg: cfg, held: held, me: me, parts: map[int32]*restoring{}}
}

func (r *restorer) of(n int32) *restoring {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.parts[n] == nil {
		r.parts[n] = &restoring{store: r.cfg.Store, partition: r.cfg.Store.Partition(r.step, n)}
	}
	return r.parts[n]
}

// Position implements engine.Restorer.
func (r *restorer) Position(n int32) (int64, error) {
	p := r.of(n)
	p.drop()
	return position(p.partition, r.cfg.Clock())
}

// Apply implements engine.Restorer.
func (r *restorer) Apply(n int32, records []bus.Record, next int64, more bool) error {
	p := r.of(n)
	err := r.held.use(r.me, func() error { return p.apply(records, next, more, r.cfg.Clock()) }, n)
	if err != nil {
		p.drop()
	}
	return err
}

// Reset implements engine.Restorer.
func (r *restorer) Reset(n int32) error {
	p := r.of(n)
	p.drop()
	return r.held.use(r.me, p.partition.Reset, n)
}

// drop forgets what waits of all partitions.
func (r *restorer) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.parts {
		p.drop()
	}
}

// position returns the changelog offset up to which a partition's local state
// may be built upon, -1 if it must be built from the start.
func position(p *state.Partition, now time.Time) (int64, error) {
	offset, at, found, err := p.Position()
	if err != nil || !found || now.Sub(at) > maxStateAge {
		return -1, err
	}
	return offset, nil
}
