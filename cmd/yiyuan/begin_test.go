package main

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
)

// begin opens the bus and starts the steps. They end with the test.
func begin(t testing.TB, seed int64, change func(*settings.Config)) *e2e.Journey {
	t.Helper()
	cfg := settings.Default()
	cfg.Bus.Embedded.Listen = "127.0.0.1:0"
	cfg.Processors.Instance = "test"
	if change != nil {
		change(&cfg)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context())) // the steps end before the test's context does
	a, err := newApp(ctx, cfg, e2e.Keys(t), slog.New(slog.DiscardHandler))
	if err != nil {
		stop()
		t.Fatal(err)
	}
	j := &e2e.Journey{TB: t, Bus: a.bus, Brokers: a.brokers, Prefix: cfg.Bus.Prefix, Cat: a.cat, Codec: a.codec, Keys: a.keys, Steps: a.steps, Clock: &e2e.Ahead{Began: time.Now()}, Base: e2e.Today, Seed: seed}
	a.clock = j.Clock.Now
	a.group, j.Ctx = errgroup.WithContext(ctx)
	t.Cleanup(func() {
		stop()
		if err := a.group.Wait(); err != nil {
			t.Errorf("a part of the process failed: %v", err)
		}
		a.close()
	})
	if err := a.runProcessors(j.Ctx); err != nil {
		t.Fatal(err)
	}
	return j
}
