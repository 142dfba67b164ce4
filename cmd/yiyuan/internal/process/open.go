package process

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/registry"
)

// New opens the broker (or connects to one), the registry and the topics, and
// makes sure of the keys.
func New(ctx context.Context, cfg settings.Config, keys *keyring.Keyring, log *slog.Logger) (*Process, error) {
	a := &Process{cfg: cfg, Log: log, Metrics: prometheus.NewRegistry(), Keys: keys, settings: NewSettings(), folder: ReadFolder(cfg.Catalogue), catalogues: NewCatalogues()}
	crash.LogTo(log)
	a.Metrics.MustRegister(crash.Collector(), a.settings, a.catalogues, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	var err error
	if a.shared, err = cfg.Listeners.Shared(a.Metrics); err != nil {
		return nil, err
	}
	if err := a.secure(); err != nil {
		return nil, err
	}
	if len(cfg.Bus.Brokers) == 0 {
		if ctx, err = a.openBroker(ctx); err != nil {
			a.Close()
			return nil, err
		}
	}
	for _, open := range []func(context.Context) error{a.openBus, a.begin, a.bindKeys, a.bindCatalogue, a.bindTopics, a.openRegistry, a.rememberTopics} {
		if err := open(ctx); err != nil {
			err = cmp.Or(a.brokerLost(), err)
			a.Close()
			return nil, err
		}
	}
	return a, nil
}

func (a *Process) openBus(ctx context.Context) error {
	c := a.cfg.Bus
	if a.Brokers = c.Brokers; a.broker != nil {
		a.Brokers = a.broker.Addrs()
	}
	b, err := OpenBus(ctx, c, a.Brokers, a.Log, a.Metrics)
	if err != nil {
		return err
	}
	a.defers(b.Close)
	a.Bus, a.kafka = b, newReach(b.Ping, a.Log, a.Metrics)
	attends, stop := context.WithCancel(context.WithoutCancel(ctx))
	var looks sync.WaitGroup
	looks.Go(func() { a.kafka.attend(attends) })
	a.defers(looks.Wait)
	a.defers(stop)
	return nil
}

// begin makes the bus this build's, and the topics in which a process is bound to it.
func (a *Process) begin(ctx context.Context) error {
	f, err := ReadInForce(ctx, a.Bus, a.Bus.Peek)
	if err != nil {
		return err
	}
	switch {
	case a.folder.is(f):
		a.Catalogue = a.folder.Catalogue
	case f.Any():
		if a.Catalogue, err = LoadInForce(f); err != nil {
			return err
		}
	case a.folder.Broken != nil:
		return a.folder.Broken
	default: // a new bus
		if err := a.catalogueLost(ctx); err != nil {
			return err
		}
		a.Catalogue = a.folder.Catalogue
	}
	if err := a.upgrade(ctx, wiring.Topics(a.Catalogue, nil)); err != nil {
		return err
	}
	return a.Bus.Ensure(ctx, contract.ControlSpec, contract.CatalogueSpec)
}

// openRegistry opens the registry and with it the codec, makes the steps and
// then the topics. The registry's own topic must be there first.
func (a *Process) openRegistry(ctx context.Context) error {
	if err := a.Bus.Ensure(ctx, contract.SchemasSpec); err != nil {
		return err
	}
	if a.cfg.Registry.URL != "" {
		key, err := a.registryKey()
		if err != nil {
			return err
		}
		outside, err := bus.OutsideRegistry(a.cfg.Registry.URL, key)
		if err != nil {
			return err
		}
		a.Codec = codec.New(toldRegistry{outside, shown(a.cfg.Registry.URL)})
	} else {
		reg, err := registry.Open(ctx, a.Bus.SchemaLog(), a.cfg.Bus.Prefix, a.Log)
		if err != nil {
			return fmt.Errorf("open registry: %w", err)
		}
		a.defers(reg.Close)
		a.schemas, a.Codec = reg, codec.New(toldRegistry{Registry: reg})
	}
	a.Steps = wiring.Steps(a.Catalogue, a.Codec, a.Keys)
	return a.Bus.Ensure(ctx, wiring.Topics(a.Catalogue, a.Steps)...)
}

// Open opens what the configuration names: the log, the keys, the bus.
func Open(ctx context.Context, cfg settings.Config) (*Process, error) {
	log, err := settings.NewLogger(cfg.Log, os.Stderr)
	if err != nil {
		return nil, err
	}
	keys, err := openKeys(cfg.Keys)
	if err != nil {
		return nil, err
	}
	return New(ctx, cfg, keys, log)
}
