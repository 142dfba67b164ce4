package gateway

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/refusal"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// A record on which a reader panics is left aside, counted, and told of by its place: it
// ends nothing, those behind it are taken, and nothing of what it holds is shown.
func TestNoRecordEndsTheGateway(t *testing.T) {
	var said bytes.Buffer
	g := &Gateway{log: slog.New(slog.NewTextHandler(&said, nil)), metrics: newMetrics(prometheus.NewRegistry()), marks: marks{book: refusal.NewBook(0)}}
	const secret = "539902198503120013"
	taken := 0
	g.each(func(_ context.Context, r *bus.Record) {
		if string(r.Key) == secret {
			panic("no row of " + string(r.Key))
		}
		taken++
	})(t.Context(), []bus.Record{{Topic: contract.Findings, Key: []byte("a")}, {Topic: contract.Findings, Key: []byte(secret), Offset: 7}, {Topic: contract.Findings, Key: []byte("b")}})
	if taken != 2 {
		t.Errorf("%d records were taken of the two that can be", taken)
	}
	g.marks.begin(1)
	g.marks.book = nil // so that every mark panics
	g.takeMarks(t.Context(), []bus.Record{{Topic: contract.Refused, Key: []byte(strings.Repeat("ab", 16))}})
	f := &fill{g: g} // nor has the view keys
	if _, ok := f.write(&view.View{View: &schemas.View{ID: "person.partial"}}, &bus.Record{Topic: contract.Shared("person.partial"), Key: []byte(secret), Headers: []bus.Header{{Key: contract.Version, Value: []byte("0000000000000001")}}}); ok {
		t.Error("what panicked is written")
	}
	for _, what := range []string{string(contract.Findings), string(contract.Refused), "person.partial"} {
		if n := testutil.ToFloat64(g.metrics.skipped.WithLabelValues(what, "panicked")); n != 1 {
			t.Errorf("%s: %v records are counted", what, n)
		}
	}
	if text := said.String(); strings.Contains(text, secret) || !strings.Contains(text, "offset=7") || !strings.Contains(text, "follow_test.go") {
		t.Errorf("the log says %s", text)
	}
}
