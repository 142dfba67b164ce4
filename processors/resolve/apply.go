package resolve

import (
	"errors"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/engine"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
)

// take takes in one claim, or sends it to quarantine if the program fails over it.
func (s *stage) take(tx processors.Tx, r *bus.Record) error {
	h := &s.subject.head
	counted := h.counted
	s.sums = append(s.sums[:0], h.sums...)
	err := guarded(func() error { return s.apply(tx, r) })
	var crashed *crash.Error
	if !errors.As(err, &crashed) {
		return err
	}
	h.counted = counted
	copy(h.sums, s.sums)
	return s.quarantine(tx, contract.Rejection{
		Reason: contract.ReasonInternal, Detail: faultAt("处理失败", "the step failed on this claim", crashed),
		Source: string(r.Topic), At: r.Time, Locator: fmt.Sprintf("%s/%d@%d", r.Topic, r.Partition, r.Offset),
	})
}

// apply takes one claim into state and dossier.
func (s *stage) apply(tx processors.Tx, r *bus.Record) error {
	rec, err := s.claims.DecodeInto(s.ctx, r.Value, &s.slab)
	if err != nil {
		return s.refuse(tx, r, "", err)
	}
	c, err := claim.Parse(rec)
	if err != nil {
		return s.refuse(tx, r, "", fmt.Errorf("%w: %w", codec.ErrMalformed, err))
	}
	d := s.datasets[c.Dataset]
	if d == nil && c.Retract {
		return s.drop(tx, &c)
	}
	if d == nil {
		return s.refuse(tx, r, c.Dataset, codec.ErrUnknownSchema)
	}
	kind := byte(prefixDossier)
	if d.groups[c.Role] != nil {
		kind = prefixAggregated
	}
	s.key = claim.AppendKey(appendEntity(s.key[:0], kind, s.subject.key), c.Dataset, c.Role, c.Row)
	old, err := s.last(tx, d, kind, &c)
	if err != nil {
		return err
	}
	if old != nil && old.Supersedes(c.Source, c.Sequence) {
		return nil // older than what is known
	}
	var row *claim.Row
	if !c.Retract {
		content, err := claim.Read(s.ctx, d.Dataset, d.reader, c.Row, c.Value, &s.slab)
		if err != nil {
			return s.refuse(tx, r, c.Dataset, err)
		}
		row = claim.NewRow(c, d.Dataset, content)
	} else if old == nil {
		return nil
	}
	s.touch(d, kind, &c, old, row)
	if c.Retract {
		tx.Delete(s.key)
	} else {
		s.text = claim.AppendStored(s.text[:0], c)
		tx.Put(s.key, s.text)
	}
	if kind == prefixAggregated && old != nil && old.Err() != nil {
		return s.recounted(tx) // what the old row added cannot be taken back by reading it
	}
	return nil
}

// last returns what is known of a claim's row, nil if nothing is.
func (s *stage) last(tx processors.Tx, d *dataset, kind byte, c *claim.Claim) (*claim.Row, error) {
	if kind == prefixDossier {
		return s.subject.dossier.Find(c.Dataset, c.Role, c.Row), nil
	}
	stored, err := tx.Get(s.key)
	if err != nil || stored == nil {
		return nil, err
	}
	r, err := s.stored(d, c.Role, c.Row, stored)
	if err != nil {
		return nil, err
	}
	if r.Record(); r.Err() != nil && !permanent(r.Err()) {
		return nil, fmt.Errorf("read row: %w: %w", engine.ErrLater, r.Err())
	}
	return r, nil
}

// touch takes a row's change into the dossier and marks what depends on it.
func (s *stage) touch(d *dataset, kind byte, c *claim.Claim, old, row *claim.Row) {
	s.subject.changed = true
	switch {
	case kind == prefixAggregated:
		s.count(d, c.Role, old, row)
		return
	case row == nil:
		s.subject.dossier.Remove(c.Dataset, c.Role, c.Row)
	default:
		s.subject.dossier.Put(row)
	}
	s.dirty.Claim(c.Dataset, c.Role)
	if t := s.subject.head.table; t >= 0 && s.tables[t].Reads(c.Dataset, c.Role) {
		s.subject.golden = true
	}
	if s.publisher.embeds(c.Dataset, c.Role) {
		s.subject.embeds = true
	}
}
