package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	goredis "github.com/redis/go-redis/v9"
)

// infoField is one line of what INFO says, "" if it is not there.
func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), name+":"); ok {
			return value
		}
	}
	return ""
}

// eviction is what a server says about throwing keys away. The zero value is a
// server that does not tell.
type eviction struct {
	policy  string // maxmemory-policy, "" = the server does not tell
	limited bool   // maxmemory is not 0
	evicted string // keys thrown away since its process started, "" = the server does not tell
}

// possible reports whether the server may throw a record away now.
func (e eviction) possible() bool { return e.policy != "" && e.policy != "noeviction" && e.limited }

// evictionOf asks the server. A server that refuses INFO does not tell; one that
// does not answer is an error.
func evictionOf(ctx context.Context, client *goredis.Client) (eviction, error) {
	memory, err := infoOf(ctx, client, "memory")
	if err != nil {
		return eviction{}, err
	}
	evicted, err := evictedOf(ctx, client)
	return eviction{infoField(memory, "maxmemory_policy"), infoField(memory, "maxmemory") != "0", evicted}, err
}

// evictedOf asks how many keys were thrown away.
func evictedOf(ctx context.Context, client *goredis.Client) (string, error) {
	stats, err := infoOf(ctx, client, "stats")
	return infoField(stats, "evicted_keys"), err
}

func infoOf(ctx context.Context, client *goredis.Client, section string) (string, error) {
	info, err := client.Info(ctx, section).Result()
	var said goredis.Error
	if err != nil && !errors.As(err, &said) {
		return "", fmt.Errorf("ask for evictions: %w", err)
	}
	return info, nil
}
