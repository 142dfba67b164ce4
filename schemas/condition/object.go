package condition

import (
	"fmt"
	"math"
	"reflect"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// Row is one row as conditions read it.
type Row interface {
	// Layout is of the dataset's rows.
	Layout() *schemas.Layout
	// Normal returns a value in the form in which it is compared with others.
	Normal(column int) schemas.Value
	// Origin returns the row's key, its role, and the time of its source's commit in milliseconds.
	Origin() (key, role string, at int64)
}

// object is a row, a golden record or the aggregates as CEL sees them: a struct
// whose fields are read by position when an expression asks for them. No map of
// a row is ever built.
type object struct {
	row    Row
	values []schemas.Value
}

var rowType = types.NewObjectType("yiyuan.row")

// Type implements ref.Val.
func (o *object) Type() ref.Type { return rowType }

// Value implements ref.Val; field getters receive it.
func (o *object) Value() any { return o }

// Equal implements ref.Val: two rows are equal if they are the same row.
func (o *object) Equal(other ref.Val) ref.Val {
	p, ok := other.(*object)
	return types.Bool(ok && (p == o || o.row != nil && p.row == o.row))
}

// ConvertToType implements ref.Val.
func (o *object) ConvertToType(t ref.Type) ref.Val {
	if t == types.TypeType {
		return types.NewTypeTypeWithParam(rowType)
	}
	return types.NewErr("a record cannot be converted to %s", t.TypeName())
}

// ConvertToNative implements ref.Val.
func (o *object) ConvertToNative(t reflect.Type) (any, error) {
	if reflect.TypeOf(o).AssignableTo(t) {
		return o, nil
	}
	return nil, fmt.Errorf("a record cannot be converted to %s", t)
}

// String never shows what a row holds.
func (o *object) String() string { return "[redacted]" }

// typeProvider knows the struct types of the environment and their fields.
type typeProvider struct {
	*types.Registry
	structs map[string]map[string]*types.FieldType
}

func newProvider() *typeProvider {
	reg, err := types.NewRegistry()
	if err != nil {
		panic(err) // with no arguments it cannot fail
	}
	return &typeProvider{Registry: reg, structs: make(map[string]map[string]*types.FieldType)}
}

// FindStructType implements types.Provider.
func (p *typeProvider) FindStructType(name string) (*types.Type, bool) {
	if _, ok := p.structs[name]; ok {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return p.Registry.FindStructType(name)
}

// FindStructFieldNames implements types.Provider.
func (p *typeProvider) FindStructFieldNames(name string) ([]string, bool) {
	fields, ok := p.structs[name]
	if !ok {
		return p.Registry.FindStructFieldNames(name)
	}
	names := make([]string, 0, len(fields))
	for n := range fields {
		names = append(names, n)
	}
	return names, true
}

// FindStructFieldType implements types.Provider.
func (p *typeProvider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	fields, ok := p.structs[name]
	if !ok {
		return p.Registry.FindStructFieldType(name, field)
	}
	f, ok := fields[field]
	return f, ok
}

// rows declares the type of a dataset's rows: its columns and _row, _role, _at.
func (p *typeProvider) rows(d *schemas.Dataset) *cel.Type {
	name := "yiyuan.row." + d.ID
	fields := make(map[string]*types.FieldType, len(d.Layout.Columns)+3)
	for i, c := range d.Layout.Columns {
		t, scale := c.Type, c.Scale
		fields[c.Name] = field(celType(c.Type), func(o *object) ref.Val { return valueOf(o.row.Normal(i), t, scale) })
	}
	fields["_row"] = field(types.StringType, func(o *object) ref.Val { key, _, _ := o.row.Origin(); return types.String(key) })
	fields["_role"] = field(types.StringType, func(o *object) ref.Val { _, role, _ := o.row.Origin(); return types.String(role) })
	fields["_at"] = field(types.TimestampType, func(o *object) ref.Val {
		_, _, at := o.row.Origin()
		return types.Timestamp{Time: time.UnixMilli(at).In(schemas.Zone)}
	})
	p.structs[name] = fields
	return cel.ObjectType(name)
}

// golden declares the type of the golden record.
func (p *typeProvider) golden(e *schemas.Entity) *cel.Type {
	name := "yiyuan.golden." + e.ID
	fields := make(map[string]*types.FieldType, len(e.Layout.Columns))
	for i, c := range e.Layout.Columns {
		t, scale, own := c.Type, c.Scale, e.Key.Element
		if i > 0 {
			own = e.Fields[i-1].Element
		}
		fields[c.Name] = field(celType(c.Type), func(o *object) ref.Val {
			if i >= len(o.values) {
				return types.NullValue
			}
			return valueOf(element.Normal(own, o.values[i]), t, scale)
		})
	}
	p.structs[name] = fields
	return cel.ObjectType(name)
}

// numbers declares the type of the aggregates. A count is never null: no rows are
// none.
func (p *typeProvider) numbers(owner string, columns []schemas.Column) *cel.Type {
	name := "yiyuan.agg." + owner
	fields := make(map[string]*types.FieldType, len(columns))
	for i, c := range columns {
		zero := valueOf(schemas.Int(0), c.Type, c.Scale)
		fields[c.Name] = field(zero.Type().(*types.Type), func(o *object) ref.Val {
			if v := o.at(i, c.Type, c.Scale); v != types.NullValue {
				return v
			}
			return zero
		})
	}
	p.structs[name] = fields
	return cel.ObjectType(name)
}

func (o *object) at(i int, t schemas.Type, scale int) ref.Val {
	if i >= len(o.values) {
		return types.NullValue
	}
	return valueOf(o.values[i], t, scale)
}

func field(t *types.Type, get func(*object) ref.Val) *types.FieldType {
	return &types.FieldType{
		Type:  t,
		IsSet: func(target any) bool { o, ok := target.(*object); return ok && get(o) != types.NullValue },
		GetFrom: func(target any) (any, error) {
			if o, ok := target.(*object); ok {
				return get(o), nil
			}
			return types.NullValue, nil // the row is absent, and so is its field
		},
	}
}

// celType returns the CEL type of a column. Any cell may be null: timestamps are
// nullable in CEL by themselves, the others as wrappers.
func celType(t schemas.Type) *types.Type {
	switch t {
	case schemas.String:
		return types.NewNullableType(types.StringType)
	case schemas.Long:
		return types.NewNullableType(types.IntType)
	case schemas.Boolean:
		return types.NewNullableType(types.BoolType)
	case schemas.Double, schemas.Decimal:
		return types.NewNullableType(types.DoubleType)
	case schemas.Bytes:
		return types.NewNullableType(types.BytesType)
	case schemas.Date, schemas.Timestamp:
		return types.TimestampType
	default: // rows are a variable of their own
		return types.NullType
	}
}

// valueOf turns a cell into a CEL value.
func valueOf(v schemas.Value, t schemas.Type, scale int) ref.Val {
	switch v.Kind() {
	case schemas.KindNull, schemas.KindUnavailable, schemas.KindRows:
		return types.NullValue
	default: // of the column's type
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
		return types.Timestamp{Time: schemas.DayStart(v.Int64())}
	case schemas.Timestamp:
		return types.Timestamp{Time: v.Time(schemas.Timestamp).In(schemas.Zone)}
	case schemas.Bytes:
		return types.Bytes(v.Str())
	default: // rows
		return types.NullValue
	}
}
