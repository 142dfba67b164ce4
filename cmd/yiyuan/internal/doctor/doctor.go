// Package doctor examines what a city needs (configuration, catalogue, keys, Kafka, registry, Redis, sources, this machine) and says what to do.
package doctor

import (
	"context"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/verification"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// doctor is what the checks know of the city.
type doctor struct {
	cfg      settings.Config
	embedded bool // its broker lives in yiyuan run
	cat      *schemas.Catalogue
	steps    []processors.Step
	specs    []contract.Spec
	sources  []connectors.Config
	bound    bool                      // their files could be read, all of them
	awaits   map[string]wiring.Waiting // those of sources that stand until the folder is in force
	lineage  schemas.Lineage
	since    time.Time // when the catalogue in force was put there, zero = none is
	bus      string    // which one it is, "" if unknown
	said     map[string]said
	waits    []verification.Awaited // what rules wait for
}

// Examine runs every check. One that cannot run because of another one's
// problem is left out: the cause is told once.
func Examine(ctx context.Context, file string, brokers []string) []Finding {
	d := &doctor{}
	found, ok := d.configuration(file, brokers)
	if !ok {
		return found
	}
	found = append(found, d.machine()...)
	found = append(found, d.kafka(ctx)...)
	found = append(found, d.registry(ctx)...)
	found = append(found, d.cache(ctx)...)
	return first(append(found, d.systems(ctx)...))
}
