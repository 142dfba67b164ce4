package schemas

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Type is the physical type of a column, as it stands in Avro.
type Type uint8

// The column types. Date counts days since 1970-01-01; Timestamp counts
// milliseconds since 1970-01-01T00:00:00Z; Decimal is an unscaled integer of
// at most 18 digits whose scale the column states; Rows is an array of records.
const (
	String Type = iota + 1
	Long
	Date
	Timestamp
	Boolean
	Double
	Decimal
	Bytes
	Rows
)

// String names the type as catalogue messages print it.
func (t Type) String() string {
	names := [...]string{"", "string", "long", "date", "timestamp", "boolean", "double", "decimal", "bytes", "rows"}
	if int(t) < len(names) && t > 0 {
		return names[t]
	}
	return "type(" + strconv.Itoa(int(t)) + ")"
}

// Column is one position of a layout.
type Column struct {
	Name      string
	Type      Type
	Precision int // of a Decimal, 1..18
	Scale     int // of a Decimal, 0..Precision
	Nullable  bool
	Rows      *Layout           // of a Rows column: the layout of one row
	Doc       string            // the Chinese title, the Avro "doc"
	Attrs     map[string]string // custom attributes kept in the registered Avro schema (element, level, mask, ...)
}

// Layout is an ordered list of columns: what an Avro record schema says,
// compiled. It is immutable once built and safe for concurrent use.
type Layout struct {
	Name      string // Avro record name, e.g. "GA01"
	Namespace string // Avro namespace, e.g. "yiyuan.raw"
	Doc       string
	Attrs     map[string]string
	Columns   []Column
	index     map[string]int
}

// NewLayout builds a layout. Column names must be unique and not empty.
func NewLayout(namespace, name string, columns ...Column) (*Layout, error) {
	l := &Layout{Name: name, Namespace: namespace, Columns: columns, index: make(map[string]int, len(columns))}
	for i, c := range columns {
		if c.Name == "" {
			return nil, fmt.Errorf("layout %s.%s: column %d has no name", namespace, name, i)
		}
		if _, twice := l.index[c.Name]; twice {
			return nil, fmt.Errorf("layout %s.%s: column %q stands twice", namespace, name, c.Name)
		}
		l.index[c.Name] = i
	}
	return l, nil
}

// MustLayout is NewLayout for layouts fixed in code.
func MustLayout(namespace, name string, columns ...Column) *Layout {
	l, err := NewLayout(namespace, name, columns...)
	if err != nil {
		panic(err)
	}
	return l
}

// Index returns the position of the column of that name, or -1.
func (l *Layout) Index(name string) int {
	if i, ok := l.index[name]; ok {
		return i
	}
	return -1
}

// Names are the names of the columns, in order.
func (l *Layout) Names() []string {
	out := make([]string, len(l.Columns))
	for i, c := range l.Columns {
		out[i] = c.Name
	}
	return out
}

// Kind says what a Value holds.
type Kind uint8

// The kinds of value. Unavailable marks a cell that the source did not send
// (an unchanged TOAST column): it is neither null nor a value, and the last
// image of the row fills it.
const (
	KindNull Kind = iota
	KindUnavailable
	KindString
	KindInt // Long, Date, Timestamp, Boolean (0/1), Decimal (unscaled)
	KindDouble
	KindBytes
	KindRows
)

// Value is one cell. The zero Value is null. Values are immutable and may be
// shared between goroutines. A Value never prints what it holds.
type Value struct {
	kind Kind
	num  int64
	str  string
	rows *[]Record // few values are rows, and a Value is copied often
}

// Null is the null value.
var Null = Value{}

// Unavailable is the value of a cell that its source did not send.
var Unavailable = Value{kind: KindUnavailable}

// Kept is an Unavailable whose source may never have sent a value: the last image
// of the row fills it, and it is null if there is none.
var Kept = Value{kind: KindUnavailable, num: 1}

// Text returns a string value.
func Text(s string) Value { return Value{kind: KindString, str: s} }

// Int returns a value for a Long, Date, Timestamp or Decimal column.
func Int(n int64) Value { return Value{kind: KindInt, num: n} }

// Bool returns a value for a Boolean column.
func Bool(b bool) Value {
	if b {
		return Value{kind: KindInt, num: 1}
	}
	return Value{kind: KindInt}
}

// Float returns a value for a Double column.
func Float(f float64) Value { return Value{kind: KindDouble, num: int64(math.Float64bits(f))} }

// Binary returns a value for a Bytes column; b is a string that holds raw bytes.
func Binary(b string) Value { return Value{kind: KindBytes, str: b} }

// Table returns a value for a Rows column. The slice must not change after.
func Table(rows []Record) Value {
	if len(rows) == 0 {
		return Value{kind: KindRows}
	}
	return Value{kind: KindRows, rows: &rows}
}

// Day returns the value of a Date column for the calendar day of t.
func Day(t time.Time) Value {
	y, m, d := t.Date()
	return Int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// Millis returns the value of a Timestamp column.
func Millis(t time.Time) Value { return Int(t.UnixMilli()) }

// Kind says what v holds.
func (v Value) Kind() Kind { return v.kind }

// IsNull reports whether v is null.
func (v Value) IsNull() bool { return v.kind == KindNull }

// Str returns the string or bytes that v holds, "" for other kinds.
func (v Value) Str() string { return v.str }

// Int64 returns the number of a KindInt value, 0 for other kinds.
func (v Value) Int64() int64 {
	if v.kind == KindInt {
		return v.num
	}
	return 0
}

// Float64 returns the number of a KindDouble value, 0 for other kinds.
func (v Value) Float64() float64 {
	if v.kind == KindDouble {
		return math.Float64frombits(uint64(v.num))
	}
	return 0
}

// Records returns the rows of a KindRows value. The slice must not be changed.
func (v Value) Records() []Record {
	if v.rows == nil {
		return nil
	}
	return *v.rows
}

// Time returns a Date or Timestamp column's value as a UTC time.
func (v Value) Time(t Type) time.Time {
	if t == Date {
		return time.Unix(v.num*86400, 0).UTC()
	}
	return time.UnixMilli(v.num).UTC()
}

// Equal reports whether both hold the same.
func (v Value) Equal(o Value) bool {
	if v.kind != o.kind || v.num != o.num || v.str != o.str {
		return false
	}
	return slices.EqualFunc(v.Records(), o.Records(), Record.Equal)
}

// String, GoString, Format and LogValue never show what a value holds: a log
// line or an error must not carry personal data.
func (v Value) String() string { return "[redacted]" }

// GoString implements fmt.GoStringer.
func (v Value) GoString() string { return "[redacted]" }

// Format implements fmt.Formatter.
func (v Value) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("[redacted]")) }

// LogValue implements slog.LogValuer.
func (v Value) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// Record is one row: a value for each column of its layout. It is immutable
// and never prints what it holds. The zero Record has no layout and no values.
type Record struct {
	layout *Layout
	values []Value
}

// NewRecord takes ownership of values, one for each column of l.
func NewRecord(l *Layout, values []Value) Record {
	if len(values) != len(l.Columns) {
		panic(fmt.Sprintf("record of %s has %d values, its layout %d columns", l.Name, len(values), len(l.Columns)))
	}
	return Record{l, values}
}

// Layout returns the record's layout, nil for the zero Record.
func (r Record) Layout() *Layout { return r.layout }

// IsZero reports whether r holds nothing at all.
func (r Record) IsZero() bool { return r.layout == nil }

// Len returns the number of values.
func (r Record) Len() int { return len(r.values) }

// Value returns the i-th value.
func (r Record) Value(i int) Value { return r.values[i] }

// Get returns the value of the named column, Null if there is no such column.
func (r Record) Get(name string) Value {
	if r.layout == nil {
		return Null
	}
	if i := r.layout.Index(name); i >= 0 {
		return r.values[i]
	}
	return Null
}

// With returns a copy whose i-th value is v.
func (r Record) With(i int, v Value) Record {
	values := append([]Value(nil), r.values...)
	values[i] = v
	return Record{r.layout, values}
}

// Equal reports whether both have the same layout and the same values.
func (r Record) Equal(o Record) bool {
	if r.layout != o.layout || len(r.values) != len(o.values) {
		return false
	}
	for i := range r.values {
		if !r.values[i].Equal(o.values[i]) {
			return false
		}
	}
	return true
}

// String says how many fields a record has, never what is in them.
func (r Record) String() string { return fmt.Sprintf("record of %d fields", len(r.values)) }

// GoString implements fmt.GoStringer.
func (r Record) GoString() string { return r.String() }

// Format implements fmt.Formatter.
func (r Record) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(r.String())) }

// LogValue implements slog.LogValuer.
func (r Record) LogValue() slog.Value { return slog.StringValue(r.String()) }

// ErrKey says that a key cannot be built from or split into its parts.
var ErrKey = errors.New("malformed key")

// JoinKey joins the parts of a composite key by "|", with "|" and "%" in a
// part percent-escaped, so that no two different keys join to the same string.
func JoinKey(parts ...string) string {
	if len(parts) == 1 && !strings.ContainsAny(parts[0], "|%") {
		return parts[0]
	}
	escaped := make([]string, len(parts))
	for i, p := range parts {
		escaped[i] = keyEscaper.Replace(p)
	}
	return strings.Join(escaped, "|")
}

// SplitKey undoes JoinKey.
func SplitKey(key string) ([]string, error) {
	parts := strings.Split(key, "|")
	for i, p := range parts {
		if !strings.Contains(p, "%") {
			continue
		}
		u := keyUnescaper.Replace(p)
		if keyEscaper.Replace(u) != p {
			return nil, fmt.Errorf("split key: part %d: %w", i, ErrKey)
		}
		parts[i] = u
	}
	return parts, nil
}

var (
	keyEscaper   = strings.NewReplacer("%", "%25", "|", "%7C")
	keyUnescaper = strings.NewReplacer("%7C", "|", "%25", "%")
)

// keyText writes a value as a part of a key.
func keyText(v Value, c Column) string {
	switch {
	case v.kind == KindString:
		return v.str
	case v.kind == KindInt && c.Type == Date:
		return v.Time(Date).Format(time.DateOnly)
	case v.kind == KindInt && c.Type == Boolean:
		return strconv.FormatBool(v.num != 0)
	case v.kind == KindInt && c.Type == Decimal:
		return FormatDecimal(v.num, c.Scale)
	case v.kind == KindInt:
		return strconv.FormatInt(v.num, 10)
	}
	return ""
}

// FormatDecimal writes an unscaled number with its scale: 12345 of scale 2 is
// "123.45". It always writes all digits of the scale.
func FormatDecimal(unscaled int64, scale int) string {
	if scale <= 0 {
		return strconv.FormatInt(unscaled, 10)
	}
	sign, n := "", uint64(unscaled)
	if unscaled < 0 {
		sign, n = "-", -n
	}
	digits := strconv.FormatUint(n, 10)
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale-len(digits)+1) + digits
	}
	return sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
}
