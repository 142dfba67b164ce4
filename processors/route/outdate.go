package route

import (
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
)

// outdate remembers that a version of c's row was refused, unless the row is known to
// be newer, and tells the topic Refused of it.
func (s *stage) outdate(tx processors.Tx, c *change) (err error) {
	defer func() {
		if p := recover(); p != nil {
			_ = crash.Of(p) // counted; that the row was refused stands in quarantine alone
			clear(s.out)
			s.out, err = s.out[:0], nil
		}
	}()
	s.slab.Reset()
	s.out = s.out[:0]
	s.key = append(append(s.key[:0], c.dataset.prefix...), c.Key...)
	last, known, err := s.current(tx, c)
	if err != nil {
		return err
	}
	if known && last.late(c) { // it is settled as it comes
		how := contract.SettledAccepted
		if !last.live {
			how = contract.SettledDeleted
		}
		if err := s.settled(c, former{c.source, c.sequence}, former{last.source, last.sequence}, how, ""); err != nil {
			return err
		}
		s.flush(tx)
		return nil
	}
	if last.refused.open && string(last.refused.source) == string(c.source) && last.refused.sequence.Compare(c.sequence) >= 0 {
		return nil
	}
	next, joins := last.missed(c)
	next.refused.since = c.Time.UnixMilli()
	if last.refused.open {
		next.refused.since = last.refused.since
	}
	if next.edition == nil {
		next.edition = s.edition
	}
	if last.refused.open && string(last.refused.source) != string(c.source) { // of which nothing is remembered from now on
		if err := s.settled(c, last.refused.place(), former{c.source, c.sequence}, contract.SettledAgain, place(c)); err != nil {
			return err
		}
	}
	if joins {
		if err := s.duplicate(c, last); err != nil {
			return err
		}
	}
	if err := s.mark(c, next, next.refused); err != nil {
		return err
	}
	s.store(tx, next)
	s.flush(tx)
	return nil
}
