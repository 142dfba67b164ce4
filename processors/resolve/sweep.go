package resolve

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/processors"
)

// Generation implements processors.Renewer: what an entity comes to depends on
// the catalogue, on the key of tokens and on the authority table in force.
func (s *stage) Generation(now time.Time) []byte {
	return binary.AppendVarint(append(make([]byte, 0, len(s.edition)+2), s.edition...), int64(s.current(now)))
}

// Renewable implements processors.Renewer: every entity has a head, among whose
// keys its claims stand.
func (s *stage) Renewable() []byte { return []byte{prefixDossier} }

// Renew implements processors.Renewer: an entity that was last computed under
// another generation is computed afresh, all that follows from it in this one
// transaction. What is emitted bears the time of the latest claim, since no
// source has said anything new.
func (s *stage) Renew(tx processors.Tx, key []byte) error {
	s.asked, s.failed = false, nil
	entity := home(key, false)
	if entity == nil {
		return fmt.Errorf("renew: key of a head: %w", errHead)
	}
	if len(appendEntity(s.key[:0], prefixDossier, string(entity))) < len(key) {
		return nil // a claim
	}
	if err := s.open(tx, string(entity)); err != nil {
		return err
	}
	x := &s.subject
	if !x.fresh && !x.changed {
		return nil
	}
	s.asOfLatest(tx)
	return s.conclude(tx)
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

// home is the entity that a state key is about: the kind, then the entity with
// its length in front. Timers bear its name, and so does the index of who waits. nil
// is what is about none.
func home(key []byte, timer bool) []byte {
	switch {
	case len(key) == 0 || isControl(key, timer):
		return nil
	case timer:
		return key
	case key[0] == prefixAwaiting:
		_, entity, _ := bytes.Cut(key, zero)
		return entity
	}
	n, used := binary.Uvarint(key[1:])
	if used <= 0 || n > uint64(len(key)-1-used) {
		return nil
	}
	return key[1+used : 1+used+int(n)]
}
