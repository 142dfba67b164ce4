package bus_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/bustest"
	"github.com/yiyuan-bus/yiyuan/bus/engine"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// reluctant makes the broker answer the first produce to each partition of a topic
// as Kafka answers where the partition is new to a transaction while the markers of
// the one before are still being written. It returns how often that happened.
func reluctant(k bustest.Kafka, code int16, topic string) func() int {
	var mu sync.Mutex
	met, times := map[int32]bool{}, 0
	k.Broker.Cluster().ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		k.Broker.Cluster().KeepControl()
		mu.Lock()
		defer mu.Unlock()
		req := r.(*kmsg.ProduceRequest)
		res := req.ResponseKind().(*kmsg.ProduceResponse)
		refused := false
		for _, t := range req.Topics {
			out := kmsg.NewProduceResponseTopic()
			out.Topic, out.TopicID = t.Topic, t.TopicID
			for _, p := range t.Partitions {
				answer := kmsg.NewProduceResponseTopicPartition()
				answer.Partition, answer.ErrorCode = p.Partition, code
				out.Partitions = append(out.Partitions, answer)
				if (t.Topic == topic || t.Topic == "") && !met[p.Partition] {
					met[p.Partition], refused = true, true
				}
			}
			res.Topics = append(res.Topics, out)
		}
		if refused {
			times++
		}
		return res, nil, refused
	})
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return times
	}
}

// A transaction whose partitions are new to the broker must not stand still for
// franz-go's own five seconds between two looks at the cluster: it did, in
// connectors and steps, in the first seconds after a start, a rebalance, or when a
// topic was first written.
func TestNewPartitionsStallNobody(t *testing.T) {
	codes := map[string]int16{"concurrent transactions": kerr.ConcurrentTransactions.Code, "not the leader": kerr.NotLeaderForPartition.Code}
	for name, code := range codes {
		t.Run(name, func(t *testing.T) {
			t.Run("publisher", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { stallPublisher(t, code) })
			})
			t.Run("step", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { stallStep(t, code) })
			})
		})
	}
}

const stall = time.Second // far below the five, far above what it takes

func stallPublisher(t *testing.T, code int16) {
	k := bustest.InMemory(t)
	b := k.Open(t, nil)
	ensure(t, b)
	p, err := b.Publisher(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	refused := reluctant(k, code, k.Prefix+string(contract.Raw("T")))
	began := time.Now()
	records, after := batch("")
	if err := p.Publish(t.Context(), records, contract.SourceStatus{Position: after}); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > stall {
		t.Errorf("published after %v", took)
	}
	if refused() == 0 {
		t.Error("no produce was refused")
	}
}

// copier is a step without state that hands on what it reads.
type copier struct {
	done chan struct{} // closed by the first commit
	once sync.Once
}

func (*copier) Position(int32) (int64, error)                { return -1, nil }
func (*copier) Apply(int32, []bus.Record, int64, bool) error { return nil }
func (*copier) Release()                                     {}
func (*copier) Reset(int32) error                            { return nil }
func (*copier) Wake(*engine.Tx, []int32) error               { return nil }
func (*copier) Due([]int32) bool                             { return false }
func (*copier) Seal(*engine.Tx) error                        { return nil }
func (*copier) Abort()                                       {}
func (c *copier) Commit(map[int32]int64) error               { c.once.Do(func() { close(c.done) }); return nil }

func (*copier) Handle(tx *engine.Tx, records []bus.Record) error {
	for i := range records {
		tx.Emit(bus.Record{Topic: contract.Findings, Partition: bus.ByKey, Key: records[i].Key, Value: records[i].Value})
	}
	return nil
}

func stallStep(t *testing.T, code int16) {
	k := bustest.InMemory(t)
	b := k.Open(t, nil)
	ensure(t, b)
	if err := b.Ensure(t.Context(), contract.Spec{Topic: contract.Findings}, contract.Spec{Topic: contract.State("copy"), Compact: true}); err != nil {
		t.Fatal(err)
	}
	refused := reluctant(k, code, k.Prefix+string(contract.Findings))
	ctx, stop := context.WithCancel(t.Context())
	w := &copier{done: make(chan struct{})}
	ended := make(chan error)
	go func() {
		ended <- b.Transact(ctx, engine.Transaction{Group: "copy", Member: "0", From: []contract.Topic{contract.Raw("T")}, Changelog: contract.State("copy")}, w)
	}()
	records, _ := batch("")
	if err := b.Append(t.Context(), records...); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	<-w.done
	if took := time.Since(began); took > stall {
		t.Errorf("committed after %v", took)
	}
	if refused() == 0 {
		t.Error("no produce was refused")
	}
	stop()
	<-ended
}
