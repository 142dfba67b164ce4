package verification

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"github.com/yiyuan-bus/yiyuan/processors/masking"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// A condition speaks of absence where another row could make it false: "no row", "no
// valid row", "the latest row says", "fewer rows than". While a dataset has not come
// as a whole, such a condition holds for nothing but the rows that have not come yet.
// Which datasets those are follows from the expression: a case waits for the first
// complete copy of every dataset in which its condition does not only rise. What
// exists is never waited for: exists, size(x) > 0 and counts that only grow.

// moves is how the value of an expression follows the rows of datasets, by their ids:
// with more rows it may rise (from false to true, to more elements, to a larger
// number), or fall. What is in neither set does not touch it.
type moves struct{ rise, fall map[string]bool }

// still is the value that no row changes.
var still moves

func union(a, b map[string]bool) map[string]bool {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	out := make(map[string]bool, len(a)+len(b))
	for id := range a {
		out[id] = true
	}
	for id := range b {
		out[id] = true
	}
	return out
}

// and is how something moves that rises and falls with both.
func (m moves) and(o moves) moves { return moves{union(m.rise, o.rise), union(m.fall, o.fall)} }

// not is how something moves that falls where m rises.
func (m moves) not() moves { return moves{m.fall, m.rise} }

// anyhow is how something moves of which nothing better is known.
func (m moves) anyhow() moves { all := union(m.rise, m.fall); return moves{all, all} }

// absence finds out how expressions of an entity's rules move.
type absence struct {
	set   *Set
	names map[string]moves // local to comprehensions
}

// awaits returns the datasets whose first complete copy a condition waits for, in order.
func (s *Set) awaits(x *expression) []string {
	if x == nil {
		return nil
	}
	var out []string
	for id := range (&absence{set: s, names: map[string]moves{}}).of(x.tree).fall {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

func (a *absence) of(e ast.Expr) moves {
	switch e.Kind() {
	case ast.LiteralKind:
		return still
	case ast.IdentKind:
		return a.name(e.AsIdent())
	case ast.SelectKind:
		return a.field(e.AsSelect())
	case ast.ListKind:
		return a.all(e.AsList().Elements())
	case ast.CallKind:
		return a.call(e.AsCall())
	case ast.ComprehensionKind:
		return a.comprehension(e.AsComprehension())
	case ast.MapKind:
		out := still
		for _, entry := range e.AsMap().Entries() {
			out = out.and(a.of(entry.AsMapEntry().Key())).and(a.of(entry.AsMapEntry().Value()))
		}
		return out.anyhow()
	case ast.StructKind:
		out := still
		for _, f := range e.AsStruct().Fields() {
			out = out.and(a.of(f.AsStructField().Value()))
		}
		return out.anyhow()
	}
	return still
}

// all is how something moves that is made of several expressions in some way.
func (a *absence) all(parts []ast.Expr) moves {
	out := still
	for _, p := range parts {
		out = out.and(a.of(p))
	}
	return out.anyhow()
}

// name is how a variable moves: rows only become more, and a golden record may be
// another with every row that an authority table reads.
func (a *absence) name(name string) moves {
	if m, ok := a.names[name]; ok {
		return m
	}
	slot, ok := a.set.slots[name]
	if !ok {
		return still
	}
	switch v := a.set.variables[slot]; v.kind {
	case rowsVariable:
		return moves{rise: map[string]bool{v.dataset.ID: true}}
	case goldenVariable:
		return a.golden()
	case aggregateVariable:
		return a.aggregates("").anyhow()
	}
	return still
}

func (a *absence) golden() moves {
	read := map[string]bool{}
	for _, t := range a.set.entity.Authority {
		for _, candidates := range t.Sources {
			for _, c := range candidates {
				read[c.Dataset] = true
			}
		}
	}
	return moves{read, read}
}

// aggregates is how an aggregate moves, all of them if name is "": a number of rows
// only grows, of a sum nobody knows.
func (a *absence) aggregates(name string) moves {
	out := still
	for _, g := range a.set.entity.Aggregates {
		if name != "" && g.Name != name {
			continue
		}
		m := moves{rise: map[string]bool{g.Dataset: true}}
		if g.Sum != "" {
			m = m.anyhow()
		}
		out = out.and(m)
	}
	return out
}

func (a *absence) field(s ast.SelectExpr) moves {
	if op := s.Operand(); op.Kind() == ast.IdentKind && !s.IsTestOnly() {
		name := op.AsIdent()
		if _, local := a.names[name]; !local && name == "agg" {
			return a.aggregates(s.FieldName())
		}
	}
	return a.of(s.Operand()).anyhow()
}

func (a *absence) call(c ast.CallExpr) moves {
	args := c.Args()
	if c.IsMemberFunction() {
		return a.all(append(slices.Clone(args), c.Target()))
	}
	switch c.FunctionName() {
	case operators.LogicalAnd, operators.LogicalOr, operators.Add:
		out := still
		for _, arg := range args {
			out = out.and(a.of(arg))
		}
		return out
	case operators.LogicalNot:
		return a.of(args[0]).not()
	case operators.Greater, operators.GreaterEquals:
		return a.of(args[0]).and(a.of(args[1]).not())
	case operators.Less, operators.LessEquals:
		return a.of(args[0]).not().and(a.of(args[1]))
	case operators.Conditional:
		return a.of(args[0]).anyhow().and(a.of(args[1])).and(a.of(args[2]))
	case "size":
		return a.of(args[0])
	case operators.In:
		return a.of(args[0]).anyhow().and(a.of(args[1]))
	}
	return a.all(args)
}

// comprehension knows the loops that macros come to: over more elements exists and
// filter only rise, and all only falls. An element is what it is, however many there
// are.
func (a *absence) comprehension(c ast.ComprehensionExpr) moves {
	over, start := a.of(c.IterRange()), a.of(c.AccuInit())
	if c.IterRange().Kind() == ast.ListKind && c.IterRange().AsList().Size() == 0 {
		return a.with(c.AccuVar(), start, func() moves { return a.of(c.Result()) }) // cel.bind
	}
	within := func(e ast.Expr) moves {
		return a.with(c.IterVar(), still, func() moves {
			return a.with(c.IterVar2(), still, func() moves {
				return a.with(c.AccuVar(), still, func() moves { return a.of(e) })
			})
		})
	}
	body := within(c.LoopStep())
	if result := c.Result(); result.Kind() == ast.IdentKind && result.AsIdent() == c.AccuVar() && c.LoopStep().Kind() == ast.CallKind {
		switch step := c.LoopStep().AsCall(); {
		case step.FunctionName() == operators.LogicalOr:
			return over.and(body)
		case step.FunctionName() == operators.LogicalAnd:
			return over.not().and(body)
		case step.FunctionName() == operators.Add: // map: more elements, each of which may be another
			return over.and(body.anyhow())
		case step.FunctionName() == operators.Conditional && a.appends(step, c.AccuVar()):
			return over.and(within(step.Args()[0])).and(within(step.Args()[1]).anyhow())
		}
	}
	return start.and(over).and(body).and(within(c.Result())).anyhow()
}

// appends reports whether a step is filter's: condition ? sofar + [element] : sofar.
func (a *absence) appends(step ast.CallExpr, sofar string) bool {
	is := func(e ast.Expr) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == sofar }
	if len(step.Args()) != 3 || !is(step.Args()[2]) || step.Args()[1].Kind() != ast.CallKind {
		return false
	}
	add := step.Args()[1].AsCall()
	return add.FunctionName() == operators.Add && len(add.Args()) == 2 && is(add.Args()[0])
}

// with works something out while a name stands for something local.
func (a *absence) with(name string, m moves, f func() moves) moves {
	if name == "" {
		return f()
	}
	was, had := a.names[name]
	a.names[name] = m
	out := f()
	if delete(a.names, name); had {
		a.names[name] = was
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

// Awaits returns, by rule and case, the cases of a catalogue that wait.
func Awaits(cat *schemas.Catalogue, keys masking.Keys) ([]Awaited, error) {
	var out []Awaited
	for _, e := range cat.Entities {
		s, err := Compile(cat, e, keys)
		if err != nil {
			return nil, err
		}
		out = append(out, s.Awaits()...)
	}
	slices.SortFunc(out, func(a, b Awaited) int { return strings.Compare(a.Rule+"/"+a.Case, b.Rule+"/"+b.Case) })
	return out, nil
}
