// Command yiyuan is the city's data-exchange bus in one binary: connectors,
// processors and gateway, together or apart, and the tools around them.
//
// Each subcommand is a file of its own; wiring.go lists what is in this
// distribution. Data goes to standard output, talk to standard error. Exit
// codes: 0 ok, 1 problems found or failed, 2 wrong usage, 3 not allowed,
// 4 not found, 5 unavailable, 130 interrupted.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = "dev"

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
	if err == nil {
		return 0
	}
	var coded *exitError
	if errors.As(err, &coded) {
		if coded.err != nil {
			_, _ = fmt.Fprintf(os.Stderr, "yiyuan: %v\n", coded.err) // nowhere left to say so
		}
		return coded.code
	}
	_, _ = fmt.Fprintf(os.Stderr, "yiyuan: %v\n", err) // nowhere left to say so
	if errors.Is(err, context.Canceled) {
		return 130
	}
	return 1
}

// The exit codes beside 0.
const (
	exitProblems    = 1
	exitUsage       = 2
	exitDenied      = 3
	exitNotFound    = 4
	exitUnavailable = 5
)

// exitError is an error with the exit code it ends the process by.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "yiyuan",
		Short: "一源:城市政务数据共享交换总线 / the city's government data-exchange bus",
		Long: `一源把各部门的数据变更实时汇成一人一档、一企一档的可信记录,脱敏后供订阅和查询。
Yiyuan streams departments' changes into one trusted record per person and enterprise,
masks it before it leaves, and answers whoever is entitled to it within the second.

先试试 / try:  yiyuan demo`,
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetVersionTemplate("yiyuan {{.Version}}\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exitError{exitUsage, err} })
	root.AddCommand(commands()...)
	return root
}
