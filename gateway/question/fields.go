package question

import (
	"strconv"

	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// CheckFields says what is wrong with the names of fields that were asked for;
// nil asks for all.
func CheckFields(location string, fields []string) (bad []FieldError) {
	if fields == nil {
		return nil
	}
	if len(fields) == 0 || len(fields) == 1 && fields[0] == "" {
		return []FieldError{problem.At(location, "至少写一个字段；要全部授权字段请不写 fields / name a field at least; leave fields out for all that is granted")}
	}
	seen := make(map[string]bool, len(fields))
	for i, name := range fields {
		at := location + "[" + strconv.Itoa(i) + "]"
		switch {
		case name == "":
			bad = append(bad, problem.At(at, "字段名为空 / an empty name"))
		case seen[name]:
			bad = append(bad, problem.At(at, "字段重复 / duplicate field"))
		}
		seen[name] = true
	}
	return bad
}
