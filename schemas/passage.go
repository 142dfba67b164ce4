package schemas

import (
	"fmt"
)

// Passage is a text that stands in a file of the catalogue.
type Passage struct{ File, Text string }

// Place is where something stands in a file, counted from 1.
type Place struct{ Line, Column int }

// ConditionError is a condition of the catalogue that cannot be used, and where it stands.
type ConditionError struct {
	File string
	Place
	Chinese, English string // without the place
	Err              error  // what it is, for errors.Is
}

// Error says it as compilers do: file:line:column: text.
func (e *ConditionError) Error() string {
	place := e.File
	if e.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", place, e.Line, e.Column)
	}
	return place + ": " + e.Chinese + " / " + e.English
}

// Unwrap returns what it is.
func (e *ConditionError) Unwrap() error { return e.Err }

// Unfit says that a condition cannot be used: what it is of the file, and what is wrong, in Chinese
// and in English.
func (c *Catalogue) Unfit(p Passage, chinese, english string, err error) *ConditionError {
	return &ConditionError{p.File, c.Conditions[p], chinese, english, err}
}
