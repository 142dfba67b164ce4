package resolve

import (
	"errors"
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/engine"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/authority"
	"github.com/yiyuan-bus/yiyuan/processors/verification"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
)

// compute computes what follows from the dossier and emits what differs from what
// was last said; the head is then to be stored.
func (s *stage) compute(tx processors.Tx) error {
	x := &s.subject
	h := &x.head
	now := tx.Now()
	if len(s.aggregates) > 0 {
		x.dossier.Aggregates = make([]schemas.Value, len(h.sums))
		for i, n := range h.sums {
			x.dossier.Aggregates[i] = schemas.Int(n)
		}
	}
	var g authority.Golden
	due := s.due(now)
	if h.table >= 0 && (x.golden || x.embeds || x.fresh || (s.dirty.Any() || due) && s.rules.ReadsGolden()) {
		s.tables[h.table].ResolveInto(&s.golden, &x.dossier)
		g = s.golden
		differs, err := s.publisher.publish(tx, x, &g)
		if err != nil {
			return err
		}
		if differs {
			s.dirty.Golden()
		}
	}
	if s.dirty.Any() || due {
		if err := s.verify(tx, g, now); err != nil {
			return err
		}
	}
	return s.readable()
}

// due reports whether a case waits for a time that has come.
func (s *stage) due(now time.Time) bool {
	for i := range s.subject.head.states {
		if w := s.subject.head.states[i].Wake; w != 0 && w <= now.UnixMilli() {
			return true
		}
	}
	return false
}

// verify runs the rules and emits the findings that changed.
func (s *stage) verify(tx processors.Tx, g authority.Golden, now time.Time) error {
	x := &s.subject
	r := s.run.Evaluate(verification.Subject{
		Dossier: &x.dossier, Golden: g, Now: now, Complete: func(dataset string) bool { return s.completions.whole(tx, dataset) },
		Recast: func(name string) bool { return x.recast && !s.lineage.BelievesEvidence(name, x.under) },
	}, s.dirty, x.head.states)
	if s.completions.failed != nil {
		return s.completions.failed
	}
	if err := s.await(tx, r.Awaited); err != nil {
		return err
	}
	x.head.states = append(x.head.states[:0], r.States...)
	x.changed = true
	for i := range r.Findings {
		f := &r.Findings[i]
		out := bus.Record{Topic: contract.Findings, Partition: bus.ByKey, Key: []byte(f.ID), Time: x.at, Headers: s.publisher.headers(uint64(f.Version), x.at)}
		if !f.Gone() {
			var err error
			if s.buffer, err = s.findings.Append(s.buffer[:0], f.Record()); err != nil {
				return fmt.Errorf("write finding of %q: %w", f.Case, err)
			}
			out.Value = s.arena.Copy(s.buffer)
		}
		tx.Emit(out)
	}
	for _, f := range r.Faults {
		if err := s.fault(tx, f); err != nil {
			return err
		}
	}
	return nil
}

// errUnread says that rows of the entity in hand cannot be read.
var errUnread = errors.New("stored rows cannot be read")

// readable looks for rows that could not be decoded when they were looked at. An
// unread row is not an absent one: a registry that cannot be reached keeps the step
// waiting, and where it has lost the row's schema for good the entity is put aside.
func (s *stage) readable() error {
	x := &s.subject
	for _, r := range x.dossier.All() {
		err := r.Err()
		switch {
		case err == nil:
		case !permanent(err):
			return fmt.Errorf("read dossier: %w: %w", engine.ErrLater, err)
		default:
			x.unread = append(x.unread, rowName{r.Dataset.ID, schemas.JoinKey(r.Role, r.Key)})
		}
	}
	if len(x.unread) > 0 {
		return errUnread
	}
	return nil
}

// close stores the head and sets the timer. An entity of which nothing is left
// is remembered for a week, so that its version never goes back.
func (s *stage) close(tx processors.Tx, now time.Time) error {
	x := &s.subject
	h := &x.head
	if !x.changed {
		return nil
	}
	s.key = appendEntity(s.key[:0], prefixDossier, x.key)
	empty := x.dossier.Len() == 0 && h.counted == 0
	switch {
	case !empty:
		h.forget = 0
	case h.version == 0 && len(h.states) == 0:
		if h.wake != 0 {
			tx.WakeAt([]byte(x.key), time.Time{})
		}
		if h.known {
			tx.Delete(s.key)
			return s.unawait(tx)
		}
		return nil
	case h.forget == 0:
		h.forget = now.Add(remember).UnixMilli()
	}
	wake := h.forget
	for i := range h.states {
		if w := h.states[i].Wake; w != 0 && (wake == 0 || w < wake) {
			wake = w
		}
	}
	if wake != h.wake {
		at := time.Time{}
		if wake != 0 {
			at = time.UnixMilli(wake)
		}
		tx.WakeAt([]byte(x.key), at)
		h.wake = wake
	}
	s.buffer = h.append(s.buffer[:0], s.edition)
	tx.Put(s.key, s.buffer)
	return nil
}

// remember is how long the version of an entity without claims is remembered.
const remember = contract.Week

// conclude computes what follows from the dossier, emits what differs from what
// was last said, and stores the head. An entity over which the program fails is put
// aside instead.
func (s *stage) conclude(tx processors.Tx) error {
	s.before.keep(&s.subject.head)
	if s.subject.crashed != nil {
		return s.putAside(tx, s.crashed)
	}
	out := &emitted{Tx: tx, records: s.emits[:0]}
	err := guarded(func() error { return s.compute(out) })
	s.emits = out.records
	var crashed *crash.Error
	if errors.As(err, &crashed) {
		s.subject.crashed = crashed
		return s.putAside(tx, s.crashed)
	}
	if errors.Is(err, errUnread) {
		return s.putAside(tx, s.unread)
	}
	if err != nil {
		return err
	}
	for i := range out.records {
		tx.Emit(out.records[i])
	}
	clear(s.emits)
	return s.close(tx, tx.Now())
}

// emitted holds back what is emitted until all of it is there.
type emitted struct {
	processors.Tx
	records []bus.Record
}

// Emit implements processors.Tx.
func (e *emitted) Emit(r bus.Record) { e.records = append(e.records, r) }
