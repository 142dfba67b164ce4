package schemas

import (
	"cmp"
	"maps"
	"slices"
)

// Column is that of the view's owner.
func (v *View) Column(name string) (e *Element, level string) {
	switch {
	case v.Dataset != nil:
		return v.Dataset.Column(name)
	case v.Entity != nil:
		return v.Entity.Column(name)
	}
	return nil, ""
}

// Embedded returns how the view shows the rows of a dataset in a role, nil if it does not.
func (v *View) Embedded(dataset, role string) *Embed {
	i := slices.IndexFunc(v.Embed, func(b Embed) bool { return b.Dataset.ID == dataset && b.Role == role })
	if i < 0 {
		return nil
	}
	return &v.Embed[i]
}

// Limit is how many rows are shown at most.
func (b *Embed) Limit() int { return cmp.Or(b.Max, 100) }

// sorted are views in the order of their ids.
func sorted(views map[string]*View) []*View {
	return slices.SortedFunc(maps.Values(views), func(a, b *View) int { return cmp.Compare(a.ID, b.ID) })
}
