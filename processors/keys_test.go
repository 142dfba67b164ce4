package processors_test

import (
	"context"
	"errors"
	"slices"
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

// namedRing is a key ring that makes the tokens of one name and knows others, which
// stand behind it.
type namedRing string

func (r namedRing) Fingerprint() string {
	name, _, _ := strings.Cut(string(r), ",")
	return name
}

func (r namedRing) Knows(name string) bool {
	return slices.Contains(strings.Split(string(r), ","), name)
}

// TestAnotherKeyRingIsRefused runs a step under one key ring and starts it under
// another, with and without the local state: it stops and says why. Under the
// first ring it goes on, also with a key added and with that one in use; from then
// on not without that key.
func TestAnotherKeyRingIsRefused(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		b := open(t, k)
		serve := func(ctx context.Context, s *state.Store, keys namedRing) error {
			step := stepOf(func() (processors.Stage, error) { return &counting{}, nil })
			step.Keys = keys
			return processors.Run(ctx, b, step, processors.Config{Store: s, Instance: "a", Metrics: processors.NewMetrics(prometheus.NewRegistry())}, bustest.Logger(t))
		}
		first := store(t)
		for round, c := range []struct {
			keys namedRing
			made string // the ring of the state that refuses it
		}{
			{"one", ""}, {"other", "one"}, {"one,turned", ""}, {"turned,one", ""}, {"one", "turned"}, {"one,turned", ""},
		} {
			prepare(t, b, 20, 1)
			if c.made != "" {
				for _, s := range []*state.Store{first, store(t)} {
					ctx, stop := context.WithTimeout(t.Context(), time.Minute)
					err := serve(ctx, s, c.keys)
					stop()
					if !errors.Is(err, bus.ErrConfig) || !strings.Contains(err.Error(), "another key ring ("+c.made+"), the present one is ("+c.keys.Fingerprint()+")") {
						t.Errorf("Run under %s after %s = %v", c.keys, c.made, err)
					}
				}
				continue
			}
			ctx, stop := context.WithCancel(t.Context())
			var wait sync.WaitGroup
			wait.Go(func() {
				if err := serve(ctx, first, c.keys); !errors.Is(err, context.Canceled) {
					t.Errorf("Run = %v", err)
				}
			})
			expect(t, b, 20, round+1)
			stop()
			wait.Wait()
		}
	})
}
