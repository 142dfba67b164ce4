package process

import (
	"context"
	"fmt"
	"slices"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/fleet"
)

// OrderResync writes the order where no process runs the source. What cannot be
// read again is refused here too, if the configuration knows the source.
func (a *Process) OrderResync(ctx context.Context, name string, accept int64) error {
	cfg, _, err := a.binding(name)
	if err != nil {
		return err
	}
	if why := cfg.Reread.Cannot; why != "" {
		return &fleet.CannotError{Why: why}
	}
	return connectors.Resync(ctx, a.Bus, name, accept)
}

// OrderBackfill writes the order to read part of a source again where no process runs the source;
// by is who asks. The configuration must know the source: its kind makes the order.
func (a *Process) OrderBackfill(ctx context.Context, name string, ask connectors.Ask, by string) error {
	cfg, known, err := a.binding(name)
	if err != nil {
		return err
	}
	if !known {
		return fmt.Errorf("backfill %q: %w", name, connectors.ErrNoSource)
	}
	order, err := fleet.Order(cfg, ask)
	if err != nil {
		return err
	}
	order.By = by
	return connectors.Backfill(ctx, a.Bus, name, order)
}

// binding is the source of that name as the configuration has it, with what its kind declares.
func (a *Process) binding(name string) (cfg connectors.Config, known bool, err error) {
	cfgs, _, err := a.bindings()
	if err != nil {
		return cfg, false, err
	}
	i := slices.IndexFunc(cfgs, func(c connectors.Config) bool { return c.Name == name })
	if i < 0 {
		return cfg, false, nil
	}
	cfg, err = wiring.EveryKind().Bind(cfgs[i])
	cfg.Keys = a.Keys
	return cfg, true, err
}
