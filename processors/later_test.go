package processors_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/bus/engine"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// reluctant counts, but notices half-way that it cannot do the topic "slow" yet.
type reluctant struct {
	counting
	later *atomic.Bool
	asked *atomic.Int64
}

func (r *reluctant) Process(tx processors.Tx, batch []bus.Record) error {
	if batch[0].Topic != "slow" || !r.later.Load() {
		return r.counting.Process(tx, batch)
	}
	r.asked.Add(1)
	if err := r.counting.Process(tx, batch[:len(batch)/2]); err != nil {
		return err
	}
	return fmt.Errorf("look up: %w", engine.ErrLater)
}

// TestATopicWaits holds that records which cannot be processed yet hold up their
// own topic only, leave no trace, and are all there once they can.
func TestATopicWaits(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		b := open(t, k)
		if err := b.Ensure(t.Context(), contract.Spec{Topic: "slow"}); err != nil {
			t.Fatal(err)
		}
		const keys, rounds = 20, 10
		for range rounds {
			var records []bus.Record
			for n := range keys {
				records = append(records, bus.Record{Topic: "slow", Partition: bus.ByKey, Key: fmt.Appendf(nil, "slow-%d", n), Value: []byte("x")})
			}
			if err := b.Append(t.Context(), records...); err != nil {
				t.Fatal(err)
			}
		}
		prepare(t, b, keys, rounds)
		var later atomic.Bool
		var asked atomic.Int64
		later.Store(true)
		step := stepOf(func() (processors.Stage, error) { return &reluctant{later: &later, asked: &asked}, nil })
		step.From = append(step.From, "slow")
		ctx, stop := context.WithCancel(t.Context())
		var wait sync.WaitGroup
		wait.Go(func() {
			err := processors.Run(ctx, b, step, processors.Config{Store: store(t), Instance: "a", MaxRecords: 50, Metrics: processors.NewMetrics(prometheus.NewRegistry())}, bustest.Logger(t))
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Run = %v", err)
			}
		})
		expect(t, b, keys, rounds)
		if asked.Load() == 0 {
			t.Error("the slow topic was not tried")
		}
		later.Store(false)
		expect(t, b, 2*keys, rounds)
		stop()
		wait.Wait()
	})
}
