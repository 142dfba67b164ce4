package processors_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/bus/cluster"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// reminding counts like counting and sets a timer for each key, which fires once.
type reminding struct{ counting }

func (r *reminding) Process(tx processors.Tx, batch []bus.Record) error {
	for i := range batch {
		tx.WakeAt(batch[i].Key, tx.Now().Add(time.Hour))
	}
	return r.counting.Process(tx, batch)
}

func (r *reminding) Wake(tx processors.Tx, key []byte) error {
	tx.Emit(bus.Record{Topic: "rung", Partition: bus.ByKey, Key: key, Value: []byte("x")})
	return nil
}

// TestRepartition gives a step eight partitions instead of four between two runs,
// broken off after each of its writes on the way: the keys are numbered on without
// a gap, and every timer fires once, where its key is now.
func TestRepartition(t *testing.T) {
	const keys = 60
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		b := open(t, k)
		step := stepOf(func() (processors.Stage, error) { return &reminding{}, nil })
		step.Home = func(key []byte, _ bool) []byte { return key }
		if err := b.Ensure(t.Context(), append(processors.Specs(step), contract.Spec{Topic: "in"}, contract.Spec{Topic: "out", Partitions: 4}, contract.Spec{Topic: "rung"})...); err != nil {
			t.Fatal(err)
		}
		w := &world{kafka: k, bus: b, keys: keys}
		run := func(until func(), clock func() time.Time) {
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() {
				done <- processors.Run(ctx, open(t, k), step, processors.Config{Store: store(t), Instance: "a", Clock: clock, Metrics: processors.NewMetrics(prometheus.NewRegistry())}, bustest.Logger(t))
			}()
			until()
			stop()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("Run = %v", err)
			}
		}
		w.feed(t, 3)
		run(func() {
			expect(t, b, keys, w.round)
			await(t, b, int64(keys*w.round))
			if err := processors.Repartition(t.Context(), b, step, 8, bustest.Logger(t)); !errors.Is(err, cluster.ErrBusy) {
				t.Errorf("Repartition of a step at work = %v, want ErrBusy", err)
			}
		}, nil)
		repartition(t, b, step, 8)
		for topic, want := range map[contract.Topic]int{"in": 8, contract.State("count"): 8, "out": 4} {
			if n, err := b.Partitions(t.Context(), topic); err != nil || n != want {
				t.Errorf("%s has %d partitions, %v, want %d", topic, n, err, want)
			}
		}
		w.bus = open(t, k) // that knows of the new partitions
		w.feed(t, 2)
		run(func() { expect(t, b, keys, w.round) }, nil)
		rung := map[string]int{}
		run(func() {
			for _, r := range follow(t, b, "rung", keys) {
				rung[string(r.Key)]++
			}
		}, func() time.Time { return time.Now().Add(2 * time.Hour) })
		if len(rung) != keys {
			t.Errorf("the timers of %d keys fired, want %d", len(rung), keys)
		}
		type place struct { // a replay gives each partition in its order, and partitions in any
			name string
			at   int32
		}
		left := map[place]bool{}
		err := b.Replay(t.Context(), contract.State("count"), func(r bus.Record) error {
			switch here := (place{string(r.Key), r.Partition}); {
			case r.Value == nil:
				delete(left, here)
			case r.Key[0] == 'k':
				left[here] = true
			}
			return nil
		})
		if err != nil || len(left) != keys {
			t.Errorf("%d keys are in the state, want %d: %v", len(left), keys, err)
		}
		for key := range left {
			if want := bus.PartitionOf([]byte(key.name[1:]), 8); key.at != want {
				t.Errorf("%s is in partition %d instead of %d", key.name, key.at, want)
			}
		}
	})
}

// repartition waits until the sessions of those who left have timed out, and
// breaks off several times.
func repartition(t *testing.T, b *bus.Bus, step processors.Step, n int) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	limit := time.Millisecond
	for {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		err := processors.Repartition(ctx, b, step, n, bustest.Logger(t))
		cancel()
		switch {
		case err == nil:
			return
		case errors.Is(err, cluster.ErrBusy):
			limit = time.Second
		case ctx.Err() != nil:
			limit += 20 * time.Millisecond
		default:
			t.Fatal(err)
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("the step did not come to rest")
		}
	}
}
