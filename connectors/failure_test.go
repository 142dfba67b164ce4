package connectors_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// clerk is a source that never ends. After it is opened it has nothing to say at first,
// as a database whose log is only being read; then come its rows, and then it is idle.
type clerk struct {
	d       *schemas.Dataset
	desk    *desk
	at      int
	opened  bool
	confirm func() error // nil: nothing
}

// desk is where a clerk finds its rows: as many as of, from the position on; and sent,
// which are there once, as what is pushed.
type desk struct {
	of   atomic.Int64
	sent chan int
}

func (c *clerk) Read(ctx context.Context) (connectors.Batch, error) {
	if !c.opened {
		c.opened = true
		return connectors.Batch{After: schemas.Position(strconv.Itoa(c.at))}, nil
	}
	var b connectors.Batch
	if c.at < int(c.desk.of.Load()) {
		c.at++
		b.Changes = append(b.Changes, building(c.d, c.at))
	} else {
		select {
		case <-ctx.Done():
			return b, ctx.Err()
		case n := <-c.desk.sent:
			b.Changes = append(b.Changes, building(c.d, n))
		case <-time.After(500 * time.Millisecond):
			b.CaughtUp = time.Now()
		}
	}
	b.After = schemas.Position(strconv.Itoa(c.at))
	return b, nil
}

func (c *clerk) Confirm(context.Context, schemas.Position) error {
	if c.confirm == nil {
		return nil
	}
	return c.confirm()
}

func (*clerk) Close() error { return nil }

// shaky is a world whose Kafka can be made to refuse. It lives in a bubble.
type shaky struct {
	world
	kafka bustest.Kafka
	line  *bustest.Line
	cfg   connectors.Config

	desk    desk
	confirm func() error

	mu   sync.Mutex
	told []contract.Word // as the process that runs the source says it
}

func newShaky(t *testing.T) *shaky {
	s := &shaky{kafka: bustest.InMemory(t)}
	s.line, s.desk.sent = s.kafka.Line(nil), make(chan int, 100)
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	d, err := cat.Dataset("ZJ01")
	if err != nil {
		t.Fatal(err)
	}
	s.world = world{s.kafka.Brokers, s.kafka.Open(t, nil), codec.New(codec.NewMemory()), cat, d, false}
	if err := s.bus.Ensure(t.Context(), contract.Spec{Topic: contract.Raw(d.ID), Compact: true}, contract.Spec{Topic: contract.Quarantine}, contract.Spec{Topic: contract.Sources, Compact: true, Partitions: 1}); err != nil {
		t.Fatal(err)
	}
	s.cfg = s.config()
	s.cfg.Metrics = prometheus.NewRegistry()
	s.cfg.Tell = func(told connectors.Told) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.told = append(s.told, told.Status.Word("count", contract.Known{Here: true, Failure: told.Failure, Restarts: told.Restarts}))
	}
	return s
}

func (s *shaky) open(_ context.Context, _ connectors.Config, after schemas.Position) (connectors.Source, error) {
	at, _ := strconv.Atoi(string(after))
	return &clerk{d: s.d, desk: &s.desk, at: at, confirm: s.confirm}, nil
}

// rows are the keys of the raw topic.
func (s *shaky) rows(t *testing.T) (keys []string) {
	t.Helper()
	err := s.bus.Replay(t.Context(), contract.Raw(s.d.ID), func(r bus.Record) error {
		if r.Header(contract.ControlHeader) == nil {
			keys = append(keys, string(r.Key))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// start runs the source until the test or end ends it; done is closed with Run.
func (s *shaky) start(t *testing.T, open connectors.Open) (done chan struct{}, end func() error) {
	ctx, stop := context.WithCancel(t.Context())
	b := s.kafka.Open(t, func(c *bus.Config) { c.Dialer = s.line.Dial })
	done = make(chan struct{})
	var err error
	go func() {
		defer close(done)
		err = connectors.Run(ctx, b, s.codec, s.cfg, open)
	}()
	end = func() error { stop(); s.line.Release(); <-done; return err }
	t.Cleanup(func() { _ = end() })
	return done, end
}

// here is what the process that runs the source says of it, since the n-th time.
func (s *shaky) here(n int) []contract.Word {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.told[min(n, len(s.told)):])
}

// topic is what the source has said in the topic, each as whoever reads it says it.
func (s *shaky) topic(t *testing.T) (out []contract.Word) {
	t.Helper()
	err := s.bus.Replay(t.Context(), contract.Sources, func(r bus.Record) error {
		var status contract.SourceStatus
		err := json.Unmarshal(r.Value, &status)
		out = append(out, status.Word("count", contract.Known{}))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// pass lets time pass in the bubble.
func pass(d time.Duration) { <-time.After(d) }

// fails refuses words that do not say that the source has failed, and why and what to do.
func fails(t *testing.T, teller string, words []contract.Word, why string) {
	t.Helper()
	if len(words) == 0 {
		t.Fatalf("%s says nothing", teller)
	}
	for i, w := range words {
		if w.State != contract.StateFailed || !strings.Contains(w.Why, why) || !strings.Contains(w.Why, " / ") || w.Do == "" {
			t.Fatalf("%s, word %d of %d: %+v; want failed, with %q and what to do", teller, i, len(words), w, why)
		}
	}
}

// after returns the words from the first that is of a state.
func after(words []contract.Word, state string) []contract.Word {
	i := slices.IndexFunc(words, func(w contract.Word) bool { return w.State == state })
	if i < 0 {
		return nil
	}
	return words[i:]
}

func last(words []contract.Word) contract.Word {
	if len(words) == 0 {
		return contract.Word{}
	}
	return words[len(words)-1]
}

// TestNoPublishing: while Kafka refuses again and again what a source publishes, nobody
// says that the source runs: it failed, why and what to do stay until what was refused
// has passed, and then it runs, without a person.
func TestNoPublishing(t *testing.T) {
	refused := func(topic string, err *kerr.Error) func(s *shaky) (mend func()) {
		return func(s *shaky) func() {
			return s.kafka.Broker.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: s.kafka.Prefix + topic, Err: err, Count: -1}).Remove
		}
	}
	const raw = "raw.ZJ01"
	for name, c := range map[string]struct {
		fault   func(s *shaky) (mend func())
		why     string
		sent    bool // the rows are sent, and gone if they are not taken
		silence bool // nothing reaches the topic: who reads it hears nothing
	}{
		"too large":         {fault: refused(raw, kerr.MessageTooLarge), why: raw},
		"not allowed":       {fault: refused(raw, kerr.TopicAuthorizationFailed), why: raw},
		"time":              {fault: refused(raw, kerr.InvalidTimestamp), why: raw},
		"no such topic":     {fault: refused(raw, kerr.UnknownTopicOrPartition), why: "Kafka"},
		"a rule of Kafka's": {fault: refused(raw, kerr.PolicyViolation), why: raw},
		"disk":              {fault: refused(raw, kerr.KafkaStorageError), why: "Kafka"},
		"replicas":          {fault: refused(raw, kerr.NotEnoughReplicas), why: "Kafka"},
		"sent":              {fault: refused(raw, kerr.TopicAuthorizationFailed), why: raw, sent: true},
		"commit": {fault: func(s *shaky) func() {
			return s.kafka.Broker.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, TopLevel: true, Err: kerr.InvalidTxnState, Count: -1}).Remove
		}, why: "", silence: true},
		"positions": {fault: refused("sources", kerr.TopicAuthorizationFailed), why: "sources", silence: true},
		"away":      {fault: func(s *shaky) func() { s.line.Hold(); return s.line.Release }, why: "Kafka", silence: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShaky(t)
				s.desk.of.Store(3)
				s.start(t, s.open)
				pass(5 * time.Second)
				if w := last(s.topic(t)); w.State != contract.StateRunning {
					t.Fatalf("before anything fails: %+v", w)
				}
				told, said := len(s.here(0)), len(s.topic(t))
				mend := c.fault(s)
				send := func() {
					if c.sent {
						s.desk.sent <- 4
					} else {
						s.desk.of.Store(5)
					}
				}
				for range 20 {
					send()
					pass(5 * time.Second)
				}
				fails(t, "the process that runs it", after(s.here(told), contract.StateFailed), c.why)
				if !c.silence {
					fails(t, "the topic", after(s.topic(t)[said:], contract.StateFailed), c.why)
				}
				mend()
				send()
				pass(time.Minute)
				if w, v := last(s.topic(t)), last(s.here(0)); w.State != contract.StateRunning || v.State != contract.StateRunning || w.Why+w.Do != "" {
					t.Errorf("when Kafka takes it again: the topic says %+v, the process %+v", w, v)
				}
				if keys := s.rows(t); len(keys) < 4 || len(keys) != 5 && !c.sent {
					t.Errorf("rows %q", keys)
				}
			})
		})
	}
}

// TestNoSending: rows that were not taken and that nobody sends again keep a source
// failed for a while, not for ever.
func TestNoSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShaky(t)
		s.start(t, s.open)
		pass(5 * time.Second)
		s.kafka.Broker.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: s.kafka.Prefix + "raw.ZJ01", Err: kerr.PolicyViolation})
		s.desk.sent <- 4
		pass(10 * time.Second)
		if w := last(s.topic(t)); w.State != contract.StateFailed {
			t.Errorf("ten seconds later: %+v, want failed", w)
		}
		pass(20 * time.Second)
		if w := last(s.topic(t)); w.State != contract.StateRunning {
			t.Errorf("half a minute later: %+v, want running", w)
		}
	})
}

// TestFailsBesideItsRows: whatever a source fails at in each of its turns, it is not said
// to run in between.
func TestFailsBesideItsRows(t *testing.T) {
	const raw = "raw.ZJ01"
	for name, c := range map[string]struct {
		faulty func(s *shaky, broken *atomic.Bool)
		why    string
	}{
		// A first complete copy is said in the raw topic, which takes rows but not that.
		"completion": {func(s *shaky, broken *atomic.Bool) {
			s.kafka.Broker.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: s.kafka.Prefix + raw, Err: kerr.PolicyViolation, Count: -1, When: func(kmsg.Request) bool { return broken.Load() }})
		}, raw},
		"confirming": {func(s *shaky, broken *atomic.Bool) {
			s.confirm = func() error {
				if broken.Load() {
					return errors.New("乱 / the slot does not move")
				}
				return nil
			}
		}, "the slot does not move"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShaky(t)
				var broken atomic.Bool
				broken.Store(true)
				c.faulty(s, &broken)
				s.start(t, s.open)
				pass(100 * time.Second)
				fails(t, "the topic", after(s.topic(t), contract.StateFailed), c.why)
				fails(t, "the process that runs it", after(s.here(0), contract.StateFailed), c.why)
				broken.Store(false)
				pass(time.Minute)
				if w := last(s.topic(t)); w.State != contract.StateRunning {
					t.Errorf("mended: %+v", w)
				}
			})
		})
	}
}

// TestLostWhileKafkaIsAway: that a position is lost is sticky, so it is said before Run
// ends, however long Kafka cannot be told.
func TestLostWhileKafkaIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShaky(t)
		var lost atomic.Bool
		s.confirm = func() error {
			if lost.Load() {
				s.line.Hold()
				return fmt.Errorf("the slot is gone: %w", connectors.ErrPositionLost)
			}
			return nil
		}
		s.desk.of.Store(1)
		done, end := s.start(t, s.open)
		pass(5 * time.Second)
		lost.Store(true)
		pass(time.Minute)
		s.line.Release()
		pass(time.Minute)
		select {
		case <-done:
		default:
			t.Error("Run goes on")
		}
		if err := end(); !errors.Is(err, connectors.ErrPositionLost) {
			t.Errorf("Run = %v", err)
		}
		if status := s.status(t); !strings.Contains(status.Lost, "the slot is gone") || status.State != contract.StateFailed || status.Do == "" {
			t.Errorf("status = %+v, want lost", status)
		}
	})
}

// TestInferredDeletesAreRefused: a resync whose deletes Kafka refuses is no resync that
// goes on.
func TestInferredDeletesAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShaky(t)
		o := &office{d: s.d, rows: map[string]string{}}
		for i := range 20 {
			o.set("B"+strconv.Itoa(i), "x")
		}
		_, end := s.start(t, o.open)
		pass(5 * time.Second)
		if err := end(); err != nil {
			t.Fatal(err)
		}
		o.restore(line{"B3", ""})
		if err := connectors.Resync(t.Context(), s.bus, "count", 0); err != nil {
			t.Fatal(err)
		}
		var deletes atomic.Bool
		fault := s.kafka.Broker.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: s.kafka.Prefix + "raw.ZJ01", Err: kerr.PolicyViolation, Count: -1, When: func(kmsg.Request) bool { return deletes.Load() }})
		s.cfg.Tell = func(told connectors.Told) {
			if told.Status.Resync != nil && told.Status.Resync.Step == contract.ResyncDeleting {
				deletes.Store(true)
			}
		}
		s.start(t, o.open)
		pass(100 * time.Second)
		fails(t, "the topic", after(s.topic(t), contract.StateFailed), "raw.ZJ01")
		fault.Remove()
		pass(time.Minute)
		if w := last(s.topic(t)); w.State != contract.StateRunning {
			t.Errorf("mended: %+v", w)
		}
		if got := s.held(t); len(got) != 19 {
			t.Errorf("rows %v, want 19", got)
		}
	})
}
