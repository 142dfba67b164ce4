package processors_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/state"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// inputs is a cluster with topics of which a step reads these or those.
type inputs struct {
	kafka bustest.Kafka
	bus   *bus.Bus
	blind bool // processes started from now on are not told who is in a group
	fed   int
}

func newInputs(t *testing.T, k bustest.Kafka) *inputs {
	t.Helper()
	in := &inputs{kafka: k, bus: open(t, k)}
	specs := append(processors.Specs(stepOf(nil)), contract.Spec{Topic: "a"}, contract.Spec{Topic: "b"}, contract.Spec{Topic: "c"}, contract.Spec{Topic: "out"})
	if err := in.bus.Ensure(t.Context(), specs...); err != nil {
		t.Fatal(err)
	}
	return in
}

// feed writes records to each of the topics.
func (in *inputs) feed(t *testing.T, topics ...contract.Topic) {
	t.Helper()
	var records []bus.Record
	for _, topic := range topics {
		for key := range 20 {
			records = append(records, bus.Record{Topic: topic, Partition: bus.ByKey, Key: fmt.Appendf(nil, "%s-%d", topic, key), Value: []byte("x")})
		}
	}
	if err := in.bus.Append(t.Context(), records...); err != nil {
		t.Fatal(err)
	}
	in.fed += len(records)
}

// start starts a process that reads the topics.
func (in *inputs) start(t *testing.T, s *state.Store, instance string, from ...contract.Topic) *member {
	t.Helper()
	m := &member{line: in.kafka.Line(nil), reg: prometheus.NewRegistry(), done: make(chan error, 1)}
	if in.blind {
		m.line.Each = func(key int16) bustest.Fault {
			if key == int16(kmsg.DescribeGroups) {
				return bustest.RequestLost
			}
			return bustest.None
		}
	}
	c := in.kafka.Config()
	c.Dialer, c.Partitions, c.TransactionTimeout, c.SessionTimeout = m.line.Dial, partitions, 5*time.Second, 6*time.Second
	b, err := bus.Open(t.Context(), c, bustest.Logger(t), m.reg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	step := stepOf(counter)
	step.From = from
	ctx, stop := context.WithCancel(t.Context())
	m.stop = stop
	go func() {
		m.done <- processors.Run(ctx, b, step, processors.Config{Store: s, Instance: instance, Workers: 3, Metrics: processors.NewMetrics(m.reg)}, bustest.Logger(t))
	}()
	return m
}

// numbered waits until all that was fed is numbered while the process runs.
func (in *inputs) numbered(t *testing.T, m *member) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case err := <-m.done:
			t.Errorf("the step ended: %v", err)
			m.done <- err
			cancel()
		case <-ctx.Done():
		}
	}()
	numbered(ctx, t, in.bus, in.fed)
	cancel()
	<-ended
}

// change starts the step with an input more, one less, and one in another's place, each
// time at once after it was stopped, of its own will or by kill -9.
func (in *inputs) change(t *testing.T, kill bool) {
	t.Helper()
	s := store(t)
	for _, from := range [][]contract.Topic{{"a", "b"}, {"a", "b", "c"}, {"a", "b"}, {"a", "c"}, {"a"}, {"a", "b", "c"}} {
		m := in.start(t, s, "vm", from...)
		in.feed(t, from...)
		in.numbered(t, m)
		m.leave(kill)
	}
}

// TestInputsChange wants a step whose inputs change to go on, and each record to be
// counted once. Kafka still has the members of before, and gives them back what they had.
func TestInputsChange(t *testing.T) {
	for _, kill := range []bool{false, true} {
		for _, blind := range []bool{false, true} {
			t.Run(fmt.Sprintf("kill=%v,blind=%v", kill, blind), func(t *testing.T) {
				bustest.Each(t, func(t *testing.T, k bustest.Kafka) {
					in := newInputs(t, k)
					in.blind = blind
					in.change(t, kill)
				})
			})
		}
	}
}

// TestInputsChangeAtOnce wants it not to wait for the members of before to time out.
func TestInputsChangeAtOnce(t *testing.T) {
	for _, kill := range []bool{false, true} {
		t.Run(fmt.Sprintf("kill=%v", kill), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in, began := newInputs(t, bustest.InMemory(t)), time.Now()
				in.change(t, kill)
				if took := time.Since(began); took > 6*time.Second { // their timeout, and there are five changes
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// TestInputsDiffer runs processes beside one another that read different topics, as while
// a city's processes are restarted one after another: the later one waits and says so,
// the former goes on, and once it has gone the later one reads everything.
func TestInputsDiffer(t *testing.T) {
	for _, more := range []bool{true, false} {
		t.Run(fmt.Sprintf("more=%v", more), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := newInputs(t, bustest.InMemory(t))
				former, later := []contract.Topic{"a"}, []contract.Topic{"a", "b"}
				if !more {
					former, later = later, former
				}
				old := in.start(t, store(t), "old", former...)
				in.feed(t, former...)
				in.numbered(t, old)
				next := in.start(t, store(t), "new", later...)
				for next.metric(t, "yiyuan_bus_waiting_workers") != 3 {
					time.Sleep(10 * time.Millisecond)
				}
				in.feed(t, former...)
				in.numbered(t, old)
				old.leave(false)
				in.feed(t, later...)
				in.numbered(t, next)
				if n := next.metric(t, "yiyuan_bus_waiting_workers"); n != 0 {
					t.Errorf("%v workers wait", n)
				}
				next.leave(false)
			})
		})
	}
}

// TestInputsStayDifferent leaves a process running that reads other topics: the other
// says whom it has waited for, and ends.
func TestInputsStayDifferent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInputs(t, bustest.InMemory(t))
		old := in.start(t, store(t), "old", "a")
		in.feed(t, "a")
		in.numbered(t, old)
		next := in.start(t, store(t), "new", "a", "b")
		if err := <-next.done; !errors.Is(err, bus.ErrConfig) || !strings.Contains(err.Error(), "count.old-0") {
			t.Errorf("Run = %v, want an error that names the members", err)
		}
		in.feed(t, "a")
		in.numbered(t, old)
		old.leave(false)
	})
}

// TestInputsDifferUnseen is told nothing of other members: who is given what is not its
// own leaves, so that the other goes on, and tries again until that one has gone.
func TestInputsDifferUnseen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInputs(t, bustest.InMemory(t))
		old := in.start(t, store(t), "old", "a")
		in.feed(t, "a")
		in.numbered(t, old)
		in.blind = true
		next := in.start(t, store(t), "new", "a", "b")
		for range 5 {
			time.Sleep(time.Second)
			in.feed(t, "a")
			in.numbered(t, old)
		}
		old.leave(false)
		in.feed(t, "a", "b")
		in.numbered(t, next)
		next.leave(false)
	})
}
