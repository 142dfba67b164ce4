package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// usageError is a wrong command line, with where to read how it is right. What cobra and
// pflag say of it is said in both tongues.
func usageError(cmd *cobra.Command, err error) error {
	line := cmd.UseLine()
	if cmd.HasAvailableSubCommands() {
		line = cmd.CommandPath() + " COMMAND"
	}
	zh, en := problem.Halves(err.Error())
	if zh == en {
		zh = chinese(err)
	}
	return exit.With(exit.Usage, fmt.Errorf("用法有误：%s / wrong usage: %s\n用法 / usage: %s\n帮助 / help: %s --help", zh, en, line, cmd.CommandPath()))
}

// chinese says what an error of cobra or pflag means; one that it does not know stays as
// it is, in brackets.
func chinese(err error) string {
	if unknown := (*pflag.NotExistError)(nil); errors.As(err, &unknown) {
		if group := unknown.GetSpecifiedShortnames(); group != "" {
			return fmt.Sprintf("-%s 中没有选项 -%c", group, group[0])
		}
		return "没有选项 --" + unknown.GetSpecifiedName()
	}
	if bare := (*pflag.ValueRequiredError)(nil); errors.As(err, &bare) {
		return fmt.Sprintf("选项 --%s 之后须有值", bare.GetFlag().Name)
	}
	if wrong := (*pflag.InvalidValueError)(nil); errors.As(err, &wrong) {
		flag := wrong.GetFlag()
		return fmt.Sprintf("选项 --%s 的值 %q 不合，须为%s", flag.Name, wrong.GetValue(), kindOf(flag.Value.Type()))
	}
	if syntax := (*pflag.InvalidSyntaxError)(nil); errors.As(err, &syntax) {
		return "不是选项的写法：" + syntax.GetSpecifiedFlag()
	}
	for _, w := range wordings {
		if m := w.cobra.FindStringSubmatch(err.Error()); m != nil {
			return strings.NewReplacer("$1", m[1], "$2", m[2]).Replace(w.chinese)
		}
	}
	return "（" + err.Error() + "）"
}

// wordings are the messages of cobra that are texts alone; each has two places.
var wordings = []struct {
	cobra   *regexp.Regexp
	chinese string
}{
	{regexp.MustCompile(`^unknown command (".*") for "(.*?)"`), "$2 之后多了 $1"},
	{regexp.MustCompile(`^invalid argument (".*") for "(.*?)"`), "$2 不接受 $1"},
	{regexp.MustCompile(`^requires at least (\d+) arg\(s\), only received (\d+)$`), "至少要 $1 个参数，给了 $2 个"},
	{regexp.MustCompile(`^accepts at most (\d+) arg\(s\), received (\d+)$`), "最多 $1 个参数，给了 $2 个"},
	{regexp.MustCompile(`^accepts (\d+) arg\(s\), received (\d+)$`), "要 $1 个参数，给了 $2 个"},
	{regexp.MustCompile(`^accepts between (\d+ and \d+) arg\(s\), received (\d+)$`), "参数个数不合（$1），给了 $2 个"},
	{regexp.MustCompile(`^(required) flag\(s\) (.*) not set$`), "缺少选项 $2"},
}

// kindOf is what pflag calls a type of value, in words.
func kindOf(pflagType string) string {
	switch pflagType {
	case "bool":
		return " true 或 false"
	case "duration":
		return "时长，如 30s、5m、24h"
	case "int", "int8", "int16", "int32", "int64":
		return "整数"
	case "uint", "uint8", "uint16", "uint32", "uint64":
		return "不小于 0 的整数"
	case "float32", "float64":
		return "数"
	}
	return "另一种写法"
}
