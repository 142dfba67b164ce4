package route

import (
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// A source that tells its rows apart by how they write their key (header own) may have
// several rows of one key: its 15-digit and its 18-digit form, x and X. The one it spoke
// of last stands in front: it is what is said and shown. The others are kept beside it,
// each with its last content, for as long as the source has them; meanwhile whoever asks
// is told that what is shown is not sure. When the one in front is deleted, the one that
// came before it takes its place.

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
