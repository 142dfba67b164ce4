package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Transaction says what one worker of a step reads and how it commits.
type Transaction struct {
	Group     string           // the step's name: consumer group and transactional id, prefixed
	From      []contract.Topic // inputs, all with the same partition count
	Changelog contract.Topic   // the step's state, same partition count
	// Member names this worker among all workers of the group, stable over
	// restarts: "host-0". It fences its elder self.
	Member     string
	MaxRecords int           // records of one transaction at the most; 20,000
	MaxBytes   int           // of keys and values read and emitted in one transaction, give or take a poll; 16 MiB
	Interval   time.Duration // how long a transaction may go on taking in records; 100 ms
	IdlePoll   time.Duration // how long to wait for records before looking at timers; 500 ms
}

func (t Transaction) withDefaults() Transaction {
	if t.MaxRecords == 0 {
		t.MaxRecords = 20_000
	}
	if t.MaxBytes == 0 {
		t.MaxBytes = 16 << 20
	}
	if t.Interval == 0 {
		t.Interval = 100 * time.Millisecond
	}
	if t.IdlePoll == 0 {
		t.IdlePoll = 500 * time.Millisecond
	}
	return t
}

// Worker is what Transact drives: a step's state and logic for the partitions
// it holds. Handle, Wake, Due, Seal, Commit and Abort are called from one
// goroutine, so that nothing of one transaction runs beside anything of
// another. Position, Roll and Reset are called from others, while other
// partitions are being worked on, and only for a partition that is being taken
// over: it is handed to the first when that is done. Roll may be called for
// several partitions at a time.
type Worker interface {
	// Position begins to take a partition over: whoever else in this process
	// still works on its local state may not change it any more. It returns the
	// changelog offset up to which the state has been built; negative if it must
	// be built from the start.
	Position(partition int32) (int64, error)
	// Roll applies committed changelog records; next is the offset after them.
	// With last the state must be whole, before it may be kept back.
	Roll(partition int32, records []Record, next int64, last bool) error
	// Release says that no partition is the worker's any more.
	Release()
	// Reset forgets a partition's local state.
	Reset(partition int32) error
	// Handle processes committed records of one partition of one topic. The
	// slice is used again after it returns. With ErrLater that topic waits and is
	// tried again, while the others go on.
	Handle(tx *Tx, records []Record) error
	// Wake runs what is due on the partitions held.
	Wake(tx *Tx, partitions []int32) error
	// Due reports whether Wake has anything to do.
	Due(partitions []int32) bool
	// Seal writes the state's changes to the changelog, by tx.Log.
	Seal(tx *Tx) error
	// Commit makes the state's changes durable once the transaction is
	// committed; next is the changelog offset after what each partition logged.
	// ErrHandedOver says that it did not, because a partition is another worker's
	// by now: the changelog has the changes.
	Commit(next map[int32]int64) error
	// Abort drops the state's changes.
	Abort()
}

// ErrHandedOver says that a partition's local state is another worker's by now.
var ErrHandedOver = errors.New("partition was handed over")

// ErrLater says that records cannot be processed yet: what is needed for it
// cannot be reached at the moment.
var ErrLater = errors.New("暂时无法处理 / cannot be processed yet")

// Tx is one open transaction.
type Tx struct {
	bus       *Bus
	session   *kgo.GroupTransactSession
	topics    *written
	changelog string
	keep      context.Context //nolint:containedctx // of the producer's calls, which only the transaction's own end may cut short
	out       int
	bytes     int // read and emitted
	slab      []kgo.Record
	stamp     stamp

	awaited string // the topic that refused before, "" = none did
	met     bool   // a record for it is among what was emitted

	mu   sync.Mutex
	err  error
	of   contract.Topic // whose record err is about
	next map[int32]int64
}

// record returns room for a record, many of which are made at once.
func (tx *Tx) record() *kgo.Record {
	if len(tx.slab) == 0 {
		tx.slab = make([]kgo.Record, 64)
	}
	r := &tx.slab[0]
	tx.slab = tx.slab[1:]
	return r
}

// Emit writes a record as part of the transaction. Its bytes must not be
// changed before the transaction has ended.
func (tx *Tx) Emit(r Record) {
	if r.Partition == Everywhere {
		tx.emitEverywhere(r)
		return
	}
	tx.out++
	tx.bytes += len(r.Key) + len(r.Value)
	k := tx.record()
	tx.bus.fill(k, &r, &tx.stamp)
	tx.note(k.Topic)
	tx.session.Produce(tx.keep, k, tx.emitted)
}

// emitEverywhere asks how many partitions there are, which may have been raised since
// the last time.
func (tx *Tx) emitEverywhere(r Record) {
	n, err := tx.bus.Partitions(tx.keep, r.Topic)
	if err != nil {
		tx.refused(r.Topic, err)
		return
	}
	for r.Partition = range int32(n) {
		tx.Emit(r)
	}
}

// Log writes one change of a partition's state; a nil value deletes.
func (tx *Tx) Log(partition int32, key, value []byte) {
	k := tx.record()
	k.Topic, k.Partition, k.Key, k.Value = tx.changelog, partition, key, value
	tx.note(k.Topic)
	tx.session.Produce(tx.keep, k, tx.logged)
}

func (tx *Tx) note(topic string) {
	tx.topics.note(topic)
	tx.met = tx.met || topic == tx.awaited
}

func (tx *Tx) emitted(r *kgo.Record, err error) {
	if err == nil {
		return
	}
	t := tx.bus.topic(r.Topic)
	if errors.Is(err, kerr.MessageTooLarge) && unsendable(r) {
		err = &StepError{fmt.Errorf("%q: %w", t, produceError(err))} // it would be no smaller next time, wherever it goes
	}
	tx.refused(t, err)
}

func (tx *Tx) refused(t contract.Topic, err error) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if tx.err == nil {
		tx.err, tx.of = err, t
	}
}

// unsendable reports that a record is larger than any that we send, whatever its topic
// takes. The last hundred bytes are what a record and its batch cost beside themselves.
func unsendable(r *kgo.Record) bool {
	size := len(r.Key) + len(r.Value) + 100
	for _, h := range r.Headers {
		size += len(h.Key) + len(h.Value) + 10
	}
	return size > recordBytes
}

func (tx *Tx) logged(r *kgo.Record, err error) {
	if err != nil {
		tx.emitted(r, err)
		return
	}
	tx.mu.Lock()
	tx.next[r.Partition] = max(tx.next[r.Partition], r.Offset+1)
	tx.mu.Unlock()
}

// failed returns the first error of a record; to be asked after a flush.
func (tx *Tx) failed() error {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if tx.err == nil {
		return nil
	}
	err := tx.err
	if step := (*StepError)(nil); !errors.As(err, &step) {
		err = tx.bus.refusal(tx.of, produceError(err))
	}
	return fmt.Errorf("write a record: %w", err)
}

// unsent says which topic has not taken what was emitted, where Kafka has not told: the
// client gives back what it still holds, and the transaction is lost.
func (tx *Tx) unsent(ctx context.Context, err error) error {
	giving, cancel := context.WithTimeout(context.WithoutCancel(ctx), aborting)
	defer cancel()
	_ = tx.session.Client().AbortBufferedRecords(giving) // what it does not give back in time stays nameless
	tx.mu.Lock()
	defer tx.mu.Unlock()
	return tx.bus.explain(tx.of, err)
}

// StepError is an error of a worker's own: not Kafka's, so a new session does
// not mend it and the step stops.
type StepError struct{ Err error }

func (e *StepError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *StepError) Unwrap() error { return e.Err }

// Transact runs one worker exactly once until ctx ends: the records it reads,
// the records it emits and its state changes take effect together or not at
// all. It returns only ctx's error or a *StepError; whatever Kafka says
// otherwise, it drops the open work, closes the client, and goes on with a new
// one: what Kafka refuses to take, for a setting of a topic or a right that is
// missing, holds this worker up until somebody has mended it, and is told.
func (b *Bus) Transact(ctx context.Context, cfg Transaction, w Worker) error {
	cfg = cfg.withDefaults()
	if err := b.copartitioned(ctx, cfg); err != nil {
		return &StepError{err}
	}
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval, retry.MaxInterval = 100*time.Millisecond, 5*time.Second
	still := &standing{bus: b, cfg: cfg}
	defer func() { still.over(time.Now()) }()
	for {
		began := time.Now()
		err := b.session(ctx, cfg, w, still)
		w.Abort()
		w.Release()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var step *StepError
		if errors.As(err, &step) {
			return err
		}
		if time.Since(began) > time.Minute {
			retry.Reset()
		}
		b.metrics.commits.WithLabelValues(cfg.Group, "lost").Inc()
		if !still.refused(err, time.Now()) {
			b.log.Warn("session lost, opening a new one", "group", cfg.Group, "member", cfg.Member, "error", err)
		}
		if err := pause(ctx, retry.NextBackOff()); err != nil {
			return err
		}
	}
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

// copartitioned refuses inputs that would put one key's records and state on
// different workers.
func (b *Bus) copartitioned(ctx context.Context, cfg Transaction) error {
	want, err := b.Partitions(ctx, cfg.Changelog)
	if err != nil {
		return err
	}
	for _, t := range cfg.From {
		n, err := b.Partitions(ctx, t)
		if err != nil {
			return err
		}
		if n != want {
			return fmt.Errorf("步骤 %q 的输入 %q 有 %d 个分区,状态 %q 有 %d 个,必须一样 / input %q of step %q has %d partitions, its state %q has %d, they must agree: %w",
				cfg.Group, t, n, cfg.Changelog, want, t, cfg.Group, n, cfg.Changelog, want, ErrConfig)
		}
	}
	return nil
}
