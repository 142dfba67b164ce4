package fill

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/fold"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// taking is a cache that remembers what was written.
type taking struct {
	Cache
	batch store.Batch
}

func (c *taking) Apply(_ context.Context, _ store.Generation, b store.Batch) error {
	c.batch = b
	return nil
}

// A record that cannot be written, be it that the program panics on it, is left aside,
// counted and told of by its place, and the cache goes on behind it.
func TestNoRecordEndsTheFilling(t *testing.T) {
	const secret = "539902198503120013"
	var said bytes.Buffer
	reg, cache := prometheus.NewRegistry(), &taking{}
	log := slog.New(slog.NewTextHandler(&said, nil))
	topic := contract.Shared("person.partial")
	f := New(Parts{Logger: log, Cache: cache, Guard: fold.NewGuard(log, reg)}, prometheus.NewRegistry())
	g := &generation{Parts: f.Parts, log: log, written: f.written, have: map[string]map[int32]int64{}, views: map[contract.Topic]*view.View{
		topic: {View: &schemas.View{ID: "person.partial"}}, // without keys every digest panics
	}}
	version := []bus.Header{{Key: contract.Version, Value: []byte("0000000000000001")}}
	err := g.take(t.Context(), []bus.Record{
		{Topic: topic, Offset: 5, Key: []byte(secret)},
		{Topic: topic, Offset: 6, Key: []byte(secret), Headers: version, Value: make([]byte, maxValue+1)},
		{Topic: topic, Offset: 7, Key: []byte(secret), Headers: version},
	})
	if err != nil || len(cache.batch.Writes) != 0 || cache.batch.Next != 8 {
		t.Errorf("%v, written %+v", err, cache.batch)
	}
	const name = "yiyuan_gateway_skipped_total"
	want := "# HELP " + name + " 未能装入的记录数：没有版本、过大、无法解读，或处理时程序 panic。 / Records that could not be taken: no version, too large, unreadable, or the program panicked on them.\n# TYPE " + name + " counter\n"
	for _, reason := range []string{"no_version", "panicked", "too_large"} {
		want += name + `{reason="` + reason + `",view="person.partial"} 1` + "\n"
	}
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), name); err != nil {
		t.Error(err)
	}
	if text := said.String(); strings.Contains(text, secret) || !strings.Contains(text, "offset=7") {
		t.Errorf("the log says %s", text)
	}
}
