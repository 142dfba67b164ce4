package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// Backfill has part of a source read again beside its stream; by is who asks.
func (f *Fleet) Backfill(ctx context.Context, name string, ask connectors.Ask, by string) error {
	m, err := f.rereadable(name)
	if err != nil {
		return err
	}
	order, err := Order(m.cfg, ask)
	if errors.Is(err, connectors.ErrConfig) {
		return orderError{err}
	}
	if err != nil {
		return err
	}
	order.By = by
	return f.again(ctx, name, func(ctx context.Context, name string) error { return f.parts.Backfill(ctx, name, order) })
}

// Order makes an order of what a person asks for, where the source's kind can obey it.
func Order(cfg connectors.Config, ask connectors.Ask) (contract.Backfill, error) {
	if cfg.Reread.Backfill == nil {
		return contract.Backfill{}, &CannotError{fmt.Sprintf("%[1]s 类数据源不能只补读一部分，请整个重读：%[2]s / of a source of kind %[1]s no part can be read again: read it as a whole: %[2]s", cfg.Kind, contract.ResyncCommand(cfg.Name))}
	}
	return cfg.Reread.Backfill.Order(cfg, ask)
}

// orderError is an order that the source's kind refuses.
type orderError struct{ error }

func (e orderError) Unwrap() error { return e.error }

// AcceptBackfill says yes to so many deletes of a backfill that waits for that.
func (f *Fleet) AcceptBackfill(ctx context.Context, name string, id, accept int64) error {
	return f.again(ctx, name, func(ctx context.Context, name string) error { return f.parts.AcceptBackfill(ctx, name, id, accept) })
}

// CancelBackfill gives a backfill up. What it has read stays.
func (f *Fleet) CancelBackfill(ctx context.Context, name string, id int64) error {
	return f.again(ctx, name, func(ctx context.Context, name string) error { return f.parts.CancelBackfill(ctx, name, id) })
}

// again writes an order about a source while it is down for a moment. One that a person has
// stopped stays so.
func (f *Fleet) again(ctx context.Context, name string, write func(ctx context.Context, name string) error) error {
	f.mu.Lock()
	m, ok := f.members[name]
	f.mu.Unlock()
	if !ok {
		return fmt.Errorf("backfill %q: %w", name, ErrNotHere)
	}
	if err := f.halt(ctx, name); err != nil {
		return err
	}
	err := f.order(ctx, name, func(*contract.SourceStatus) {}, write)
	f.mu.Lock()
	stays := m.told.Status.Stop
	f.mu.Unlock()
	if !stays {
		f.wake(m) //nolint:contextcheck // a source lives as long as the process
	}
	return err
}

func number(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil && n < 0 {
		err = strconv.ErrRange
	}
	return n, err
}

// readAsk reads what a person asks for.
func readAsk(body io.Reader) (ask connectors.Ask, err error) {
	raw, err := io.ReadAll(body)
	if err != nil {
		return ask, fmt.Errorf("read order: %w", err)
	}
	if err := listener.StrictJSON(raw, 2); err != nil {
		return ask, fmt.Errorf("read order: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&ask); err != nil {
		return ask, fmt.Errorf("read order: %w", err)
	}
	return ask, nil
}
