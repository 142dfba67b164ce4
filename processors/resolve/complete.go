package resolve

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// A rule that speaks of absence waits for the first complete copy of what it says is
// absent (see verification). That one has come is said by route behind the claims of
// each of its partitions; with those of all of them it is known here, for good: what is
// read again later, or by another source, leaves the copy before in place. Entities with
// a case that waits are entered in an index by dataset, which is gone through, a piece
// at a time beside other work, when the dataset is complete.

const (
	prefixComplete = 'm' // what is known of completions; the whole key
	prefixAwaiting = 'q' // a dataset, NUL and an entity of which a case waits for it
)

// completeFormat is the first byte of what is known of completions, and the value of an
// entry of the index.
const completeFormat = 1

// awaitingPiece is of how many entities the cases are evaluated in one call.
const awaitingPiece = 128

var errComplete = errors.New("stored completions cannot be read")

// errEnough ends a scan.
var errEnough = errors.New("enough")

// partitions is in which partitions of a raw topic, of so many, the copy of a dataset is
// known to be complete.
type partitions struct {
	of   int
	seen []byte // a bit each
}

func (p partitions) all() bool {
	for i := range p.of {
		if p.seen[i/8]&(1<<(i%8)) == 0 {
			return false
		}
	}
	return true
}

// isControl reports whether a state key, or a timer's, is about no entity.
func isControl(key []byte, timer bool) bool {
	return timer && len(key) > 0 && key[0] == 0 || !timer && len(key) == 1 && key[0] == prefixComplete
}

// completions reads what is known of completions, once in a call of the stage.
func (s *stage) completions(tx processors.Tx) error {
	if s.asked {
		return nil
	}
	clear(s.complete)
	stored, err := tx.Get([]byte{prefixComplete})
	if err != nil {
		return err
	}
	s.asked = true
	if stored == nil {
		return nil
	}
	if len(stored) == 0 || stored[0] != completeFormat {
		return fmt.Errorf("parse completions: unknown format: %w", errComplete)
	}
	r := headReader{b: stored[1:], names: s.names}
	for len(r.b) > 0 && !r.bad {
		id := r.text()
		p := partitions{of: int(min(r.uvarint(), 1<<16))}
		p.seen = bytes.Clone(r.take((p.of + 7) / 8))
		s.complete[id] = p
	}
	if r.bad {
		clear(s.complete)
		return fmt.Errorf("parse completions: truncated: %w", errComplete)
	}
	return nil
}

// isComplete reports whether the first complete copy of a dataset has come. An error
// is kept and ends the transaction.
func (s *stage) isComplete(tx processors.Tx, dataset string) bool {
	if err := s.completions(tx); err != nil {
		s.failed = err
		return true // whatever follows is thrown away
	}
	p, ok := s.complete[dataset]
	return ok && p.all()
}

// control takes a record that is no claim. One of a kind that nobody knows is told to
// quarantine like a claim that cannot be read.
func (s *stage) control(tx processors.Tx, r *bus.Record, said []byte) error {
	c, ok := contract.ParseCompletion(said)
	if !ok {
		return s.refuseControl(tx, r)
	}
	if err := s.completions(tx); err != nil {
		return err
	}
	p, known := s.complete[c.Dataset]
	if known && p.all() {
		return nil
	}
	if !known || p.of != c.Of {
		p = partitions{c.Of, make([]byte, (c.Of+7)/8)}
	}
	if p.seen[c.Partition/8]&(1<<(c.Partition%8)) != 0 {
		return nil
	}
	p.seen[c.Partition/8] |= 1 << (c.Partition % 8)
	s.complete[c.Dataset] = p
	s.keepCompletions(tx)
	if p.all() {
		tx.WakeAt(awaitingTimer(c.Dataset), tx.Now())
	}
	return nil
}

func (s *stage) refuseControl(tx processors.Tx, r *bus.Record) error {
	return s.quarantine(tx, contract.Rejection{
		Reason: contract.ReasonUnreadable, Detail: "消息头 ctl 不是本版本认识的控制记录 / header ctl is no control record that this build knows",
		Source: string(r.Topic), At: r.Time, Locator: fmt.Sprintf("%s/%d@%d", r.Topic, r.Partition, r.Offset),
	})
}

func (s *stage) keepCompletions(tx processors.Tx) {
	out := append(s.buffer[:0], completeFormat)
	for _, id := range slices.Sorted(maps.Keys(s.complete)) {
		out = binary.AppendUvarint(appendText(out, id), uint64(s.complete[id].of))
		out = append(out, s.complete[id].seen...)
	}
	s.buffer = out
	tx.Put([]byte{prefixComplete}, out)
}

// awaitingTimer is the key of the timer that goes through the index of a dataset.
func awaitingTimer(dataset string) []byte { return append([]byte{0}, dataset...) }

func appendAwaiting(dst []byte, dataset string) []byte {
	return append(append(append(dst, prefixAwaiting), dataset...), 0)
}

// await enters the entity in hand under the datasets its cases wait for.
func (s *stage) await(tx processors.Tx, datasets []string) error {
	for _, id := range datasets {
		s.key = append(appendAwaiting(s.key[:0], id), s.subject.key...)
		entered, err := tx.Get(s.key)
		if err != nil {
			return err
		}
		if entered == nil {
			tx.Put(s.key, []byte{completeFormat})
		}
	}
	return nil
}

// unawait takes an entity that is forgotten off the index.
func (s *stage) unawait(tx processors.Tx) error {
	for _, id := range s.awaitable {
		s.key = append(appendAwaiting(s.key[:0], id), s.subject.key...)
		entered, err := tx.Get(s.key)
		if err != nil {
			return err
		}
		if entered != nil {
			tx.Delete(s.key)
		}
	}
	return nil
}

// settleAwaiting evaluates the cases that waited for a dataset, of some entities, and
// comes back for the others.
func (s *stage) settleAwaiting(tx processors.Tx, dataset string) error {
	prefix := appendAwaiting(nil, dataset)
	var entities []string
	err := tx.Scan(prefix, func(key, _ []byte) error {
		entities = append(entities, string(key[len(prefix):]))
		if len(entities) == awaitingPiece {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	for _, entity := range entities {
		tx.Delete(append(appendAwaiting(nil, dataset), entity...))
		if err := s.open(tx, entity); err != nil {
			return err
		}
		if !s.subject.head.known {
			continue
		}
		s.subject.at = tx.Now()
		s.dirty.Complete(dataset)
		if err := s.conclude(tx); err != nil {
			return err
		}
	}
	if err != nil { // there are more
		tx.WakeAt(awaitingTimer(dataset), tx.Now())
	}
	return nil
}
