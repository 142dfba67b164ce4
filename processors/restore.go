package processors

import (
	"errors"
	"fmt"
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

// position returns the changelog offset up to which a partition's local state
// may be built upon, -1 if it must be built from the start.
func position(p *state.Partition, now time.Time) (int64, error) {
	offset, at, found, err := p.Position()
	if err != nil || !found || now.Sub(at) > maxStateAge {
		return -1, err
	}
	return offset, nil
}
