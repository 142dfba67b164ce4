package processors

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors/state"
)

// Config says how steps run in this process.
type Config struct {
	Store      *state.Store // shared by all steps of the process
	Workers    int          // of each step; 2, so that one works while another commits
	MaxRecords int          // of one transaction at the most; 20,000
	// CommitInterval is how long a transaction may go on taking in records; 100
	// ms. When no more are there it is committed at once.
	CommitInterval time.Duration
	Instance       string // names this process among those that share the work, stable over restarts
	Clock          func() time.Time
	Metrics        *Metrics
}

// maxStateAge is how old local state may be to be rolled forward. Older state
// may have missed a tombstone that compaction has removed since (the changelog
// keeps them for 24 hours), which would bring a deleted key back to life.
const maxStateAge = 20 * time.Hour

// Run runs a step until ctx ends or the step fails. Records, state and timers
// take effect exactly once; a crash at any point, of any process, changes
// nothing in the results.
func Run(ctx context.Context, b *bus.Bus, t Topology, cfg Config, log *slog.Logger) error {
	if cfg.Store == nil || cfg.Metrics == nil || cfg.Instance == "" {
		return fmt.Errorf("run step %q: Config needs Store, Metrics and Instance", t.Name)
	}
	if cfg.Workers == 0 {
		cfg.Workers = 2
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	id, err := b.Identity(ctx, bus.State(t.Name))
	if err != nil {
		return fmt.Errorf("run step %q: %w", t.Name, err)
	}
	if err := cfg.Store.Bind(t.Name, id[:]); err != nil {
		return fmt.Errorf("run step %q: %w", t.Name, err)
	}
	group, ctx := errgroup.WithContext(ctx)
	for i := range cfg.Workers {
		stage, err := t.Stage()
		if err != nil {
			return fmt.Errorf("make step %q: %w", t.Name, err)
		}
		w := &worker{step: t.Name, stage: stage, cfg: cfg, partitions: map[int32]*partition{}}
		w.scope = &scope{worker: w, value: make([]byte, 0, 512)}
		group.Go(func() error {
			defer w.Abort()
			return b.Transact(ctx, bus.Transaction{
				Group: t.Name, From: t.From, Changelog: bus.State(t.Name), MaxRecords: cfg.MaxRecords, Interval: cfg.CommitInterval,
				Member: cfg.Instance + "-" + strconv.Itoa(i),
			}, w)
		})
	}
	log.Info("step running", "step", t.Name, "workers", cfg.Workers)
	return group.Wait()
}

// worker is one worker's part of a step: it implements bus.Worker over the
// state store. The open batch is the overlay: reads see its changes over what is
// committed, and it reaches the store only in Commit.
type worker struct {
	step  string
	stage Stage
	cfg   Config
	batch *state.Batch
	now   time.Time
	scope *scope

	mu         sync.Mutex // partitions are taken over beside the loop
	partitions map[int32]*partition
}

// partition is one partition's state and what the open transaction changed in it.
type partition struct {
	number  int32
	state   *state.Partition
	changed map[string]int // state key -> its place in changes
	changes []change       // in the order of their first change
}

// change is the last change of a key; its bytes are the batch's. A nil value
// deletes.
type change struct{ key, value []byte }

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

func (w *worker) open() *state.Batch {
	if w.batch == nil {
		w.batch = w.cfg.Store.Batch()
	}
	return w.batch
}

// Position implements bus.Worker.
func (w *worker) Position(n int32) (int64, error) {
	offset, at, found, err := w.partition(n).state.Position()
	if err != nil || !found {
		return -1, err
	}
	if w.cfg.Clock().Sub(at) > maxStateAge {
		return -1, nil
	}
	return offset, nil
}

// Roll implements bus.Worker.
func (w *worker) Roll(n int32, records []bus.Record, next int64) error {
	b, p := w.cfg.Store.Batch(), w.partition(n)
	for i := range records {
		if _, _, err := b.Set(p.state, records[i].Key, records[i].Value); err != nil {
			return errors.Join(fmt.Errorf("roll state forward: %w", err), b.Close())
		}
	}
	if err := b.Reach(p.state, next, w.cfg.Clock()); err != nil {
		return errors.Join(fmt.Errorf("roll state forward: %w", err), b.Close())
	}
	return b.Commit()
}

// Reset implements bus.Worker.
func (w *worker) Reset(n int32) error { return w.partition(n).state.Reset() }

// Handle implements bus.Worker.
func (w *worker) Handle(tx *bus.Tx, records []bus.Record) error {
	m := w.cfg.Metrics.m
	began := w.tick()
	s := w.scope.enter(w.partition(records[0].Partition), tx)
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

// The kinds of state key: a stage's own, its timers by time, its timers by key.
const (
	kindOwn    = 'k'
	kindTimer  = 't'
	kindWaking = 'w'
)

// wakeLimit bounds the timers delivered in one transaction.
const wakeLimit = 2000

// Due implements bus.Worker. It looks at what is committed, not through a
// batch: no transaction is open, and state may be rolled forward meanwhile.
func (w *worker) Due(partitions []int32) bool {
	w.tick()
	for _, n := range partitions {
		due, err := w.partition(n).state.Any([]byte{kindTimer}, timerBound(w.now))
		if due || err != nil { // Wake meets the error again and reports it
			return true
		}
	}
	return false
}

// timerBound is the first timer key after now.
func timerBound(now time.Time) []byte {
	return binary.BigEndian.AppendUint64([]byte{kindTimer}, uint64(now.UnixMilli())+1)
}

// Wake implements bus.Worker.
func (w *worker) Wake(tx *bus.Tx, partitions []int32) error {
	w.tick()
	for _, n := range partitions {
		p := w.partition(n)
		var keys [][]byte
		err := w.open().Scan(p.state, []byte{kindTimer}, timerBound(w.now), func(key, _ []byte) (bool, error) {
			keys = append(keys, bytes.Clone(key[9:]))
			return len(keys) < wakeLimit, nil
		})
		if err != nil {
			return err
		}
		s := w.scope.enter(p, tx)
		for _, key := range keys {
			s.WakeAt(key, time.Time{})
			if err := s.call(func() error { return w.stage.Wake(s, key) }); err != nil {
				return fmt.Errorf("wake partition %d: %w", n, err)
			}
		}
		w.cfg.Metrics.m.timers.WithLabelValues(w.step).Add(float64(len(keys)))
	}
	return nil
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
	w.clean() // before the batch's bytes are another's
	return batch.Commit()
}

// Abort implements bus.Worker. The client may still be sending what the batch
// holds.
func (w *worker) Abort() {
	if w.batch != nil {
		_ = w.batch.Abandon() // nothing of it was wanted
		w.batch = nil
	}
	w.clean()
}

func (w *worker) clean() {
	for _, p := range w.all() {
		clear(p.changed)
		clear(p.changes)
		p.changes = p.changes[:0]
	}
}

// scope is what a stage sees of one transaction: it implements Tx. An error of
// the store is kept and ends the transaction, so that a stage cannot go on
// without having noticed.
type scope struct {
	worker    *worker
	partition *partition
	tx        *bus.Tx
	key       []byte
	value     []byte
	err       error
}

// enter makes the scope that of a partition.
func (s *scope) enter(p *partition, tx *bus.Tx) *scope {
	s.partition, s.tx, s.err = p, tx, nil
	return s
}

// call runs the stage; a panic is an error that stops the step, loudly.
func (s *scope) call(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("stage panicked: %v\n%s", r, debug.Stack())
		}
	}()
	if err := f(); err != nil {
		return err
	}
	return s.err
}

// Now implements Tx.
func (s *scope) Now() time.Time { return s.worker.now }

// Partition implements Tx.
func (s *scope) Partition() int32 { return s.partition.number }

func (s *scope) own(key []byte) []byte {
	s.key = append(append(s.key[:0], kindOwn), key...)
	return s.key
}

// Get implements Tx.
func (s *scope) Get(key []byte) ([]byte, error) {
	key = s.own(key)
	if i, ok := s.partition.changed[string(key)]; ok {
		return s.partition.changes[i].value, nil
	}
	value, found, err := s.partition.state.Get(s.value[:0], key)
	if err != nil || !found {
		return nil, err
	}
	s.value = value
	return value, nil
}

// Scan implements Tx.
func (s *scope) Scan(prefix []byte, visit func(key, value []byte) error) error {
	low := append([]byte{kindOwn}, prefix...)
	return s.worker.open().Scan(s.partition.state, low, successor(low), func(key, value []byte) (bool, error) {
		return true, visit(key[1:], value)
	})
}

// successor is the first key after all keys with the prefix.
func successor(prefix []byte) []byte {
	out := bytes.Clone(prefix)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i] != 0xFF {
			out[i]++
			return out[:i+1]
		}
	}
	return nil
}

// Put implements Tx.
func (s *scope) Put(key, value []byte) {
	if value == nil {
		value = []byte{}
	}
	s.set(s.own(key), value)
}

// Delete implements Tx.
func (s *scope) Delete(key []byte) { s.set(s.own(key), nil) }

func (s *scope) set(key, value []byte) {
	p := s.partition
	k, v, err := s.worker.open().Set(p.state, key, value)
	if err != nil {
		if s.err == nil {
			s.err = fmt.Errorf("change state: %w", err)
		}
		return
	}
	if value != nil && v == nil {
		v = []byte{}
	}
	if i, ok := p.changed[string(key)]; ok {
		p.changes[i].value = v
		return
	}
	p.changed[string(key)] = len(p.changes)
	p.changes = append(p.changes, change{k, v})
}

// Emit implements Tx.
func (s *scope) Emit(r bus.Record) { s.tx.Emit(r) }

// WakeAt implements Tx.
func (s *scope) WakeAt(key []byte, at time.Time) {
	waking := append([]byte{kindWaking}, key...)
	before, found, err := s.timer(waking)
	if err != nil {
		s.err = err
		return
	}
	if found {
		if !at.IsZero() && int64(binary.BigEndian.Uint64(before)) == at.UnixMilli() {
			return
		}
		s.set(timerKey(before, key), nil)
	}
	if at.IsZero() {
		if found {
			s.set(waking, nil)
		}
		return
	}
	when := binary.BigEndian.AppendUint64(nil, uint64(max(at.UnixMilli(), 0)))
	s.set(waking, when)
	s.set(timerKey(when, key), []byte{})
}

// timer returns the time for which a key's timer is set.
func (s *scope) timer(waking []byte) (when []byte, found bool, err error) {
	if i, ok := s.partition.changed[string(waking)]; ok {
		when = s.partition.changes[i].value
		return when, when != nil, nil
	}
	return s.partition.state.Get(nil, waking)
}

func timerKey(when, key []byte) []byte {
	k := make([]byte, 0, 1+len(when)+len(key))
	k = append(k, kindTimer)
	k = append(k, when...)
	return append(k, key...)
}
