package process

import (
	"context"
	"fmt"

	"github.com/alicebob/miniredis/v2"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/gateway/redis"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
)

// openCache opens the Redis of the configuration, or one inside this process.
func (a *Process) openCache(ctx context.Context) (store.Cache, error) {
	cfg := redis.Config{Prefix: settings.CachePrefix(a.cfg.Bus.Prefix)}
	if a.cfg.Gateway.Redis == "" {
		mini, err := miniredis.Run()
		if err != nil {
			return nil, fmt.Errorf("start the embedded cache: %w", err)
		}
		a.defers(mini.Close)
		cfg.Address = mini.Addr()
	} else if err := a.cfg.Gateway.Cache(&cfg); err != nil {
		return nil, err
	}
	store, err := redis.Open(ctx, cfg, a.Log, a.Metrics)
	if err != nil {
		return nil, fmt.Errorf("连不上 Redis / open Redis: %w", err)
	}
	a.defers(func() {
		if err := store.Close(); err != nil {
			a.Log.Warn("cache not closed", "error", err)
		}
	})
	return store, nil
}
