package main

import (
	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/file"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres"
	"github.com/yiyuan-bus/yiyuan/connectors/push"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/resolve"
	"github.com/yiyuan-bus/yiyuan/processors/route"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// commands is every subcommand of this distribution.
func commands() []*cobra.Command {
	return []*cobra.Command{
		demoCommand(), initCommand(), runCommand(),
		checkCommand(), planCommand(), applyCommand(), topologyCommand(),
		lookupCommand(), verifyCommand(),
		sourceCommand(), keysCommand(), repartitionCommand(),
		doctorCommand(), txnCommand(), aclsCommand(),
		versionCommand(), docsCommand(),
	}
}

// kinds is every kind of source that this binary knows, a line each. Sources of kind push
// share one listener, the server; without it kinds can still be checked and described.
func kinds(pushes *push.Server, listen string) connectors.Kinds {
	return connectors.Kinds{
		file.Kind,
		postgres.Kind,
		push.Kind(pushes, listen),
		synthetic.Kind,
	}
}

// everyKind is the kinds as they are checked and described, without anything that runs.
func everyKind() connectors.Kinds { return kinds(nil, "") }

// stepsOf returns every step, in the order a change passes them.
func stepsOf(cat *schemas.Catalogue, c *codec.Codec, keys *keyring.Keyring) []processors.Step {
	steps := []processors.Step{route.New(cat, c, keys)}
	for _, e := range cat.Entities {
		steps = append(steps, resolve.New(cat, c, keys, e.ID))
	}
	return steps
}

// What decides whether a process may go on at all is there before everything else.
var (
	controlSpec   = contract.Spec{Topic: contract.Control, Partitions: 1, Retention: forever}
	catalogueSpec = contract.Spec{Topic: contract.Catalogues, Partitions: 1, Retention: forever}
)

// topics is every topic the bus needs, with how it is kept.
func topics(cat *schemas.Catalogue, steps []processors.Step) []contract.Spec {
	specs := []contract.Spec{
		{Topic: contract.Findings, Compact: true},
		{Topic: contract.Refused, Compact: true},
		{Topic: contract.Quarantine, Retention: 30 * day},
		controlSpec,
		catalogueSpec,
		{Topic: contract.Audit, Retention: forever},
		busSpec,
		{Topic: contract.Sources, Partitions: 16, Compact: true},
		{Topic: contract.Schemas, Partitions: 1, Compact: true},
	}
	for _, d := range cat.Datasets {
		// An older image may come after the newer one; route tells them apart, if it sees both.
		specs = append(specs, contract.Spec{Topic: contract.Raw(d.ID), Compact: true, CompactAfter: contract.Week})
		for _, v := range d.Views {
			specs = append(specs, contract.Spec{Topic: contract.Shared(v.ID), Compact: true})
		}
	}
	for _, e := range cat.Entities {
		specs = append(specs, contract.Spec{Topic: contract.Claims(e.ID), Retention: contract.Week, Grown: true})
		if len(e.Fields) > 0 {
			specs = append(specs, contract.Spec{Topic: contract.Resolved(e.ID), Compact: true})
		}
		for _, v := range e.Views {
			specs = append(specs, contract.Spec{Topic: contract.Shared(v.ID), Compact: true})
		}
	}
	for _, t := range steps {
		specs = append(specs, processors.Specs(t)...)
	}
	return specs
}
