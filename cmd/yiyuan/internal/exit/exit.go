// Package exit is the codes by which a command ends, and the error that carries one.
package exit

import "fmt"

// The exit codes.
const (
	OK          = 0
	Problems    = 1
	Usage       = 2
	Denied      = 3
	NotFound    = 4
	Unavailable = 5
	Differs     = 6
	Interrupted = 130
)

// Codes says what each means, for the help and the documentation.
var Codes = []struct {
	Code             int
	Chinese, English string
}{
	{OK, "成功", "ok"},
	{Problems, "查出问题或执行失败", "problems found, or failed"},
	{Usage, "命令用法或配置有误", "wrong usage or configuration"},
	{Denied, "没有权限", "not allowed"},
	{NotFound, "查无此项", "not found"},
	{Unavailable, "服务不可用或尚未就绪", "unavailable, or not ready yet"},
	{Differs, "有差异（plan --detailed-exitcode）", "differences (plan --detailed-exitcode)"},
	{Interrupted, "被中断", "interrupted"},
}

// Error is an error with the exit code it ends the process by. Err may be nil.
type Error struct {
	Code int
	Err  error
}

// With is an error that ends the process by a code; err may be nil: there is nothing to say.
func With(code int, err error) error { return &Error{code, err} }

func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit %d", e.Code)
	}
	return e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }
