package processors_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/state"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// lines is a log that can be waited for.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(b)
	close(l.more)
	l.more = make(chan struct{})
	return len(b), nil
}

func (l *lines) all() (string, chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String(), l.more
}

// wait returns the first line with a word.
func (l *lines) wait(ctx context.Context, word string) string {
	for {
		text, more := l.all()
		for line := range strings.Lines(text) {
			if strings.Contains(line, word) {
				return line
			}
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ""
		}
	}
}

const (
	stands = "a step stands still"
	goesOn = "a step goes on"
)

// one runs the counting step in a process of its own, with one worker.
func (w *world) one(t *testing.T) (m *member, log *lines) {
	t.Helper()
	m, log = &member{reg: prometheus.NewRegistry(), done: make(chan error, 1)}, &lines{more: make(chan struct{})}
	logger := slog.New(slog.NewTextHandler(log, nil))
	c := w.kafka.Config()
	c.Partitions, c.TransactionTimeout, c.SessionTimeout = partitions, 5*time.Second, 6*time.Second
	b, err := bus.Open(t.Context(), c, logger, m.reg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	s, err := state.Open(state.Options{Dir: "state", FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	m.stop = stop
	go func() {
		err := processors.Run(ctx, b, stepOf(counter), processors.Config{
			Store: s, Instance: "a", Workers: 1, Metrics: processors.NewMetrics(prometheus.NewRegistry()),
		}, logger)
		m.done <- errors.Join(err, s.Close())
	}()
	return m, log
}

// TestATopicTakesNoLargeRecords: a topic that takes nothing any more, by its own
// max.message.bytes, holds up the step that writes to it, be it an output or the
// changelog. It says which topic, why and what to do, and goes on when that is done.
func TestATopicTakesNoLargeRecords(t *testing.T) {
	for _, topic := range []contract.Topic{"out", contract.State("count")} {
		t.Run(string(topic), func(t *testing.T) {
			bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
				w := newWorld(t, k, 400)
				client, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers...))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(client.Close)
				most := func(value string) {
					t.Helper()
					answers, err := kadm.NewClient(client).AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &value}}, k.Prefix+string(topic))
					if err != nil || answers[0].Err != nil {
						t.Fatal(err, answers)
					}
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				w.feed(t, 1)
				m, log := w.one(t)
				expect(t, w.bus, w.keys, w.round)
				most("100") // a transaction's own marker still fits
				w.feed(t, 2)
				line := log.wait(ctx, stands)
				for _, want := range []string{"level=ERROR", "topic=" + string(topic), "too large for Kafka (" + string(topic) + ")", "--entity-name " + k.Prefix + string(topic) + " --add-config max.message.bytes=1048588"} {
					if !strings.Contains(line, want) {
						t.Errorf("the log says %q, want %q in it", line, want)
					}
				}
				if n := m.metric(t, "yiyuan_bus_standing_workers"); n != 1 {
					t.Errorf("%v workers stand still, want 1", n)
				}
				most("1048588")
				expect(t, w.bus, w.keys, w.round)
				if log.wait(ctx, goesOn) == "" {
					t.Error("the log does not say that it goes on")
				}
				if n := m.metric(t, "yiyuan_bus_standing_workers"); n != 0 {
					t.Errorf("%v workers stand still, want none", n)
				}
				m.stop()
				if err := <-m.done; !errors.Is(err, context.Canceled) {
					t.Errorf("Run = %v, want the context's error", err)
				}
			})
		})
	}
}

// TestKafkaRefusesWhatAStepWrites: whatever Kafka refuses it for, the step stands, says
// so once a minute, and goes on when Kafka takes it.
func TestKafkaRefusesWhatAStepWrites(t *testing.T) {
	for _, code := range []*kerr.Error{
		kerr.MessageTooLarge, kerr.InvalidRecord, kerr.PolicyViolation, kerr.InvalidTimestamp, kerr.TopicAuthorizationFailed,
		kerr.InvalidRequiredAcks, kerr.NotEnoughReplicas, kerr.KafkaStorageError, kerr.CorruptMessage,
	} {
		for _, topic := range []contract.Topic{"out", contract.State("count")} {
			t.Run(code.Message+" "+string(topic), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, bustest.InMemory(t), 20)
					w.feed(t, 1)
					m, log := w.one(t)
					expect(t, w.bus, w.keys, w.round)
					fault := w.kafka.Broker.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: w.kafka.Prefix + string(topic), Err: code, Count: -1})
					w.feed(t, 2)
					time.Sleep(150 * time.Second)
					text, _ := log.all()
					if !strings.Contains(text, stands) || !strings.Contains(text, "topic="+string(topic)) || !strings.Contains(text, "do=") {
						t.Errorf("the log: %s", text)
					}
					if n := strings.Count(text, "level=ERROR"); n < 2 || n > 4 {
						t.Errorf("told %d times in two minutes and a half", n)
					}
					if n := m.metric(t, "yiyuan_bus_standing_workers"); n != 1 {
						t.Errorf("%v workers stand still, want 1", n)
					}
					fault.Remove()
					time.Sleep(time.Minute)
					expect(t, w.bus, w.keys, w.round)
					if text, _ := log.all(); !strings.Contains(text, goesOn) {
						t.Error("the log does not say that it goes on")
					}
					if n := m.metric(t, "yiyuan_bus_standing_workers"); n != 0 {
						t.Errorf("%v workers stand still, want none", n)
					}
					m.stop()
					if err := <-m.done; !errors.Is(err, context.Canceled) {
						t.Errorf("Run = %v, want the context's error", err)
					}
				})
			})
		}
	}
}
