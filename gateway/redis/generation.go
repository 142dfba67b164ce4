package redis

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/yiyuan-bus/yiyuan/gateway/store"
)

// generations are the sets of records that this Redis holds or has held: one is current,
// others are being filled or unlinked. It is safe for concurrent use.
type generations struct {
	prefix   string // before every key
	writer   *goredis.Client
	instance *instance
	owner    owner
	now      atomic.Pointer[keyspace] // of the current one, nil = unknown
}

// pointer is the key that names the current generation.
func (g *generations) pointer() string { return g.prefix + ":gen" }

func (g *generations) space(of store.Generation) *keyspace { return newKeyspace(g.prefix, of) }

// refresh reads which generation is current.
func (g *generations) refresh(ctx context.Context) error {
	name, err := g.writer.Get(ctx, g.pointer()).Result()
	if errors.Is(err, goredis.Nil) {
		g.now.Store(nil)
		return nil
	}
	if err != nil {
		return fmt.Errorf("read current generation: %w", err)
	}
	if now := g.now.Load(); now == nil || string(now.generation) != name {
		if err := g.owner.check(ctx); err != nil { // emptied and taken by another bus
			g.now.Store(nil)
			return err
		}
		g.now.Store(g.space(store.Generation(name)))
	}
	return nil
}

func (g *generations) isCurrent(of store.Generation) bool {
	now := g.now.Load()
	return now != nil && now.generation == of
}

// begin returns a name that no other generation of this Redis has had.
func (g *generations) begin(ctx context.Context) (store.Generation, error) {
	if err := g.owner.check(ctx); err != nil {
		return "", err
	}
	// The counter is lost with everything else, and a clock may go back or stand still.
	n, err := g.writer.Incr(ctx, g.prefix+":gens").Result()
	if err != nil {
		return "", fmt.Errorf("name a generation: %w", err)
	}
	var salt [5]byte
	_, _ = rand.Read(salt[:]) // never fails, says its documentation
	next := store.Generation("g" + strconv.FormatInt(time.Now().UnixMilli(), 36) + "." + strconv.FormatInt(n, 36) + "." + hex.EncodeToString(salt[:]))
	evicted, err := evictedOf(ctx, g.writer)
	if err != nil || evicted == "" {
		return next, err
	}
	if err := g.writer.Set(ctx, g.space(next).evictedKey(), g.instance.counted(evicted), 0).Err(); err != nil {
		return "", fmt.Errorf("name a generation: %w", err)
	}
	return next, nil
}

// replace makes next the current generation in the place of old, if every place of the
// old views is reached in the new ones. With no views nothing is asked of next.
func (g *generations) replace(ctx context.Context, old, next store.Generation, views []string) error {
	from, to := g.space(old), g.space(next)
	keys := []string{g.pointer()}
	for _, v := range views {
		keys = append(keys, from.marks(v), to.marks(v))
	}
	done, err := flipScript.Run(ctx, g.writer, keys, string(old), string(next)).Int()
	switch {
	case err != nil:
		return err
	case done == -1:
		return store.ErrLost
	case done == -2:
		return store.ErrBehind
	}
	return nil
}

// drop unlinks every key of a generation that is not the current one.
func (g *generations) drop(ctx context.Context, old store.Generation) error {
	if g.isCurrent(old) {
		return fmt.Errorf("drop generation %q: it is the current one", old)
	}
	var cursor uint64
	for {
		keys, next, err := g.writer.Scan(ctx, cursor, g.space(old).prefix+"*", 1000).Result()
		if err != nil {
			return fmt.Errorf("drop generation %q: %w", old, err)
		}
		if len(keys) > 0 {
			if err := g.writer.Unlink(ctx, slices.Clone(keys)...).Err(); err != nil {
				return fmt.Errorf("drop generation %q: %w", old, err)
			}
		}
		if next == 0 {
			return nil
		}
		cursor = next
	}
}
