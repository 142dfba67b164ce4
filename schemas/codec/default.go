package codec

import (
	"encoding/json"
	"math"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// setDefault reads the default of a field. That of a nullable field must be of
// the union's first type, as Avro has it.
func (f *field) setDefault(node any, path string) error {
	if f.null == 0 {
		if node != nil {
			return &profileError{path, "可空字段的默认值须为 null", "the default of a union must be of its first type"}
		}
		f.defText = "null"
		return nil
	}
	value, ok := f.defaultValue(node)
	if !ok {
		return &profileError{path, "默认值与类型不符", "the default does not fit the type"}
	}
	f.def, f.defText = value, string(compact(node))
	return nil
}

func (f *field) defaultValue(node any) (schemas.Value, bool) {
	switch f.wire {
	case wireString:
		s, ok := node.(string)
		return schemas.Text(s), ok
	case wireBoolean:
		b, ok := node.(bool)
		return schemas.Bool(b), ok
	case wireInt, wireLong:
		number, _ := node.(json.Number)
		n, err := number.Int64()
		if err != nil || f.wire == wireInt && int64(int32(n)) != n || !inRange(f.typ, n) {
			return schemas.Null, false
		}
		return schemas.Int(n), true
	case wireFloat, wireDouble:
		number, _ := node.(json.Number)
		n, err := number.Float64()
		if f.wire == wireFloat {
			n = float64(float32(n))
		}
		return schemas.Float(n), err == nil && !math.IsInf(n, 0)
	case wireBytes, wireDecimal:
		s, ok := node.(string)
		raw := make([]byte, 0, len(s))
		for _, r := range s {
			if r > 0xFF {
				return schemas.Null, false
			}
			raw = append(raw, byte(r))
		}
		if f.wire == wireBytes {
			return schemas.Binary(string(raw)), ok
		}
		n, fault := unscaled(string(raw), limitOf(f.precision))
		return schemas.Int(n), ok && fault == faultNone
	case wireRows:
		list, ok := node.([]any)
		return schemas.Table(nil), ok && len(list) == 0
	}
	return schemas.Null, false
}
