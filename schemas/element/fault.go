package element

import (
	"fmt"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// The codes of an Error. The set is closed.
const (
	CodeType        = "type"        // the value is of another type than the element
	CodeEncoding    = "encoding"    // damaged text
	CodeCharacters  = "characters"  // characters the kind does not have
	CodeLength      = "length"      // too long or too short
	CodeDate        = "date"        // no day of the calendar
	CodeRange       = "range"       // outside min and max, or of what can be kept
	CodePrecision   = "precision"   // more decimals than the element keeps
	CodeSet         = "code"        // not in the code set
	CodeSpreadsheet = "spreadsheet" // ruined by a spreadsheet
)

// Error says what is wrong with a value, never what the value is.
type Error struct {
	Code    string
	Message string // 中文 / English, with what to do
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

func fail(code, chinese, english string, args ...any) error {
	if len(args) > 0 {
		chinese, english = fmt.Sprintf(chinese, args...), fmt.Sprintf(english, args...)
	}
	return &Error{code, chinese + " / " + english}
}

// MaxLength is the longest text of an element, in characters.
func MaxLength(e *schemas.Element) int {
	if e.MaxLength > 0 {
		return e.MaxLength
	}
	switch e.Kind {
	case "person_name":
		return 50
	case "org_name", "address":
		return 200
	case "identifier", "code":
		return 64
	case "phone":
		return 30
	default:
		return 4000
	}
}
