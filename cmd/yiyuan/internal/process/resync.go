package process

import (
	"context"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/fleet"
)

// OrderResync writes the order where no process runs the source. What cannot be
// read again is refused here too, if the configuration knows the source.
func (a *Process) OrderResync(ctx context.Context, name string, accept int64) error {
	cfgs, _, err := a.bindings()
	if err != nil {
		return err
	}
	for _, c := range cfgs {
		if kind, err := wiring.EveryKind().Find(c.Kind); err == nil && c.Name == name && kind.Reread.Cannot != "" {
			return &fleet.CannotError{Why: kind.Reread.Cannot}
		}
	}
	return connectors.Resync(ctx, a.Bus, name, accept)
}

// OrderBackfill writes the order to read part of a source again where no process runs the source;
// by is who asks. The configuration must know the source: its kind makes the order.
func (a *Process) OrderBackfill(ctx context.Context, name string, ask connectors.Ask, by string) error {
	cfgs, _, err := a.bindings()
	if err != nil {
		return err
	}
	for _, c := range cfgs {
		if c.Name != name {
			continue
		}
		if c, err = wiring.EveryKind().Bind(c); err != nil {
			return err
		}
		c.Keys = a.Keys
		order, err := fleet.Order(c, ask)
		if err != nil {
			return err
		}
		order.By = by
		return connectors.Backfill(ctx, a.Bus, name, order)
	}
	return fmt.Errorf("backfill %q: %w", name, connectors.ErrNoSource)
}
