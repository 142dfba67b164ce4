package condition

import (
	"fmt"
	"maps"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// costLimit bounds one evaluation: about a thousand rows compared with a
// thousand others. A condition that costs more is a fault, not a stalled partition.
// Keeping count makes an evaluation three times as slow, so it is only done
// where the rows at hand, gone through as deeply nested as the expression does,
// could come near: above freeRounds.
const (
	costLimit  = 2_000_000
	freeRounds = 20_000
)

// Expression is a compiled expression of an Env.
type Expression struct {
	free    cel.Program // keeps no count
	limited cel.Program
	tree    ast.Expr
	source  *ast.SourceInfo
	rows    []int // the variables of rows that it reads
	depth   int   // how deeply comprehensions are nested
}

// over returns the program to run over that many rows.
func (x *Expression) over(rows int) cel.Program {
	rounds := 1
	for range x.depth {
		if rounds *= max(rows, 1); rounds > freeRounds {
			return x.limited
		}
	}
	return x.free
}

// Variable is one name that expressions may read.
type Variable struct {
	name    string
	rows    bool // it lists rows
	declare func(*typeProvider) *cel.Type
}

// Rows is a variable that lists rows of a dataset.
func Rows(name string, d *schemas.Dataset) Variable {
	return Variable{name, true, func(p *typeProvider) *cel.Type { return cel.ListType(p.rows(d)) }}
}

// OneRow is a variable that is one row of a dataset.
func OneRow(name string, d *schemas.Dataset) Variable {
	return Variable{name, false, func(p *typeProvider) *cel.Type { return p.rows(d) }}
}

// Golden is a variable that is the golden record of an entity.
func Golden(name string, e *schemas.Entity) Variable {
	return Variable{name, false, func(p *typeProvider) *cel.Type { return p.golden(e) }}
}

// Numbers is a variable whose fields are numbers, none of which is ever null: the
// aggregates of an entity.
func Numbers(name, owner string, columns []schemas.Column) Variable {
	return Variable{name, false, func(p *typeProvider) *cel.Type { return p.numbers(owner, columns) }}
}

// String is a variable that is a text.
func String(name string) Variable {
	return Variable{name, false, func(*typeProvider) *cel.Type { return cel.StringType }}
}

// Timestamp is a variable that is a time.
func Timestamp(name string) Variable {
	return Variable{name, false, func(*typeProvider) *cel.Type { return cel.TimestampType }}
}

// Env is the environment of expressions: the variables that they may read. It is
// immutable.
type Env struct {
	cel       *cel.Env
	variables []Variable
	slots     map[string]int
}

// NewEnv declares variables, each name once.
func NewEnv(calendar *schemas.Calendar, variables ...Variable) (*Env, error) {
	e, p := &Env{variables: variables, slots: make(map[string]int, len(variables))}, newProvider()
	options := []cel.EnvOption{
		cel.CustomTypeProvider(p), cel.CustomTypeAdapter(p.Registry),
		cel.CrossTypeNumericComparisons(true), cel.ParserExpressionSizeLimit(1 << 14), cel.ParserRecursionLimit(100),
		ext.Bindings(), ext.Math(), ext.Strings(),
	}
	options = append(options, functions(calendar)...)
	for i, v := range variables {
		e.slots[v.name] = i
		options = append(options, cel.Variable(v.name, v.declare(p)))
	}
	var err error
	if e.cel, err = cel.NewEnv(options...); err != nil {
		return nil, fmt.Errorf("build the environment of conditions: %w", err)
	}
	return e, nil
}

// Slot returns the place of a variable among those that the environment was made of.
func (e *Env) Slot(name string) (int, bool) {
	at, ok := e.slots[name]
	return at, ok
}

// names are the names of the variables.
func (e *Env) names() []string { return slices.Sorted(maps.Keys(e.slots)) }

// Yields is what an expression has to come to.
type Yields uint8

// What expressions come to.
const (
	Bool   Yields = iota // yes or no: a condition
	Moment               // a time
)

func (y Yields) celType() *cel.Type {
	if y == Moment {
		return cel.TimestampType
	}
	return cel.BoolType
}

// Compile compiles one expression. allowed are the variables it may read, nil for all.
// What is wrong with it is a CompileError.
func (e *Env) Compile(text string, want Yields, allowed map[string]bool) (*Expression, error) {
	a, issues := e.cel.Compile(text)
	if issues.Err() != nil {
		return nil, complain(issues, text, e.names())
	}
	if t := a.OutputType(); !t.IsAssignableType(want.celType()) && !t.IsExactType(types.NullType) && t.Kind() != types.DynKind {
		is, should := plain(t), plain(want.celType())
		return nil, wrong(fmt.Sprintf("结果是 %s，应为 %s", is, should), fmt.Sprintf("yields %s, want %s", is, should))
	}
	if allowed != nil {
		if wrong := readsOnly(a, allowed); wrong != nil {
			return nil, wrong
		}
	}
	x := &Expression{tree: a.NativeRep().Expr(), source: a.NativeRep().SourceInfo(), depth: depthOf(ast.NavigateAST(a.NativeRep())), rows: e.rowsOf(a)}
	var err error
	if x.free, err = e.cel.Program(a, cel.EvalOptions(cel.OptOptimize)); err != nil {
		return nil, wrong("不能使用", err.Error())
	}
	if x.limited, err = e.cel.Program(a, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(costLimit)); err != nil {
		return nil, wrong("不能使用", err.Error())
	}
	return x, nil
}

// depthOf returns how deeply comprehensions are nested in an expression.
func depthOf(e ast.NavigableExpr) int {
	depth := 0
	for _, child := range e.Children() {
		depth = max(depth, depthOf(child))
	}
	if e.Kind() == ast.ComprehensionKind {
		depth++
	}
	return depth
}

// readsOnly refuses a variable that is not an input of the case: its changes
// would not be noticed.
func readsOnly(a *cel.Ast, allowed map[string]bool) *CompileError {
	faults := &CompileError{}
	root := ast.NavigateAST(a.NativeRep())
	local := make(map[string]bool)
	for _, e := range ast.MatchDescendants(root, ast.KindMatcher(ast.ComprehensionKind)) {
		c := e.AsComprehension()
		local[c.IterVar()], local[c.IterVar2()], local[c.AccuVar()] = true, true, true
	}
	seen := make(map[string]bool)
	for _, e := range ast.MatchDescendants(root, ast.KindMatcher(ast.IdentKind)) {
		name := e.AsIdent()
		if allowed[name] || local[name] || seen[name] {
			continue
		}
		seen[name] = true
		at := a.NativeRep().SourceInfo().GetStartLocation(e.ID())
		faults.Faults = append(faults.Faults, Fault{
			at.Line(), at.Column() + 1, fmt.Sprintf("读了 %q，请列入 inputs", name), fmt.Sprintf("reads %q, which is not among its inputs", name),
		})
	}
	if len(faults.Faults) == 0 {
		return nil
	}
	return faults
}

// mostRows is how many variables a silence can tell apart.
const mostRows = 64

// rowsOf returns the variables of rows that an expression reads.
func (e *Env) rowsOf(a *cel.Ast) []int {
	var read []int
	for _, x := range ast.MatchDescendants(ast.NavigateAST(a.NativeRep()), ast.KindMatcher(ast.IdentKind)) {
		at, ok := e.slots[x.AsIdent()]
		if ok && e.variables[at].rows && !slices.Contains(read, at) {
			read = append(read, at)
		}
	}
	return read[:min(len(read), mostRows)]
}
