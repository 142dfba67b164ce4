// Package condition compiles and evaluates the conditions that a catalogue is written
// with: CEL, over rows of datasets, golden records and aggregates. It is cel-go's one
// home; rules of package verification, candidate sources and aggregates are judged
// by it.
//
// An Env declares the variables that the conditions of one place may read, Compile
// checks one expression against them, and an Evaluator answers it over Facts. OnRow
// is the short form for a condition on one row. Conditions are typed: an unknown
// variable or field, or a comparison of different types, is a CompileError that says
// line and column.
//
// At run time a condition that compares null by order, calls a method on it or looks
// into an absent row comes to null, which holds nothing. One that fails otherwise
// (too expensive, a division by zero) is an EvaluationError: a fault of the condition,
// which says where it failed and never what it read.
//
// Two things are read off an expression without evaluating it: what it comes to where
// datasets are silent (settle.go), and how its value follows the rows of datasets
// (moves.go).
package condition

import (
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/common/types"
)

// Reason is why an evaluation failed.
type Reason string

// The reasons.
const (
	TooExpensive Reason = "too expensive"
	Failed       Reason = "failed"
)

// EvaluationError says that an expression could not be evaluated, and where in it. It
// quotes nothing: what cel-go says of a failure may hold a value.
type EvaluationError struct {
	Reason       Reason
	Line, Column int // 0 where it is the whole
}

// Error says place and reason.
func (e *EvaluationError) Error() string {
	if e.Line == 0 {
		return "evaluate: " + string(e.Reason)
	}
	return fmt.Sprintf("evaluate: %d:%d: %s", e.Line, e.Column, e.Reason)
}

// absences are the beginnings of what cel-go says where something is null or absent.
// It has no types for them. TestAbsence provokes each; a text that only holds one of
// them somewhere is another failure, perhaps over a value that reads like it.
var absences = []string{"no such overload", "no such key: ", "no such attribute(s): ", "index out of bounds: ", "index out of range: "}

// isAbsent reports whether an expression failed because something is null or absent.
func isAbsent(err error) bool {
	var failed *types.Err
	if !errors.As(err, &failed) {
		return false
	}
	text := failed.String()
	for _, begins := range absences {
		if strings.HasPrefix(text, begins) {
			return true
		}
	}
	return false
}
