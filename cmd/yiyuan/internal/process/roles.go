package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

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
)

// RunProcessors starts every step.
func (a *Process) RunProcessors(ctx context.Context) error {
	instance := a.cfg.Processors.Instance
	if instance == "" {
		var err error
		if instance, err = os.Hostname(); err != nil {
			return fmt.Errorf("name this process: %w", err)
		}
	}
	shared := processors.NewMetrics(a.Metrics)
	for _, t := range a.Steps {
		shared.Watch(t.Masks)
	}
	cfg := processors.Config{
		Workers: a.cfg.Processors.Workers, MaxRecords: a.cfg.Processors.MaxRecords, MaxBytes: a.cfg.Processors.MaxBytes,
		CommitInterval: a.cfg.Processors.CommitInterval, Standby: a.cfg.Processors.Standby, Instance: instance, Clock: a.Clock, Metrics: shared,
	}
	a.alone("processors.dir", a.cfg.Processors.Dir)
	where := state.Options{Dir: a.cfg.Processors.Dir}
	a.start(ctx, "processors", func(ctx context.Context) error {
		err := processors.Serve(ctx, a.Bus, where, a.Steps, cfg, a.Log)
		if errors.Is(err, state.ErrInUse) {
			err = fmt.Errorf("状态目录 %[1]s（processors.dir）正由另一个进程使用，一个目录只给一个进程：先停下那个进程；要几个进程分担处理，给每个自己的 processors.dir 和 processors.instance / "+
				"another process has the folder of state %[1]s (processors.dir), which takes one process alone: stop that process first; for several that share the work give each a processors.dir and a processors.instance of its own: %[2]w", where.Dir, err)
		}
		return err
	})
	return nil
}

// RunConnectors starts the push listener, if a source needs it, and the sources.
// It returns the fleet they run in and the push listener's address.
func (a *Process) RunConnectors(ctx context.Context, cfgs []connectors.Config, may PushAccess) (*fleet.Fleet, string, error) {
	pushes, err := push.NewServer(push.Config{Keys: may.Keys, Logger: a.Log, Shared: a.shared, Refused: a.auditPush(ctx), Ready: a.kafka.ready})
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
		cfgs[i].Logger, cfgs[i].Keys, cfgs[i].Metrics, cfgs[i].Catalogue = a.Log, a.Keys, a.Metrics, a.Catalogue
	}
	f := fleet.New(fleet.On(a.Bus, a.Codec, all, a.Log), cfgs)
	a.start(ctx, "connectors", f.Run)
	return f, address, nil
}

// RunGateway starts materialising and answering.
func (a *Process) RunGateway(ctx context.Context, cfg gateway.Config, who *access.Access, source gateway.Grants) error {
	cache, err := a.openCache(ctx)
	if err != nil {
		return err
	}
	cfg.OpenConsole = cfg.OpenConsole || a.cfg.Gateway.OpenConsole
	cfg.Topology = Drawing(a.Steps)
	cfg.Shared = a.shared
	cfg.Negatives, cfg.TargetNegatives = a.cfg.Gateway.Verify.PerApplication.Quota(), a.cfg.Gateway.Verify.PerSubject.Quota()
	awaits, err := verification.Awaits(a.Catalogue, a.Keys)
	if err != nil {
		return err
	}
	for _, w := range awaits {
		cfg.Waits = append(cfg.Waits, gateway.Waits(w))
	}
	cfg.Unconnected = a.cfg.Gateway.Unconnected
	if err := a.cfg.Gateway.Fits(a.Catalogue); err != nil {
		return a.with(err, "gateway.unconnected")
	}
	g, err := gateway.New(ctx, cfg, gateway.Parts{
		Catalogue: a.Catalogue, Bus: a.Bus, Kafka: a.kafka, Codec: a.Codec, Keys: a.Keys, Cache: cache, Access: who, Grants: source, Successors: successors{a}, Logger: a.Log, Metrics: a.Metrics,
	})
	if err != nil {
		return err
	}
	a.gateway = g
	a.start(ctx, "gateway", func(ctx context.Context) error {
		err := g.Run(ctx)
		if errors.Is(err, syscall.EADDRINUSE) {
			return taken("gateway", a.cfg.Gateway.Listen, err)
		}
		return err
	})
	return nil
}

// bindings reads the files of sources by the catalogue in force; what only the folder makes
// right waits until that is.
func (a *Process) bindings() ([]connectors.Config, []wiring.Waiting, error) {
	edited := a.folder.Catalogue
	if a.folder.Broken != nil {
		edited = nil
	}
	cfgs, waits, err := wiring.BindingsInForce(a.cfg.Sources, a.Catalogue, edited)
	if err != nil {
		err = fmt.Errorf("数据源文件有误，或不合生效的目录 %s：改正后即可启动 / files of sources are wrong, or do not go with the catalogue in force, %s: mend them, that is enough for a start:\n%w", a.Catalogue.Version, a.Catalogue.Version, err)
	}
	return cfgs, waits, err
}

// openAccess reads the access file by the catalogue in force, and says of one that is
// refused what leads to a start.
func (a *Process) openAccess() (*access.Access, gateway.Grants, error) {
	who, source, err := OpenAccess(a.cfg.Access, a.Catalogue)
	if err == nil || hidden(err) {
		return who, source, err
	}
	if ahead := AccessAhead(a.cfg.Access, a.Catalogue, a.folder.Catalogue); ahead != nil {
		return nil, nil, ahead
	}
	return nil, nil, fmt.Errorf("授权文件有误，或不合生效的目录 %[1]s：改正下列各处即可启动；若是 apply 去掉了不该去的，放回原来的文件夹再 yiyuan apply，进程停着也能运行 / "+
		"the access file is wrong, or does not go with the catalogue in force, %[1]s: mend it as follows, that is enough for a start; where apply took away what is wanted, put the former folder back and run yiyuan apply, with no process running too: %[2]w", a.Catalogue.Version, err)
}

func (a *Process) startRoles(ctx context.Context) error {
	a.start(ctx, "upgrade", a.retainLater)
	a.start(ctx, "topics", a.keepTopics)
	a.start(ctx, "topics", a.countTopics)
	a.followCertificates(ctx)
	var members *fleet.Fleet
	if a.cfg.Has(settings.RoleProcessors) {
		if err := a.RunProcessors(ctx); err != nil {
			return err
		}
	}
	if a.cfg.Has(settings.RoleConnectors) {
		cfgs, waits, err := a.bindings()
		if err != nil {
			return a.with(err, "sources")
		}
		keys, err := OpenPushKeys(a.cfg.Push.Keys)
		if err != nil {
			return err
		}
		if members, _, err = a.RunConnectors(ctx, cfgs, keys); err != nil {
			return err
		}
		for _, w := range waits {
			members.Await(w.Config, w.Why, w.Do)
			a.Log.Error("source waits for the catalogue folder to be in force", "source", w.Name, "why", w.Why, "do", w.Do)
		}
	}
	if a.cfg.Has(settings.RoleGateway) {
		who, source, err := a.openAccess()
		if err != nil {
			return a.with(err, "access")
		}
		if err := a.RunGateway(ctx, gateway.Config{Listen: a.cfg.Gateway.Listen}, who, source); err != nil {
			return err
		}
	}
	if a.schemas != nil && a.cfg.Registry.Listen != "" {
		if _, err := a.ServeRegistry(ctx); err != nil {
			return err
		}
	}
	if a.cfg.Admin.Listen != "" {
		if _, err := a.ServeAdmin(ctx, members); err != nil {
			return err
		}
	}
	return nil
}
