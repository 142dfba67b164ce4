package resolve

import (
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
// source has said anything new. A claim by a link that the catalogue has no more goes.
func (s *stage) Renew(tx processors.Tx, key []byte) error {
	s.completions.forget()
	entity := home(key, false)
	if entity == nil {
		return fmt.Errorf("renew: key of a head: %w", errHead)
	}
	if n := len(appendEntity(s.key[:0], prefixDossier, string(entity))); n < len(key) {
		return s.sweep(tx, key, key[n:])
	}
	if err := s.completions.prune(tx); err != nil {
		return err
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
