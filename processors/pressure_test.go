package processors_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// follow reads a topic until it has n records, in the order of each partition.
func follow(t *testing.T, b *bus.Bus, topic contract.Topic, n int) []bus.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var out []bus.Record
	err := b.Follow(ctx, bus.FollowConfig{Topics: []contract.Topic{topic}}, func(_ context.Context, records []bus.Record) error {
		if out = append(out, records...); len(out) >= n {
			return io.EOF
		}
		return nil
	})
	if !errors.Is(err, io.EOF) {
		t.Fatalf("%d of %d records of %s: %v", len(out), n, topic, err)
	}
	return out
}

// noise is bytes that do not compress.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b) // never fails
	return b
}

// TestLargeRecords copies forty records that are nearly as large as a broker
// takes, under a limit of 4 MiB: however long an interval is, a transaction ends
// when it is full, and no more is polled than fits in.
func TestLargeRecords(t *testing.T) {
	const records, size, limit = 40, 900 << 10, 4 << 20
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		reg := prometheus.NewRegistry()
		b, err := bus.Open(t.Context(), k.Config(), bustest.Logger(t), reg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		step := stepOf(func() (processors.Stage, error) { return &keeping{}, nil })
		if err := b.Ensure(t.Context(), append(processors.Specs(step), contract.Spec{Topic: "in"}, contract.Spec{Topic: "out"})...); err != nil {
			t.Fatal(err)
		}
		for i := range records {
			value := noise(size)
			if err := b.Append(t.Context(), bus.Record{Topic: "in", Partition: bus.ByKey, Key: fmt.Appendf(nil, "key-%d", i), Value: value}); err != nil {
				t.Fatal(err)
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		var wait sync.WaitGroup
		wait.Go(func() {
			_ = processors.Run(ctx, b, step, processors.Config{
				Store: store(t), Instance: "a", Workers: 1, MaxBytes: limit, CommitInterval: 3 * time.Second, Metrics: processors.NewMetrics(prometheus.NewRegistry()),
			}, bustest.Logger(t))
		})
		for _, r := range follow(t, b, "out", records) {
			if len(r.Value) != size {
				t.Errorf("a record of %d bytes came out with %d", size, len(r.Value))
			}
		}
		stop()
		wait.Wait()
		m := &member{reg: reg}
		// Read and emitted, a record is 1.8 MB: three of them are more than the limit.
		if commits := m.metric(t, "yiyuan_bus_commits_total"); commits < records/5 {
			t.Errorf("%d records of %d bytes went in %v transactions", records, size, commits)
		}
	})
}

// naming says for each record which topic it came from.
type naming struct{}

func (naming) Process(tx processors.Tx, batch []bus.Record) error {
	for i := range batch {
		tx.Emit(bus.Record{Topic: "order", Key: batch[i].Key, Value: []byte(batch[i].Topic)})
	}
	return nil
}

func (naming) Wake(processors.Tx, []byte) error { return nil }

// TestBacklogOfOneInput has one input with a long backlog and another with a
// single record a partition: these do not wait for the backlog's end.
func TestBacklogOfOneInput(t *testing.T) {
	const backlog = 60_000
	bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
		b := open(t, k)
		step := stepOf(func() (processors.Stage, error) { return naming{}, nil })
		step.From = []contract.Topic{"in", "small"}
		specs := append(processors.Specs(step), contract.Spec{Topic: "in"}, contract.Spec{Topic: "small"}, contract.Spec{Topic: "order", Partitions: 1})
		if err := b.Ensure(t.Context(), specs...); err != nil {
			t.Fatal(err)
		}
		value := noise(300 * 5000)
		for from := 0; from < backlog; from += 5000 {
			records := make([]bus.Record, 5000)
			for i := range records {
				records[i] = bus.Record{Topic: "in", Partition: bus.ByKey, Key: fmt.Appendf(nil, "key-%d", from+i), Value: value[300*i : 300*(i+1)]}
			}
			if err := b.Append(t.Context(), records...); err != nil {
				t.Fatal(err)
			}
		}
		for p := range int32(partitions) {
			if err := b.Append(t.Context(), bus.Record{Topic: "small", Partition: p, Key: []byte("key"), Value: value[:300]}); err != nil {
				t.Fatal(err)
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		var wait sync.WaitGroup
		wait.Go(func() {
			_ = processors.Run(ctx, b, step, processors.Config{Store: store(t), Instance: "a", Workers: 1, Metrics: processors.NewMetrics(prometheus.NewRegistry())}, bustest.Logger(t))
		})
		last, found := 0, 0
		for i, r := range follow(t, b, "order", backlog+partitions) {
			if string(r.Value) == "small" {
				last, found = i, found+1
			}
		}
		stop()
		wait.Wait()
		if found != partitions || last > backlog*3/4 {
			t.Errorf("%d records of the small input, the last one after %d of %d of the other", found, last, backlog)
		}
	})
}

// slow takes a millisecond for each record of a hot key.
type slow struct{ counting }

func (s *slow) Process(tx processors.Tx, batch []bus.Record) error {
	for i := range batch {
		if string(batch[i].Key) == "hot" {
			time.Sleep(time.Millisecond)
		}
	}
	return s.counting.Process(tx, batch)
}

// TestHotKey has one key with five seconds of work waiting: a transaction is soon
// no longer than an interval, so that nothing else of the partition waits for all
// of it.
func TestHotKey(t *testing.T) {
	const hot = 5000
	synctest.Test(t, func(t *testing.T) {
		w := newWide(t, 1, 1)
		records := make([]bus.Record, hot)
		for i := range records {
			records[i] = bus.Record{Topic: "in", Key: []byte("hot"), Value: []byte("x")}
		}
		if err := w.bus.Append(t.Context(), records...); err != nil {
			t.Fatal(err)
		}
		reg := prometheus.NewRegistry()
		b, err := bus.Open(t.Context(), w.kafka.Config(), bustest.Logger(t), reg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- processors.Run(ctx, b, stepOf(func() (processors.Stage, error) { return &slow{}, nil }),
				processors.Config{Store: store(t), Instance: "a", Workers: 1, Metrics: processors.NewMetrics(prometheus.NewRegistry())}, bustest.Logger(t))
		}()
		for _, r := range follow(t, w.bus, "out", hot) {
			if string(r.Key) != "hot" {
				t.Errorf("a record of %q", r.Key)
			}
		}
		stop()
		<-done
		m := &member{reg: reg}
		if commits := m.metric(t, "yiyuan_bus_commits_total"); commits < hot/100/2 {
			t.Errorf("%v transactions for five seconds of work at 100 ms", commits)
		}
	})
}
