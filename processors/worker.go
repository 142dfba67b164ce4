package processors

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors/state"
)

// worker is one worker's part of a step: it implements bus.Worker over the
// state store. The open batch is the overlay: reads see its changes over what is
// committed, and it reaches the store only in Commit.
type worker struct {
	step  string
	stage Stage
	keys  Ring
	cfg   Config
	held  *holdings
	batch *state.Batch
	now   time.Time
	scope *scope

	handled    bool      // the open transaction has taken in records
	generation []byte    // scratch of renewing
	renewAfter time.Time // not before
	renewing   int       // partitions, as the gauge has it

	mu         sync.Mutex // partitions are taken over beside the loop
	partitions map[int32]*partition
}

// partition is one partition's state and what the open transaction changed in it.
type partition struct {
	number  int32
	state   *state.Partition
	changed map[string]int // state key -> its place in changes
	changes []change       // in the order of their first change

	restoring restoring
	renewed   []byte // the generation that all of it is of; nil = to be looked up
	sameKeys  bool   // its state was made with the present key ring
}

// change is the last change of a key; its bytes are the batch's. A nil value
// deletes.
type change struct{ key, value []byte }

func newWorker(t Topology, cfg Config, held *holdings) (*worker, error) {
	stage, err := t.Stage()
	if err != nil {
		return nil, fmt.Errorf("make step %q: %w", t.Name, err)
	}
	w := &worker{step: t.Name, stage: stage, keys: t.Keys, cfg: cfg, held: held, partitions: map[int32]*partition{}}
	w.scope = &scope{worker: w, value: make([]byte, 0, 512)}
	return w, nil
}

func (w *worker) partition(n int32) *partition {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.partitions[n]
	if !ok {
		p = &partition{number: n, state: w.cfg.Store.Partition(w.step, n), changed: map[string]int{}}
		p.restoring = restoring{store: w.cfg.Store, partition: p.state}
		w.partitions[n] = p
	}
	return p
}

// all returns the partitions met so far, in order.
func (w *worker) all() []*partition {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := slices.Collect(maps.Values(w.partitions))
	slices.SortFunc(out, func(a, b *partition) int { return int(a.number) - int(b.number) })
	return out
}

func (w *worker) open() *state.Batch {
	if w.batch == nil {
		w.batch = w.cfg.Store.Batch()
	}
	return w.batch
}

// Position implements bus.Worker.
func (w *worker) Position(n int32) (int64, error) {
	w.held.take(n, w)
	p := w.partition(n)
	p.restoring.drop()
	p.renewed, p.sameKeys = nil, false
	return position(p.state, w.cfg.Clock())
}

// Roll implements bus.Worker.
func (w *worker) Roll(n int32, records []bus.Record, next int64, last bool) error {
	p := w.partition(n)
	return w.held.use(w, func() error { return p.restoring.apply(records, next, !last, w.cfg.Clock()) }, n)
}

// Reset implements bus.Worker.
func (w *worker) Reset(n int32) error { return w.held.use(w, w.partition(n).state.Reset, n) }

// Release implements bus.Worker.
func (w *worker) Release() {
	w.report(0)
	w.held.release(w, w.cfg.Clock())
	for _, p := range w.all() {
		p.restoring.drop()
	}
}

// Handle implements bus.Worker.
func (w *worker) Handle(tx *bus.Tx, records []bus.Record) error {
	m := w.cfg.Metrics.m
	began := w.tick()
	w.handled = true
	s, err := w.enter(w.partition(records[0].Partition), tx)
	if err != nil {
		return err
	}
	if err := s.call(func() error { return w.stage.Process(s, records) }); err != nil {
		return fmt.Errorf("process %s/%d from offset %d: %w", records[0].Topic, records[0].Partition, records[0].Offset, err)
	}
	m.stageSeconds.WithLabelValues(w.step).Observe(w.cfg.Clock().Sub(began).Seconds())
	m.records.WithLabelValues(w.step).Add(float64(len(records)))
	return nil
}

// tick sets the transaction's time, which never goes back, and returns the clock's.
func (w *worker) tick() time.Time {
	now := w.cfg.Clock()
	if now.After(w.now) {
		w.now = now
	}
	return now
}

// Seal implements bus.Worker.
func (w *worker) Seal(tx *bus.Tx) error {
	size := 0
	for _, p := range w.all() {
		for _, c := range p.changes {
			size += len(c.key) + len(c.value)
			tx.Log(p.number, c.key, c.value)
		}
	}
	w.cfg.Metrics.m.stateBytes.WithLabelValues(w.step).Add(float64(size))
	return nil
}

// Commit implements bus.Worker.
func (w *worker) Commit(next map[int32]int64) error {
	for n, offset := range next {
		if err := w.open().Reach(w.partition(n).state, offset, w.cfg.Clock()); err != nil {
			return fmt.Errorf("write state: %w", err)
		}
	}
	batch := w.open()
	w.batch = nil
	w.clean(false) // before the batch's bytes are another's
	err := w.held.use(w, batch.Commit, slices.Collect(maps.Keys(next))...)
	if errors.Is(err, bus.ErrHandedOver) {
		return errors.Join(err, batch.Close())
	}
	return err
}

// Abort implements bus.Worker. The client may still be sending what the batch
// holds.
func (w *worker) Abort() {
	if w.batch != nil {
		_ = w.batch.Abandon() // nothing of it was wanted
		w.batch = nil
	}
	w.clean(true)
}

func (w *worker) clean(aborted bool) {
	w.handled = false
	for _, p := range w.all() {
		clear(p.changed)
		clear(p.changes)
		p.changes = p.changes[:0]
		p.sameKeys = p.sameKeys && !aborted // the mark may be among what was dropped
	}
}
