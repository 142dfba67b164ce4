package processors_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/state"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// copying writes each record on: the floor under every step.
type copying struct{}

func (copying) Process(tx processors.Tx, batch []bus.Record) error {
	for i := range batch {
		tx.Emit(bus.Record{Topic: "out", Partition: bus.ByKey, Key: batch[i].Key, Value: batch[i].Value})
	}
	return nil
}

func (copying) Wake(processors.Tx, []byte) error { return nil }

// keeping keeps the last value of each key and numbers it.
type keeping struct{ buffer []byte }

func (k *keeping) Process(tx processors.Tx, batch []bus.Record) error {
	for i := range batch {
		before, err := tx.Get(batch[i].Key)
		if err != nil {
			return err
		}
		n := uint64(1)
		if len(before) >= 8 {
			n = binary.BigEndian.Uint64(before) + 1
		}
		k.buffer = append(binary.BigEndian.AppendUint64(k.buffer[:0], n), batch[i].Value...)
		tx.Put(batch[i].Key, k.buffer)
		tx.Emit(bus.Record{Topic: "out", Partition: bus.ByKey, Key: batch[i].Key, Value: batch[i].Value})
	}
	return nil
}

func (*keeping) Wake(processors.Tx, []byte) error { return nil }

// somewhere is where a benchmark runs, and under which name it is reported: the
// cluster named by YIYUAN_TEST_KAFKA, with topics of its own, or an embedded one.
func somewhere(b *testing.B, name string) (where string, k bustest.Kafka) {
	b.Helper()
	if addr := os.Getenv(bustest.Env); addr != "" {
		return "kafka", bustest.Kafka{Brokers: []string{addr}, Prefix: fmt.Sprintf("%s-%d.", name, time.Now().UnixNano())}
	}
	return "embedded", bustest.Embedded(b)
}

// timeStep times a step from the start of its run until it is no longer behind,
// asked every 5 ms, and closes its store.
func timeStep(b *testing.B, o *bus.Bus, step processors.Step, s *state.Store, behind func() bool) {
	b.Helper()
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan error, 1)
	b.ResetTimer()
	go func() {
		done <- processors.Run(ctx, o, step, processors.Config{Store: s, Instance: "bench", Metrics: processors.NewMetrics(prometheus.NewRegistry())}, bustest.Logger(b))
	}()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for short := true; short; {
		<-tick.C
		short = behind()
	}
	b.StopTimer()
	stop()
	<-done
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkTransact moves records of 400 bytes of 100,000 keys through a step,
// exactly once: a copy, and one that keeps the last value of each key in state
// and changelog. On the cluster named by YIYUAN_TEST_KAFKA, if there is one.
func BenchmarkTransact(b *testing.B) {
	where, kafka := somewhere(b, "bench")
	for name, stage := range map[string]func() processors.Stage{"copy": func() processors.Stage { return copying{} }, "keep": func() processors.Stage { return &keeping{} }} {
		b.Run(name+"/"+where, func(b *testing.B) {
			k := kafka
			k.Prefix += fmt.Sprintf("%s%d.", name, b.N)
			o := k.Open(b, nil)
			step := stepOf(func() (processors.Stage, error) { return stage(), nil })
			if err := o.Ensure(b.Context(), append(processors.Specs(step), contract.Spec{Topic: "in"}, contract.Spec{Topic: "out"})...); err != nil {
				b.Fatal(err)
			}
			value := bytes.Repeat([]byte("0123456789abcdef"), 25)
			for from := 0; from < b.N; from += 5000 {
				var records []bus.Record
				for i := from; i < min(from+5000, b.N); i++ {
					records = append(records, bus.Record{Topic: "in", Partition: bus.ByKey, Key: fmt.Appendf(nil, "key-%08d", i%100_000), Value: value})
				}
				if err := o.Append(b.Context(), records...); err != nil {
					b.Fatal(err)
				}
			}
			ends, err := o.EndOffsets(b.Context(), "in")
			if err != nil {
				b.Fatal(err)
			}
			s, err := state.Open(state.Options{Dir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			timeStep(b, o, step, s, func() bool {
				have, err := o.Committed(b.Context(), "count")
				if err != nil {
					b.Fatal(err)
				}
				short := false
				for p, end := range ends["in"] {
					short = short || have["in"][p] < end
				}
				return short
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
