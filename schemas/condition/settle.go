package condition

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Most rules compare what two departments say, and of most entities only one of
// the two says anything: then the answer is settled by who is silent, whatever
// the others say. It is found once for each set of silent datasets, by going
// through the expression with empty lists for them and everything else unknown.

// silence is a set of variables, by their place in Expression.rows.
type silence uint64

// settled is what is known of one expression: its value by silence, nil where
// the silence alone does not settle it.
type settled map[silence]ref.Val

// settle returns the value of an expression if the datasets that say nothing
// about the entity settle it.
func (v *Evaluator) settle(x *Expression) (ref.Val, bool) {
	var quiet silence
	for i, at := range x.rows {
		if v.silent(at) {
			quiet |= 1 << i
		}
	}
	if quiet == 0 {
		return nil, false
	}
	known := v.settled[x]
	if known == nil {
		known = settled{}
		v.settled[x] = known
	}
	out, asked := known[quiet]
	if !asked {
		out = v.env.settle(x, quiet)
		known[quiet] = out
	}
	return out, out != nil
}

// voice is what is known of a variable of rows: the expressions of an entity ask for
// the same few again and again.
type voice uint8

const (
	unasked voice = iota
	silent
	speaks
)

// silent reports whether a variable of rows has none.
func (v *Evaluator) silent(variable int) bool {
	if v.voices[variable] == unasked {
		if v.voices[variable] = speaks; v.facts.Silent(variable) {
			v.voices[variable] = silent
		}
	}
	return v.voices[variable] == silent
}

// settle goes through an expression of which only the silence is known. Only
// answers of a condition and "no time" count; nil is "it depends".
func (e *Env) settle(x *Expression, quiet silence) ref.Val {
	names := scope{}
	for i, at := range x.rows {
		if quiet&(1<<i) != 0 {
			names[e.variables[at].name] = nobody
		}
	}
	switch out := names.value(x.tree).(type) {
	case types.Bool, types.Null:
		return out
	}
	return nil
}

// nobody is the empty list: the rows of a silent dataset.
var nobody = types.NewRefValList(types.DefaultTypeAdapter, nil)

// scope holds the names whose value is known. A value is a types.Bool,
// types.Int, types.Null or nobody; nil is unknown.
type scope map[string]ref.Val

// with returns a scope in which a name stands for a value.
func (s scope) with(name string, v ref.Val) scope {
	out := make(scope, len(s)+1)
	for n, old := range s {
		out[n] = old
	}
	out[name] = v
	return out
}

func (s scope) value(e ast.Expr) ref.Val {
	switch e.Kind() {
	case ast.LiteralKind:
		switch v := e.AsLiteral().(type) {
		case types.Bool, types.Int, types.Null:
			return v
		}
	case ast.IdentKind:
		return s[e.AsIdent()]
	case ast.ListKind:
		if e.AsList().Size() == 0 {
			return nobody
		}
	case ast.CallKind:
		if c := e.AsCall(); !c.IsMemberFunction() {
			return s.call(c)
		}
	case ast.SelectKind:
		if x := e.AsSelect(); !x.IsTestOnly() && s.value(x.Operand()) == ref.Val(types.NullValue) {
			return types.NullValue // the row is absent, and so is its field
		}
	case ast.ComprehensionKind:
		return s.comprehension(e.AsComprehension())
	default: // not known
	}
	return nil
}

// call knows the operators that an unknown operand need not leave unknown, and
// counts of nobody.
func (s scope) call(c ast.CallExpr) ref.Val {
	args := c.Args()
	switch c.FunctionName() {
	case operators.LogicalAnd, operators.LogicalOr:
		decides := types.Bool(c.FunctionName() == operators.LogicalOr)
		all := ref.Val(!decides)
		for _, arg := range args {
			switch s.value(arg) {
			case decides:
				return decides
			case !decides:
			default:
				all = nil
			}
		}
		return all
	case operators.LogicalNot:
		if b, ok := s.value(args[0]).(types.Bool); ok {
			return !b
		}
	case operators.Conditional:
		switch b := s.value(args[0]).(type) {
		case types.Bool:
			if b {
				return s.value(args[1])
			}
			return s.value(args[2])
		case types.Null:
			return b
		}
	case operators.Add:
		a, b := s.value(args[0]), s.value(args[1])
		if a == nobody && b == nobody {
			return nobody
		}
		return s.absent(args)
	case "latest", "earliest", "first":
		if s.value(args[0]) == nobody {
			return types.NullValue
		}
	case "coalesce":
		for _, arg := range args {
			if s.value(arg) != ref.Val(types.NullValue) {
				return nil
			}
		}
		return types.NullValue
	case "days", "workdays_after":
		return s.absent(args)
	case "size":
		if s.value(args[0]) == nobody {
			return types.IntZero
		}
	case operators.Greater, operators.GreaterEquals, operators.Less, operators.LessEquals, operators.Equals, operators.NotEquals:
		return s.compare(c.FunctionName(), args)
	}
	return nil
}

// absent is null where an operand is: what would be computed of it fails, and
// an expression that fails for something absent comes to null.
func (s scope) absent(args []ast.Expr) ref.Val {
	for _, arg := range args {
		if s.value(arg) == ref.Val(types.NullValue) {
			return types.NullValue
		}
	}
	return nil
}

func (s scope) compare(operator string, args []ast.Expr) ref.Val {
	if operator != operators.Equals && operator != operators.NotEquals {
		if out := s.absent(args); out != nil {
			return out
		}
	}
	a, ok := s.value(args[0]).(types.Int)
	b, ok2 := s.value(args[1]).(types.Int)
	if !ok || !ok2 {
		return nil
	}
	switch operator {
	case operators.Greater:
		return types.Bool(a > b)
	case operators.GreaterEquals:
		return types.Bool(a >= b)
	case operators.Less:
		return types.Bool(a < b)
	case operators.LessEquals:
		return types.Bool(a <= b)
	case operators.Equals:
		return types.Bool(a == b)
	}
	return types.Bool(a != b)
}

// comprehension knows what a macro comes to over nobody, which is its start (a
// cel.bind is such a loop too), and that exists or all of whomever stay what
// they are when their predicate is false or true of everybody.
func (s scope) comprehension(c ast.ComprehensionExpr) ref.Val {
	start := s.value(c.AccuInit())
	if s.value(c.IterRange()) == nobody {
		return s.with(c.AccuVar(), start).value(c.Result())
	}
	begins, ok := start.(types.Bool)
	if !ok || c.LoopStep().Kind() != ast.CallKind {
		return nil
	}
	joins := operators.LogicalOr
	if begins {
		joins = operators.LogicalAnd
	}
	step := c.LoopStep().AsCall()
	if step.FunctionName() != joins {
		return nil
	}
	inside := s.with(c.IterVar(), nil).with(c.IterVar2(), nil).with(c.AccuVar(), begins)
	if inside.call(step) != ref.Val(begins) {
		return nil
	}
	return s.with(c.AccuVar(), begins).value(c.Result())
}
