package process

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/alicebob/miniredis/v2"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/gateway/redis"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// cannotOpen says why there is no cache, and what to do. The process ends with it, as it
// does when Kafka cannot be reached at the start: whoever keeps it running starts it again.
func cannotOpen(g *settings.Gateway, err error) error {
	switch {
	case errors.Is(err, redis.ErrReplica):
		return fmt.Errorf("哨兵所指的主库其实是从库：可能正在切换，稍后再启动；一直如此请检查哨兵（gateway.sentinel） / what the sentinels name as the master is a replica: a failover may be under way, start again in a moment; if it stays so look at the sentinels: %w", err)
	case errors.Is(err, redis.ErrNoMaster):
		return fmt.Errorf("哨兵有应答，但不认识这个主库名；请核对 gateway.redis 中的主库名与哨兵的 sentinel monitor / the sentinels answer, and watch no master of this name; compare the name in gateway.redis with their sentinel monitor: %w", err)
	case errors.Is(err, redis.ErrEvicts):
		return fmt.Errorf("缓存 Redis 会淘汰键，不能使用；请设 maxmemory-policy noeviction / Redis may throw keys away and cannot be used: %w", err)
	}
	if other := (*redis.OtherError)(nil); errors.As(err, &other) {
		return fmt.Errorf("%w: %w", g.OfAnotherBus(other.Pattern), err)
	}
	return fmt.Errorf("连不上 Redis / open Redis: %w", err)
}

// openCache opens the Redis of the configuration, or one inside this process.
func (a *Process) openCache(ctx context.Context) (store.Cache, error) {
	id, err := a.Bus.Identity(ctx, contract.Sources)
	if err != nil {
		return nil, err
	}
	cfg := redis.Config{Prefix: settings.CachePrefix(a.cfg.Bus.Prefix), Bus: hex.EncodeToString(id[:])}
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
		return nil, cannotOpen(&a.cfg.Gateway, err)
	}
	a.defers(func() {
		if err := store.Close(); err != nil {
			a.Log.Warn("cache not closed", "error", err)
		}
	})
	return store, nil
}
