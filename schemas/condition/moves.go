package condition

import (
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// A condition speaks of absence where another row could make it false: "no row", "no
// valid row", "the latest row says", "fewer rows than". Which datasets those are
// follows from the expression. What exists never is: exists, size(x) > 0 and counts
// that only grow.

// Moves is how the value of an expression follows the rows of datasets, by their ids:
// with more rows it may rise (from false to true, to more elements, to a larger
// number), or fall. What is in neither set does not touch it.
type Moves struct{ rise, fall map[string]bool }

// Rising is how something Moves that only grows with the rows of datasets.
func Rising(datasets ...string) Moves {
	m := Moves{rise: map[string]bool{}}
	for _, id := range datasets {
		m.rise[id] = true
	}
	return m
}

// still is the value that no row changes.
var still Moves

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

// And is how something Moves that rises and falls with both.
func (m Moves) And(o Moves) Moves { return Moves{union(m.rise, o.rise), union(m.fall, o.fall)} }

// not is how something Moves that falls where m rises.
func (m Moves) not() Moves { return Moves{m.fall, m.rise} }

// Anyhow is how something Moves of which nothing better is known.
func (m Moves) Anyhow() Moves { all := union(m.rise, m.fall); return Moves{all, all} }

// absence finds out how an expression moves.
type absence struct {
	variable func(name, field string) (Moves, bool)
	names    map[string]Moves // local to comprehensions
}

// Falls returns the datasets with more of whose rows the value of an expression may
// fall, in order. variable says how a variable moves, or one of its fields if it can
// say better; field is "" where the whole is read.
func (x *Expression) Falls(variable func(name, field string) (Moves, bool)) []string {
	var out []string
	for id := range (&absence{variable: variable, names: map[string]Moves{}}).of(x.tree).fall {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

func (a *absence) of(e ast.Expr) Moves {
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
			out = out.And(a.of(entry.AsMapEntry().Key())).And(a.of(entry.AsMapEntry().Value()))
		}
		return out.Anyhow()
	case ast.StructKind:
		out := still
		for _, f := range e.AsStruct().Fields() {
			out = out.And(a.of(f.AsStructField().Value()))
		}
		return out.Anyhow()
	default: // nothing is written there
		return still
	}
}

// all is how something Moves that is made of several expressions in some way.
func (a *absence) all(parts []ast.Expr) Moves {
	out := still
	for _, p := range parts {
		out = out.And(a.of(p))
	}
	return out.Anyhow()
}

// name is how a variable moves.
func (a *absence) name(name string) Moves {
	if m, ok := a.names[name]; ok {
		return m
	}
	m, _ := a.variable(name, "")
	return m
}

func (a *absence) field(s ast.SelectExpr) Moves {
	if op := s.Operand(); op.Kind() == ast.IdentKind && !s.IsTestOnly() {
		name := op.AsIdent()
		if _, local := a.names[name]; !local {
			if m, ok := a.variable(name, s.FieldName()); ok {
				return m
			}
		}
	}
	return a.of(s.Operand()).Anyhow()
}

func (a *absence) call(c ast.CallExpr) Moves {
	args := c.Args()
	if c.IsMemberFunction() {
		return a.all(append(slices.Clone(args), c.Target()))
	}
	switch c.FunctionName() {
	case operators.LogicalAnd, operators.LogicalOr, operators.Add:
		out := still
		for _, arg := range args {
			out = out.And(a.of(arg))
		}
		return out
	case operators.LogicalNot:
		return a.of(args[0]).not()
	case operators.Greater, operators.GreaterEquals:
		return a.of(args[0]).And(a.of(args[1]).not())
	case operators.Less, operators.LessEquals:
		return a.of(args[0]).not().And(a.of(args[1]))
	case operators.Conditional:
		return a.of(args[0]).Anyhow().And(a.of(args[1])).And(a.of(args[2]))
	case "size":
		return a.of(args[0])
	case operators.In:
		return a.of(args[0]).Anyhow().And(a.of(args[1]))
	}
	return a.all(args)
}

// comprehension knows the loops that macros come to: over more elements exists and
// filter only rise, and all only falls. An element is what it is, however many there
// are.
func (a *absence) comprehension(c ast.ComprehensionExpr) Moves {
	over, start := a.of(c.IterRange()), a.of(c.AccuInit())
	if c.IterRange().Kind() == ast.ListKind && c.IterRange().AsList().Size() == 0 {
		return a.with(c.AccuVar(), start, func() Moves { return a.of(c.Result()) }) // cel.bind
	}
	within := func(e ast.Expr) Moves {
		return a.with(c.IterVar(), still, func() Moves {
			return a.with(c.IterVar2(), still, func() Moves {
				return a.with(c.AccuVar(), still, func() Moves { return a.of(e) })
			})
		})
	}
	body := within(c.LoopStep())
	if result := c.Result(); result.Kind() == ast.IdentKind && result.AsIdent() == c.AccuVar() && c.LoopStep().Kind() == ast.CallKind {
		switch step := c.LoopStep().AsCall(); {
		case step.FunctionName() == operators.LogicalOr:
			return over.And(body)
		case step.FunctionName() == operators.LogicalAnd:
			return over.not().And(body)
		case step.FunctionName() == operators.Add: // map: more elements, each of which may be another
			return over.And(body.Anyhow())
		case step.FunctionName() == operators.Conditional && a.appends(step, c.AccuVar()):
			return over.And(within(step.Args()[0])).And(within(step.Args()[1]).Anyhow())
		}
	}
	return start.And(over).And(body).And(within(c.Result())).Anyhow()
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
func (a *absence) with(name string, m Moves, f func() Moves) Moves {
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
