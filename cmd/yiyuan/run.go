package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/connectors/fleet"
	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/grants"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

func runCommand() *cobra.Command {
	var file string
	var roles []string
	cmd := &cobra.Command{
		Use:   "run",
		Short: "按配置运行一个或几个角色 / run one or several roles by configuration",
		Long: `按配置文件运行：connectors 接入、processors 处理、gateway 网关，可在一个进程，也可分在多个进程，它们只在 Kafka 主题里相遇。
Runs connectors, processors and gateway, in one process or in several; they meet only in Kafka topics.`,
		Example: `  yiyuan run --config /etc/yiyuan/yiyuan.yaml
  yiyuan run --config yiyuan.yaml --role processors`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := settings.Load(file)
			if err != nil {
				return exit.With(exit.Usage, err)
			}
			if len(roles) > 0 {
				cfg.Roles = roles
				if err := cfg.Resolve(); err != nil {
					return exit.With(exit.Usage, err)
				}
			}
			return run(cmd.Context(), cfg)
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "配置文件，每一项见 deploy/yiyuan.yaml / configuration file")
	cmd.Flags().StringSliceVar(&roles, "role", nil, "connectors,processors,gateway")
	return cmd
}

// run runs the roles of the configuration until ctx ends.
func run(ctx context.Context, cfg settings.Config) error {
	a, err := openApp(ctx, cfg)
	if err != nil {
		return err
	}
	defer a.close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	a.group, ctx = errgroup.WithContext(ctx)
	a.start(ctx, "keys", a.watchKeys)
	a.start(ctx, "catalogue", a.watchCatalogue)
	if err := a.startRoles(ctx); err != nil {
		stop() // what has started would go on by itself, and we would wait for it
		return errors.Join(err, a.group.Wait())
	}
	a.log.Info("running", "roles", cfg.Roles, "version", version, "catalogue", a.cat.Version)
	err = a.group.Wait()
	a.log.Info("stopped")
	return err
}

// openApp opens what the configuration names: the log, the keys, the bus.
func openApp(ctx context.Context, cfg settings.Config) (*app, error) {
	log, err := settings.NewLogger(cfg.Log, os.Stderr)
	if err != nil {
		return nil, err
	}
	keys, err := openKeys(cfg.Keys)
	if err != nil {
		return nil, err
	}
	return newApp(ctx, cfg, keys, log)
}

// openKeys reads the key file; without one the keys last as long as the process.
func openKeys(cfg settings.Keys) (*keyring.Keyring, error) {
	if cfg.File == "" {
		return ephemeralKeys(cfg.Suite)
	}
	return keyring.Load(cfg.File)
}

func (a *app) startRoles(ctx context.Context) error {
	a.start(ctx, "upgrade", a.retainLater)
	a.start(ctx, "topics", a.keepTopics)
	a.followCertificates(ctx)
	var members *fleet.Fleet
	if a.cfg.Has(settings.RoleProcessors) {
		if err := a.runProcessors(ctx); err != nil {
			return err
		}
	}
	if a.cfg.Has(settings.RoleConnectors) {
		cfgs, err := wiring.Bindings(a.cfg.Sources, a.cat)
		if err != nil {
			return err
		}
		keys, err := openPushKeys(a.cfg.Push.Keys)
		if err != nil {
			return err
		}
		if members, _, err = a.runConnectors(ctx, cfgs, keys); err != nil {
			return err
		}
	}
	if a.cfg.Has(settings.RoleGateway) {
		who, source, err := openAccess(a.cfg.Access, a.cat)
		if err != nil {
			return err
		}
		if err := a.runGateway(ctx, gateway.Config{Listen: a.cfg.Gateway.Listen}, who, source); err != nil {
			return err
		}
	}
	if a.schemas != nil && a.cfg.Registry.Listen != "" {
		if _, err := a.serveRegistry(ctx); err != nil {
			return err
		}
	}
	if a.cfg.Admin.Listen != "" {
		if _, err := a.serveAdmin(ctx, members); err != nil {
			return err
		}
	}
	return nil
}

// openAccess returns who may ask what, and where that comes from: nil if
// nowhere. It is all that a start, a check and the doctor know of the file.
func openAccess(path string, cat *schemas.Catalogue) (*access.Access, gateway.Grants, error) {
	if path == "" {
		who, err := access.New(cat, nil)
		return who, nil, err
	}
	file, who, err := grants.Load(path, cat)
	if err != nil {
		return nil, nil, fmt.Errorf("应用与授权文件有误 / load grants: %w", err)
	}
	return who, file, nil
}
