package freshness

import (
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/lineage"
)

// A process runs the catalogue that it began with. Once another is in force the steps go by
// that one, as soon as they are started again: of a view that it has not any more, or shows
// otherwise, this process does not know what is there and as of when.

// Succeeded takes that another catalogue came into force, nil if it cannot be read: then
// nothing is known of any view. What is not known once is not known again: in between
// records may have gone, and not all come again.
func (t *Tracker) Succeeded(version string, next *schemas.Catalogue) Successor {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := Successor{Version: version, Since: t.clock()}
	if before := t.successor.Load(); before != nil {
		out.Since, out.Views = before.Since, slices.Clone(before.Views)
	}
	for _, v := range t.catalogue.Views() {
		if !slices.Contains(out.Views, v.ID) && (next == nil || !t.kept(next, v)) {
			out.Views = append(out.Views, v.ID)
		}
	}
	slices.Sort(out.Views)
	t.successor.Store(&out)
	return out
}

// kept reports whether a view is under another catalogue what it is under this one, and
// made of the same datasets.
func (t *Tracker) kept(next *schemas.Catalogue, v *schemas.View) bool {
	if !lineage.Kept(t.catalogue, next, v) {
		return false
	}
	if v.Dataset != nil {
		return true
	}
	is, err := next.View(v.ID)
	return err == nil && slices.Equal(cycles(t.catalogue, t.related[v.ID]), cycles(next, contributors(is.Entity, is, t.clock())))
}

// cycles names datasets, each with how old it may be.
func cycles(c *schemas.Catalogue, ids []string) []string {
	out := slices.Clone(ids)
	for i, id := range ids {
		if d, err := c.Dataset(id); err == nil {
			out[i] += " " + d.Cycle
		}
	}
	return out
}

// Successor returns the catalogue that took the place of this process's, nil if none did.
func (t *Tracker) Successor() *Successor { return t.successor.Load() }

// Former reports whether a view is one that the catalogue in force has not any more, or
// shows otherwise. It is to be asked after the record was looked for: once it is, it stays.
func (t *Tracker) Former(v *schemas.View) bool {
	s := t.successor.Load()
	if s == nil {
		return false
	}
	_, found := slices.BinarySearch(s.Views, v.ID)
	return found
}
