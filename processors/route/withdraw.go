package route

import (
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// expire makes of an image what a deletion leaves.
func (s *stage) expire(tx processors.Tx, c *change, last image) error {
	next := image{source: last.source, sequence: last.sequence, version: last.version, at: c.Time.UnixMilli(), edition: s.edition}
	s.out = s.out[:0]
	if last.live {
		next.version++
	}
	if last.live && !c.dataset.unknown {
		if err := s.retractions(c, last, next.version); err != nil {
			return err
		}
	}
	if err := s.settle(c, last, &next, false); err != nil {
		return err
	}
	s.store(tx, next)
	tx.WakeAt(s.key, tx.Now().Add(remember))
	s.flush(tx)
	return nil
}

// current returns what is known of the row under s.key; what is void is expired first.
func (s *stage) current(tx processors.Tx, c *change) (last image, known bool, err error) {
	last, known, err = s.load(tx)
	if err != nil || !last.live && !last.refused.open || !s.void(c.dataset, last.edition) {
		return last, known, err
	}
	was, record := *c, *c.Record
	record.Value, record.Headers = last.row, nil
	was.Record, was.source, was.sequence, was.op = &record, last.source, last.sequence, schemas.Delete
	if err := s.expire(tx, &was, last); err != nil {
		return image{}, false, err
	}
	return s.load(tx)
}
