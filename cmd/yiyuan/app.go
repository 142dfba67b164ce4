package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/embedded"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/fleet"
	"github.com/yiyuan-bus/yiyuan/connectors/push"
	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/state"
	"github.com/yiyuan-bus/yiyuan/processors/verification"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/registry"
)

// app is one process: what it was told, what it opened, in the order of opening.
// close undoes it in reverse.
type app struct {
	cfg        settings.Config
	log        *slog.Logger
	metrics    *prometheus.Registry
	settings   *prometheus.GaugeVec // of files that are followed
	catalogues *prometheus.GaugeVec // which one runs, is in force, is in the folder
	folder     folder               // as it is configured
	cat        *schemas.Catalogue   // in force when this process started
	keys       *keyring.Keyring
	brokers    []string
	broker     *embedded.Broker // nil = brokers elsewhere
	bus        *bus.Bus
	codec      *codec.Codec
	schemas    *registry.Registry // nil = an outside one
	steps      []processors.Step
	gateway    *gateway.Gateway // nil = another process answers
	clock      func() time.Time // of the steps; nil = the system's
	shared     listener.Shared  // of all listeners
	group      *errgroup.Group
	closers    []func()
}

// newApp opens the broker (or connects to one), the registry and the topics, and
// makes sure of the keys.
func newApp(ctx context.Context, cfg settings.Config, keys *keyring.Keyring, log *slog.Logger) (*app, error) {
	a := &app{cfg: cfg, log: log, metrics: prometheus.NewRegistry(), keys: keys, settings: newSettings(), folder: readFolder(cfg.Catalogue), catalogues: newCatalogues()}
	crash.LogTo(log)
	a.metrics.MustRegister(crash.Collector(), a.settings, a.catalogues, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	var err error
	if a.shared, err = cfg.Listeners.Shared(a.metrics); err != nil {
		return nil, err
	}
	if err := a.secure(); err != nil {
		return nil, err
	}
	if err := a.openBus(ctx); err != nil {
		a.close()
		return nil, err
	}
	for _, open := range []func(context.Context) error{a.begin, a.bindKeys, a.bindCatalogue, a.openRegistry} {
		if err := open(ctx); err != nil {
			a.close()
			return nil, err
		}
	}
	return a, nil
}

func (a *app) close() {
	for i := len(a.closers) - 1; i >= 0; i-- {
		a.closers[i]()
	}
	a.closers = nil
}

func (a *app) defers(f func()) { a.closers = append(a.closers, f) }

func (a *app) openBus(ctx context.Context) error {
	c := a.cfg.Bus
	a.brokers = c.Brokers
	if len(a.brokers) == 0 {
		broker, err := embedded.Start(ctx, embedded.Options{Dir: c.Embedded.Data, Listen: c.Embedded.Listen, Logger: a.log})
		if err != nil {
			return fmt.Errorf("内置消息代理起不来，端口 %s 是否被占用? / start the embedded broker, is its port taken? %w", c.Embedded.Listen, err)
		}
		a.defers(broker.Close)
		a.broker = broker
		a.brokers = broker.Addrs()
	}
	b, err := openBus(ctx, c, a.brokers, a.log, a.metrics)
	if err != nil {
		return err
	}
	a.defers(b.Close)
	a.bus = b
	return nil
}

// sync is how long an answer of the embedded broker waits for the disk, if it does.
func (a *app) sync() (mean time.Duration, ok bool) {
	if a.broker == nil {
		return 0, false
	}
	return a.broker.Sync()
}

// openBus connects to brokers as the configuration says.
func openBus(ctx context.Context, c settings.Bus, brokers []string, log *slog.Logger, reg prometheus.Registerer) (*bus.Bus, error) {
	return bus.Open(ctx, bus.Config{
		Brokers: brokers, Prefix: c.Prefix, Partitions: c.Partitions, Replication: c.Replication,
		TransactionTimeout: c.TransactionTimeout, SessionTimeout: c.SessionTimeout,
		TLS:  bus.TLS{Enabled: c.TLS.Enabled, CA: c.TLS.CA, Cert: c.TLS.Cert, Key: c.TLS.Key, ServerName: c.TLS.Server},
		SASL: bus.SASL{Mechanism: c.SASL.Mechanism, User: c.SASL.User, Password: c.SASL.Password},
	}, log, reg)
}

// begin makes the bus this build's, and the topics in which a process is bound to it.
func (a *app) begin(ctx context.Context) error {
	f, err := readInForce(ctx, a.bus, a.bus.Peek)
	if err != nil {
		return err
	}
	switch {
	case a.folder.is(f):
		a.cat = a.folder.cat
	case f.Any():
		if a.cat, err = loadInForce(f); err != nil {
			return err
		}
	case a.folder.broken != nil:
		return a.folder.broken
	default:
		a.cat = a.folder.cat
	}
	if err := a.upgrade(ctx, wiring.Topics(a.cat, nil)); err != nil {
		return err
	}
	return a.bus.Ensure(ctx, contract.ControlSpec, contract.CatalogueSpec)
}

// openRegistry opens the registry and with it the codec, makes the steps and
// then the topics. The registry's own topic must be there first.
func (a *app) openRegistry(ctx context.Context) error {
	if err := a.bus.Ensure(ctx, contract.SchemasSpec); err != nil {
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
		a.codec = codec.New(outside)
	} else {
		reg, err := registry.Open(ctx, a.bus.SchemaLog(), a.log)
		if err != nil {
			return fmt.Errorf("open registry: %w", err)
		}
		a.defers(reg.Close)
		a.schemas, a.codec = reg, codec.New(reg)
	}
	a.steps = wiring.Steps(a.cat, a.codec, a.keys)
	return a.bus.Ensure(ctx, wiring.Topics(a.cat, a.steps)...)
}

// start runs a part of the process until its context ends; the first failure
// ends them all.
func (a *app) start(ctx context.Context, name string, f func(ctx context.Context) error) {
	a.group.Go(func() error {
		err := f(ctx)
		if err == nil || ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
			return nil
		}
		return fmt.Errorf("%s: %w", name, err)
	})
}

// runProcessors starts every step.
func (a *app) runProcessors(ctx context.Context) error {
	instance := a.cfg.Processors.Instance
	if instance == "" {
		var err error
		if instance, err = os.Hostname(); err != nil {
			return fmt.Errorf("name this process: %w", err)
		}
	}
	shared := processors.NewMetrics(a.metrics)
	for _, t := range a.steps {
		shared.Watch(t.Masks)
	}
	cfg := processors.Config{
		Workers: a.cfg.Processors.Workers, MaxRecords: a.cfg.Processors.MaxRecords, MaxBytes: a.cfg.Processors.MaxBytes,
		CommitInterval: a.cfg.Processors.CommitInterval, Standby: a.cfg.Processors.Standby, Instance: instance, Clock: a.clock, Metrics: shared,
	}
	where := state.Options{Dir: a.cfg.Processors.Dir}
	a.start(ctx, "processors", func(ctx context.Context) error { return processors.Serve(ctx, a.bus, where, a.steps, cfg, a.log) })
	return nil
}

// runConnectors starts the push listener, if a source needs it, and the sources.
// It returns the fleet they run in and the push listener's address.
func (a *app) runConnectors(ctx context.Context, cfgs []connectors.Config, may pushAccess) (*fleet.Fleet, string, error) {
	pushes, err := push.NewServer(push.Config{Keys: may.keys, Logger: a.log, Shared: a.shared, Refused: a.auditPush(ctx)})
	if err != nil {
		return nil, "", err
	}
	all, address := wiring.Kinds(pushes, a.cfg.Push.Listen), ""
	doors, err := all.Listen(ctx, cfgs)
	if err != nil {
		return nil, "", err
	}
	for _, door := range doors { // of push, the one kind that has one
		address = a.scheme("push") + door.Address
		a.followPushKeys(ctx, may, pushes)
		a.start(ctx, door.Kind, door.Serve)
	}
	for i := range cfgs {
		if cfgs[i], err = all.Bind(cfgs[i]); err != nil {
			return nil, "", err
		}
		cfgs[i].Logger, cfgs[i].Keys, cfgs[i].Metrics, cfgs[i].Catalogue = a.log, a.keys, a.metrics, a.cat
	}
	f := fleet.New(fleet.On(a.bus, a.codec, all, a.log), cfgs)
	a.start(ctx, "connectors", f.Run)
	return f, address, nil
}

// runGateway starts materialising and answering.
func (a *app) runGateway(ctx context.Context, cfg gateway.Config, who *access.Access, source gateway.Grants) error {
	cache, err := a.openCache(ctx)
	if err != nil {
		return err
	}
	cfg.OpenConsole = cfg.OpenConsole || a.cfg.Gateway.OpenConsole
	cfg.Topology = drawing(a.steps)
	cfg.Shared = a.shared
	cfg.Negatives, cfg.TargetNegatives = a.cfg.Gateway.Verify.PerApplication.Quota(), a.cfg.Gateway.Verify.PerSubject.Quota()
	awaits, err := verification.Awaits(a.cat, a.keys)
	if err != nil {
		return err
	}
	for _, w := range awaits {
		cfg.Waits = append(cfg.Waits, gateway.Waits(w))
	}
	cfg.Unconnected = a.cfg.Gateway.Unconnected
	for _, id := range cfg.Unconnected {
		if _, err := a.cat.Dataset(id); err != nil {
			return fmt.Errorf("gateway.unconnected：目录中没有数据集 %q，请核对编号 / gateway.unconnected names %q, which is no dataset of the catalogue", id, id)
		}
	}
	g, err := gateway.New(ctx, cfg, gateway.Parts{
		Catalogue: a.cat, Bus: a.bus, Codec: a.codec, Keys: a.keys, Cache: cache, Access: who, Grants: source, Logger: a.log, Metrics: a.metrics,
	})
	if err != nil {
		return err
	}
	a.gateway = g
	a.start(ctx, "gateway", g.Run)
	return nil
}
