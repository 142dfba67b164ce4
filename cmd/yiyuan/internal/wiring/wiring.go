// Package wiring is the list of what is in this distribution: kinds of sources, steps, and the topics that they need.
package wiring

import (
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/file"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/tables"
	"github.com/yiyuan-bus/yiyuan/connectors/probe"
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

// Kinds is every kind of source that this binary knows, a line each. Sources of kind push
// share one listener, the server; without it kinds can still be checked and described.
func Kinds(pushes *push.Server, listen string) connectors.Kinds {
	return connectors.Kinds{
		file.Kind,
		postgres.Kind,
		push.Kind(pushes, listen),
		synthetic.Kind,
	}
}

// EveryKind is the kinds as they are checked and described, without anything that runs.
func EveryKind() connectors.Kinds { return Kinds(nil, "") }

// Probes are the kinds of sources whose tables can be looked at before there is a source, and how.
func Probes(cat *schemas.Catalogue) map[string]probe.Look {
	return map[string]probe.Look{
		postgres.Kind.Name: tables.Look(probe.NewTests(cat)),
	}
}

// Steps returns every step, in the order a change passes them.
func Steps(cat *schemas.Catalogue, c *codec.Codec, keys *keyring.Keyring) []processors.Step {
	steps := []processors.Step{route.New(cat, c, keys)}
	for _, e := range cat.Entities {
		steps = append(steps, resolve.New(cat, c, keys, e.ID))
	}
	return steps
}

// Topics is every topic that a process needs, with how it is kept: the contract's and those of its steps.
func Topics(cat *schemas.Catalogue, steps []processors.Step) []contract.Spec {
	specs := contract.Topics(cat)
	for _, t := range steps {
		specs = append(specs, processors.Specs(t)...)
	}
	return specs
}
