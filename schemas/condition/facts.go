package condition

import (
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Facts are what expressions are evaluated over. Variables go by their place among
// those that the Env was made of.
type Facts interface {
	// Value returns a variable; it is asked for once, when an expression first reads it.
	Value(variable int) Value
	// Silent reports whether a variable of rows has none.
	Silent(variable int) bool
	// Len is how many rows there are in all, which bounds what an evaluation may cost.
	Len() int
}

// Value is what a variable stands for.
type Value struct{ v ref.Val }

// List is a list of rows, without those that are not to be kept.
func List[R Row](rows []R, keep func(R) bool) Value {
	objects, values := make([]object, len(rows)), make([]ref.Val, 0, len(rows))
	for i, r := range rows {
		if !keep(r) {
			continue
		}
		objects[i].row = r
		values = append(values, &objects[i])
	}
	return Value{types.NewRefValList(types.DefaultTypeAdapter, values)}
}

// Cells is a golden record, or the aggregates: its values by position.
func Cells(values []schemas.Value) Value { return Value{&object{values: values}} }

// Text is a text.
func Text(s string) Value { return Value{types.String(s)} }

// Time is a time, of which rules see the day in the zone of the catalogue.
func Time(t time.Time) Value { return Value{types.Timestamp{Time: t.In(schemas.Zone)}} }
