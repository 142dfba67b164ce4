package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/yiyuan-bus/yiyuan/gateway/store"
)

// ErrEvicts says that the server may throw records away when memory is short,
// so that a missing key would prove nothing.
var ErrEvicts = errors.New("server evicts keys: set maxmemory-policy noeviction")

// guard keeps what the server may have thrown away from being believed. It is safe for
// concurrent use.
type guard struct {
	writer      *goredis.Client
	generations *generations
	instance    *instance
	log         *slog.Logger
	metrics     *metrics
	answer      time.Duration   // within which the server answers a lookup
	notice      time.Duration   // within which every reader has noticed another generation
	life        context.Context // ends with the store
	done        *sync.WaitGroup

	evicts atomic.Bool // the server may throw keys away, or did and nobody has cleared up yet: nothing is believed
	silent atomic.Bool // the server does not tell
}

// check refuses a server that may evict keys.
func (g *guard) check(ctx context.Context) error {
	if err := g.writer.Ping(ctx).Err(); err != nil {
		return err
	}
	e, err := evictionOf(ctx, g.writer)
	if err != nil {
		return err
	}
	if e.possible() {
		return fmt.Errorf("maxmemory-policy is %q: %w", e.policy, ErrEvicts)
	}
	if g.silent.Store(e.evicted == ""); e.policy == "" {
		// The in-process server does not report it, and does not evict.
		g.log.Debug("eviction policy is unknown")
	}
	return nil
}

// look looks whether the server may throw keys away, or has since the current
// generation began. While it may, nothing is believed and nothing written; what
// it holds afterwards is given up for an empty generation, to be filled anew. It
// returns ErrEvicts while the server may.
func (g *guard) look(ctx context.Context) error {
	e, err := evictionOf(ctx, g.writer)
	if err != nil {
		return err
	}
	if e.possible() {
		g.unsafe("it may throw records away: set maxmemory-policy noeviction", "policy", e.policy)
		return fmt.Errorf("maxmemory-policy is %q: %w", e.policy, ErrEvicts)
	}
	now := g.generations.now.Load()
	if now == nil {
		g.safe()
		return nil
	}
	lost := g.evicts.Load()
	if !lost && e.evicted != "" {
		if lost, err = g.evictedSince(ctx, now, e.evicted); err != nil {
			return err
		}
	}
	if lost {
		g.unsafe("it has thrown keys away, and is filled anew", "evicted", e.evicted)
		if err := g.giveUp(ctx, now.generation); err != nil {
			return err
		}
		g.log.Warn("cache that may have lost keys was given up", "generation", string(now.generation))
	}
	g.safe()
	return nil
}

// unsafe begins the time in which nothing is believed, and says why.
func (g *guard) unsafe(why string, facts ...any) {
	if !g.evicts.Swap(true) {
		g.metrics.evicting.Set(1)
		g.log.Error("redis loses keys, nothing is answered from it", append(facts, "why", why)...)
	}
}

// safe ends the time in which nothing is believed.
func (g *guard) safe() {
	if g.evicts.Swap(false) {
		g.metrics.evicting.Set(0)
	}
}

// evictedSince reports whether keys were thrown away since the generation began.
// One that does not say how many had been by then is of an earlier release, or
// that was thrown away too.
func (g *guard) evictedSince(ctx context.Context, space *keyspace, evicted string) (bool, error) {
	now := g.instance.counted(evicted)
	if begun := space.begun.Load(); begun != nil && *begun == now {
		return false, nil
	}
	kept, err := g.writer.Get(ctx, space.evictedKey()).Result()
	if err != nil && !errors.Is(err, goredis.Nil) {
		return false, fmt.Errorf("read evictions of generation %q: %w", space.generation, err)
	}
	if err == nil && kept == now {
		space.begun.Store(&kept)
		return false, nil
	}
	run, _, _ := strings.Cut(now, " ")
	if evicted != "0" || err == nil && strings.HasPrefix(kept, run+" ") {
		return true, nil
	}
	// Another process counts from nothing; what it holds is verified by its marks.
	if err := g.writer.Set(ctx, space.evictedKey(), now, 0).Err(); err != nil {
		return false, fmt.Errorf("keep evictions of generation %q: %w", space.generation, err)
	}
	return false, nil
}

// giveUp puts an empty generation in the place of old, unless somebody has, and
// unlinks old when every reader has noticed.
func (g *guard) giveUp(ctx context.Context, old store.Generation) error {
	next, err := g.generations.begin(ctx)
	if err != nil {
		return err
	}
	if err := g.generations.replace(ctx, old, next, nil); err != nil && !errors.Is(err, store.ErrLost) {
		return fmt.Errorf("give generation %q up: %w", old, err)
	}
	g.metrics.lost.Inc()
	g.generations.now.Store(nil) // until refresh has read which one it is
	g.done.Go(func() { g.clear(old) })
	return nil
}

// clear unlinks a generation that was given up, when readers have had the time to
// notice. What is left when the store is closed meanwhile is told.
func (g *guard) clear(old store.Generation) {
	timer := time.NewTimer(g.notice)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-g.life.Done():
		g.log.Warn("keys of a generation that was given up are left", "generation", string(old))
		return
	}
	if err := g.generations.drop(g.life, old); err != nil {
		g.log.Warn("keys of a generation that was given up are left", "generation", string(old), "error", err)
	}
}

// present reports whether the server has thrown no key away since the generation
// began, so that what is missing was never there. It is asked after the keys: what
// went before they were read is counted by then.
func (g *guard) present(ctx context.Context, space *keyspace) (bool, error) {
	if g.silent.Load() {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, g.answer)
	defer cancel()
	evicted, err := evictedOf(ctx, g.writer)
	if err != nil {
		return false, err
	}
	lost, err := g.evictedSince(ctx, space, evicted)
	return !lost, err
}
