package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/registry"
)

// LookCodec is the codec of who only reads: of the configured outside registry, or of the
// log of schemas as it stands, into which nothing is written. Call close when done.
func LookCodec(ctx context.Context, cfg settings.Registry, b *bus.Bus) (c *codec.Codec, closes func(), err error) {
	if cfg.URL != "" {
		outside, err := bus.OutsideRegistry(cfg.URL, nil) // a key is for writing
		if err != nil {
			return nil, nil, err
		}
		return codec.New(toldRegistry{outside, shown(cfg.URL)}), func() {}, nil
	}
	reg, err := registry.Open(ctx, lookedAt{b}, "", slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, fmt.Errorf("open registry: %w", err)
	}
	return codec.New(reg), reg.Close, nil
}

// lookedAt is the log of schemas for who writes nothing.
type lookedAt struct{ bus *bus.Bus }

// Append implements registry.Log.
func (lookedAt) Append(context.Context, []byte, []byte) error {
	return errors.New("the log of schemas is only read here")
}

// Replay implements registry.Log.
func (l lookedAt) Replay(ctx context.Context, show func(key, value []byte) error) error {
	return l.bus.Peek(ctx, contract.Schemas, func(r bus.Record) error { return show(r.Key, r.Value) })
}

// Follow implements registry.Log: what comes later is not looked at.
func (lookedAt) Follow(ctx context.Context, _ func(key, value []byte) error) error {
	<-ctx.Done()
	return ctx.Err()
}
