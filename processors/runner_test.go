package processors_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/state"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

const partitions = 4

func open(t *testing.T, k bustest.Kafka) *bus.Bus {
	t.Helper()
	return k.Open(t, func(c *bus.Config) {
		c.Partitions, c.TransactionTimeout, c.SessionTimeout = partitions, 5*time.Second, 6*time.Second
	})
}

func store(t *testing.T) *state.Store {
	t.Helper()
	s, err := state.Open(state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// counting numbers each key's records: what is lost, doubled or out of order
// shows in the numbers.
type counting struct{ crash func(n uint64) bool }

func (c *counting) Process(tx processors.Tx, batch []bus.Record) error {
	for _, r := range batch {
		before, err := tx.Get(r.Key)
		if err != nil {
			return err
		}
		n := uint64(1)
		if before != nil {
			n = binary.BigEndian.Uint64(before) + 1
		}
		if c.crash != nil && c.crash(n) {
			return errors.New("crash")
		}
		value := binary.BigEndian.AppendUint64(nil, n)
		tx.Put(r.Key, value)
		tx.Emit(bus.Record{Topic: "out", Partition: bus.ByKey, Key: r.Key, Value: value})
	}
	return nil
}

func (*counting) Wake(processors.Tx, []byte) error { return nil }

func stepOf(stage func() (processors.Stage, error)) processors.Step {
	return processors.Step{Name: "count", From: []contract.Topic{"in"}, To: []contract.Topic{"out"}, Stage: stage}
}

func prepare(t *testing.T, b *bus.Bus, keys, rounds int) {
	t.Helper()
	specs := append(processors.Specs(stepOf(nil)), contract.Spec{Topic: "in"}, contract.Spec{Topic: "out"}, contract.Spec{Topic: contract.Sources, Partitions: 1, Compact: true})
	if err := b.Ensure(t.Context(), specs...); err != nil {
		t.Fatal(err)
	}
	for range rounds {
		records := make([]bus.Record, keys)
		for k := range keys {
			records[k] = bus.Record{Topic: "in", Partition: bus.ByKey, Key: fmt.Appendf(nil, "key-%d", k), Value: []byte("x")}
		}
		if err := b.Append(t.Context(), records...); err != nil {
			t.Fatal(err)
		}
	}
}

// expect reads the output until each key has been numbered 1..rounds, and fails
// on any other number.
func expect(t *testing.T, b *bus.Bus, keys, rounds int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	numbered(ctx, t, b, keys*rounds)
}

// numbered reads the output until that many records have been numbered, each key's
// from 1 on, and fails on any other number.
func numbered(ctx context.Context, t *testing.T, b *bus.Bus, records int) {
	t.Helper()
	seen := map[string]uint64{}
	left := records
	err := b.Follow(ctx, bus.FollowConfig{Topics: []contract.Topic{"out"}}, func(_ context.Context, records []bus.Record) error {
		for _, r := range records {
			n := binary.BigEndian.Uint64(r.Value)
			if n != seen[string(r.Key)]+1 {
				return fmt.Errorf("key %s: got number %d after %d", r.Key, n, seen[string(r.Key)])
			}
			seen[string(r.Key)] = n
			left--
		}
		if left == 0 {
			return io.EOF
		}
		return nil
	})
	if !errors.Is(err, io.EOF) {
		t.Fatalf("%d numbers missing: %v", left, err)
	}
}

func run(ctx context.Context, t *testing.T, b *bus.Bus, s *state.Store, instance string, stage func() (processors.Stage, error)) error {
	t.Helper()
	return processors.Run(ctx, b, stepOf(stage), processors.Config{Store: s, Instance: instance, MaxRecords: 50, Metrics: processors.NewMetrics(prometheus.NewRegistry())}, bustest.Logger(t))
}

func TestRunOnce(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		b := open(t, k)
		prepare(t, b, 40, 25)
		ctx, stop := context.WithCancel(t.Context())
		var wait sync.WaitGroup
		wait.Go(func() {
			if err := run(ctx, t, b, store(t), "a", func() (processors.Stage, error) { return &counting{}, nil }); !errors.Is(err, context.Canceled) {
				t.Errorf("Run = %v", err)
			}
		})
		expect(t, b, 40, 25)
		stop()
		wait.Wait()
	})
}

// TestRunAfterCrash stops the step with an error again and again, each time
// starting anew with or without the local state, and wants the same numbers.
func TestRunAfterCrash(t *testing.T) {
	for _, keep := range []bool{true, false} {
		t.Run(fmt.Sprintf("keep=%v", keep), func(t *testing.T) {
			bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
				b := open(t, k)
				prepare(t, b, 20, 20)
				s := store(t)
				for crash := range uint64(6) {
					if !keep {
						s = store(t)
					}
					at := 2 + 3*crash
					err := run(t.Context(), t, b, s, "a", func() (processors.Stage, error) {
						return &counting{crash: func(n uint64) bool { return n == at }}, nil
					})
					if err == nil {
						t.Fatal("the step did not stop")
					}
				}
				ctx, stop := context.WithCancel(t.Context())
				var wait sync.WaitGroup
				wait.Go(func() { _ = run(ctx, t, b, s, "a", func() (processors.Stage, error) { return &counting{}, nil }) })
				expect(t, b, 20, 20)
				stop()
				wait.Wait()
			})
		})
	}
}

// TestRunHandsOver lets a second process join and the first one leave in the
// middle: the state goes with the partitions.
func TestRunHandsOver(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		b := open(t, k)
		prepare(t, b, 30, 10)
		stage := func() (processors.Stage, error) { return &counting{}, nil }
		first, stopFirst := context.WithCancel(t.Context())
		second, stopSecond := context.WithCancel(t.Context())
		var wait sync.WaitGroup
		wait.Go(func() { _ = run(first, t, b, store(t), "a", stage) })
		expect(t, b, 30, 10)
		other := open(t, k)
		wait.Go(func() { _ = run(second, t, other, store(t), "b", stage) })
		prepare(t, b, 30, 10)
		expect(t, b, 30, 20)
		stopFirst()
		prepare(t, b, 30, 10)
		expect(t, b, 30, 30)
		stopSecond()
		wait.Wait()
	})
}

// waking puts a timer for each record and emits when it fires.
type waking struct{ delay time.Duration }

func (w *waking) Process(tx processors.Tx, batch []bus.Record) error {
	for _, r := range batch {
		tx.WakeAt(r.Key, tx.Now().Add(w.delay))
	}
	return nil
}

func (w *waking) Wake(tx processors.Tx, key []byte) error {
	tx.Emit(bus.Record{Topic: "out", Partition: bus.ByKey, Key: key, Value: binary.BigEndian.AppendUint64(nil, 1)})
	return nil
}

// TestTimers sets timers an hour away, starts anew without local state and with
// a clock two hours on, and wants each to fire once.
func TestTimers(t *testing.T) {
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		b := open(t, k)
		prepare(t, b, 25, 3)
		run := func(ctx context.Context, clock func() time.Time) error {
			return processors.Run(ctx, b, stepOf(func() (processors.Stage, error) { return &waking{time.Hour}, nil }),
				processors.Config{Store: store(t), Instance: "a", Clock: clock, Metrics: processors.NewMetrics(prometheus.NewRegistry())}, bustest.Logger(t))
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- run(ctx, time.Now) }()
		await(t, b, 75)
		stop()
		<-done
		ctx, stop = context.WithCancel(t.Context())
		go func() { done <- run(ctx, func() time.Time { return time.Now().Add(2 * time.Hour) }) }()
		expect(t, b, 25, 1)
		stop()
		<-done
	})
}

// await waits until the step has committed that many input records.
func await(t *testing.T, b *bus.Bus, n int64) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		committed, err := b.Committed(t.Context(), "count")
		if err != nil {
			t.Fatal(err)
		}
		total := int64(0)
		for _, offset := range committed["in"] {
			total += offset
		}
		if total >= n {
			return
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("the step did not commit")
		}
	}
}
