package connectors

import "github.com/yiyuan-bus/yiyuan/schemas"

// CellState says whether a source sent a field.
type CellState uint8

// The states of a cell. Missing: the source has no such field in this row (null
// where that is allowed). NotSent: it has a value that was not transmitted,
// such as an unchanged TOAST column. Kept: it may have one, see Absent.
const (
	Missing CellState = iota
	Null
	Given
	NotSent
	Kept
)

// Form is what a cell was in a format that knows types.
type Form uint8

// The forms of a cell; FormText also where everything is text.
const (
	FormText Form = iota
	FormNumber
	FormBoolean
)

// Cell is one field of a row as its source wrote it, in text.
type Cell struct {
	Text  string
	State CellState
	Form  Form
}

// Text returns the cell of a field that was sent.
func Text(s string) Cell { return Cell{Text: s, State: Given} }

// FieldError says what is wrong with one field of a row. It never holds the
// value.
type FieldError struct {
	Field  string // "" if the row as a whole
	Reason string // one of the schemas.Reason constants
	Detail string // 中文 / English
}

// Error implements error.
func (e FieldError) Error() string {
	if e.Field == "" {
		return e.Detail
	}
	return e.Field + ": " + e.Detail
}

func isKey(d *schemas.Dataset, field string) bool {
	for _, k := range d.Key {
		if k == field {
			return true
		}
	}
	return false
}
