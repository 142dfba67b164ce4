package processors_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
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

// relaying keeps the last value of each key and writes the record on.
type relaying struct{ to contract.Topic }

func (s *relaying) Process(tx processors.Tx, batch []bus.Record) error {
	for i := range batch {
		tx.Put(batch[i].Key, batch[i].Value)
		tx.Emit(bus.Record{Topic: s.to, Partition: bus.ByKey, Key: batch[i].Key, Value: batch[i].Value})
	}
	return nil
}

func (*relaying) Wake(processors.Tx, []byte) error { return nil }

// hops is when each record was seen by a committed reader of each topic, counted
// from when it was due to be sent.
type hops struct {
	mu   sync.Mutex
	seen map[contract.Topic][]time.Duration
}

func (h *hops) note(start time.Time, records []bus.Record) {
	now := time.Since(start)
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range records {
		due := time.Duration(binary.BigEndian.Uint64(records[i].Value))
		if due > 2*time.Second { // the first seconds warm up
			h.seen[records[i].Topic] = append(h.seen[records[i].Topic], now-due)
		}
	}
}

// BenchmarkLatency sends records at a steady rate through two steps, exactly
// once, and reports when a committed reader sees them after the first, and after
// both: b.N records of 400 bytes, counted from when each was due. On the cluster
// named by YIYUAN_TEST_KAFKA, if there is one.
func BenchmarkLatency(b *testing.B) {
	where, kafka := somewhere(b, "latency")
	for _, rate := range []int{100, 1000} {
		b.Run(fmt.Sprintf("%d/%s", rate, where), func(b *testing.B) {
			k := kafka
			k.Prefix += fmt.Sprintf("%d-%d.", rate, b.N)
			relay(b, k, rate)
		})
	}
}

func relay(b *testing.B, k bustest.Kafka, rate int) {
	b.Helper()
	o := k.Open(b, nil)
	steps := []processors.Step{
		{Name: "one", From: []contract.Topic{"in"}, Stage: func() (processors.Stage, error) { return &relaying{"mid"}, nil }},
		{Name: "two", From: []contract.Topic{"mid"}, Stage: func() (processors.Stage, error) { return &relaying{"out"}, nil }},
	}
	specs := append(processors.Specs(steps[0]), processors.Specs(steps[1])...)
	if err := o.Ensure(b.Context(), append(specs, contract.Spec{Topic: "in"}, contract.Spec{Topic: "mid"}, contract.Spec{Topic: "out"})...); err != nil {
		b.Fatal(err)
	}
	s, err := state.Open(state.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	var wait sync.WaitGroup
	metrics := processors.NewMetrics(prometheus.NewRegistry())
	for _, t := range steps {
		wait.Go(func() {
			_ = processors.Run(ctx, o, t, processors.Config{Store: s, Instance: "bench", Metrics: metrics}, bustest.Logger(b))
		})
	}
	h := &hops{seen: map[contract.Topic][]time.Duration{}}
	start, left := time.Now(), b.N
	all := make(chan struct{})
	for _, topic := range []contract.Topic{"in", "mid", "out"} {
		wait.Go(func() {
			_ = o.Follow(ctx, bus.FollowConfig{Topics: []contract.Topic{topic}}, func(_ context.Context, records []bus.Record) error {
				h.note(start, records)
				if topic == "out" {
					if left -= len(records); left <= 0 {
						close(all)
					}
				}
				return nil
			})
		})
	}
	b.ResetTimer()
	for i := range b.N {
		due := time.Duration(i) * time.Second / time.Duration(rate)
		if early := due - time.Since(start); early > 0 {
			<-time.After(early)
		}
		value := make([]byte, 400)
		binary.BigEndian.PutUint64(value, uint64(due))
		go func() {
			_ = o.Append(b.Context(), bus.Record{Topic: "in", Partition: bus.ByKey, Key: fmt.Appendf(nil, "key-%d", i), Value: value}) // missed at the end
		}()
	}
	<-all
	b.StopTimer()
	stop()
	wait.Wait()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(0, "ns/op")
	for topic, seen := range h.seen {
		slices.Sort(seen)
		b.ReportMetric(float64(seen[len(seen)/2].Microseconds())/1000, string(topic)+"-p50-ms")
		b.ReportMetric(float64(seen[len(seen)*99/100].Microseconds())/1000, string(topic)+"-p99-ms")
	}
}
