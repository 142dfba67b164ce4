package resolve

import (
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// forget takes out of state and dossier what was said of the entity until a period of the
// catalogue by links that were away for some time since: of rows that went meanwhile
// nobody was told, and those that stand are said again.
func (s *stage) forget(tx processors.Tx, period string) error {
	x := &s.subject
	void := func(dataset, role string) bool {
		return s.lineage.Void(schemas.LinkName{Entity: s.entity.ID, Dataset: dataset, Role: role}, period)
	}
	var gone []*claim.Row
	for _, r := range x.dossier.All() {
		if void(r.Dataset.ID, r.Role) {
			gone = append(gone, r)
		}
	}
	for _, r := range gone {
		s.key = claim.AppendKey(appendEntity(s.key[:0], prefixDossier, x.key), r.Dataset.ID, r.Role, r.Key)
		tx.Delete(s.key)
		x.dossier.Remove(r.Dataset.ID, r.Role, r.Key)
	}
	recount := false
	for id, d := range s.datasets {
		for role := range d.groups {
			if !void(id, role) {
				continue
			}
			recount = true
			if err := s.forgetCounted(tx, id, role); err != nil {
				return err
			}
		}
	}
	if recount {
		return s.recounted(tx)
	}
	return nil
}

// forgetCounted takes the aggregated rows of a link out of state.
func (s *stage) forgetCounted(tx processors.Tx, dataset, role string) error {
	prefix := claim.AppendKey(appendEntity(nil, prefixAggregated, s.subject.key), dataset, role, "")
	var keys [][]byte
	err := tx.Scan(prefix, func(key, _ []byte) error {
		keys = append(keys, append([]byte(nil), key...))
		return nil
	})
	if err != nil {
		return err
	}
	for _, key := range keys {
		tx.Delete(key)
	}
	return nil
}

// drop takes out of state what was said of the entity in hand by a row of a dataset that
// the catalogue has no more: it is in no dossier, and nobody knows whether it was counted.
func (s *stage) drop(tx processors.Tx, c *claim.Claim) error {
	for _, kind := range []byte{prefixDossier, prefixAggregated} {
		s.key = claim.AppendKey(appendEntity(s.key[:0], kind, s.subject.key), c.Dataset, c.Role, c.Row)
		tx.Delete(s.key)
	}
	return s.completions.prune(tx)
}

// sweep takes a claim out of state that no link of the catalogue makes. name is what
// stands behind the entity in its key.
func (s *stage) sweep(tx processors.Tx, key, name []byte) error {
	dataset, role, _, err := s.split(name)
	if err != nil {
		return err
	}
	if !s.linked[schemas.LinkName{Entity: s.entity.ID, Dataset: dataset, Role: role}] {
		tx.Delete(key)
	}
	return nil
}

// unawaitLost takes the entity in hand off the index of datasets that the catalogue has no more.
func (s *stage) unawaitLost(tx processors.Tx) error {
	for id := range s.lineage.Lost {
		s.key = append(appendAwaiting(s.key[:0], id), s.subject.key...)
		entered, err := tx.Get(s.key)
		if err != nil {
			return err
		}
		if entered != nil {
			tx.Delete(s.key)
		}
	}
	return nil
}
