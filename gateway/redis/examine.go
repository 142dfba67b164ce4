package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/yiyuan-bus/yiyuan/gateway/store"
)

// Health is what an operator wants to know of a Redis.
type Health struct {
	Version string
	Policy  string        // maxmemory-policy; "" = the server does not tell
	Limit   int64         // maxmemory in bytes; 0 = none
	Used    int64         // bytes
	Ahead   time.Duration // its clock before ours
	Bus     string        // that the keys are of, "" = they bear no mark
	// Generation is the current generation of records, "" = nothing was ever put in.
	Generation string
	Missing    []string         // views that are not complete in it
	Withheld   map[string]int64 // of views: records that are not kept, since the view showed otherwise
	Former     Former           // what is left in it of views as they were
}

// Evicts reports whether the server may throw records away.
func (h Health) Evicts() bool { return h.Policy != "" && h.Policy != "noeviction" }

// Examine looks at a server and at which of the views are complete in it. It
// changes nothing.
func Examine(ctx context.Context, cfg Config, views []string) (Health, error) {
	cfg = cfg.withDefaults()
	hearClient(slog.New(slog.DiscardHandler)) // what comes of a connection is in the answer
	client := cfg.client(&goredis.Options{
		Addr: cfg.Address, Username: cfg.Username, Password: cfg.Password, DB: cfg.Database, TLSConfig: cfg.TLS, Dialer: cfg.Dialer,
		DialTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, ContextTimeoutEnabled: true, DisableIdentity: true, Protocol: 2, PoolSize: 1, MaxRetries: -1, DialerRetries: 1,
	})
	defer client.Close() //nolint:errcheck // nothing was written
	var h Health
	if err := client.Ping(ctx).Err(); err != nil {
		return h, fmt.Errorf("ping: %w", cfg.Sentinel.explain(err))
	}
	for _, section := range []string{"server", "memory"} {
		info, err := client.Info(ctx, section).Result()
		if err != nil {
			continue // a server that does not tell, such as the embedded one
		}
		number := func(name string) int64 { n, _ := strconv.ParseInt(infoField(info, name), 10, 64); return n }
		if section == "server" {
			h.Version = infoField(info, "redis_version")
		} else {
			h.Policy, h.Limit, h.Used = infoField(info, "maxmemory_policy"), number("maxmemory"), number("used_memory")
		}
	}
	asked := time.Now()
	if now, err := client.Time(ctx).Result(); err == nil {
		h.Ahead = now.Sub(asked.Add(time.Since(asked) / 2))
	}
	var err error
	if h.Bus, err = ownerOf(ctx, client, cfg.Prefix); err != nil {
		return h, err
	}
	generation, err := client.Get(ctx, cfg.Prefix+":gen").Result()
	if errors.Is(err, goredis.Nil) {
		return h, nil
	}
	if err != nil {
		return h, fmt.Errorf("read current generation: %w", err)
	}
	h.Generation = generation
	keys := newKeyspace(cfg.Prefix, store.Generation(generation))
	for _, v := range views {
		n, err := client.Exists(ctx, keys.ready(v)).Result()
		if err != nil {
			return h, fmt.Errorf("read marks: %w", err)
		}
		if n == 0 {
			h.Missing = append(h.Missing, v)
		}
		switch n, err := client.Get(ctx, keys.withheld(v)).Int64(); {
		case err == nil && h.Withheld == nil:
			h.Withheld = map[string]int64{v: n}
		case err == nil:
			h.Withheld[v] = n
		case !errors.Is(err, goredis.Nil):
			return h, fmt.Errorf("read how many records are withheld: %w", err)
		}
	}
	slices.SortFunc(h.Missing, strings.Compare)
	h.Former, err = formerOf(ctx, client, cfg.Prefix)
	return h, err
}
