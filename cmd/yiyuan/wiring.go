package main

import "github.com/spf13/cobra"

// commands is every subcommand of this distribution.
func commands() []*cobra.Command {
	return []*cobra.Command{
		demoCommand(), initCommand(), runCommand(),
		checkCommand(), planCommand(), applyCommand(), topologyCommand(),
		lookupCommand(), verifyCommand(),
		sourceCommand(), keysCommand(), repartitionCommand(),
		doctorCommand(), txnCommand(), aclsCommand(),
		versionCommand(), docsCommand(newRoot),
	}
}
