package resolve

import (
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/claim"
)

// open loads the head and the dossier of an entity.
func (s *stage) open(tx processors.Tx, key string) error {
	x := &s.subject
	x.key, x.at = key, time.Time{}
	x.golden, x.embeds, x.fresh, x.changed, x.owed, x.under, x.keys, x.recast, x.crashed, x.unread = false, false, false, false, false, "", s.keys.Current(), false, nil, x.unread[:0]
	x.dossier.Reset(key)
	s.slab.Reset()
	s.dirty.Reset()
	h := &x.head
	*h = head{views: h.views[:0], sums: h.sums[:0], states: h.states[:0], table: -1, defined: s.aggregated}
	if err := s.load(tx, key); err != nil {
		return fmt.Errorf("open entity: %w", err)
	}
	h.views, h.sums = resize(h.views, len(s.publisher.views)), resize(h.sums, len(s.aggregates))
	return s.renew(tx)
}

// load reads head and dossier. Rows are decoded when they are first looked at.
func (s *stage) load(tx processors.Tx, key string) error {
	prefix := appendEntity(s.buffer[:0], prefixDossier, key)
	s.buffer, s.loaded, s.rows = prefix, s.loaded[:0], s.rows[:0]
	return tx.Scan(prefix, func(key, value []byte) error {
		if len(key) == len(prefix) {
			return s.subject.head.parse(value, s.edition, s.names)
		}
		id, role, row, err := s.split(key[len(prefix):])
		if err != nil {
			return err
		}
		d := s.datasets[id]
		if d == nil {
			return nil // the dataset is no longer in the catalogue
		}
		r := s.newRow()
		r.Dataset, r.Role, r.Key = d.Dataset, role, row
		// What was copied before stays where it is if loaded has to grow.
		at := len(s.loaded)
		s.loaded = append(s.loaded, value...)
		if err := claim.ParseStored(s.loaded[at:len(s.loaded):len(s.loaded)], r); err != nil {
			return err
		}
		r.Lazily(d.decode)
		s.subject.dossier.Add(r)
		return nil
	})
}

// renew prepares to compute everything afresh where the head was computed under
// another catalogue, key, authority table or definition of aggregates.
func (s *stage) renew(tx processors.Tx) error {
	x := &s.subject
	h := &x.head
	if !h.current {
		if h.known {
			x.keys = processors.KeyVersion([]byte(h.edition), s.keys)
			x.owed = processors.SameCatalogue([]byte(h.edition), processors.EditionOf(owed, s.keys.Oldest(), s.keys))
		}
		catalogue, rotated := !processors.SameCatalogue([]byte(h.edition), s.edition), x.keys != s.keys.Current()
		if catalogue {
			h.golden, x.recast = unknown(h.golden), true
			x.under = processors.CatalogueOf([]byte(h.edition))
			if err := s.forget(tx, x.under); err != nil {
				return err
			}
			if err := s.unawaitLost(tx); err != nil {
				return err
			}
		}
		h.explain = unknown(h.explain)
		for i := range h.views {
			if catalogue || rotated && s.publisher.views[i].tokens {
				h.views[i] = shown{unknown(h.values), unknown(h.values)}
			}
		}
		if rotated {
			for i := range h.states {
				h.states[i].Shown = 0 // its subject is a token
			}
		}
		h.current, h.edition = true, ""
		x.fresh, x.changed = h.known, true
	}
	if table := s.current(tx.Now()); h.table != table {
		h.table = table
		x.fresh, x.changed = h.known, true
	}
	if h.defined != s.aggregated {
		h.defined = s.aggregated
		if err := s.recounted(tx); err != nil {
			return err
		}
		x.fresh, x.changed = true, true
	}
	if x.fresh {
		s.dirty.All()
	}
	return nil
}

// unknown is a digest that no content has, for something that was emitted.
func unknown(digest uint64) uint64 {
	if digest == 0 {
		return 0
	}
	return 1
}

func resize[T any](s []T, n int) []T {
	for len(s) < n {
		var zero T
		s = append(s, zero)
	}
	return s[:n]
}

// asOfLatest makes what is emitted bear the time of the latest claim: no source has
// said anything new.
func (s *stage) asOfLatest(tx processors.Tx) {
	x := &s.subject
	latest := int64(0)
	for _, r := range x.dossier.All() {
		latest = max(latest, r.At)
	}
	if x.at = time.UnixMilli(latest).UTC(); latest == 0 {
		x.at = tx.Now()
	}
}
