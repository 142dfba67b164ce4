package format

import (
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/document"
)

// Levels are the data grades, lowest first.
var Levels = []string{"L1", "L2", "L3", "L4"}

// MaskClear is how a file says "no mask" aloud.
const MaskClear = "clear"

// Reserved are the words that conditions have a meaning for already: no dataset and no
// entity is called so, or a rule could not read it. What conditions read by name, then
// what their language keeps to itself.
var Reserved = []string{
	"agg", "golden", "key", "now", "today",
	"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop", "namespace", "null", "package", "return", "true", "var", "void", "while",
}

// What is said of them.
var (
	reservedZH = "条件里另有含义的词不能用：`" + strings.Join(Reserved, "` `") + "`"
	reservedEN = "none of these words, which mean something else in conditions"
)

// How names are written.
var (
	idName    = name("[A-Za-z][A-Za-z0-9]*", 40)
	fieldName = name("[A-Za-z][A-Za-z0-9_]*", 64)
	lowerName = name("[a-z][a-z0-9_]*", 40)
	codeName  = name("[A-Za-z][A-Za-z0-9-]*", 40)
	ruleName  = document.NewPattern("bad-name", `[A-Z]{2,8}-\d{2,4}`, 0, "规则编号 %[1]q 应如 XV-04", "rule id %[1]q must look like XV-04")
)

// How other texts are written.
var (
	regionCode   = value(`\d{6}`, "行政区划代码应是 6 位数字", "a region code has 6 digits")
	creditCode   = value(`.{18}`, "部门的统一社会信用代码应是 18 位", "a department's code has 18 characters")
	resourceCode = document.NewPattern("resource-code", `[1-3]\d{5}[0-9A-Z]*/\d{1,8}`, 0, "政务信息资源代码 %[1]q 不合规则，应如 101010001/000001", "resource code %[1]q is malformed, write it like 101010001/000001")
	pick         = value(`newest|(latest|earliest) +\S.*`, "pick 只能是 newest, latest 字段 或 earliest 字段", "pick is newest, latest FIELD or earliest FIELD")
	year         = value(`\d{4}`, "年份应是四位数字", "a year has four digits")
	day          = value(`\d{4}-\d{2}-\d{2}`, "%[1]q 不是日期，格式 2026-01-31", "%[1]q is not a date, write 2026-01-31")
	duration     = value(`0|(\d+(\.\d+)?(ms|s|m|h))+`, "settle 应是 0 到 24h 的时长，如 5s", "settle is a duration of 0 to 24h, like 5s")
)

// masks are the words for a mask: clear, and every rule there is.
func masks() *document.Form {
	all := []string{MaskClear}
	for _, r := range schemas.MaskRules() {
		all = append(all, r.ID)
	}
	return words(all...)
}

// types are the words for an element's type.
func types() []string {
	var all []string
	seen := map[string]bool{}
	for _, kind := range schemas.Kinds() {
		if t := schemas.KindType(kind).String(); !seen[t] {
			seen[t], all = true, append(all, t)
		}
	}
	return all
}
