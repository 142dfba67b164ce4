package authority

import (
	"cmp"
	"slices"

	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// Resolve returns the golden record of a dossier.
func (t *Table) Resolve(d *claim.Dossier) Golden {
	var g Golden
	t.ResolveInto(&g, d)
	return g
}

// ResolveInto makes g the golden record of a dossier. It uses the memory of what
// g held before, which nobody may look at any more.
func (t *Table) ResolveInto(g *Golden, d *claim.Dossier) {
	clear(g.Cells)
	clear(g.losers)
	g.Cells, g.losers = slices.Grow(g.Cells[:0], len(t.entity.Fields)), g.losers[:0]
	width := len(t.entity.Layout.Columns)
	g.Values = slices.Grow(g.Values[:0], width)[:width]
	clear(g.Values)
	g.Values[0] = schemas.Text(d.Key)
	for i := range t.cells {
		t.cells[i].decide(d, g)
	}
	g.Exists = len(g.Cells) > 0
	slices.SortFunc(g.Cells, func(a, b Cell) int { return cmp.Compare(a.Field.Index, b.Field.Index) })
}

// decide finds the first rank in which a row has a value, picks one row there,
// and gives every field of the decision that row's value. A group falls back
// as a whole: its members never come from two rows.
func (x *decision) decide(d *claim.Dossier, g *Golden) {
	all, excluded := g.all[:0], g.excluded[:0]
	defer func() {
		clear(all)
		clear(excluded)
		g.all, g.excluded = all[:0], excluded[:0]
	}()
	for rank := range x.ranks {
		for i := range x.ranks[rank] {
			c := &x.ranks[rank][i]
			for _, row := range d.Rows(c.dataset.ID, c.role) {
				if !c.speaks(row) {
					continue
				}
				one := contender{row: row, from: c, rank: rank, on: c.compared(row)}
				if c.where != nil && !c.where(row) {
					excluded = append(excluded, one)
					continue
				}
				all = append(all, one)
			}
		}
	}
	if len(all) == 0 {
		return
	}
	if len(all) > 1 {
		slices.SortFunc(all, compareContenders)
	}
	win := &all[0]
	for i, f := range x.fields {
		v := win.from.value(i, win.row)
		if v.IsNull() {
			continue
		}
		g.Values[f.Index] = v
		g.Cells = append(g.Cells, Cell{
			Field: f, Dataset: win.from.dataset, Role: win.row.Role, Row: win.row.Key, Rule: x.rules[win.rank],
			Reason: reasonOf(all, win, i), Flag: win.from.flag, At: win.row.At, Losers: g.losersOf(all, excluded, i, v),
		})
	}
}

// speaks reports whether the row has a value for any field of the decision.
func (c *candidate) speaks(r *claim.Row) bool {
	if r.Record().IsZero() {
		return false
	}
	for i := range c.columns {
		if !c.value(i, r).IsNull() {
			return true
		}
	}
	return false
}

func (c *candidate) value(i int, r *claim.Row) schemas.Value {
	if at := c.columns[i]; at >= 0 {
		return r.Value(at)
	}
	return c.constant[i]
}

func (c *candidate) compared(r *claim.Row) schemas.Value {
	if c.by == Newest {
		return schemas.Int(r.At)
	}
	return firstOf(r, c.on)
}

func firstOf(r *claim.Row, columns []int) schemas.Value {
	for _, at := range columns {
		if v := r.Normal(at); !v.IsNull() {
			return v
		}
	}
	return schemas.Null
}

// compareContenders puts the preferred row first: by rank, then by what the
// pick compares (and by what it compares next, where that is equal), then by row key, dataset and role, which make the order total.
// latest and newest prefer the greatest in that order, earliest the smallest.
func compareContenders(a, b contender) int {
	if a.rank != b.rank {
		return cmp.Compare(a.rank, b.rank)
	}
	switch {
	case a.on.IsNull() && !b.on.IsNull():
		return 1 // without the compared value comes last
	case b.on.IsNull() && !a.on.IsNull():
		return -1
	}
	c := cmp.Or(
		compareValues(a.on, b.on), compareThen(a, b),
		cmp.Compare(a.row.Key, b.row.Key), cmp.Compare(a.from.dataset.ID, b.from.dataset.ID), cmp.Compare(a.row.Role, b.row.Role),
	)
	if a.from.by == Earliest && b.from.by == Earliest {
		return c
	}
	return -c
}

func compareValues(a, b schemas.Value) int {
	return cmp.Or(cmp.Compare(a.Int64(), b.Int64()), cmp.Compare(a.Str(), b.Str()), cmp.Compare(a.Float64(), b.Float64()))
}

// compareThen orders rows that the first list of fields does not tell apart. A
// row without a value is the lesser one. Two candidates of one rank that are
// ordered by lists of different lengths are compared by as many as both have.
func compareThen(a, b contender) int {
	for i := range min(len(a.from.then), len(b.from.then)) {
		x, y := firstOf(a.row, a.from.then[i]), firstOf(b.row, b.from.then[i])
		switch {
		case x.IsNull() && y.IsNull():
		case x.IsNull():
			return -1
		case y.IsNull():
			return 1
		default:
			if c := compareValues(x, y); c != 0 {
				return c
			}
		}
	}
	return 0
}

// reasonOf says why the winner of a decision has its i-th field.
func reasonOf(all []contender, win *contender, i int) Reason {
	switch {
	case win.from.columns[i] < 0:
		return Constant
	case win.rank > 0:
		return Fallback
	case len(all) == 1:
		return Sole
	case all[1].rank == win.rank:
		return win.from.by
	}
	return Rank
}

// losersOf tells who else spoke about the i-th field, best first.
func (g *Golden) losersOf(all, excluded []contender, i int, won schemas.Value) []Loser {
	if len(all)+len(excluded) == 1 {
		return nil
	}
	from := len(g.losers)                   // an older, smaller array stays with the cells that were cut from it
	g.seen = append(g.seen[:0], all[0].row) // a row may be a candidate of several ranks
	add := func(c *contender, why Reason) {
		v := c.from.value(i, c.row)
		if v.IsNull() || len(g.losers)-from == maxLosers || slices.Contains(g.seen, c.row) {
			return
		}
		g.seen = append(g.seen, c.row)
		if why != Excluded && (v.Equal(won) || element.Normal(c.from.elements[i], v).Equal(element.Normal(all[0].from.elements[i], won))) {
			why = Agrees
		}
		g.losers = append(g.losers, Loser{Dataset: c.from.dataset, Row: c.row.Key, Reason: why, Value: v, Element: c.from.elements[i]})
	}
	for n := 1; n < len(all); n++ {
		why := Rank
		if all[n].rank == all[0].rank {
			why = all[0].from.by
		}
		add(&all[n], why)
	}
	slices.SortFunc(excluded, compareContenders)
	for n := range excluded {
		add(&excluded[n], Excluded)
	}
	clear(g.seen)
	if len(g.losers) == from {
		return nil
	}
	return g.losers[from:len(g.losers):len(g.losers)]
}
