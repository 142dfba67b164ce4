package listener_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// TestConnectionsLeave: a connection that ends gives its place back, so that the next of
// its address displaces nobody, and what is refused on it before any request was read is
// counted like any refusal.
func TestConnectionsLeave(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	address := serve(t, listener.Config{Shared: listener.Shared{
		Limits: listener.Limits{ConnectionsPerAddress: 2}, Metrics: listener.NewMetrics(reg),
	}}, echo)
	const times = 5
	for range times {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		if _, err := io.WriteString(c, "hello\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(c); err != nil { // to its end: it has left by then
			t.Fatal(err)
		}
		_ = c.Close()
	}
	got := map[string]float64{}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				if l.GetName() == "code" {
					name += " " + l.GetValue()
				}
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	for name, want := range map[string]float64{
		"yiyuan_listener_refused_total " + problem.Request.Code: times,
		"yiyuan_listener_in_flight":                             0,
		"yiyuan_listener_displaced_total":                       0,
	} {
		if got[name] != want {
			t.Errorf("%s = %g, want %g", name, got[name], want)
		}
	}
}
