package route

import (
	"bytes"
	"errors"
	"time"

	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

func (s *stage) upsert(tx processors.Tx, c *change, last image, known bool) error {
	next := image{live: true, source: c.source, sequence: c.sequence, version: last.version, at: c.Time.UnixMilli(), edition: s.edition, row: c.Value}
	next.former = last.formers(c)
	how := taking{known: known, stale: last.stale() && last.refused.outlives(c)}
	how.missed = last.stale() && !how.stale && string(last.refused.source) == string(c.source)
	how.prior, how.joins = last.succeed(c, &next)
	return s.put(tx, c, last, next, how)
}

// taking is how a row is taken.
type taking struct {
	known bool   // something was known of its key
	prior []byte // the row's own last content; last's is that of the row in front
	joins bool   // it came beside another row of its key
	stale bool   // a newer version of it was refused
	// missed says that the version before this one was refused: what this one leaves out as
	// unchanged is as that had it, which nobody here knows.
	missed bool
}

// put takes a row: next comes in last's place.
func (s *stage) put(tx processors.Tx, c *change, last, next image, how taking) error {
	known := how.known
	current := known && last.live && bytes.Equal(last.edition, s.edition)
	if current && len(c.Header(contract.Unavailable)) == 0 && bytes.Equal(last.row, c.Value) {
		return s.same(tx, c, last, next, how)
	}
	row, old, err := s.prepare(c, last, &next, how)
	if err != nil {
		return err
	}
	if current && row.Equal(old) {
		return s.same(tx, c, last, next, how)
	}
	next.version = last.next(c.Offset)
	s.out = s.out[:0]
	if last.live && old.IsZero() {
		if err := s.lost(c, last); err != nil {
			return err
		}
	}
	if !current && last.live && processors.SameCatalogue(last.edition, s.edition) && row.Equal(old) {
		next.row = last.row // nothing new but its tokens
	} else if err := s.claims(c, row, old, last, next); err != nil {
		return err
	}
	if err := s.show(c, row, old, last, next); err != nil {
		return err
	}
	if err := s.close(c, last, &next, how); err != nil {
		return err
	}
	s.store(tx, next)
	if known && !last.live {
		tx.WakeAt(s.key, time.Time{})
	}
	s.flush(tx)
	return nil
}

// same takes a row that says what it said before.
func (s *stage) same(tx processors.Tx, c *change, last, next image, how taking) error {
	next.row = last.row
	s.out = s.out[:0]
	if err := s.close(c, last, &next, how); err != nil {
		return err
	}
	s.store(tx, next)
	s.flush(tx)
	return nil
}

// close adds to s.out what taking a row says of its key as a whole.
func (s *stage) close(c *change, last image, next *image, how taking) error {
	if how.joins {
		if err := s.duplicate(c, last); err != nil {
			return err
		}
	}
	return s.settle(c, last, next, how.stale)
}

// prepare decodes and accepts the row and decodes the last one. What was not sent is taken
// of the row's own last content.
func (s *stage) prepare(c *change, last image, next *image, how taking) (row, old schemas.Record, err error) {
	if last.live {
		if old, err = s.decode(c.dataset, c.Key, last.row); err != nil {
			if !errors.As(err, new(*reject)) {
				return row, old, err
			}
			old = schemas.Record{} // an image of a schema that no longer fits: as if it were new
		}
	}
	if !old.IsZero() && bytes.Equal(c.Value, last.row) {
		row = old
	} else if row, err = s.incoming(c.dataset, c.Value); err != nil {
		return row, old, err
	}
	from := old
	if !bytes.Equal(how.prior, last.row) {
		if from, err = s.before(c, how.prior); err != nil {
			return row, old, err
		}
	}
	row, changed, err := c.dataset.accept(&s.slab, c, row, from, how.missed)
	if err != nil || !changed {
		return row, old, err
	}
	s.buffer, err = c.dataset.writer.Append(s.buffer[:0], row)
	if err != nil {
		return row, old, &reject{reason: contract.ReasonInvalid, detail: "规范化后的行无法写出 / the normalised row cannot be written"}
	}
	next.row = s.arena.Copy(s.buffer)
	return row, old, nil
}

// before decodes what a row beside the one in front was; it is zero if that is not known.
func (s *stage) before(c *change, prior []byte) (schemas.Record, error) {
	if len(prior) == 0 {
		return schemas.Record{}, nil
	}
	rec, err := s.decode(c.dataset, c.Key, prior)
	if errors.As(err, new(*reject)) {
		return schemas.Record{}, nil
	}
	return rec, err
}
