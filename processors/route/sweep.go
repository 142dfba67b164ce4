package route

import (
	"bytes"
	"errors"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
)

// Generation implements processors.Renewer: what a row says depends on the
// catalogue and on the key of tokens.
func (s *stage) Generation(time.Time) []byte { return s.generation }

// Renewable implements processors.Renewer: all that is kept is images and, behind
// those of each dataset, that it is complete.
func (s *stage) Renewable() []byte { return nil }

// Renew implements processors.Renewer: a row last emitted under another catalogue
// says everything again under this one, views with the masks of now above all, with
// the time of its last change; under another key, the views with tokens. A row that
// this catalogue would not accept stays as it is, until its source sends it again; one of
// a dataset that has left expires.
func (s *stage) Renew(tx processors.Tx, key []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			_ = crash.Of(p) // counted; the row stays as it is; the next that its source sends is told to quarantine
			clear(s.out)
			s.out, err = s.out[:0], nil
		}
	}()
	if isCompletion(key) {
		return s.renewCompletion(tx, key)
	}
	s.slab.Reset()
	s.key = append(s.key[:0], key...)
	last, known, err := s.load(tx)
	if err != nil || !known || !last.live && !last.refused.open {
		return err
	}
	id, row, _ := bytes.Cut(s.key, []byte{0})
	d := s.of(string(id))
	if !d.lost && bytes.Equal(last.edition, s.edition) {
		return nil
	}
	at := time.UnixMilli(last.at).UTC()
	if last.at == 0 {
		at = tx.Now()
	}
	c := change{
		today:   schemas.DayNumber(tx.Now()),
		Record:  &bus.Record{Topic: contract.Raw(string(id)), Key: bytes.Clone(row), Value: last.row, Time: at},
		dataset: d, op: schemas.Snapshot, source: last.source, sequence: last.sequence, sweeps: true,
	}
	next := last
	next.version, next.edition = last.version+1, s.edition
	if s.void(d, last.edition) {
		return s.expire(tx, &c, last)
	}
	err = s.again(&c, last, &next)
	if why := new(reject); errors.As(err, &why) {
		s.out = s.out[:0]
		if why.reason == contract.ReasonSchema {
			if err := s.lost(&c, last); err != nil {
				return err
			}
			s.flush(tx)
		}
		return nil
	}
	if err != nil {
		return err
	}
	s.store(tx, next)
	s.flush(tx)
	return nil
}

// again adds to s.out what a row says under the catalogue and key of now. One of
// which nothing stands says only that what its source sent was refused.
func (s *stage) again(c *change, last image, next *image) error {
	s.out = s.out[:0]
	if last.live {
		content, old, err := s.prepare(c, last, next, taking{prior: last.row})
		if err != nil {
			return err
		}
		if !processors.SameCatalogue(last.edition, s.edition) {
			if err := s.claims(c, content, old, last, *next); err != nil {
				return err
			}
		}
		if err := s.show(c, content, old, last, *next); err != nil {
			return err
		}
	}
	if last.refused.open && !processors.SameCatalogue(last.edition, s.edition) {
		return s.mark(c, last, last.refused) // it may speak about others now
	}
	return nil
}
