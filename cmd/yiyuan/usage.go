package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
)

// usageError is a wrong command line, with where to read how it is right.
func usageError(cmd *cobra.Command, err error) error {
	line := cmd.UseLine()
	if cmd.HasAvailableSubCommands() {
		line = cmd.CommandPath() + " COMMAND"
	}
	return exit.With(exit.Usage, fmt.Errorf("用法有误 / wrong usage: %w\n用法 / usage: %s\n帮助 / help: %s --help", err, line, cmd.CommandPath()))
}
