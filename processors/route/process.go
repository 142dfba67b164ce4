package route

import (
	"errors"
	"fmt"
	"slices"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
)

// Process implements processors.Stage.
func (s *stage) Process(tx processors.Tx, batch []bus.Record) error {
	for i := range batch {
		r := &batch[i]
		d := s.datasets[r.Topic]
		if d == nil {
			return fmt.Errorf("route record of topic %q: not one of the step's", r.Topic)
		}
		if r.Taken.Before(d.since) && !r.Taken.IsZero() {
			continue // of before the dataset came back
		}
		if said := r.Header(contract.ControlHeader); said != nil {
			if err := s.control(tx, d, r, said); err != nil {
				return err
			}
			continue
		}
		c, err := d.read(r)
		c.today = schemas.DayNumber(tx.Now())
		switch {
		case err != nil:
		case c.op == schemas.Refused:
			if err = c.rowOf(); err == nil {
				err = s.outdate(tx, &c)
			}
		default:
			err = s.take(tx, &c)
		}
		var why *reject
		if !errors.As(err, &why) {
			if err != nil {
				return err
			}
			continue
		}
		known := !why.unnamed && !slices.Contains(d.Key, why.field) && c.source != nil && whole(d, c.Key)
		if err := s.refuse(tx, &c, why, known); err != nil {
			return err
		}
		if !known {
			continue // nobody knows of which row it was
		}
		if err := s.outdate(tx, &c); err != nil {
			return err
		}
	}
	return nil
}

// Wake implements processors.Stage: the time to remember a deletion is over, or the
// rows before a completion may have been renewed.
func (s *stage) Wake(tx processors.Tx, key []byte) error {
	if isCompletion(key) {
		return s.wakeCompletion(tx, key)
	}
	stored, err := tx.Get(key)
	if err != nil || stored == nil {
		return err
	}
	m, err := parseImage(stored)
	if err != nil {
		return err
	}
	if !m.live && !m.refused.open {
		tx.Delete(key)
	}
	return nil
}

// take takes one change. A *reject leaves no trace in state or output. What goes
// wrong inside is this record's fault alone: nothing is stored or emitted before
// all of it is made.
func (s *stage) take(tx processors.Tx, c *change) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = s.panicked(crash.Of(p))
		}
	}()
	s.slab.Reset()
	if c.op == schemas.Truncate {
		return s.truncate(tx, c)
	}
	s.key = append(append(s.key[:0], c.dataset.prefix...), c.Key...)
	last, known, err := s.current(tx, c)
	if err != nil {
		return err
	}
	if known && last.late(c) {
		return nil // a duplicate, or older than what is known
	}
	if c.op == schemas.Delete {
		return s.delete(tx, c, last)
	}
	return s.upsert(tx, c, last, known)
}
