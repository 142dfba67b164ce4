package gateway_test

import (
	"net/http"
	"strings"
	"testing"
)

// freshnessOf returns the datasets whose age the metrics tell.
func (w *world) freshnessOf() map[string]float64 {
	w.t.Helper()
	families, err := w.gather.Gather()
	must(w.t, err)
	out := map[string]float64{}
	for _, f := range families {
		if f.GetName() != "yiyuan_gateway_freshness_seconds" {
			continue
		}
		for _, m := range f.GetMetric() {
			out[m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
		}
	}
	return out
}

// TestReadyIsNotSaidWithoutTheCache takes the cache away from a gateway that is ready.
func TestReadyIsNotSaidWithoutTheCache(t *testing.T) {
	w := start(t)
	w.person(1, "张**")
	w.ready()
	w.mini.Close()
	var r *reply
	eventually(t, "no longer ready", func() bool { r = w.get("/readyz", "", ""); return r.status == http.StatusServiceUnavailable })
	if !strings.Contains(r.text, "cache") || r.header.Get("Retry-After") == "" {
		t.Errorf("does not say why: %s", r.text)
	}
	if r := w.get("/livez", "", ""); r.status != http.StatusOK {
		t.Errorf("the process lives, answered %d", r.status)
	}
	must(t, w.mini.Restart())
	w.ready()
}

// TestUnknownAgeIsNoAge: a dataset that was never heard is not perfectly fresh.
func TestUnknownAgeIsNoAge(t *testing.T) {
	w := start(t)
	w.person(1, "张**") // and with it GA01 is heard
	w.ready()
	eventually(t, "the age of GA01 is told", func() bool { _, told := w.freshnessOf()["GA01"]; return told })
	if all := w.freshnessOf(); len(all) != 1 {
		t.Errorf("told of datasets that were never heard: %v", all)
	}
}
