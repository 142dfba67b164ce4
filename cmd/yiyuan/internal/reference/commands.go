package reference

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
)

// commandsPage is every command from the same definitions as its --help.
func commandsPage(root func() *cobra.Command) string {
	for _, kv := range os.Environ() { // flags of client verbs take their defaults from these
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "YIYUAN_CLIENT_") {
			_ = os.Unsetenv(name) // this process only writes documentation
		}
	}
	var b strings.Builder
	b.WriteString("# 命令参考 / Commands\n\n")
	b.WriteString("数据写标准输出，说明写标准错误。任何命令加 `--help` 可见同样内容。 / Data goes to standard output, talk to standard error; `--help` shows the same.\n\n")
	b.WriteString("退出码 / Exit codes:\n\n")
	var rows [][]string
	for _, c := range exit.Codes {
		rows = append(rows, []string{strconv.Itoa(c.Code), c.Chinese, c.English})
	}
	table(&b, []string{"码 / code", "含义", "meaning"}, rows)
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		if !cmd.HasParent() || cmd.Name() != "help" && cmd.IsAvailableCommand() {
			describe(&b, cmd)
		}
		for _, sub := range cmd.Commands() {
			if !sub.Hidden {
				walk(sub)
			}
		}
	}
	for _, cmd := range root().Commands() {
		if !cmd.Hidden && cmd.Name() != "completion" {
			walk(cmd)
		}
	}
	b.WriteString("## yiyuan completion bash|zsh|fish|powershell\n\n命令行自动补全脚本 / the completion script of a shell: `source <(yiyuan completion bash)`\n")
	return b.String()
}

func describe(b *strings.Builder, cmd *cobra.Command) {
	fmt.Fprintf(b, "## %s\n\n%s\n\n", cmd.CommandPath(), cmd.Short)
	if cmd.Long != "" {
		b.WriteString(cmd.Long + "\n\n")
	}
	if cmd.HasAvailableSubCommands() {
		return
	}
	fmt.Fprintf(b, "```\n%s\n```\n\n", cmd.UseLine())
	if cmd.Example != "" {
		fmt.Fprintf(b, "示例 / Examples:\n\n```sh\n%s\n```\n\n", strings.TrimRight(unindent(cmd.Example), "\n"))
	}
	var rows [][]string
	cmd.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		value := f.DefValue
		if f.Value.Type() == "stringSlice" {
			value = strings.Trim(value, "[]")
		}
		rows = append(rows, []string{code("--" + f.Name), f.Value.Type(), code(value), f.Usage})
	})
	table(b, []string{"选项 / flag", "类型 / type", "默认 / default", "说明 / meaning"}, rows)
}

func unindent(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], "  ")
	}
	return strings.Join(lines, "\n")
}
