package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// aborting is how long an end may take of what is lost anyway.
const aborting = 2 * time.Second

// Tx is one open transaction.
type Tx struct {
	engine    *Engine
	session   *kgo.GroupTransactSession
	topics    *kafka.Written
	changelog string
	keep      context.Context //nolint:containedctx // of the producer's calls, which only the transaction's own end may cut short
	out       int
	bytes     int // read and emitted
	slab      []kgo.Record
	stamp     kafka.Stamp

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
func (tx *Tx) Emit(r kafka.Record) {
	if r.Partition == kafka.Everywhere {
		tx.emitEverywhere(r)
		return
	}
	tx.out++
	tx.bytes += len(r.Key) + len(r.Value)
	k := tx.record()
	tx.engine.link.Fill(k, &r, &tx.stamp)
	tx.note(k.Topic)
	tx.session.Produce(tx.keep, k, tx.emitted)
}

// emitEverywhere asks how many partitions there are, which may have been raised since
// the last time.
func (tx *Tx) emitEverywhere(r kafka.Record) {
	n, err := tx.engine.admin.Partitions(tx.keep, r.Topic)
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
	tx.topics.Note(topic)
	tx.met = tx.met || topic == tx.awaited
}

func (tx *Tx) emitted(r *kgo.Record, err error) {
	if err == nil {
		return
	}
	t := tx.engine.link.Topic(r.Topic)
	if errors.Is(err, kerr.MessageTooLarge) && unsendable(r) {
		err = &StepError{fmt.Errorf("%q: %w", t, kafka.ProduceError(err))} // it would be no smaller next time, wherever it goes
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
	return size > kafka.RecordBytes
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
		err = tx.engine.link.Refusal(tx.of, kafka.ProduceError(err))
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
	return tx.engine.link.Explain(tx.of, err)
}
