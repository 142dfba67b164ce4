package route

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// outlives reports whether c is older than what was refused.
func (m *refusal) outlives(c *change) bool {
	return m.open && string(m.source) == string(c.source) && m.sequence.Compare(c.sequence) > 0
}

func (m *refusal) place() former { return former{m.source, m.sequence} }

// settle adds to s.out whether what is known of c's key, next, is unsure now that c is
// taken: because a newer version of the row in front was refused, which c did not
// settle, or because the source has other rows of that key.
func (s *stage) settle(c *change, last image, next *image, stale bool) error {
	if !stale && len(next.beside) == 0 && !next.more {
		if last.refused.open {
			s.out = append(s.out, bus.Record{Topic: contract.Refused, Partition: bus.ByKey, Key: []byte(s.refusedKey(c)), Time: c.Time})
			if err := s.settled(c, last.refused.place(), former{c.source, c.sequence}, how(c), place(c)); err != nil {
				return err
			}
		}
		next.refused = refusal{}
		return nil
	}
	next.refused = refusal{open: true, beside: !stale, source: c.source, sequence: c.sequence, since: c.Time.UnixMilli()}
	if last.refused.open {
		next.refused.since = last.refused.since
		if last.refused.outlives(c) {
			next.refused.source, next.refused.sequence = last.refused.source, last.refused.sequence
		}
	}
	return s.mark(c, *next, next.refused)
}

// how c settles what was refused of its row.
func how(c *change) string {
	switch {
	case c.op == schemas.Truncate:
		return contract.SettledEmptied
	case c.op == schemas.Delete:
		return contract.SettledDeleted
	case c.sweeps:
		return contract.SettledGone
	}
	return contract.SettledAccepted
}

// settled adds to s.out what tells quarantine that all it holds of c's row is settled: up
// to the place of the newest version that was refused, and up to that which settled it.
func (s *stage) settled(c *change, refused, by former, how, locator string) error {
	one := contract.Settlement{
		Row: s.refusedKey(c), How: how, Locator: locator,
		Refused: string(contract.AppendPos(nil, string(refused.source), refused.sequence)), By: string(contract.AppendPos(nil, string(by.source), by.sequence)),
	}
	value, err := one.Append(nil)
	if err != nil {
		return fmt.Errorf("write what settles a row of %q: %w", c.dataset.ID, err)
	}
	s.out = append(s.out, bus.Record{
		Topic: contract.Quarantine, Partition: bus.ByKey, Key: []byte(one.Key()), Time: c.Time, Headers: []bus.Header{{Key: contract.Settled, Value: value}},
	})
	return nil
}

// place names c's record to a person, "" if there is none.
func place(c *change) string {
	if c.sweeps {
		return ""
	}
	return fmt.Sprintf("%s/%d@%d", c.Topic, c.Partition, c.Offset)
}

func (s *stage) refusedKey(c *change) string {
	return hex.EncodeToString(s.keys.Digest(contract.RefusedRowLabel(c.dataset.ID), string(c.Key)))
}

// mark adds to s.out the record of the topic Refused: the row, and whom it speaks
// about by its last image, by its key, and by what was refused as far as that is
// known.
func (s *stage) mark(c *change, last image, r refusal) error {
	var rows []schemas.Record
	contents := [][]byte{last.row, c.Value}
	for _, b := range last.beside {
		contents = append(contents, b.row)
	}
	for _, content := range contents {
		if len(content) == 0 {
			continue
		}
		rec, err := s.decode(c.dataset, c.Key, content)
		if err != nil && !errors.As(err, new(*reject)) {
			return err
		}
		rows = append(rows, rec)
	}
	var subjects []string
	for i := range c.dataset.links {
		l := &c.dataset.links[i]
		about := func(entity string) {
			if entity == "" {
				return
			}
			d := hex.EncodeToString(s.keys.Digest(contract.RefusedSubjectLabel(l.entity), entity))
			if !slices.Contains(subjects, d) {
				subjects = append(subjects, d)
			}
		}
		about(l.inKey(c))
		if name := contract.ParseAbout(c.Header(contract.About), c.dataset.Fields[l.column].Name); name != "" {
			about(l.keyOf(schemas.Text(name)))
		}
		for _, rec := range rows {
			about(l.key(rec))
		}
	}
	slices.Sort(subjects)
	rec := schemas.NewRecord(contract.RefusedLayout, []schemas.Value{
		schemas.Text(c.dataset.ID), schemas.Millis(time.UnixMilli(r.since)), schemas.Text(contract.JoinNames(subjects)),
	})
	value, err := s.refusals.Append(nil, rec)
	if err != nil {
		return fmt.Errorf("write refusal of a row of %q: %w", c.dataset.ID, err)
	}
	s.out = append(s.out, bus.Record{Topic: contract.Refused, Partition: bus.ByKey, Key: []byte(s.refusedKey(c)), Value: value, Time: c.Time})
	return nil
}
