package verification

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"

	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// costLimit bounds one evaluation: about a thousand rows compared with a
// thousand others. A rule that costs more is a Fault, not a stalled partition.
// Keeping count makes an evaluation three times as slow, so it is only done
// where the rows at hand, gone through as deeply nested as the expression does,
// could come near: above freeRounds.
const (
	costLimit  = 2_000_000
	freeRounds = 20_000
)

// expression is a compiled expression.
type expression struct {
	free    cel.Program // keeps no count
	limited cel.Program
	tree    ast.Expr
	rows    []int // slots of the variables of rows it reads
	depth   int   // how deeply comprehensions are nested
}

// over returns the program to run over that many rows.
func (x *expression) over(rows int) cel.Program {
	rounds := 1
	for range x.depth {
		if rounds *= max(rows, 1); rounds > freeRounds {
			return x.limited
		}
	}
	return x.free
}

// variable is one name of the environment and what it stands for.
type variable struct {
	name    string
	kind    variableKind
	dataset *schemas.Dataset
	roles   []string // of rows: the roles it lists
}

type variableKind uint8

const (
	rowsVariable variableKind = iota
	goldenVariable
	aggregateVariable
	keyVariable
	nowVariable
	todayVariable
)

// environment declares the variables of an entity's rules:
//
//	GA01            rows of the dataset about the entity, role "" (of every role, if the dataset has none of role "")
//	SC01_legal_rep  rows of that role
//	golden, agg     the golden record, the aggregates
//	key, now, today the entity's key, the engine's clock, its midnight in Shanghai
func (s *Set) environment(cat *schemas.Catalogue) (*cel.Env, error) {
	p := newProvider()
	options := []cel.EnvOption{}
	declare := func(v variable, t *cel.Type) {
		if _, twice := s.slots[v.name]; twice {
			return
		}
		s.slots[v.name] = len(s.variables)
		s.variables = append(s.variables, v)
		options = append(options, cel.Variable(v.name, t))
	}
	for _, d := range cat.Datasets {
		var roles []string
		for _, l := range d.Links {
			if l.Entity == s.entity.ID && !s.aggregated(d.ID, l.Role) {
				roles = append(roles, l.Role)
			}
		}
		if len(roles) == 0 {
			continue
		}
		t := p.rows(d)
		plain := roles
		for _, role := range roles {
			if role == "" {
				plain = []string{""}
				continue
			}
			declare(variable{name: d.ID + "_" + role, dataset: d, roles: []string{role}}, cel.ListType(t))
		}
		declare(variable{name: d.ID, dataset: d, roles: plain}, cel.ListType(t))
	}
	if s.entity.Layout != nil && len(s.entity.Fields) > 0 {
		declare(variable{name: "golden", kind: goldenVariable}, p.golden(s.entity))
	}
	if len(s.entity.Aggregates) > 0 {
		t, err := p.aggregates(cat, s.entity)
		if err != nil {
			return nil, err
		}
		declare(variable{name: "agg", kind: aggregateVariable}, t)
	}
	declare(variable{name: "key", kind: keyVariable}, cel.StringType)
	declare(variable{name: "now", kind: nowVariable}, cel.TimestampType)
	declare(variable{name: "today", kind: todayVariable}, cel.TimestampType)
	return newEnv(p, s.calendar, options...)
}

func (s *Set) aggregated(dataset, role string) bool {
	for _, a := range s.entity.Aggregates {
		if a.Dataset == dataset && a.Role == role {
			return true
		}
	}
	return false
}

func newEnv(p *typeProvider, calendar *schemas.Calendar, options ...cel.EnvOption) (*cel.Env, error) {
	base := []cel.EnvOption{
		cel.CustomTypeProvider(p), cel.CustomTypeAdapter(p.Registry),
		cel.CrossTypeNumericComparisons(true), cel.ParserExpressionSizeLimit(1 << 14), cel.ParserRecursionLimit(100),
		ext.Bindings(), ext.Math(), ext.Strings(),
	}
	base = append(base, functions(calendar)...)
	return cel.NewEnv(append(base, options...)...)
}

// Where compiles the condition of a candidate source or an aggregate: CEL over
// the variable row, one row of the dataset. It returns nil for "".
func Where(cat *schemas.Catalogue, d *schemas.Dataset, expression string) (func(*claim.Row) bool, error) {
	if expression == "" {
		return nil, nil
	}
	p := newProvider()
	env, err := newEnv(p, &cat.Calendar, cel.Variable("row", p.rows(d)))
	if err != nil {
		return nil, fmt.Errorf("build environment of dataset %q: %w", d.ID, err)
	}
	prog, _, err := program(env, "where", expression, cel.BoolType, nil)
	if err != nil {
		return nil, fmt.Errorf("dataset %q: %w", d.ID, err)
	}
	return func(r *claim.Row) bool {
		out, _, err := prog.free.Eval(single{&object{row: r}})
		return err == nil && out == types.True
	}, nil
}

// single is the activation of a condition on one row.
type single struct{ row ref.Val }

func (s single) ResolveName(name string) (any, bool) { return s.row, name == "row" }
func (s single) Parent() cel.Activation              { return nil }

// program compiles one expression. allowed are the variables it may read, nil
// for all.
func program(env *cel.Env, what, text string, want *cel.Type, allowed map[string]bool) (*expression, *cel.Ast, error) {
	a, issues := env.Compile(text)
	if err := issues.Err(); err != nil {
		return nil, nil, fmt.Errorf("%s: %s: %w", what, placeOf(issues), ErrRule)
	}
	if t := a.OutputType(); !t.IsAssignableType(want) && !t.IsExactType(types.NullType) && t.Kind() != types.DynKind {
		return nil, nil, fmt.Errorf("%s: yields %s, want %s: %w", what, t, want, ErrRule)
	}
	if allowed != nil {
		if err := readsOnly(a, allowed); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", what, err)
		}
	}
	x := &expression{tree: a.NativeRep().Expr(), depth: depthOf(ast.NavigateAST(a.NativeRep()))}
	var err error
	if x.free, err = env.Program(a, cel.EvalOptions(cel.OptOptimize)); err != nil {
		return nil, nil, fmt.Errorf("%s: %w: %w", what, err, ErrRule)
	}
	if x.limited, err = env.Program(a, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(costLimit)); err != nil {
		return nil, nil, fmt.Errorf("%s: %w: %w", what, err, ErrRule)
	}
	return x, a, nil
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

// placeOf writes CEL's complaints on one line each: line:column: message.
func placeOf(issues *cel.Issues) string {
	var lines []string
	for _, e := range issues.Errors() {
		lines = append(lines, fmt.Sprintf("%d:%d: %s", e.Location.Line(), e.Location.Column()+1, e.Message))
	}
	return strings.Join(lines, "; ")
}

// readsOnly refuses a variable that is not an input of the case: its changes
// would not be noticed.
func readsOnly(a *cel.Ast, allowed map[string]bool) error {
	var errs []error
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
		errs = append(errs, fmt.Errorf("reads %q, which is not among its inputs: %w", name, ErrRule))
	}
	return errors.Join(errs...)
}

// valueOf turns a cell into a CEL value.
func valueOf(v schemas.Value, t schemas.Type, scale int) ref.Val {
	switch v.Kind() {
	case schemas.KindNull, schemas.KindUnavailable, schemas.KindRows:
		return types.NullValue
	}
	switch t {
	case schemas.String:
		return types.String(v.Str())
	case schemas.Long:
		return types.Int(v.Int64())
	case schemas.Boolean:
		return types.Bool(v.Int64() != 0)
	case schemas.Double:
		return types.Double(v.Float64())
	case schemas.Decimal:
		return types.Double(float64(v.Int64()) / math.Pow10(scale))
	case schemas.Date:
		return types.Timestamp{Time: dayStart(v.Int64())}
	case schemas.Timestamp:
		return types.Timestamp{Time: v.Time(schemas.Timestamp).In(shanghai)}
	case schemas.Bytes:
		return types.Bytes(v.Str())
	}
	return types.NullValue
}
