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
	g := Golden{Values: make([]schemas.Value, len(t.entity.Layout.Columns)), Cells: make([]Cell, 0, len(t.entity.Fields))}
	g.Values[0] = schemas.Text(d.Key)
	var all, excluded []contender
	for i := range t.cells {
		all, excluded = t.cells[i].decide(d, &g, all[:0], excluded[:0])
	}
	g.Exists = len(g.Cells) > 0
	slices.SortFunc(g.Cells, func(a, b Cell) int { return cmp.Compare(a.Field.Index, b.Field.Index) })
	return g
}

// contender is one row that speaks about a decision.
type contender struct {
	row  *claim.Row
	from *candidate
	rank int
	on   schemas.Value // what the pick compares, Null if the row has none
}

// decide finds the first rank in which a row has a value, picks one row there,
// and gives every field of the decision that row's value. A group falls back
// as a whole: its members never come from two rows.
// It returns its scratch memory.
func (x *decision) decide(d *claim.Dossier, g *Golden, all, excluded []contender) (_, _ []contender) {
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
		return all, excluded
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
			Reason: reasonOf(all, win, i), Flag: win.from.flag, At: win.row.At, Losers: losersOf(all, excluded, i, v),
		})
	}
	return all, excluded
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
	for _, at := range c.on {
		if v := r.Value(at); !v.IsNull() {
			return v
		}
	}
	return schemas.Null
}

// compareContenders puts the preferred row first: by rank, then by what the
// pick compares, then by row key, dataset and role, which make the order total.
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
		cmp.Compare(a.on.Int64(), b.on.Int64()), cmp.Compare(a.on.Str(), b.on.Str()), cmp.Compare(a.on.Float64(), b.on.Float64()),
		cmp.Compare(a.row.Key, b.row.Key), cmp.Compare(a.from.dataset.ID, b.from.dataset.ID), cmp.Compare(a.row.Role, b.row.Role),
	)
	if a.from.by == Earliest && b.from.by == Earliest {
		return c
	}
	return -c
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
func losersOf(all, excluded []contender, i int, won schemas.Value) []Loser {
	if len(all)+len(excluded) == 1 {
		return nil
	}
	var losers []Loser
	seen := make([]*claim.Row, 1, len(all)+len(excluded)) // a row may be a candidate of several ranks
	seen[0] = all[0].row
	add := func(c *contender, why Reason) {
		v := c.from.value(i, c.row)
		if v.IsNull() || len(losers) == maxLosers || slices.Contains(seen, c.row) {
			return
		}
		seen = append(seen, c.row)
		if why != Excluded && v.Equal(won) {
			why = Agrees
		}
		losers = append(losers, Loser{Dataset: c.from.dataset, Row: c.row.Key, Reason: why, Value: v, Element: c.from.elements[i]})
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
	return losers
}

// constantOf reads the fixed value of a golden field.
func constantOf(f *schemas.GoldenField, text string) (schemas.Value, error) {
	return element.Parse(f.Element, text)
}
