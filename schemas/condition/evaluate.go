package condition

import (
	"errors"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Evaluator evaluates expressions of one Env again and again with the same scratch
// memory. It is for one goroutine.
type Evaluator struct {
	env     *Env
	facts   Facts
	vars    []ref.Val // by variable, nil until asked for
	voices  []voice   // by variable
	settled map[*Expression]settled
}

// Evaluator returns an evaluator of the environment's expressions.
func (e *Env) Evaluator() *Evaluator {
	return &Evaluator{env: e, vars: make([]ref.Val, len(e.variables)), voices: make([]voice, len(e.variables)), settled: map[*Expression]settled{}}
}

// Over makes the evaluator look at other facts, nil at none.
func (v *Evaluator) Over(facts Facts) {
	v.facts = facts
	clear(v.vars)
	clear(v.voices)
}

// Holds evaluates a condition. What is null does not hold.
func (v *Evaluator) Holds(x *Expression) (bool, error) {
	out, err := v.eval(x)
	return err == nil && out == types.True, err
}

// Moment evaluates an expression that yields a time; there is none where it is null.
func (v *Evaluator) Moment(x *Expression) (time.Time, bool, error) {
	out, err := v.eval(x)
	if err != nil {
		return time.Time{}, false, err
	}
	t, ok := out.(types.Timestamp)
	return t.Time, ok, nil
}

// eval answers an expression by who is silent, or runs it.
func (v *Evaluator) eval(x *Expression) (ref.Val, error) {
	if out, ok := v.settle(x); ok {
		return out, nil
	}
	return x.run(x.over(v.facts.Len()), v)
}

// run runs a program of an expression. What fails because something is null or absent
// yields null.
func (x *Expression) run(program cel.Program, names cel.Activation) (ref.Val, error) {
	out, _, err := program.Eval(names)
	if err == nil {
		return out, nil
	}
	if isAbsent(err) {
		return types.NullValue, nil
	}
	return nil, x.failure(err)
}

// failure makes of what cel-go says what may be said.
func (x *Expression) failure(err error) error {
	out := &EvaluationError{Reason: Failed}
	var cancelled interpreter.EvalCancelledError
	if errors.As(err, &cancelled) && cancelled.Cause == interpreter.CostLimitExceeded {
		out.Reason = TooExpensive
	}
	var failed *types.Err
	if errors.As(err, &failed) && failed.NodeID() != 0 {
		if at := x.source.GetStartLocation(failed.NodeID()); at.Line() > 0 {
			out.Line, out.Column = at.Line(), at.Column()+1
		}
	}
	return out
}

// ResolveName implements cel.Activation: a variable is built when an expression
// first asks for it.
func (v *Evaluator) ResolveName(name string) (any, bool) {
	at, ok := v.env.slots[name]
	if !ok {
		return nil, false
	}
	if v.vars[at] == nil {
		v.vars[at] = v.facts.Value(at).v
	}
	return v.vars[at], true
}

// Parent implements cel.Activation.
func (v *Evaluator) Parent() cel.Activation { return nil }

// OnRow compiles a condition on one row of a dataset, over the variable row. It
// returns nil for "". A row over which it fails does not count.
func OnRow[R Row](calendar *schemas.Calendar, d *schemas.Dataset, text string) (func(R) bool, error) {
	if text == "" {
		return nil, nil
	}
	env, err := NewEnv(calendar, OneRow("row", d))
	if err != nil {
		return nil, err
	}
	x, err := env.Compile(text, Bool, nil)
	if err != nil {
		return nil, err
	}
	return func(r R) bool {
		out, err := x.run(x.free, single{&object{row: r}})
		return err == nil && out == types.True
	}, nil
}

// single is the activation of a condition on one row.
type single struct{ row ref.Val }

func (s single) ResolveName(name string) (any, bool) { return s.row, name == "row" }
func (s single) Parent() cel.Activation              { return nil }
