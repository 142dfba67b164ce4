package masking

import (
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// makePresent is the rule present: whether there is a value, 有 or 无, and
// nothing about it (a date of death: dead or alive).
func makePresent(spec) (mask, error) {
	return func(v schemas.Value, _ time.Time) (schemas.Value, bool) {
		if v.IsNull() || v.Kind() == schemas.KindString && v.Str() == "无" {
			return schemas.Text("无"), true
		}
		return schemas.Text("有"), true
	}, nil
}

// makeSuppress is the rule suppress: the field is there, its value never.
func makeSuppress(spec) (mask, error) {
	return func(schemas.Value, time.Time) (schemas.Value, bool) { return schemas.Null, true }, nil
}
