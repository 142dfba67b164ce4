package route

import (
	"bytes"
	"cmp"
	"errors"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
)

// delete retracts all that the row said and remembers that it is gone.
func (s *stage) delete(tx processors.Tx, c *change, last image) error {
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
	return nil
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
