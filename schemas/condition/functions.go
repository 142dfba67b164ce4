package condition

import (
	"cmp"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/identifier"
)

var nullableString = types.NewNullableType(types.StringType)

// functions declares the functions of the environment.
func functions(calendar *schemas.Calendar) []cel.EnvOption {
	t, rows := cel.TypeParamType("T"), cel.ListType(cel.TypeParamType("T"))
	text := func(name string, out *cel.Type, f func(string) ref.Val, null ref.Val) cel.EnvOption {
		return cel.Function(name, cel.Overload(name+"_string", []*cel.Type{nullableString}, out, cel.UnaryBinding(func(v ref.Val) ref.Val {
			if s, ok := v.(types.String); ok {
				return f(string(s))
			}
			return null
		})))
	}
	ordered := func(name string, sign int) cel.EnvOption {
		return cel.Function(name, cel.Overload(name+"_list_string", []*cel.Type{rows, cel.StringType}, t,
			cel.BinaryBinding(func(list, on ref.Val) ref.Val { return extreme(list, on, sign) })))
	}
	coalesce := func(values ...ref.Val) ref.Val {
		for _, v := range values {
			if v != types.NullValue {
				return v
			}
		}
		return types.NullValue
	}
	return []cel.EnvOption{
		text("id_ok", cel.BoolType, func(s string) ref.Val { _, err := identifier.ParseCitizen(s); return types.Bool(err == nil) }, types.False),
		text("uscc_ok", cel.BoolType, func(s string) ref.Val { _, err := identifier.ParseUSCC(s); return types.Bool(err == nil) }, types.False),
		text("id_birth", cel.TimestampType, idBirth, types.NullValue),
		text("id_sex", nullableString, idSex, types.NullValue),
		text("name_norm", nullableString, func(s string) ref.Val { return types.String(NormaliseName(s)) }, types.NullValue),
		ordered("latest", 1),
		ordered("earliest", -1),
		cel.Function("first", cel.Overload("first_list", []*cel.Type{rows}, t, cel.UnaryBinding(first))),
		cel.Function("days",
			cel.Overload("days_between", []*cel.Type{cel.TimestampType, cel.TimestampType}, cel.IntType, cel.BinaryBinding(daysBetween)),
			cel.Overload("days_after", []*cel.Type{cel.TimestampType, cel.IntType}, cel.TimestampType, cel.BinaryBinding(daysAfter))),
		cel.Function("workdays_after", cel.Overload("workdays_after_timestamp_int", []*cel.Type{cel.TimestampType, cel.IntType}, cel.TimestampType,
			cel.BinaryBinding(func(from, n ref.Val) ref.Val {
				at, ok1 := from.(types.Timestamp)
				days, ok2 := n.(types.Int)
				if !ok1 || !ok2 {
					return types.NullValue
				}
				if at.Year() >= lastYear || days > lastDay || days < -lastDay { // no calendar reaches there
					return daysAfter(from, n)
				}
				y, m, d := calendar.Add(schemas.Midnight(at.Time), int(days)).Date()
				return types.Timestamp{Time: within(time.Date(y, m, d, 0, 0, 0, 0, schemas.Zone))}
			}))),
		cel.Function("coalesce",
			cel.Overload("coalesce_2", []*cel.Type{t, t}, t, cel.BinaryBinding(func(a, b ref.Val) ref.Val { return coalesce(a, b) })),
			cel.Overload("coalesce_3", []*cel.Type{t, t, t}, t, cel.FunctionBinding(coalesce))),
	}
}

// idBirth reads the birth date in a citizen's number without looking at the
// check digit, which is another rule's matter.
func idBirth(s string) ref.Val {
	if len(s) != 18 {
		return types.NullValue
	}
	t, err := time.ParseInLocation("20060102", s[6:14], schemas.Zone)
	if err != nil {
		return types.NullValue
	}
	return types.Timestamp{Time: t}
}

// idSex reads the sex in a citizen's number as the code of XBDM.
func idSex(s string) ref.Val {
	if len(s) != 18 || s[16] < '0' || s[16] > '9' {
		return types.NullValue
	}
	if s[16]%2 == 1 {
		return types.String("1")
	}
	return types.String("2")
}

// daysBetween counts calendar days in Shanghai from a to b.
func daysBetween(a, b ref.Val) ref.Val {
	from, ok1 := a.(types.Timestamp)
	to, ok2 := b.(types.Timestamp)
	if !ok1 || !ok2 {
		return types.NullValue
	}
	return types.Int(schemas.DayNumber(to.Time) - schemas.DayNumber(from.Time))
}

// daysAfter returns the start of the day n days after t.
func daysAfter(t, n ref.Val) ref.Val {
	from, ok1 := t.(types.Timestamp)
	days, ok2 := n.(types.Int)
	if !ok1 || !ok2 {
		return types.NullValue
	}
	return types.Timestamp{Time: within(schemas.DayStart(schemas.DayNumber(from.Time) + min(max(int64(days), -lastDay), lastDay)))}
}

// What a day can be, with a day between it and the first and last time that a rule
// can count with. A date on the edge, such as 9999-12-31 for "never", has no days
// behind it: what would lie beyond is the edge.
var (
	earliestTime = time.Date(1, 1, 2, 0, 0, 0, 0, schemas.Zone)
	latestTime   = time.Date(lastYear, 12, 31, 0, 0, 0, 0, schemas.Zone)
)

const (
	lastYear = 9999
	lastDay  = 4_000_000 // more days than there are between the two
)

// within returns t, or the edge that it lies beyond.
func within(t time.Time) time.Time {
	switch {
	case t.Before(earliestTime):
		return earliestTime
	case t.After(latestTime):
		return latestTime
	}
	return t
}

// first returns the first row of a list, null of none.
func first(list ref.Val) ref.Val {
	l, ok := list.(traits.Lister)
	if !ok || l.Size() == types.IntZero {
		return types.NullValue
	}
	return l.Get(types.IntZero)
}

// extreme returns the row with the greatest (sign 1) or smallest (sign -1)
// value of a field, or of the first of several fields ("A|B") that is not null;
// rows that are equal in it are told apart by the next list ("A|B,C"). Rows
// without a value are passed over, in the lists that follow they are the lesser;
// the row key breaks ties in the same direction.
func extreme(list, on ref.Val, sign int) ref.Val {
	l, ok := list.(traits.Lister)
	names, ok2 := on.(types.String)
	if !ok || !ok2 {
		return types.NullValue
	}
	lists := strings.Split(string(names), ",")
	var best *object
	var bestValue schemas.Value
	for it := l.Iterator(); it.HasNext() == types.True; {
		o, ok := it.Next().(*object)
		if !ok || o.row == nil {
			continue
		}
		v := firstOf(o.row, lists[0])
		if v.IsNull() {
			continue
		}
		if best != nil {
			c := cmp.Or(compareValues(v, bestValue), compareThen(o.row, best.row, lists[1:]), compareOrigins(o.row, best.row))
			if c*sign <= 0 {
				continue
			}
		}
		best, bestValue = o, v
	}
	if best == nil {
		return types.NullValue
	}
	return best
}

func compareOrigins(a, b Row) int {
	key, role, _ := a.Origin()
	otherKey, otherRole, _ := b.Origin()
	return cmp.Or(cmp.Compare(key, otherKey), cmp.Compare(role, otherRole))
}

func compareThen(a, b Row, lists []string) int {
	for _, names := range lists {
		x, y := firstOf(a, names), firstOf(b, names)
		switch {
		case x.IsNull() && y.IsNull():
		case x.IsNull():
			return -1
		case y.IsNull():
			return 1
		default:
			if c := compareValues(x, y); c != 0 {
				return c
			}
		}
	}
	return 0
}

func firstOf(r Row, names string) schemas.Value {
	for name := range strings.SplitSeq(names, "|") {
		switch name {
		case "_at":
			_, _, at := r.Origin()
			return schemas.Int(at)
		case "_row":
			key, _, _ := r.Origin()
			return schemas.Text(key)
		}
		if v := r.Normal(r.Layout().Index(name)); !v.IsNull() {
			return v
		}
	}
	return schemas.Null
}

func compareValues(a, b schemas.Value) int {
	switch {
	case a.Kind() == schemas.KindString:
		return strings.Compare(a.Str(), b.Str())
	case a.Kind() == schemas.KindDouble:
		switch x, y := a.Float64(), b.Float64(); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	switch x, y := a.Int64(), b.Int64(); {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}
