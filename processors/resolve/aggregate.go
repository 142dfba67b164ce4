package resolve

import (
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"

	"github.com/yiyuan-bus/yiyuan/bus/engine"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/condition"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
)

// aggregate counts or sums rows as they come and go.
type aggregate struct {
	name  string
	where func(*claim.Row) bool // nil: all rows
	sum   int                   // column, -1 to count
}

func (s *stage) compileAggregates(cat *schemas.Catalogue) error {
	h := xxhash.New()
	for i, a := range s.entity.Aggregates {
		d := s.datasets[a.Dataset]
		if d == nil {
			return fmt.Errorf("aggregate %q: dataset %q does not speak about %q: %w", a.Name, a.Dataset, s.entity.ID, schemas.ErrUnknown)
		}
		one := aggregate{name: a.Name, sum: -1}
		var err error
		if one.where, err = counted(cat, s.entity, d.Dataset, a.Where); err != nil {
			return err
		}
		if a.Sum != "" {
			if one.sum = d.Layout.Index(a.Sum); one.sum < 0 {
				return fmt.Errorf("aggregate %q: dataset %q has no field %q: %w", a.Name, a.Dataset, a.Sum, schemas.ErrUnknown)
			}
		}
		d.groups[a.Role] = append(d.groups[a.Role], i)
		s.aggregates = append(s.aggregates, one)
		_, _ = h.WriteString(schemas.JoinKey(a.Name, a.Dataset, a.Role, a.Where, a.Sum) + "\n") // a hash cannot fail
	}
	s.aggregated = h.Sum64()
	return nil
}

// counted compiles the condition by which a dataset's rows count, nil for "".
func counted(cat *schemas.Catalogue, e *schemas.Entity, d *schemas.Dataset, expression string) (func(*claim.Row) bool, error) {
	counts, err := condition.OnRow[*claim.Row](&cat.Calendar, d, expression)
	if wrong := (*condition.CompileError)(nil); errors.As(err, &wrong) {
		return nil, wrong.In(cat, schemas.Passage{File: e.File, Text: expression}, "数据集 "+d.ID+" 的 where", "where of dataset "+d.ID, nil)
	}
	return counts, err
}

// of returns what one row adds to the aggregate.
func (a *aggregate) of(r *claim.Row) int64 {
	if r == nil || r.Record().IsZero() || a.where != nil && !a.where(r) {
		return 0
	}
	if a.sum < 0 {
		return 1
	}
	return r.Value(a.sum).Int64()
}

// count takes an aggregated row's change into the head. old or row may be nil.
func (s *stage) count(d *dataset, role string, old, row *claim.Row) {
	for _, i := range d.groups[role] {
		a := &s.aggregates[i]
		if by := a.of(row) - a.of(old); by != 0 {
			s.subject.head.sums[i] += by
			s.dirty.Aggregate(a.name)
		}
	}
	switch {
	case old == nil && row != nil:
		s.subject.head.counted++
	case old != nil && row == nil:
		s.subject.head.counted--
	}
}

// recount computes all aggregates from the stored rows: their definitions are
// not those under which they were kept.
func (s *stage) recount(tx processors.Tx, entity string) error {
	h := &s.subject.head
	clear(h.sums)
	s.subject.unread = s.subject.unread[:0]
	h.counted = 0
	prefix := appendEntity(nil, prefixAggregated, entity)
	return tx.Scan(prefix, func(key, value []byte) error {
		id, role, row, err := claim.SplitKey(string(key[len(prefix):]))
		if err != nil {
			return err
		}
		d := s.datasets[id]
		if d == nil {
			return nil // the dataset is no longer in the catalogue
		}
		r, err := s.stored(d, role, row, value)
		if err != nil {
			return err
		}
		for _, i := range d.groups[role] {
			h.sums[i] += s.aggregates[i].of(r)
		}
		h.counted++
		switch err := r.Err(); {
		case err == nil:
		case permanent(err):
			s.subject.unread = append(s.subject.unread, rowName{id, schemas.JoinKey(role, row)})
		default:
			return fmt.Errorf("read row: %w: %w", engine.ErrLater, err)
		}
		return nil
	})
}

// recounted recounts the aggregates of the entity in hand; one over which the program
// fails, or of which rows cannot be read, is to be put aside, and to be recounted when
// it is tried again.
func (s *stage) recounted(tx processors.Tx) error {
	err := guarded(func() error { return s.recount(tx, s.subject.key) })
	var crashed *crash.Error
	if errors.As(err, &crashed) {
		s.subject.crashed, s.subject.head.defined = crashed, ^s.aggregated
		return nil
	}
	if s.subject.head.defined = s.aggregated; len(s.subject.unread) > 0 {
		s.subject.head.defined = ^s.aggregated
	}
	return err
}
