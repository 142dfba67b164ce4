package route

import (
	"bytes"
	"cmp"
	"errors"
	"slices"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// delete retracts all that the row said and remembers that it is gone.
func (s *stage) delete(tx processors.Tx, c *change, last image) error {
	if done, err := s.leave(tx, c, last); done || err != nil {
		return err
	}
	if done, err := s.remove(tx, c, last); done || err != nil {
		return err
	}
	var next image
	stale := last.stale() && last.refused.outlives(c)
	if stale {
		next.named, next.own = last.named, last.own
	}
	if c.named && last.heard(c) {
		next.more = last.more
	}
	return s.vanish(tx, c, last, next, stale)
}

// leave takes the deletion of a row by a source when another has said the row since, unless
// the department means the row whoever said it. done is false where that is not so.
func (s *stage) leave(tx processors.Tx, c *change, last image) (done bool, err error) {
	at := last.formerly(c)
	if !last.live || at < 0 || c.outright {
		return false, nil
	}
	next := last
	next.former = slices.Clone(last.former)
	next.former[at].sequence = c.sequence // the same said again is late
	s.out = s.out[:0]
	if last.refused.open && string(last.refused.source) == string(c.source) { // what it had newer went with the row
		if err := s.settle(c, last, &next, last.stale() && last.refused.outlives(c)); err != nil {
			return true, err
		}
	}
	s.store(tx, next)
	s.flush(tx)
	return true, nil
}

// vanish retracts all that was said of a key. next is what is still known of its rows.
func (s *stage) vanish(tx processors.Tx, c *change, last, next image, stale bool) error {
	next.source, next.sequence, next.version, next.at, next.edition = c.source, c.sequence, last.version, c.Time.UnixMilli(), s.edition
	s.out = s.out[:0]
	if last.live {
		next.version = last.next(c.Offset)
		if err := s.retractions(c, last, next.version); err != nil {
			return err
		}
	}
	if err := s.settle(c, last, &next, stale); err != nil {
		return err
	}
	s.store(tx, next)
	tx.WakeAt(s.key, tx.Now().Add(remember))
	s.flush(tx)
	return nil
}

// retractions collects in s.out that a row says nothing any more.
func (s *stage) retractions(c *change, last image, version uint64) error {
	d := c.dataset
	old, err := s.decode(d, c.Key, last.row)
	if err != nil && !errors.As(err, new(*reject)) {
		return err
	}
	if old.IsZero() {
		if err := s.lost(c, last); err != nil {
			return err
		}
	}
	for i := range d.links {
		if was := d.links[i].was(c, old, last); was != "" {
			if err := s.say(c, &d.links[i], was, nil); err != nil {
				return err
			}
		}
	}
	headers := s.headers(c, version)
	for i := range d.views {
		v := &d.views[i]
		was, err := v.projection.KeyUnder(processors.KeyVersion(last.edition, s.keys), string(c.Key))
		if err != nil {
			return err
		}
		key := cmp.Or(was, v.projection.Key(string(c.Key)))
		s.out = append(s.out, bus.Record{Topic: v.topic, Partition: bus.ByKey, Key: []byte(key), Time: c.Time, Headers: headers})
	}
	return s.withdraw(c, d.left, last, headers)
}

// truncate deletes every row in this partition that the dataset has from the same
// source and that is not newer than the truncation: what another source of the
// dataset says is not of the table that was emptied.
func (s *stage) truncate(tx processors.Tx, c *change) error {
	d := c.dataset
	var keys [][]byte
	err := tx.Scan(d.prefix, func(key, value []byte) error {
		m, err := parseImage(value)
		if err == nil && (m.live && c.follows(m.source, m.sequence) || m.refused.open && c.follows(m.refused.source, m.refused.sequence)) {
			keys = append(keys, bytes.Clone(key))
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, key := range keys {
		s.slab.Reset()
		s.key = append(s.key[:0], key...)
		last, known, err := s.load(tx)
		if err != nil {
			return err
		}
		if !known || !last.live && !last.refused.open {
			continue
		}
		one := *c
		row := *c.Record
		row.Key = key[len(d.prefix):]
		one.Record = &row
		if err := s.delete(tx, &one, last); err != nil {
			return err
		}
	}
	return nil
}

// remove takes a deletion by a source that tells its rows apart, of a key of which it may
// have several. done is false where nothing is left of them.
func (s *stage) remove(tx processors.Tx, c *change, last image) (done bool, err error) {
	if !c.named || !last.heard(c) {
		return false, nil
	}
	at := last.find(c)
	rest := slices.Clone(last.beside)
	if at >= 0 {
		rest = slices.Delete(rest, at, at+1)
	}
	switch {
	case at != inFront && last.fronts(c): // that in front stays
		next := last
		next.source, next.sequence, next.beside = c.source, c.sequence, rest
		s.out = s.out[:0]
		if err := s.settle(c, last, &next, last.stale()); err != nil {
			return true, err
		}
		s.store(tx, next)
		s.flush(tx)
		return true, nil
	case len(rest) == 0:
		return false, nil
	}
	return true, s.promote(tx, c, last, rest)
}

// promote puts the newest of the rows beside, of which the content is known and still
// taken, in front of what is left. Where there is none nothing is shown any more, and
// that this is not sure stays marked.
func (s *stage) promote(tx processors.Tx, c *change, last image, rest []beside) error {
	for i := len(rest) - 1; i >= 0; i-- {
		if len(rest[i].row) == 0 {
			continue
		}
		next := image{
			live: true, source: c.source, sequence: c.sequence, version: last.version, at: c.Time.UnixMilli(), edition: s.edition, row: rest[i].row,
			named: rest[i].named, own: rest[i].own, beside: slices.Delete(slices.Clone(rest), i, i+1), more: last.more, former: last.former,
		}
		one, record := *c, *c.Record
		record.Headers, record.Value = nil, rest[i].row
		one.Record, one.op = &record, schemas.Update
		err := s.put(tx, &one, last, next, taking{known: true, prior: rest[i].row, stale: rest[i].stale})
		if !errors.As(err, new(*reject)) {
			return err
		}
	}
	n := len(rest) - 1
	return s.vanish(tx, c, last, image{named: rest[n].named, own: rest[n].own, beside: rest[:n], more: last.more}, true)
}
