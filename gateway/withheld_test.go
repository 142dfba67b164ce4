package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/gateway/quota"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// under is a record that was published under a version of the catalogue.
func under(version string, r bus.Record) bus.Record {
	r.Headers = append(r.Headers, bus.Header{Key: contract.Catalogue, Value: []byte(version)})
	return r
}

// changed says of views that they show what they show since the catalogue "now".
func (w *world) changed(views ...string) {
	known := map[string]schemas.Known{}
	for _, v := range w.cat.Views() {
		known[v.ID] = schemas.Known{}
	}
	for _, id := range views {
		known[id] = schemas.Known{Step: 1, Versions: map[string]bool{"now": true}}
	}
	w.cat.Lineage = schemas.Lineage{Known: known}
}

// TestWithheld: what was published of a view while it showed more than it does is not
// answered, masked as it says to be or not, nor taken for absent, until it has come again;
// also what the cache still has of it. Views that did not change go on being answered.
func TestWithheld(t *testing.T) {
	w := start(t)
	person := func(view, name string, version uint64, cat string) bus.Record {
		return under(cat, w.shared(view, zhang, version, map[string]schemas.Value{"GMSFHM": schemas.Text("539902************"), "XM": schemas.Text(name)}))
	}
	w.publish([]string{"GA01"}, person("person.partial", "张三", 1, "before"), w.verifiable("person.verify", zhang, 1, map[string]string{"GMSFHM": zhang, "XM": "张三"}))
	w.ready()
	w.knowing()
	ask := func() *reply { return w.get("/v1/lookup/person.partial/"+zhang, "key-RS-GLJT", "GLJT") }
	eventually(t, "it is there", func() bool { r := ask(); return r.status == http.StatusOK && strings.Contains(r.text, "张三") })

	w.stop()
	w.changed("person.partial")
	w.serve()
	w.ready()
	eventually(t, "the metrics tell of it", func() bool {
		m := w.renewals()
		return m["yiyuan_gateway_renewing_views person.partial"] == 1 && m["yiyuan_gateway_withheld_records person.partial"] == 1 && len(m) == 2
	})
	for range 20 {
		if r := ask(); r.status != http.StatusServiceUnavailable || strings.Contains(r.text, "张") {
			t.Fatalf("before it has come again: %d %s", r.status, r.text)
		}
	}
	eventually(t, "the batch says so of this one", func() bool {
		r := w.post("/v1/lookup", "key-RS-GLJT", "GLJT", map[string]any{"view": "person.partial", "keys": []string{zhang}})
		if strings.Contains(r.text, "张") {
			t.Fatalf("in a batch: %s", r.text)
		}
		return r.status == http.StatusOK && strings.Contains(r.text, `"found":false,"error":"YIYUAN-5031"`)
	})
	if r := w.verify(zhang, map[string]string{"XM": "张三", "HJDZ": "x"}); r.status != http.StatusOK {
		t.Errorf("another view: %d %s", r.status, r.text)
	}
	w.publish(nil, person("person.partial", "张*", 2, "now"))
	eventually(t, "it has come again", func() bool { r := ask(); return r.status == http.StatusOK && strings.Contains(r.text, "张*") })
	w.publish(nil, under("before", w.shared("person.partial", zhang, 3, nil)))
	eventually(t, "it is gone", func() bool { return ask().status == http.StatusServiceUnavailable })
	undecided := func(what string) {
		t.Helper()
		for _, key := range []string{zhang, li} {
			if r := w.get("/v1/lookup/person.partial/"+key, "key-RS-GLJT", "GLJT"); r.code() != "YIYUAN-5031" {
				t.Errorf("%s: %d %s", what, r.status, r.text)
			}
		}
	}
	undecided("while others may not have come again yet, a deletion is not known to be one")
	w.renewed("route", contract.Raw("GA01"), "now")
	w.renewed("resolve.person", contract.Claims("person"), "before")
	undecided("the step that makes it is of before")
	w.renewed("resolve.person", contract.Claims("person"), "now")
	eventually(t, "all has come again", func() bool { return ask().status == http.StatusNotFound })
	if m := w.renewals(); len(m) > 0 {
		t.Errorf("afterwards the metrics tell of %v", m)
	}
	// What the cache had of the view as it was goes by itself.
	kept := func(view string) (n int) {
		keys, err := w.raw.Keys(t.Context(), "*:"+view+":*").Result()
		must(t, err)
		for _, k := range keys {
			if !strings.HasSuffix(k, ":u") {
				n++
			}
		}
		return n
	}
	eventually(t, "nothing is kept of the view as it was", func() bool {
		if w.mini != nil {
			w.mini.FastForward(time.Second) // it has no clock
		}
		return kept("person.partial") == 0
	})
	if kept("person.partial~1") == 0 || kept("person.verify") == 0 {
		t.Error("what the views show now went, too")
	}
}

// renewals are the samples that tell of views that are not whole.
func (w *world) renewals() map[string]float64 {
	w.t.Helper()
	families, err := w.gather.Gather()
	must(w.t, err)
	out := map[string]float64{}
	for _, f := range families {
		if n := f.GetName(); n == "yiyuan_gateway_renewing_views" || n == "yiyuan_gateway_withheld_records" {
			for _, m := range f.GetMetric() {
				out[n+" "+m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
			}
		}
	}
	return out
}

// TestEvidenceWithheld: of a finding that was published while its evidence was shown otherwise
// no value is shown until it has come again, open or closed; all else of it is.
func TestEvidenceWithheld(t *testing.T) {
	w := start(t)
	w.stop()
	w.cat.Lineage = schemas.Lineage{Evidence: map[string]schemas.Known{"XV-08/stale": {Step: 1, Versions: map[string]bool{"now": true}}}}
	opened := time.UnixMilli(1_790_000_000_000)
	w.publish(nil, under("before", w.finding("open", "open", zhang, opened)), under("before", w.finding("closed", "closed", zhang, opened)), under("now", w.finding("other", "open", li, opened)))
	w.serve()
	w.ready()
	eventually(t, "findings are folded", func() bool { return w.get("/v1/findings", supervisor, "").body["total"] == float64(3) })
	shows := func(r *reply) bool {
		return strings.Contains(r.text, "1985年") || strings.Contains(r.text, `"20"`) || strings.Contains(r.text, "539902")
	}
	for _, id := range []string{"open", "closed"} {
		for _, r := range []*reply{w.get("/v1/findings/"+id, supervisor, ""), w.get("/v1/findings?state="+id+"&subject="+w.keys.Token("finding", zhang), supervisor, "")} {
			if r.status != http.StatusOK || shows(r) || !strings.Contains(r.text, `"owner_title":"公安局"`) || !strings.Contains(r.text, `"field":"CSRQ"`) || strings.Count(r.text, `"***"`) != 3 {
				t.Errorf("%s: %d %s", id, r.status, r.text)
			}
		}
	}
	if r := w.get("/v1/findings/other", supervisor, ""); !shows(r) {
		t.Errorf("one that is shown as it was: %s", r.text)
	}
	w.publish(nil, under("now", w.finding("open", "open", zhang, opened)))
	eventually(t, "it has come again", func() bool { return shows(w.get("/v1/findings/open", supervisor, "")) })
}

// renewed says of a step that it has published all again, in every partition of its input.
func (w *world) renewed(step string, input contract.Topic, catalogue string) {
	w.t.Helper()
	partitions, err := w.bus.Partitions(w.t.Context(), input)
	if err != nil {
		w.t.Fatal(err)
	}
	for p := range partitions {
		w.publish(nil, bus.Record{Topic: contract.Bus, Partition: bus.ByKey, Key: []byte(contract.RenewedKey(step, int32(p))), Value: []byte(`{"catalogue":"` + catalogue + `"}`)})
	}
}

// TestWithheldIsNoOracle: while a view has records that are withheld, it is answered alike of
// one of them and of who is not there: in status, headers and body, in every operation and
// at whatever cost. A verification says as much of a record that is shown and does not match.
func TestWithheldIsNoOracle(t *testing.T) {
	w := start(t, func(c *gateway.Config) { c.Negatives = quota.Limits{Minute: 9, Hour: 9, Day: 9} })
	const wang = "53990219850312003X"
	w.changed("person.partial", "person.verify", "person.explain")
	w.stop()
	verifiable := func(key string) bus.Record {
		return w.verifiable("person.verify", key, 1, map[string]string{"GMSFHM": key, "XM": "张三", "HJDZ": "云岭市岭东区一街道1号"})
	}
	w.publish(nil, under("before", w.shared("person.partial", zhang, 1, map[string]schemas.Value{"XM": schemas.Text("张三")})), under("before", verifiable(zhang)),
		under("before", w.shared("person.explain", zhang, 1, map[string]schemas.Value{})), under("now", verifiable(wang)))
	w.renewed("route", contract.Raw("GA01"), "now") // but for a row that its catalogue refuses
	w.renewed("resolve.person", contract.Claims("person"), "now")
	w.serve(func(c *gateway.Config) { c.Negatives = quota.Limits{Minute: 9, Hour: 9, Day: 9} })
	w.ready()
	lookup := func(key string) *reply { return w.get("/v1/lookup/person.partial/"+key, "key-RS-GLJT", "GLJT") }
	verify := func(key string) *reply {
		return w.verify(key, map[string]string{"XM": "李四", "HJDZ": "云岭市岭东区一街道2号"})
	}
	alike := func(name string, ask func(key string) *reply, keys ...string) {
		t.Helper()
		var first string
		for i, key := range append(keys, li) {
			r := ask(key)
			got := w.told(r, key)
			if r.code() != "YIYUAN-5031" && !strings.Contains(r.text, `"found":false,"error":"YIYUAN-5031"`) {
				t.Errorf("%s: answered %s", name, got)
			}
			if i == 0 {
				first = got
			} else if got != first {
				t.Errorf("%s: answered\n%s, and otherwise\n%s", name, first, got)
			}
		}
	}
	for range 2 { // a second time none of it costs more of one than of the other
		alike("lookup", lookup, zhang)
		alike("lookup by body", func(key string) *reply {
			return w.post("/v1/lookup/person.partial", "key-RS-GLJT", "GLJT", map[string]any{"key": key})
		}, zhang)
		alike("batch", func(key string) *reply {
			return w.post("/v1/lookup", "key-RS-GLJT", "GLJT", map[string]any{"view": "person.partial", "keys": []string{key}})
		}, zhang)
		alike("explain", func(key string) *reply {
			return w.post("/v1/explain/person", supervisor, "SUPERVISE", map[string]any{"key": key})
		}, zhang)
		alike("verify", verify, zhang, wang)
	}
	if r := w.verify(wang, map[string]string{"XM": "张三", "HJDZ": "云岭市岭东区一街道1号"}); r.body["match"] != true {
		t.Errorf("what matches: %s", r.text)
	}
	for _, key := range []string{zhang, wang, li} { // all were charged alike
		if r := verify(key); r.code() != "YIYUAN-5031" {
			t.Errorf("the seventh to ninth verification that fails: %s", r.text)
		}
	}
	if r := verify(li); r.code() != "YIYUAN-4292" {
		t.Errorf("the tenth: %s", r.text)
	}

	w.publish(nil, under("now", w.shared("person.partial", zhang, 2, map[string]schemas.Value{"XM": schemas.Text("张*")})))
	eventually(t, "when the last one has come again, who is not there is not there", func() bool {
		r := lookup(li)
		if r.status == http.StatusNotFound && lookup(zhang).status != http.StatusOK {
			t.Fatal("not there is said before everybody has come again")
		}
		return r.status == http.StatusNotFound
	})
}

// told is all that a caller sees of an answer, but for what is of its own: the key that it
// wrote, and what numbers each answer.
func (w *world) told(r *reply, key string) string {
	w.t.Helper()
	header := r.header.Clone()
	header.Del("Date")
	text := strings.ReplaceAll(r.text, key, "KEY")
	for _, member := range []string{"request_id", "audit_id", "nonce", "as_of"} {
		if value, ok := r.body[member].(string); ok {
			text = strings.ReplaceAll(text, value, strings.Repeat("#", len(value)))
		}
	}
	header.Set("X-Request-Id", strings.Repeat("#", len(header.Get("X-Request-Id"))))
	return fmt.Sprint(r.status, header, len(r.text), text)
}
