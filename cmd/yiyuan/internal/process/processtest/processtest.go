// Package processtest runs the steps of a process inside a test.
package processtest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
)

// Begin opens the bus and starts the steps. They end with the test.
func Begin(t testing.TB, seed int64, change func(*settings.Config)) *e2e.Journey {
	t.Helper()
	cfg := settings.Default()
	cfg.Bus.Embedded.Listen = "127.0.0.1:0"
	cfg.Processors.Instance = "test"
	if change != nil {
		change(&cfg)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context())) // the steps end before the test's context does
	a, err := process.New(ctx, cfg, e2e.Keys(t), slog.New(slog.DiscardHandler))
	if err != nil {
		stop()
		t.Fatal(err)
	}
	j := &e2e.Journey{TB: t, Bus: a.Bus, Brokers: a.Brokers, Prefix: cfg.Bus.Prefix, Cat: a.Catalogue, Codec: a.Codec, Keys: a.Keys, Steps: a.Steps, Clock: &e2e.Ahead{Began: time.Now()}, Base: e2e.Today, Seed: seed}
	a.Clock = j.Clock.Now
	a.Group, j.Ctx = errgroup.WithContext(ctx)
	t.Cleanup(func() {
		stop()
		if err := a.Group.Wait(); err != nil {
			t.Errorf("a part of the process failed: %v", err)
		}
		a.Close()
	})
	if err := a.RunProcessors(j.Ctx); err != nil {
		t.Fatal(err)
	}
	return j
}
