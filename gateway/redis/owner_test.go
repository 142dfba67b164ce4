package redis_test

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/gateway/redis"
)

// Two buses under one prefix would answer with one another's records: the second is refused,
// however often it begins, and takes nothing. What bears no mark becomes the first one's that
// comes, and after an emptying the keys are again those of who is first; another prefix is free.
func TestKeysAreOfOneBus(t *testing.T) {
	servers(t, func(t *testing.T, cfg redis.Config, flush func()) {
		unmarked := open(t, cfg) // as the release before left it
		generation := current(t, unmarked)
		ours, theirs := cfg, cfg
		ours.Bus, theirs.Bus = "aa", "bb"
		refused := func() {
			t.Helper()
			var other *redis.OtherError
			if _, err := redis.Open(t.Context(), theirs, slog.New(slog.DiscardHandler), prometheus.NewRegistry()); !errors.As(err, &other) {
				t.Fatalf("another bus's keys: %v, want that they are refused", err)
			}
			if other.Theirs != "aa" || other.Ours != "bb" {
				t.Errorf("it says %v", other)
			}
		}
		first := open(t, ours)
		if got := current(t, first); got != generation {
			t.Errorf("what bore no mark was not taken over: generation %q, want %q", got, generation)
		}
		refused()
		open(t, ours) // a second gateway of the same bus
		if h, err := redis.Examine(t.Context(), theirs, nil); err != nil || h.Bus != "aa" {
			t.Errorf("Examine says bus %q (%v)", h.Bus, err)
		}
		flush()
		if _, err := first.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		refused()
		elsewhere := theirs
		elsewhere.Prefix = cfg.Prefix + "-other"
		open(t, elsewhere)
	})
}
