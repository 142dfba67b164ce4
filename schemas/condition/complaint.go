package condition

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// CompileError is all that is wrong with an expression.
type CompileError struct{ Faults []Fault }

// Fault is one thing that is wrong with an expression.
type Fault struct {
	Line, Column     int // in the expression, from 1; 0 where it is the whole
	Chinese, English string
}

// Error says the faults in English, each with its place: "1:15: undefined field".
func (e *CompileError) Error() string {
	return e.said("; ", func(f Fault) (place, text string) { return fmt.Sprintf("%d:%d: ", f.Line, f.Column), f.English })
}

// Chinese says them in Chinese.
func (e *CompileError) Chinese() string {
	return e.said("；", func(f Fault) (place, text string) {
		return fmt.Sprintf("表达式第 %d 行第 %d 列：", f.Line, f.Column), f.Chinese
	})
}

func (e *CompileError) said(between string, say func(Fault) (place, text string)) string {
	var all []string
	for _, f := range e.Faults {
		place, text := say(f)
		if f.Line > 0 {
			text = place + text
		}
		all = append(all, text)
	}
	return strings.Join(all, between)
}

// In says of a catalogue's condition that it cannot be used, what is wrong with it and where it
// stands; what names it in its file. kind is what such an error is, for errors.Is.
func (e *CompileError) In(cat *schemas.Catalogue, p schemas.Passage, chinese, english string, kind error) error {
	return cat.Unfit(p, chinese+"："+e.Chinese(), english+": "+e.Error(), errors.Join(e, kind))
}

// wrong is a CompileError of one fault, of the whole expression.
func wrong(chinese, english string) *CompileError {
	return &CompileError{[]Fault{{0, 0, chinese, english}}}
}

// complain is what cel-go complains of in a text that may read variables.
func complain(issues *cel.Issues, text string, variables []string) *CompileError {
	out := &CompileError{}
	lines := strings.Split(text, "\n")
	for _, issue := range issues.Errors() {
		at := []rune(lines[min(max(issue.Location.Line()-1, 0), len(lines)-1)])
		called := issue.Location.Column() < len(at) && at[issue.Location.Column()] == '(' // what it finds wrong with a call stands there
		chinese, english := translated(issue.Message, called, variables)
		out.Faults = append(out.Faults, Fault{issue.Location.Line(), issue.Location.Column() + 1, chinese, english})
	}
	return out
}

// What cel-go complains of, by the beginnings of its texts. TestComplaints provokes each.
var (
	undeclared = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	undefined  = regexp.MustCompile(`^undefined field '([^']*)'`)
	overload   = regexp.MustCompile(`^found no matching overload for '([^']*)' applied to '([^']*)'`)
)

// translated is a complaint of cel-go's in Chinese and in English, with what is allowed. called
// says that it is about a call.
func translated(said string, called bool, variables []string) (chinese, english string) {
	if m := undeclared.FindStringSubmatch(said); m != nil {
		if called {
			known := strings.Join(ownFunctions(), " ")
			return fmt.Sprintf("没有函数 %q；CEL 自有函数之外可用：%s", m[1], known), fmt.Sprintf("unknown function %q. Known beside CEL's own: %s", m[1], known)
		}
		known := strings.Join(variables, " ")
		return fmt.Sprintf("没有 %q；可用的变量：%s", m[1], known), fmt.Sprintf("undeclared reference to %q. Known variables: %s", m[1], known)
	}
	if m := undefined.FindStringSubmatch(said); m != nil {
		return fmt.Sprintf("没有字段 %q", m[1]), said
	}
	if m := overload.FindStringSubmatch(said); m != nil {
		if sign := operator(m[1]); sign != "" {
			return fmt.Sprintf("%s 不能用于这些类型：%s。代码和文本加引号，数值不加", sign, m[2]), said
		}
		return fmt.Sprintf("函数 %q 不能用于这些类型：%s", m[1], m[2]), said
	}
	if rest, ok := strings.CutPrefix(said, "Syntax error: "); ok {
		return "语法有误，核对括号、引号和运算符（相等是 ==）", "syntax error: " + rest
	}
	return "写法有误", said
}

// ownFunctions are the names of those that CEL does not have by itself.
func ownFunctions() []string {
	var names []string
	for _, f := range Functions() {
		name, _, _ := strings.Cut(f.Signature, "(")
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// plain is a type as conditions call it.
func plain(t *cel.Type) string {
	return strings.ToLower(strings.TrimPrefix(t.String(), "google.protobuf."))
}

// operator is the operator that cel-go calls by a name of its own (_==_), "" if it is none.
func operator(name string) string {
	sign := strings.Trim(name, "_@")
	if sign == name {
		return ""
	}
	return sign
}
