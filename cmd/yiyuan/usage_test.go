package main

import (
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
)

// All that cobra and pflag find wrong in a command line is said in both tongues.
func TestWrongUsageInBothTongues(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"demo --frob":         "没有选项 --frob / wrong usage: unknown flag: --frob",
		"demo -xy":            "-xy 中没有选项 -x / wrong usage: unknown shorthand flag: 'x' in -xy",
		"demo --for":          "选项 --for 之后须有值 / wrong usage: flag needs an argument: --for",
		"demo --for soon":     `选项 --for 的值 "soon" 不合，须为时长，如 30s、5m、24h / wrong usage: invalid argument "soon" for "--for" flag: `,
		"plan --json=maybe":   `选项 --json 的值 "maybe" 不合，须为 true 或 false / wrong usage: invalid argument "maybe"`,
		"demo --=1":           "不是选项的写法：--=1 / wrong usage: bad flag syntax: --=1",
		"version please":      `yiyuan version 之后多了 "please" / wrong usage: unknown command "please" for "yiyuan version"`,
		"keys generate":       "要 1 个参数，给了 0 个 / wrong usage: accepts 1 arg(s), received 0",
		"check a b":           "最多 1 个参数，给了 2 个 / wrong usage: accepts at most 1 arg(s), received 2",
		"lookup person.whole": "至少要 2 个参数，给了 1 个 / wrong usage: requires at least 2 arg(s), only received 1",
		"nothing-like-it":     `没有命令 "nothing-like-it" / wrong usage: unknown command "nothing-like-it"`,
	} {
		root := newRoot()
		root.SetArgs(strings.Fields(line))
		code, said := ended(root.ExecuteContext(t.Context()))
		if first, _, _ := strings.Cut(said, "\n"); code != exit.Usage || !strings.HasPrefix(first, "用法有误："+want) {
			t.Errorf("yiyuan %s: %d, %s\nwant %s", line, code, first, want)
		}
	}
}
