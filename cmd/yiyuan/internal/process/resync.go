package process

import (
	"context"

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
