package verification

import (
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas/condition"
)

// While a dataset has not come as a whole, a condition that speaks of absence holds for
// nothing but the rows that have not come yet. A case therefore waits for the first
// complete copy of every dataset in which its condition does not only rise.

// awaits returns the datasets whose first complete copy a condition waits for, in order.
func (s *Set) awaits(x *condition.Expression) []string {
	if x == nil {
		return nil
	}
	return x.Falls(s.moves)
}

// moves is how a variable moves: rows only become more, and a golden record may be
// another with every row that an authority table reads.
func (s *Set) moves(name, field string) (condition.Moves, bool) {
	slot, ok := s.env.Slot(name)
	if !ok {
		return condition.Moves{}, false
	}
	switch v := &s.variables[slot]; {
	case v.kind == aggregateVariable:
		return s.aggregates(field), true
	case field != "":
		return condition.Moves{}, false
	case v.kind == rowsVariable:
		return condition.Rising(v.dataset.ID), true
	case v.kind == goldenVariable:
		return s.golden(), true
	}
	return condition.Moves{}, false
}

func (s *Set) golden() condition.Moves {
	var read []string
	for _, t := range s.entity.Authority {
		for _, candidates := range t.Sources {
			for _, c := range candidates {
				read = append(read, c.Dataset)
			}
		}
	}
	return condition.Rising(read...).Anyhow()
}

// aggregates is how an aggregate moves: a number of rows only grows, of a sum nobody
// knows, and neither of all of them together, if name is "".
func (s *Set) aggregates(name string) condition.Moves {
	var out condition.Moves
	for _, g := range s.entity.Aggregates {
		if name != "" && g.Name != name {
			continue
		}
		m := condition.Rising(g.Dataset)
		if g.Sum != "" || name == "" {
			m = m.Anyhow()
		}
		out = out.And(m)
	}
	return out
}

// Awaited is a case of a rule and the datasets of which it waits for the first
// complete copy.
type Awaited struct {
	Rule, Case string
	Datasets   []string
}

// Awaits returns, in the order of the rules, the cases of an entity that wait.
func (s *Set) Awaits() []Awaited {
	var out []Awaited
	for _, one := range s.cases {
		if len(one.awaits) > 0 {
			out = append(out, Awaited{one.rule.ID, one.c.ID, slices.Clone(one.awaits)})
		}
	}
	return out
}
