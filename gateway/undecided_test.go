package gateway_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// undecided leaves a transaction open over a partition, until what it returns is called.
func (w *world) undecided(topic contract.Topic, partition int32) (decide func()) {
	w.t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(w.brokers...), kgo.TransactionalID("another program"), kgo.TransactionTimeout(5*time.Minute), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	must(w.t, err)
	w.t.Cleanup(c.Close)
	must(w.t, c.BeginTransaction())
	must(w.t, c.ProduceSync(w.t.Context(), &kgo.Record{Topic: string(topic), Partition: partition, Value: []byte("undecided")}).FirstErr())
	return func() {
		w.t.Helper()
		must(w.t, c.EndTransaction(w.t.Context(), kgo.TryAbort))
	}
}

// notLoaded fails if a person is answered with anything but that the view is not loaded.
func (w *world) notLoaded(number string) {
	w.t.Helper()
	if r := w.get("/v1/lookup/person.partial/"+number, "key-RS-GLJT", "GLJT"); r.status != http.StatusServiceUnavailable || r.code() != "YIYUAN-5031" {
		w.t.Fatalf("a view that may hold more is answered %d %s", r.status, r.code())
	}
}

// Another program has left a transaction open over a shared topic when a gateway with
// an empty cache begins: who is committed behind it is not loaded, and never absent,
// until it is decided; views of other topics are served meanwhile.
func TestUndecidedIsNotAbsent(t *testing.T) {
	const nobody = "53990219850312003X"
	w := start(t)
	w.ready()
	w.stop()
	must(t, w.raw.FlushDB(t.Context()).Err())
	zhangs, lis := w.named(1, "张**"), w.shared("person.partial", li, 1, map[string]schemas.Value{"XM": schemas.Text("李**")})
	zhangs.Partition, lis.Partition = 0, 0
	decide := w.undecided(zhangs.Topic, zhangs.Partition)
	w.publish(nil, zhangs, w.shared("enterprise.public", firm, 1, map[string]schemas.Value{"JGMC": schemas.Text("某某公司")}))
	w.publish(nil, lis)

	asked := make(chan struct{}, 1)
	w.log.last.Store(&asked)
	w.serve()
	for _, number := range []string{zhang, li, nobody} {
		w.notLoaded(number)
	}
	eventually(t, "another view is loaded", func() bool {
		return w.get("/v1/lookup/enterprise.public/"+firm, "key-SP-QYZX", "QYZX").status == http.StatusOK
	})
	looks := 0
	eventually(t, "the one view that is left is looked at, each time after its readers had theirs", func() bool {
		for _, number := range []string{zhang, li, nobody} {
			w.notLoaded(number)
		}
		select {
		case <-asked:
			looks++
		default:
		}
		return looks == 3
	})
	decide()
	w.ready()
	if !w.shows("张**")() {
		t.Error("what was committed behind the transaction is not there")
	}
	if r := w.get("/v1/lookup/person.partial/"+nobody, "key-RS-GLJT", "GLJT"); r.status != http.StatusNotFound {
		t.Errorf("who is not there is answered %d once all is decided", r.status)
	}
}
