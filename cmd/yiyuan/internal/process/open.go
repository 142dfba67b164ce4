package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/embedded"
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
	if err := a.openBus(ctx); err != nil {
		a.Close()
		return nil, err
	}
	for _, open := range []func(context.Context) error{a.begin, a.bindKeys, a.bindCatalogue, a.openRegistry} {
		if err := open(ctx); err != nil {
			a.Close()
			return nil, err
		}
	}
	return a, nil
}

func (a *Process) openBus(ctx context.Context) error {
	c := a.cfg.Bus
	a.Brokers = c.Brokers
	if len(a.Brokers) == 0 {
		a.alone("bus.embedded.data", c.Embedded.Data)
		broker, err := StartBroker(ctx, c.Embedded, a.Log)
		if err != nil {
			return err
		}
		a.defers(broker.Close)
		a.broker = broker
		a.Brokers = broker.Addrs()
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

// StartBroker starts the embedded broker. A folder that another process's broker has, and
// an address that is taken, are told with what to do.
func StartBroker(ctx context.Context, c settings.Embedded, log *slog.Logger) (*embedded.Broker, error) {
	broker, err := embedded.Start(ctx, embedded.Options{Dir: c.Data, Listen: c.Listen, Logger: log})
	switch {
	case errors.Is(err, embedded.ErrInUse):
		return nil, fmt.Errorf("内置消息代理的数据目录 %[1]s 正由另一个进程使用，一个目录只能有一个代理：先停下那个进程；要几个进程共用一条总线，只让一个进程带内置代理，其余用 bus.brokers 连它的 bus.embedded.listen，或者都用 Kafka / "+
			"another process's embedded broker has the folder %[1]s, which takes one broker alone: stop that process first; for several processes on one bus let one have the broker and the others reach its bus.embedded.listen by bus.brokers, or use Kafka: %[2]w", c.Data, err)
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("内置消息代理的地址 %[1]s 被占用：另一个 yiyuan 进程已带着它的，本进程用 bus.brokers: [%[1]s] 连过去；别的程序占着的，改 bus.embedded.listen（YIYUAN_BUS_EMBEDDED_LISTEN） / "+
			"the embedded broker's address %[1]s is taken: where another yiyuan process has its broker there, reach it by bus.brokers: [%[1]s]; where another program has it, set bus.embedded.listen: %[2]w", c.Listen, err)
	case err != nil:
		return nil, fmt.Errorf("内置消息代理起不来 / start the embedded broker: %w", err)
	}
	return broker, nil
}

// Sync is how long an answer of the embedded broker waits for the disk, if it does.
func (a *Process) Sync() (mean time.Duration, ok bool) {
	if a.broker == nil {
		return 0, false
	}
	return a.broker.Sync()
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
	default:
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
