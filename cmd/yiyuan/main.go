// Command yiyuan is the city's data-exchange bus in one binary: connectors,
// processors and gateway, together or apart, and the tools around them.
//
// Each subcommand is a file of its own, commands lists them; what they do stands in
// the rooms below internal. Data goes to standard output, talk to standard error. Exit
// codes: 0 ok, 1 problems found or failed, 2 wrong usage, 3 not allowed,
// 4 not found, 5 unavailable, 6 differences (plan), 130 interrupted.
//
// Metrics: yiyuan_process_setting_up{setting}, yiyuan_process_catalogue_state{which,version},
// yiyuan_process_kafka_up.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/terminal"
)

func main() { os.Exit(execute(os.Args[1:])) }

// execute runs one command line and returns its exit code.
func execute(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() { // the first signal ends cleanly, the second at once
		<-ctx.Done()
		stop()
	}()
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return exit.Interrupted
	}
	code, said := ended(err)
	if said != "" {
		_, _ = io.WriteString(os.Stderr, "yiyuan: "+said+"\n") // nowhere left to say so
	}
	return code
}

// ended is the code by which an error ends the process, and what is said of it.
func ended(err error) (code int, said string) {
	if err == nil {
		return exit.OK, ""
	}
	code = exit.Problems
	if away := (*process.UnreachableError)(nil); errors.As(err, &away) {
		code = exit.Unavailable
	}
	if settings.Wrong(err) {
		code = exit.Usage
	}
	var coded *exit.Error
	if errors.As(err, &coded) {
		code = coded.Code
		if coded.Err == nil {
			return code, ""
		}
	}
	return code, terminal.Whole(err)
}

func newRoot() *cobra.Command {
	var codes strings.Builder
	for _, c := range exit.Codes {
		fmt.Fprintf(&codes, "\n  %-4d %s / %s", c.Code, c.Chinese, c.English)
	}
	root := &cobra.Command{
		Use:   "yiyuan",
		Short: "一源：城市政务数据共享交换总线 / the city's government data-exchange bus",
		Long: `一源把各部门的数据变更实时汇成一人一档、一企一档的可信记录，脱敏后供订阅和查询。
Yiyuan streams departments' changes into one trusted record per person and enterprise,
masks it before it leaves, and answers whoever is entitled to it within the second.

先试试 / try:  yiyuan demo

退出码 / exit codes:` + codes.String(),
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,

		PersistentPreRunE: environment,
	}
	root.SetVersionTemplate("yiyuan {{.Version}}\n")
	root.SetUsageTemplate(usageTemplate)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError(cmd, err) })
	root.AddCommand(commands()...)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	polish(root)
	return root
}

// polish gives every command what cobra does not: help in both languages, wrong
// arguments that end as wrong usage, and a group that refuses a verb it does not
// have instead of printing its help.
func polish(cmd *cobra.Command) {
	switch {
	case cmd.Name() == "help":
		cmd.Short = "某个命令的帮助 / help about any command"
	case cmd.Name() == "completion":
		cmd.Short = "命令行自动补全脚本 / the completion script of a shell"
	case cmd.HasParent() && cmd.Parent().Name() == "completion":
		cmd.Short = cmd.Name() + " 的自动补全脚本 / completion script of " + cmd.Name()
	}
	cmd.InitDefaultHelpFlag()
	cmd.InitDefaultVersionFlag() // of the root alone: only it has a version
	for name, usage := range map[string]string{"help": "帮助 / help", "version": "版本 / version"} {
		if f := cmd.Flags().Lookup(name); f != nil {
			f.Usage = usage
		}
	}
	if cmd.HasSubCommands() && !cmd.Runnable() {
		cmd.Args, cmd.RunE = cobra.ArbitraryArgs, group
	} else if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usageError(cmd, err)
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		polish(sub)
	}
}

// environment refuses a misspelt variable before a command does anything: what it was to
// set would have its default, and another gateway be sent the key. Doctor tells it among
// what else it finds; those that say what there is do so anyway.
func environment(cmd *cobra.Command, _ []string) error {
	if cmd.HasSubCommands() || slices.Contains([]string{"help", "version", "docs", "doctor", cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd}, cmd.Name()) || cmd.Parent().Name() == "completion" {
		return nil
	}
	if err := settings.UnknownEnvironment(os.Environ()); err != nil {
		return exit.With(exit.Usage, err)
	}
	return nil
}

// group is what a command that only holds others does.
func group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	zh, en := "", ""
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		zh, en = fmt.Sprintf("，是不是 %q？", near[0]), fmt.Sprintf(", did you mean %q?", near[0])
	}
	return usageError(cmd, fmt.Errorf("没有命令 %[1]q%[2]s / unknown command %[1]q%[3]s", args[0], zh, en))
}

const usageTemplate = `用法 / Usage:
  {{if .HasAvailableSubCommands}}{{.CommandPath}} COMMAND [flags]{{else}}{{.UseLine}}{{end}}{{if .HasExample}}

示例 / Examples:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}

命令 / Commands:{{range .Commands}}{{if or .IsAvailableCommand (eq .Name "help")}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

选项 / Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableSubCommands}}

某个命令的详细帮助 / more about a command: {{.CommandPath}} COMMAND --help{{end}}
`

// commands is every subcommand of this distribution.
func commands() []*cobra.Command {
	return []*cobra.Command{
		demoCommand(), initCommand(), runCommand(),
		checkCommand(), planCommand(), applyCommand(), topologyCommand(),
		lookupCommand(), verifyCommand(), auditCommand(),
		sourceCommand(), quarantineCommand(), keysCommand(), repartitionCommand(),
		doctorCommand(), txnCommand(), registryCommand(), aclsCommand(),
		versionCommand(), docsCommand(newRoot),
	}
}
