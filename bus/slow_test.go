package bus_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/bus/engine"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// plodder is a copier that takes its time over each record.
type plodder struct {
	copier

	each              time.Duration
	handled, want     int
	committed, aborts int
	done              chan struct{} // closed when all that is wanted is committed
}

func (p *plodder) Handle(tx *engine.Tx, records []bus.Record) error {
	<-time.After(time.Duration(len(records)) * p.each)
	p.handled += len(records)
	return p.copier.Handle(tx, records)
}

func (p *plodder) Abort() { p.aborts, p.handled = p.aborts+1, 0 }

func (p *plodder) Commit(map[int32]int64) error {
	before := p.committed
	p.committed, p.handled = p.committed+p.handled, 0
	if before < p.want && p.committed >= p.want {
		close(p.done)
	}
	return nil
}

// TestSlowStepGetsOn: a step that needs longer for what it polls first than a transaction
// may last, because it is slow itself or the brokers are, takes less, and gets through a
// backlog, instead of doing the same for ever.
func TestSlowStepGetsOn(t *testing.T) {
	for name, c := range map[string]struct{ record, written time.Duration }{
		"slow step":    {record: 50 * time.Millisecond},
		"slowest step": {record: 6 * time.Second},
		"slow brokers": {written: 45 * time.Microsecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { getsOn(t, c.record, c.written) })
		})
	}
}

// getsOn has a step copy a backlog, with so much time for each record, and so much of the
// broker for each byte that is written.
func getsOn(t *testing.T, record, written time.Duration) {
	const rows = 300
	k := bustest.InMemory(t)
	b := k.Open(t, nil)
	ensure(t, b)
	if err := b.Ensure(t.Context(), contract.Spec{Topic: contract.Findings}, contract.Spec{Topic: contract.State("copy"), Compact: true}); err != nil {
		t.Fatal(err)
	}
	dice := rand.NewChaCha8([32]byte{})
	for i := range rows {
		r := bus.Record{Topic: contract.Raw("T"), Partition: 0, Key: fmt.Append(nil, i), Value: make([]byte, 1000)}
		_, _ = dice.Read(r.Value) // ChaCha8 never fails
		if err := b.Append(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	k.Broker.Cluster().ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.Broker.Cluster().KeepControl()
		for _, topic := range r.(*kmsg.ProduceRequest).Topics {
			for _, p := range topic.Partitions {
				<-time.After(time.Duration(len(p.Records)) * written)
			}
		}
		return nil, nil, false
	})
	ctx, stop := context.WithCancel(t.Context())
	w := &plodder{each: record, want: rows, done: make(chan struct{})}
	ended := make(chan error)
	go func() {
		ended <- b.Transact(ctx, engine.Transaction{Group: "copy", Member: "0", From: []contract.Topic{contract.Raw("T")}, Changelog: contract.State("copy")}, w)
	}()
	select {
	case <-w.done:
	case <-time.After(2 * time.Hour): // of the bubble; the work alone takes half an hour at the most
		t.Errorf("%d of %d are committed", w.committed, rows)
	}
	stop()
	<-ended
	if w.aborts == 0 && !t.Failed() {
		t.Error("nothing took too long")
	}
}

// TestReplayFromABusyBroker: a broker that takes long over each fetch has not said that there is
// nothing: what was written is read, all of it.
func TestReplayFromABusyBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rows = 50
		k := bustest.InMemory(t)
		b := k.Open(t, nil)
		ensure(t, b)
		for i := range rows {
			if err := b.Append(t.Context(), bus.Record{Topic: contract.Raw("T"), Partition: int32(i % 2), Key: fmt.Append(nil, i), Value: []byte("x")}); err != nil {
				t.Fatal(err)
			}
		}
		line := k.Line(nil)
		line.Late = 9 * time.Second
		line.Each = func(key int16) bustest.Fault {
			if key == int16(kmsg.Fetch) {
				return bustest.ReplyLate
			}
			return bustest.None
		}
		busy := k.Open(t, func(c *bus.Config) { c.Dialer = line.Dial })
		for name, read := range map[string]func(context.Context, contract.Topic, func(bus.Record) error) error{"replay": busy.Replay, "peek": busy.Peek} {
			seen := 0
			if err := read(t.Context(), contract.Raw("T"), func(bus.Record) error { seen++; return nil }); err != nil || seen != rows {
				t.Errorf("%s: %d of %d records, %v", name, seen, rows, err)
			}
		}
	})
}
