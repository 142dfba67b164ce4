package route

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// A source that tells its rows apart by how they write their key (header own) may have
// several rows of one key: its 15-digit and its 18-digit form, x and X. The one it spoke
// of last stands in front: it is what is said and shown. The others are kept beside it,
// each with its last content, for as long as the source has them; meanwhile whoever asks
// is told that what is shown is not sure. When the one in front is deleted, the one that
// came before it takes its place.

// beside is one such row.
type beside struct {
	named bool // false: by an elder build, which did not say how it writes its key
	own   []byte
	stale bool   // its newest version was refused
	row   []byte // last accepted content; empty if there is none, or not room for it
}

const (
	maxBeside    = 16       // rows of one key whose names are kept
	besideRoom   = 64 << 10 // bytes of their content: an image must fit a record
	besideNamed  = 1 << 0
	besideStale  = 1 << 1
	inFront      = -1 // what find returns of the row in front,
	besideNobody = -2 // and of one that is not known
)

// from reports whether c is of that source and epoch. Across epochs nothing is known of
// the rows that were: the source is read again, and brings each that it still has.
func (c *change) from(source []byte, at schemas.Sequence) bool {
	return string(source) == string(c.source) && at.Epoch == c.sequence.Epoch
}

// spells reports whether c is about the row that writes its key so.
func (c *change) spells(own []byte) bool {
	return bytes.Equal(own, c.own) || c.moved && bytes.Equal(own, c.was)
}

// stale reports whether the newest version of the row in front was refused.
func (m *image) stale() bool { return m.refused.open && !m.refused.beside }

// heard reports whether what is known of the key's rows is of c's source and epoch.
func (m *image) heard(c *change) bool {
	return c.from(m.source, m.sequence) || m.refused.open && c.from(m.refused.source, m.refused.sequence)
}

// fronts reports whether c's source has a row in front, taken or refused.
func (m *image) fronts(c *change) bool {
	return m.live && c.from(m.source, m.sequence) || m.stale() && c.from(m.refused.source, m.refused.sequence)
}

// find returns which of the key's rows c is about: inFront, its place beside, or
// besideNobody. What is no new row is of the one whose name is not known, if there is one.
func (m *image) find(c *change) int {
	if !c.named || !m.heard(c) {
		return inFront
	}
	front := m.fronts(c)
	if front && m.named && c.spells(m.own) {
		return inFront
	}
	if i := slices.IndexFunc(m.beside, func(b beside) bool { return b.named && c.spells(b.own) }); i >= 0 {
		return i
	}
	switch {
	case c.op == schemas.Create || c.op == schemas.Snapshot:
	case front && !m.named:
		return inFront
	default:
		if i := slices.IndexFunc(m.beside, func(b beside) bool { return !b.named }); i >= 0 {
			return i
		}
	}
	return besideNobody
}

// succeed makes of next what is known of the key's rows once c, an upsert, is taken. It
// returns the row's own last content, and whether it has come beside another.
func (m *image) succeed(c *change, next *image) (prior []byte, joins bool) {
	next.named, next.own = c.named, c.own
	if !m.heard(c) {
		return m.row, false
	}
	next.beside, next.more = slices.Clone(m.beside), m.more
	at := m.find(c)
	if at == inFront {
		return m.row, false
	}
	if at >= 0 {
		prior = m.beside[at].row
		next.beside = slices.Delete(next.beside, at, at+1)
	}
	if m.fronts(c) {
		next.beside = append(next.beside, beside{m.named, m.own, m.stale(), m.row})
	}
	next.bound()
	return prior, at == besideNobody && len(next.beside) > 0
}

// missed returns what is known of the key's rows once c, a version of one of them, was
// refused, and whether that has come beside another.
func (m image) missed(c *change) (next image, joins bool) {
	next = m
	next.refused = refusal{open: true, beside: m.refused.open && m.refused.beside, source: c.source, sequence: c.sequence}
	if !c.named {
		next.refused.beside = false
		return next, false
	}
	heard, at := m.heard(c), besideNobody
	if heard {
		at = m.find(c)
	} else {
		next.beside, next.more = nil, false
	}
	switch {
	case !m.live && !m.stale(), m.named && c.spells(m.own), !m.named && (at == inFront || !heard):
		next.named, next.own, next.refused.beside = true, c.own, false
		return next, false
	case at >= 0:
		next.beside = slices.Clone(next.beside)
		next.beside[at].own, next.beside[at].named, next.beside[at].stale = c.own, true, true
	default:
		next.beside = append(slices.Clone(next.beside), beside{named: true, own: c.own, stale: true})
		next.bound()
	}
	next.refused.beside = !m.stale()
	return next, heard && at == besideNobody
}

// bound keeps the rows beside within their room; the elder go first.
func (m *image) bound() {
	if n := len(m.beside) - maxBeside; n > 0 {
		m.beside, m.more = m.beside[n:], true
	}
	room := besideRoom
	for i := len(m.beside) - 1; i >= 0; i-- {
		if room -= len(m.beside[i].row); room < 0 {
			m.beside[i].row = nil
		}
	}
}

// remove takes a deletion by a source that tells its rows apart, of a key of which it may
// have several. done is false where nothing is left of them.
func (s *stage) remove(tx processors.Tx, c *change, last image) (done bool, err error) {
	if !c.named || !last.heard(c) {
		return false, nil
	}
	at := last.find(c)
	rest := slices.Clone(last.beside)
	if at >= 0 {
		rest = slices.Delete(rest, at, at+1)
	}
	switch {
	case at != inFront && last.fronts(c): // that in front stays
		next := last
		next.source, next.sequence, next.beside = c.source, c.sequence, rest
		s.out = s.out[:0]
		if err := s.settle(c, last, &next, last.stale()); err != nil {
			return true, err
		}
		s.store(tx, next)
		s.flush(tx)
		return true, nil
	case len(rest) == 0:
		return false, nil
	}
	return true, s.promote(tx, c, last, rest)
}

// promote puts the newest of the rows beside, of which the content is known and still
// taken, in front of what is left. Where there is none nothing is shown any more, and
// that this is not sure stays marked.
func (s *stage) promote(tx processors.Tx, c *change, last image, rest []beside) error {
	for i := len(rest) - 1; i >= 0; i-- {
		if len(rest[i].row) == 0 {
			continue
		}
		next := image{
			live: true, source: c.source, sequence: c.sequence, version: last.version, at: c.Time.UnixMilli(), edition: s.edition, row: rest[i].row,
			named: rest[i].named, own: rest[i].own, beside: slices.Delete(slices.Clone(rest), i, i+1), more: last.more,
		}
		one, record := *c, *c.Record
		record.Headers, record.Value = nil, rest[i].row
		one.Record, one.op = &record, schemas.Update
		err := s.put(tx, &one, last, next, taking{known: true, prior: rest[i].row, stale: rest[i].stale})
		if !errors.As(err, new(*reject)) {
			return err
		}
	}
	n := len(rest) - 1
	return s.vanish(tx, c, last, image{named: rest[n].named, own: rest[n].own, beside: rest[:n], more: last.more}, true)
}

// duplicate tells quarantine that c's row came beside another of its key.
func (s *stage) duplicate(c *change, last image) error {
	field := c.dataset.Key[0]
	is, err := schemas.SplitKey(string(c.spelling(c.own)))
	was, err2 := schemas.SplitKey(string(c.spelling(last.own)))
	for i := range c.dataset.Key {
		if err == nil && err2 == nil && i < len(is) && i < len(was) && is[i] != was[i] {
			field = c.dataset.Key[i]
			break
		}
	}
	r := contract.Rejection{
		Dataset: c.dataset.ID, Field: field, Reason: contract.ReasonDuplicate,
		Detail: duplicateDetail(string(c.source)),
		Source: string(c.Topic), At: c.Time, Locator: fmt.Sprintf("%s/%d@%d:%s", c.Topic, c.Partition, c.Offset, field),
	}
	if len(c.Value) > 0 {
		r.Digest = hex.EncodeToString(s.keys.Digest(contract.LabelQuarantine, string(c.Value)))
	}
	value, err := s.quarantine.Append(nil, r.Record())
	if err != nil {
		return fmt.Errorf("write rejection of %q: %w", r.Locator, err)
	}
	s.out = append(s.out, bus.Record{Topic: contract.Quarantine, Partition: bus.ByKey, Key: []byte(r.Key()), Value: value, Time: c.Time})
	return nil
}

func duplicateDetail(source string) string {
	return strings.Join([]string{
		"来源中有两行的主键只是写法不同（如 15 位与 18 位号码、x 与 X），是同一主键。现以较新的一行为准，较早的一行暂存，查询结果注明 refused；请部门把两行合为一行（删去其中一行），随后自行恢复。若仍注明，运行 " + contract.ResyncCommand(source),
		"two rows of the source write one key in two ways (15 and 18 digits, x and X). The newer is shown, the elder is kept aside, and answers say refused; have the department make one row of them (delete either), it then settles by itself. If it does not: " + contract.ResyncCommand(source),
	}, " / ")
}

// spelling is how a row writes its key in full.
func (c *change) spelling(own []byte) []byte {
	if len(own) == 0 {
		return c.Key
	}
	return own
}
