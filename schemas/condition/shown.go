package condition

import (
	"fmt"
	"strconv"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Shown evaluates an example over rows of a dataset and a time, and writes what it comes
// to.
func Shown[R Row](calendar *schemas.Calendar, d *schemas.Dataset, rows []R, now time.Time, text string) (string, error) {
	env, err := NewEnv(calendar, Rows("rows", d), Timestamp("now"))
	if err != nil {
		return "", err
	}
	a, issues := env.cel.Compile(text)
	if issues.Err() != nil {
		return "", complain(issues, text, env.names())
	}
	program, err := env.cel.Program(a)
	if err != nil {
		return "", wrong("不能使用", err.Error())
	}
	out, _, err := program.Eval(map[string]any{"rows": List(rows, func(R) bool { return true }).v, "now": Time(now).v})
	if err != nil {
		return "", fmt.Errorf("evaluate %q: %w", text, err)
	}
	return shown(out), nil
}

func shown(v ref.Val) string {
	switch v := v.(type) {
	case types.Timestamp:
		return v.In(schemas.Zone).Format(time.DateTime)
	case types.String:
		return strconv.Quote(string(v))
	case types.Null:
		return "null"
	case *object:
		key, _, _ := v.row.Origin()
		return "行 / row " + key
	}
	return fmt.Sprint(v.Value())
}
