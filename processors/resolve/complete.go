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
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// A rule that speaks of absence waits for the first complete copy of what it says is
// absent (see verification). That one has come is said by route behind the claims of
// each of its partitions; with those of all of them it is known here, for good: what is
// read again later, or by another source, leaves the copy before in place. Entities with
// a case that waits are entered in an index by dataset, which is gone through, a piece
// at a time beside other work, when the dataset is complete.

// completeFormat is the first byte of what is known of completions, timelessComplete that of
// builds which did not note under which catalogue it was said. awaitingEntry is the value of
// an entry of the index.
const (
	completeFormat   = 2
	timelessComplete = 1
	awaitingEntry    = 1
)

var errComplete = errors.New("stored completions cannot be read")

// partitions is in which partitions of a raw topic, of so many, the copy of a dataset is
// known to be complete.
type partitions struct {
	of    int
	seen  []byte // a bit each
	under string // the period of the catalogue under which that was last said, "" if not known
}

func (p partitions) all() bool {
	for i := range p.of {
		if p.seen[i/8]&(1<<(i%8)) == 0 {
			return false
		}
	}
	return true
}

// completions are what a stage knows of complete copies.
type completions struct {
	known  map[string]partitions // by dataset
	asked  bool                  // known is what this call's transaction has
	failed error                 // why it is not
	names  map[string]string     // shared by the stage
	cat    *schemas.Catalogue
	text   []byte // scratch
}

func newCompletions(names map[string]string, cat *schemas.Catalogue) *completions {
	return &completions{known: make(map[string]partitions), names: names, cat: cat}
}

// void reports whether a copy that was complete in a period is of before its dataset left
// the catalogue.
func (c *completions) void(dataset, period string) bool {
	_, err := c.cat.Dataset(dataset)
	return err != nil || c.cat.Lineage.Void(schemas.LinkName{Dataset: dataset}, period)
}

// prune forgets the copies of datasets that have left.
func (c *completions) prune(tx processors.Tx) error {
	if err := c.read(tx); err != nil {
		return err
	}
	n := len(c.known)
	maps.DeleteFunc(c.known, func(id string, p partitions) bool { return c.void(id, p.under) })
	if len(c.known) < n {
		c.keep(tx)
	}
	return nil
}

// forget has the next question ask its transaction.
func (c *completions) forget() { c.asked, c.failed = false, nil }

// read reads what is known, once in a call of the stage.
func (c *completions) read(tx processors.Tx) error {
	if c.asked {
		return nil
	}
	clear(c.known)
	stored, err := tx.Get([]byte{prefixComplete})
	if err != nil {
		return err
	}
	c.asked = true
	if stored == nil {
		return nil
	}
	if len(stored) == 0 || stored[0] != completeFormat && stored[0] != timelessComplete {
		return fmt.Errorf("parse completions: unknown format: %w", errComplete)
	}
	r := headReader{b: stored[1:], names: c.names}
	for len(r.b) > 0 && !r.bad {
		id := r.text()
		p := partitions{of: int(min(r.uvarint(), 1<<16))}
		p.seen = bytes.Clone(r.take((p.of + 7) / 8))
		if stored[0] == completeFormat {
			p.under = r.text()
		}
		c.known[id] = p
	}
	if r.bad {
		clear(c.known)
		return fmt.Errorf("parse completions: truncated: %w", errComplete)
	}
	return nil
}

// whole reports whether the first complete copy of a dataset has come. An error
// is kept and ends the transaction.
func (c *completions) whole(tx processors.Tx, dataset string) bool {
	if err := c.read(tx); err != nil {
		c.failed = err
		return true // whatever follows is thrown away
	}
	p, ok := c.known[dataset]
	return ok && p.all() && !c.void(dataset, p.under)
}

// add takes in that a partition's copy is complete, as was said in a period.
func (c *completions) add(tx processors.Tx, said contract.Completion, period string) error {
	if c.void(said.Dataset, period) {
		return nil
	}
	if err := c.read(tx); err != nil {
		return err
	}
	p, known := c.known[said.Dataset]
	known = known && !c.void(said.Dataset, p.under)
	if known && p.all() {
		return nil
	}
	if !known || p.of != said.Of {
		p = partitions{of: said.Of, seen: make([]byte, (said.Of+7)/8)}
	}
	if p.seen[said.Partition/8]&(1<<(said.Partition%8)) != 0 {
		return nil
	}
	p.seen[said.Partition/8] |= 1 << (said.Partition % 8)
	p.under = period
	c.known[said.Dataset] = p
	c.keep(tx)
	if p.all() {
		tx.WakeAt(awaitingTimer(said.Dataset), tx.Now())
	}
	return nil
}

func (c *completions) keep(tx processors.Tx) {
	out := append(c.text[:0], completeFormat)
	for _, id := range slices.Sorted(maps.Keys(c.known)) {
		out = binary.AppendUvarint(appendText(out, id), uint64(c.known[id].of))
		out = appendText(append(out, c.known[id].seen...), c.known[id].under)
	}
	c.text = out
	tx.Put([]byte{prefixComplete}, out)
}

// control takes a record that is no claim. One of a kind that nobody knows is told to
// quarantine like a claim that cannot be read.
func (s *stage) control(tx processors.Tx, r *bus.Record, said []byte) error {
	c, ok := contract.ParseCompletion(said)
	if !ok {
		return s.refuseControl(tx, r)
	}
	return s.completions.add(tx, c, string(r.Header(contract.Catalogue)))
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
			tx.Put(s.key, []byte{awaitingEntry})
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
