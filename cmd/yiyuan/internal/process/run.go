package process

import (
	"cmp"
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
)

// Run runs the roles of the configuration until ctx ends; build is what the log calls this version of the program.
func Run(ctx context.Context, cfg settings.Config, build string) error {
	a, err := Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	a.Group, ctx = errgroup.WithContext(ctx)
	a.WatchBroker(ctx)
	a.start(ctx, "keys", a.watchKeys)
	a.start(ctx, "catalogue", a.WatchCatalogue)
	if err := a.startRoles(ctx); err != nil {
		ended := ctx.Err() != nil
		stop() // what has started would go on by itself, and we would wait for it
		first := a.Group.Wait()
		if ended && first != nil {
			err = nil // what had started failed, which has ended all that was on its way
		}
		return told(cmp.Or(a.brokerLost(), errors.Join(first, err)))
	}
	a.Log.Info("running", "roles", cfg.Roles, "version", build, "catalogue", a.Catalogue.Version)
	err = a.Group.Wait()
	a.Log.Info("stopped")
	return told(cmp.Or(a.brokerLost(), err))
}
