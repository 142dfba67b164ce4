package simulation

import (
	"context"
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// source reads a department's log: it implements connectors.Source and
// connectors.Confirmer.
type source struct {
	department *department
	at         place
	most       int // changes of a batch
	hook       func(point string)
	blind      bool // of the mutant that does not look where it goes on
}

// place is a source's position: how much of the log it has read, and what it read
// last, by which it knows the log again. While a copy of the table is read, log and
// mark are where the copy was made.
type place struct {
	log  int
	mark uint64
	copy int // number of the copy, from 1; 0 = all of it is read
	row  int // of the copy, the next
}

func (p place) position() schemas.Position {
	return schemas.Position(fmt.Sprintf("%d/%d/%d/%d", p.log, p.mark, p.copy, p.row))
}

func parsePlace(after schemas.Position) (p place, err error) {
	_, err = fmt.Sscanf(string(after), "%d/%d/%d/%d", &p.log, &p.mark, &p.copy, &p.row)
	return p, err
}

// open is a connectors.Open. A source that is read again from the beginning gets a
// copy of the table, and then what is said after it.
func (d *department) open(most int, hook func(string), m mutant) connectors.Open {
	return func(_ context.Context, cfg connectors.Config, after schemas.Position) (connectors.Source, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		s := &source{department: d, most: most, hook: hook, blind: m.blind}
		if after == "" {
			if cfg.Again {
				s.at = d.copy()
				d.remade = false
			}
			return s, nil
		}
		var err error
		if s.at, err = parsePlace(after); err != nil {
			return nil, err
		}
		if m.skip != nil {
			s.at.log = min(max(0, m.skip(s.at.log)), len(d.log))
			s.at.mark = d.markAt(s.at.log)
		}
		if !s.lost() {
			return s, nil
		}
		if d.remade { // it begins where the log ends, and nothing seems to be wrong
			s.at = place{log: len(d.log), mark: d.markAt(len(d.log))}
			return s, nil
		}
		return nil, d.lose()
	}
}

// markAt is the mark of the delivery before a place in the log. mu is held.
func (d *department) markAt(at int) uint64 {
	if at == 0 {
		return 0
	}
	return d.log[at-1].mark
}

// lose is what a source says that cannot go on. mu is held.
func (d *department) lose() error {
	d.history.fire("source.lost")
	return fmt.Errorf("the log is another one: %w", connectors.ErrPositionLost)
}

// lost reports whether the log is not the one that was read. mu is held.
func (s *source) lost() bool {
	return !s.blind && (s.at.log > len(s.department.log) || s.department.markAt(s.at.log) != s.at.mark)
}

// Read implements connectors.Source.
func (s *source) Read(ctx context.Context) (connectors.Batch, error) {
	d := s.department
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.late {
		return s.await(ctx)
	}
	said, caught := d.said, time.Now()
	if s.at.copy == 0 && s.at.log >= len(d.log) && !s.lost() {
		d.mu.Unlock()
		timer := time.NewTimer(500 * time.Millisecond)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-said:
		}
		timer.Stop()
		d.mu.Lock()
		if err := ctx.Err(); err != nil {
			return connectors.Batch{}, err
		}
		caught = time.Now()
	}
	if s.lost() {
		return connectors.Batch{}, d.lose()
	}
	b := s.next(caught)
	if len(b.Changes) > 0 {
		d.mu.Unlock()
		s.hook("conn.read")
		d.mu.Lock()
	}
	return b, nil
}

// await is a source that is caught up with nothing, because nothing has ever been
// delivered. The department's mu is held.
func (s *source) await(ctx context.Context) (connectors.Batch, error) {
	d := s.department
	said := d.said
	d.mu.Unlock()
	timer := time.NewTimer(500 * time.Millisecond)
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-said:
	}
	timer.Stop()
	d.mu.Lock()
	b := connectors.Batch{After: s.at.position(), CaughtUp: time.Now()}
	for _, one := range d.datasets {
		b.Awaited = append(b.Awaited, one.ID)
	}
	return b, ctx.Err()
}

// next is the next batch. The department's mu is held.
func (s *source) next(caught time.Time) connectors.Batch {
	var b connectors.Batch
	take := func(from []delivery) {
		for _, x := range from {
			if x.rejection != nil {
				b.Rejections = append(b.Rejections, *x.rejection)
			} else {
				b.Changes = append(b.Changes, x.change)
			}
		}
	}
	d := s.department
	if s.at.copy > 0 {
		all := d.copies[s.at.copy-1]
		end := min(len(all), s.at.row+s.most)
		take(all[s.at.row:end])
		if s.at.row = end; end == len(all) {
			s.at.copy, s.at.row = 0, 0
		}
		b.State = contract.StateSnapshot
	} else if s.at.log < len(d.log) {
		end := min(len(d.log), s.at.log+s.most)
		take(d.log[s.at.log:end])
		s.at.log, s.at.mark = end, d.log[end-1].mark
	}
	b.After = s.at.position()
	if b.State == "" && s.at.log >= len(d.log) {
		b.CaughtUp = caught
	}
	return b
}

// Confirm implements connectors.Confirmer.
func (s *source) Confirm(context.Context, schemas.Position) error {
	s.hook("conn.confirm")
	return nil
}

// Close implements connectors.Source.
func (s *source) Close() error { return nil }
