package resolve

import (
	"errors"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Process implements processors.Stage. Records of one entity are taken
// together, in their order.
func (s *stage) Process(tx processors.Tx, batch []bus.Record) error {
	s.groups, s.next = s.groups[:0], resize(s.next[:0], len(batch))
	clear(s.byKey)
	clear(s.next)
	s.completions.forget()
	for i := range batch {
		if said := batch[i].Header(contract.ControlHeader); said != nil {
			// Of the entities in this batch all is known that stands before it.
			if err := s.control(tx, &batch[i], said); err != nil {
				return err
			}
			continue
		}
		n, ok := s.byKey[string(batch[i].Key)]
		if !ok {
			key := string(batch[i].Key)
			s.byKey[key] = len(s.groups)
			s.groups = append(s.groups, group{key, i, i})
			continue
		}
		s.next[s.groups[n].last] = i
		s.groups[n].last = i
	}
	// In the order of keys the store is read forwards, from blocks at hand.
	slices.SortFunc(s.groups, func(a, b group) int { return strings.Compare(a.key, b.key) })
	for i := range s.groups {
		if err := s.entityChanged(tx, &s.groups[i], batch); err != nil {
			return err
		}
	}
	return nil
}

// Wake implements processors.Stage: a case's time has come, the head of an entity
// without claims may be forgotten, or a dataset that cases wait for is complete.
func (s *stage) Wake(tx processors.Tx, key []byte) error {
	s.completions.forget()
	if isControl(key, true) {
		return s.settleAwaiting(tx, string(key[1:]))
	}
	if err := s.open(tx, string(key)); err != nil {
		return err
	}
	h := &s.subject.head
	if !h.known {
		return nil
	}
	h.wake, s.subject.changed = 0, true
	if h.forget != 0 && h.forget <= tx.Now().UnixMilli() && s.subject.dossier.Len() == 0 && h.counted == 0 {
		s.key = appendEntity(s.key[:0], prefixDossier, s.subject.key)
		tx.Delete(s.key)
		return s.unawait(tx)
	}
	if s.subject.at = tx.Now(); s.subject.owed {
		s.asOfLatest(tx)
	}
	return s.conclude(tx)
}

func (s *stage) entityChanged(tx processors.Tx, g *group, batch []bus.Record) error {
	if err := s.open(tx, g.key); err != nil {
		return err
	}
	for i, more := g.first, true; more; i, more = s.next[i], i != g.last {
		r := &batch[i]
		if r.Time.After(s.subject.at) {
			s.subject.at = r.Time
		}
		if err := s.take(tx, r); err != nil {
			return err
		}
	}
	return s.conclude(tx)
}

// awaitingPiece is of how many entities the cases are evaluated in one call.
const awaitingPiece = 128

// errEnough ends a scan.
var errEnough = errors.New("enough")

// settleAwaiting evaluates the cases that waited for a dataset, of some entities, and
// comes back for the others.
func (s *stage) settleAwaiting(tx processors.Tx, dataset string) error {
	prefix := appendAwaiting(nil, dataset)
	var entities []string
	err := tx.Scan(prefix, func(key, _ []byte) error {
		entities = append(entities, string(key[len(prefix):]))
		if len(entities) == awaitingPiece {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	for _, entity := range entities {
		tx.Delete(append(appendAwaiting(nil, dataset), entity...))
		if err := s.open(tx, entity); err != nil {
			return err
		}
		if !s.subject.head.known {
			continue
		}
		s.subject.at = tx.Now()
		s.dirty.Complete(dataset)
		if err := s.conclude(tx); err != nil {
			return err
		}
	}
	if err != nil { // there are more
		tx.WakeAt(awaitingTimer(dataset), tx.Now())
	}
	return nil
}
