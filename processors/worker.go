package processors

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/engine"
)

// worker is one worker's part of a step: it implements engine.Worker over the
// state store. The open batch is the overlay: reads see its changes over what is
// committed, and it reaches the store only in Commit.
type worker struct {
	overlay
	*restorer
	stage  Stage
	keys   Ring
	scope  *scope
	renews *renewer
	asked  []*partition // scratch of these

	mu         sync.Mutex // partitions are taken over beside the loop
	partitions map[int32]*partition
}

func newWorker(s Step, cfg Config, held *holdings) (*worker, error) {
	stage, err := s.Stage()
	if err != nil {
		return nil, fmt.Errorf("make step %q: %w", s.Name, err)
	}
	w := &worker{
		overlay: overlay{store: cfg.Store}, restorer: newRestorer(s.Name, cfg, held, &holder{s.Name}),
		stage: stage, keys: s.Keys, partitions: map[int32]*partition{},
	}
	of := generationOf(stage)
	w.scope = &scope{overlay: &w.overlay, generation: of, value: make([]byte, 0, 512)}
	w.renews = &renewer{overlay: &w.overlay, generation: of, step: s.Name, metrics: cfg.Metrics.m, clock: cfg.Clock}
	return w, nil
}

func (w *worker) partition(n int32) *partition {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.partitions[n]
	if !ok {
		p = &partition{number: n, state: w.cfg.Store.Partition(w.step, n), changed: map[string]int{}}
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

// these are the partitions of such numbers, until it is asked again.
func (w *worker) these(numbers []int32) []*partition {
	w.asked = w.asked[:0]
	for _, n := range numbers {
		w.asked = append(w.asked, w.partition(n))
	}
	return w.asked
}

// enter makes the scope that of a partition, whose state must be of the present key ring.
func (w *worker) enter(p *partition, tx *engine.Tx) (*scope, error) {
	s := w.scope.enter(p, tx)
	return s, ringed(s, w.step, w.keys)
}

// Position implements engine.Restorer.
func (w *worker) Position(n int32) (int64, error) {
	w.held.take(n, w.me)
	p := w.partition(n)
	p.renewed, p.sameKeys = nil, false
	return w.restorer.Position(n)
}

// Release implements engine.Worker.
func (w *worker) Release() {
	w.renews.report(0)
	w.held.release(w.me, w.cfg.Clock())
	w.restorer.drop()
}

// Handle implements engine.Worker.
func (w *worker) Handle(tx *engine.Tx, records []bus.Record) error {
	m := w.cfg.Metrics.m
	began := w.tick()
	w.renews.busy = true
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

// Due implements engine.Worker.
func (w *worker) Due(numbers []int32) bool {
	w.tick()
	partitions := w.these(numbers)
	for _, p := range partitions {
		if due, err := due(p, w.now); due || err != nil { // Wake meets the error again and reports it
			return true
		}
	}
	return w.renews.due(partitions)
}

// Wake implements engine.Worker.
func (w *worker) Wake(tx *engine.Tx, numbers []int32) error {
	w.tick()
	partitions := w.these(numbers)
	for _, p := range partitions {
		keys, err := w.dueKeys(p)
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			continue
		}
		s, err := w.enter(p, tx)
		if err != nil {
			return err
		}
		for _, key := range keys {
			s.WakeAt(key, time.Time{})
			if err := s.call(func() error { return w.stage.Wake(s, key) }); err != nil {
				return fmt.Errorf("wake partition %d: %w", p.number, err)
			}
		}
		w.cfg.Metrics.m.timers.WithLabelValues(w.step).Add(float64(len(keys)))
	}
	return w.renews.renew(partitions, func(p *partition) (*scope, error) { return w.enter(p, tx) })
}

// Seal implements engine.Worker.
func (w *worker) Seal(tx *engine.Tx) error {
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

// Commit implements engine.Worker.
func (w *worker) Commit(next map[int32]int64) error {
	for n, offset := range next {
		if err := w.open().Reach(w.partition(n).state, offset, w.cfg.Clock()); err != nil {
			return fmt.Errorf("write state: %w", err)
		}
	}
	batch := w.open()
	w.batch = nil
	w.clean(false) // before the batch's bytes are another's
	err := w.held.use(w.me, batch.Commit, slices.Collect(maps.Keys(next))...)
	if errors.Is(err, engine.ErrHandedOver) {
		return errors.Join(err, batch.Close())
	}
	return err
}

// Abort implements engine.Worker. The client may still be sending what the batch
// holds.
func (w *worker) Abort() {
	if w.batch != nil {
		_ = w.batch.Abandon() // nothing of it was wanted
		w.batch = nil
	}
	w.clean(true)
}

func (w *worker) clean(aborted bool) {
	w.renews.busy = false
	for _, p := range w.all() {
		clear(p.changed)
		clear(p.changes)
		p.changes = p.changes[:0]
		p.sameKeys = p.sameKeys && !aborted // the mark may be among what was dropped
	}
}
