package gateway_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/audit"
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
	if up := w.metric(t, "yiyuan_gateway_redis_up"); up != 1 {
		t.Errorf("Redis answers, up = %v", up)
	}
	w.mini.Close()
	var r *reply
	eventually(t, "no longer ready", func() bool { r = w.get("/readyz", "", ""); return r.status == http.StatusServiceUnavailable })
	if up := w.metric(t, "yiyuan_gateway_redis_up"); up != 0 {
		t.Errorf("Redis is away, up = %v", up)
	}
	if !strings.Contains(r.text, "cache") || r.header.Get("Retry-After") == "" {
		t.Errorf("does not say why: %s", r.text)
	}
	if r := w.get("/livez", "", ""); r.status != http.StatusOK {
		t.Errorf("the process lives, answered %d", r.status)
	}
	must(t, w.mini.Restart())
	w.ready()
}

// TestReadyIsNotSaidWithoutKafka: while Kafka counts as away, what cannot be audited is
// refused without being tried, the prober is told why, and the process lives; who asks
// first once it is back is answered.
func TestReadyIsNotSaidWithoutKafka(t *testing.T) {
	w := start(t)
	w.person(1, "张**")
	w.ready()
	ask := func(when string, want int) {
		t.Helper()
		before := len(w.entries())
		r := w.get("/v1/lookup/person.partial/"+zhang, "key-RS-GLJT", "GLJT")
		if r.status != want || (want == http.StatusServiceUnavailable) != strings.Contains(r.text, "YIYUAN-5030") {
			t.Errorf("%s: answered %d %s", when, r.status, r.text)
		}
		if wrote := len(w.entries()) > before; wrote != (want == http.StatusOK) {
			t.Errorf("%s: answered %d, audited: %v", when, r.status, wrote)
		}
	}
	ask("at first", http.StatusOK)
	w.kafka.away.Store(true)
	if r := w.get("/readyz", "", ""); r.status != http.StatusServiceUnavailable || !strings.Contains(r.text, "kafka") || r.header.Get("Retry-After") == "" {
		t.Errorf("ready without Kafka: %d %s", r.status, r.text)
	}
	if r := w.get("/livez", "", ""); r.status != http.StatusOK {
		t.Errorf("the process lives, answered %d", r.status)
	}
	ask("away", http.StatusServiceUnavailable)
	w.kafka.away.Store(false)
	ask("back", http.StatusOK)
	w.ready()
}

// TestAwayIsTold: who watches is told that the cache does not answer, since when and what
// that means, and that it does again.
func TestAwayIsTold(t *testing.T) {
	w := start(t)
	w.person(1, "张**")
	w.ready()
	away := func() string {
		var page struct {
			Away []struct {
				Part    string    `json:"part"`
				Since   time.Time `json:"since"`
				Message string    `json:"message"`
			} `json:"away"`
		}
		r := w.get("/v1/flow", supervisor, "")
		must(t, json.Unmarshal([]byte(r.text), &page))
		var parts []string
		for _, a := range page.Away {
			parts = append(parts, a.Part)
			if a.Since.IsZero() || !strings.Contains(a.Message, "doctor") {
				t.Errorf("away is told as %+v", a)
			}
		}
		return strings.Join(parts, " ")
	}
	if said := away(); said != "" {
		t.Errorf("all answer, told away: %s", said)
	}
	w.mini.Close()
	eventually(t, "told that it is away", func() bool { return away() == "cache" })
	must(t, w.mini.Restart())
	eventually(t, "told that it is back", func() bool { return away() == "" })
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

// TestReadyFollowsTheAudit: while Kafka answers and takes no audit entry, nothing is
// answered, and the prober is told; once entries are taken it is told that too, though
// nobody has asked since, and the audit says how many answers were withheld.
func TestReadyFollowsTheAudit(t *testing.T) {
	w := start(t)
	w.person(1, "张**")
	w.ready()
	const at = "/v1/lookup/person.partial/" + zhang
	eventually(t, "the record is there", func() bool { return w.get(at, "key-RS-GLJT", "GLJT").status == http.StatusOK })
	since := time.Now().Add(-time.Second)
	w.log.fail.Store(true)
	for range 3 {
		if r := w.get(at, "key-RS-GLJT", "GLJT"); r.code() != "YIYUAN-5030" {
			t.Errorf("answered %d %s", r.status, r.text)
		}
		if r := w.get("/readyz", "", ""); r.status != http.StatusServiceUnavailable || !strings.Contains(r.text, "audit") || r.header.Get("Retry-After") == "" {
			t.Errorf("ready without the audit: %d %s", r.status, r.text)
		}
	}
	tries := w.log.tries.Load()
	eventually(t, "it is tried whether entries are taken", func() bool { return w.log.tries.Load() > tries })
	if r := w.get("/readyz", "", ""); r.status != http.StatusServiceUnavailable {
		t.Errorf("ready though a try has failed: %d", r.status)
	}
	if r := w.get("/livez", "", ""); r.status != http.StatusOK {
		t.Errorf("the process lives, answered %d", r.status)
	}
	before := len(w.entries())
	w.log.fail.Store(false)
	w.ready()
	all := w.entries()
	last := all[len(all)-1]
	for _, e := range all { // of several partitions
		if e.Operation == audit.Withheld {
			last = e
		}
	}
	if len(all) != before+1 || last.Operation != audit.Withheld || last.Count != 3 || last.Status != http.StatusServiceUnavailable || last.Decision != audit.Deny || last.Time.Before(since) || last.App+last.View != "" {
		t.Errorf("%d entries more, what was withheld is audited as %+v", len(all)-before, last)
	}
	w.log.fail.Store(true)
	if r := w.get(at, "key-RS-GLJT", "GLJT"); r.code() != "YIYUAN-5030" {
		t.Errorf("answered %d %s", r.status, r.text)
	}
	w.log.fail.Store(false)
	if r := w.get(at, "key-RS-GLJT", "GLJT"); r.status != http.StatusOK {
		t.Errorf("answered %d %s", r.status, r.text)
	}
	if r := w.get("/readyz", "", ""); r.status != http.StatusOK {
		t.Errorf("not ready though a question was answered: %d %s", r.status, r.text)
	}
}
