package processors_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/state"
)

// TestAnotherKeyRingIsRefused runs a step under one key ring and starts it under
// another, with and without the local state: it stops and says why. Under the
// first ring it goes on.
func TestAnotherKeyRingIsRefused(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		b := open(t, k)
		serve := func(ctx context.Context, s *state.Store, keys string) error {
			topo := topology(func() (processors.Stage, error) { return &counting{}, nil })
			topo.Keys = keys
			return processors.Run(ctx, b, topo, processors.Config{Store: s, Instance: "a", Metrics: processors.NewMetrics(prometheus.NewRegistry())}, bustest.Logger(t))
		}
		first := store(t)
		for round, keys := range []string{"ring one", "ring two", "ring one"} {
			prepare(t, b, 20, 1)
			if keys == "ring two" {
				for _, s := range []*state.Store{first, store(t)} {
					ctx, stop := context.WithTimeout(t.Context(), time.Minute)
					err := serve(ctx, s, keys)
					stop()
					if !errors.Is(err, bus.ErrConfig) || !strings.Contains(err.Error(), "ring one") || !strings.Contains(err.Error(), "ring two") {
						t.Errorf("Run under another ring = %v", err)
					}
				}
				continue
			}
			ctx, stop := context.WithCancel(t.Context())
			var wait sync.WaitGroup
			wait.Go(func() {
				if err := serve(ctx, first, keys); !errors.Is(err, context.Canceled) {
					t.Errorf("Run = %v", err)
				}
			})
			expect(t, b, 20, round+1)
			stop()
			wait.Wait()
		}
	})
}
