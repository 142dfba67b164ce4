package connectors

import (
	"context"
	"errors"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// ErrNoSource says that no source of that name has ever published.
var ErrNoSource = errors.New("没有这个数据源 / no such source")

// Retire says of a source that is down that it stays so: its datasets come from
// elsewhere now, or no more, and need not wait for it to be called current. Its
// position is kept; if it is run again it goes on, and counts again. A source
// that still runs somewhere takes its name back: stop it first.
func Retire(ctx context.Context, b *bus.Bus, name string) error {
	p, err := b.Publisher(ctx, name)
	if err != nil {
		return fmt.Errorf("retire %q: %w", name, err)
	}
	defer p.Close()
	last := p.Status()
	if last.State == "" {
		return fmt.Errorf("retire %q: %w", name, ErrNoSource)
	}
	last.State, last.Error, last.At = contract.StateRetired, "", 0
	if err := p.Publish(ctx, nil, last); err != nil {
		return fmt.Errorf("retire %q: %w", name, err)
	}
	return nil
}
