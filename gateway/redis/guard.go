package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/yiyuan-bus/yiyuan/gateway/store"
)

// eviction is what a server says about throwing keys away. The zero value is a
// server that does not tell.
type eviction struct {
	policy  string // maxmemory-policy, "" = the server does not tell
	limited bool   // maxmemory is not 0
	evicted string // keys thrown away since its process started, "" = the server does not tell
}

// possible reports whether the server may throw a record away now.
func (e eviction) possible() bool { return e.policy != "" && e.policy != "noeviction" && e.limited }

// eviction asks the server. A server that refuses INFO does not tell; one that
// does not answer is an error.
func (s *Store) eviction(ctx context.Context) (eviction, error) {
	memory, err := s.info(ctx, "memory")
	if err != nil {
		return eviction{}, err
	}
	evicted, err := s.evicted(ctx)
	return eviction{infoField(memory, "maxmemory_policy"), infoField(memory, "maxmemory") != "0", evicted}, err
}

// evicted asks how many keys were thrown away.
func (s *Store) evicted(ctx context.Context) (string, error) {
	stats, err := s.info(ctx, "stats")
	return infoField(stats, "evicted_keys"), err
}

func (s *Store) info(ctx context.Context, section string) (string, error) {
	info, err := s.writer.Info(ctx, section).Result()
	var said goredis.Error
	if err != nil && !errors.As(err, &said) {
		return "", fmt.Errorf("ask for evictions: %w", err)
	}
	return info, nil
}

// evictedKey is where a generation keeps how many keys its server had thrown
// away when the generation began: "{run id} {count}".
func (k *keyspace) evictedKey() string { return k.prefix + "!" }

// counted is the count as a generation keeps it.
func (s *Store) counted(evicted string) string {
	s.instance.mu.Lock()
	defer s.instance.mu.Unlock()
	return s.instance.run + " " + evicted
}

// guard looks whether the server may throw keys away, or has since the current
// generation began. While it may, nothing is believed and nothing written; what
// it holds afterwards is given up for an empty generation, to be filled anew. It
// returns ErrEvicts while the server may.
func (s *Store) guard(ctx context.Context) error {
	e, err := s.eviction(ctx)
	if err != nil {
		return err
	}
	if e.possible() {
		s.unsafe("it may throw records away: set maxmemory-policy noeviction", "policy", e.policy)
		return fmt.Errorf("maxmemory-policy is %q: %w", e.policy, ErrEvicts)
	}
	now := s.keys.Load()
	if now == nil {
		s.safe()
		return nil
	}
	lost := s.evicts.Load()
	if !lost && e.evicted != "" {
		if lost, err = s.evictedSince(ctx, now, e.evicted); err != nil {
			return err
		}
	}
	if lost {
		s.unsafe("it has thrown keys away, and is filled anew", "evicted", e.evicted)
		if err := s.giveUp(ctx, now.generation); err != nil {
			return err
		}
		s.log.Warn("cache that may have lost keys was given up", "generation", string(now.generation))
	}
	s.safe()
	return nil
}

// unsafe begins the time in which nothing is believed, and says why.
func (s *Store) unsafe(why string, facts ...any) {
	if !s.evicts.Swap(true) {
		s.metrics.evicting.Set(1)
		s.log.Error("redis loses keys, nothing is answered from it", append(facts, "why", why)...)
	}
}

// safe ends the time in which nothing is believed.
func (s *Store) safe() {
	if s.evicts.Swap(false) {
		s.metrics.evicting.Set(0)
	}
}

// evictedSince reports whether keys were thrown away since the generation began.
// One that does not say how many had been by then is of an earlier release, or
// that was thrown away too.
func (s *Store) evictedSince(ctx context.Context, space *keyspace, evicted string) (bool, error) {
	now := s.counted(evicted)
	if begun := space.begun.Load(); begun != nil && *begun == now {
		return false, nil
	}
	kept, err := s.writer.Get(ctx, space.evictedKey()).Result()
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
	if err := s.writer.Set(ctx, space.evictedKey(), now, 0).Err(); err != nil {
		return false, fmt.Errorf("keep evictions of generation %q: %w", space.generation, err)
	}
	return false, nil
}

// giveUp puts an empty generation in the place of g, unless somebody has, and
// unlinks g when every reader has noticed.
func (s *Store) giveUp(ctx context.Context, g store.Generation) error {
	next, err := s.Begin(ctx)
	if err != nil {
		return err
	}
	err = flipScript.Run(ctx, s.writer, []string{s.cfg.Prefix + ":gen"}, string(g), string(next)).Err()
	if err != nil {
		return fmt.Errorf("give generation %q up: %w", g, err)
	}
	s.metrics.lost.Inc()
	s.keys.Store(nil) // until refresh has read which one it is
	s.done.Go(func() { s.clear(g) })
	return nil
}

// clear unlinks a generation that was given up, when readers have had the time to
// notice. What is left when the store is closed meanwhile is told.
func (s *Store) clear(g store.Generation) {
	timer := time.NewTimer(20 * s.cfg.Poll)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.life.Done():
		s.log.Warn("keys of a generation that was given up are left", "generation", string(g))
		return
	}
	if err := s.Drop(s.life, g); err != nil {
		s.log.Warn("keys of a generation that was given up are left", "generation", string(g), "error", err)
	}
}

// present reports whether the server has thrown no key away since the generation
// began, so that what is missing was never there. It is asked after the keys: what
// went before they were read is counted by then.
func (s *Store) present(ctx context.Context, space *keyspace) (bool, error) {
	if s.silent.Load() {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.ReadTimeout)
	defer cancel()
	evicted, err := s.evicted(ctx)
	if err != nil {
		return false, err
	}
	lost, err := s.evictedSince(ctx, space, evicted)
	return !lost, err
}
