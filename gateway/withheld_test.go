package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// TestWithheld: what was published of a view while it showed more than it does is not
// answered, masked as it says to be or not, nor taken for absent, until it has come again;
// also what the cache still has of it. Views that did not change go on being answered.
func TestWithheld(t *testing.T) {
	w := start(t)
	under := func(version string, r bus.Record) bus.Record {
		r.Headers = append(r.Headers, bus.Header{Key: contract.Catalogue, Value: []byte(version)})
		return r
	}
	person := func(view, name string, version uint64, cat string) bus.Record {
		return under(cat, w.shared(view, zhang, version, map[string]schemas.Value{"GMSFHM": schemas.Text("539902************"), "XM": schemas.Text(name)}))
	}
	w.publish([]string{"GA01"}, person("person.partial", "张三", 1, "before"), w.verifiable("person.verify", zhang, 1, map[string]string{"GMSFHM": zhang, "XM": "张三"}))
	w.ready()
	w.knowing()
	ask := func() *reply { return w.get("/v1/lookup/person.partial/"+zhang, "key-RS-GLJT", "GLJT") }
	eventually(t, "it is there", func() bool { r := ask(); return r.status == http.StatusOK && strings.Contains(r.text, "张三") })

	w.stop()
	known := map[string]schemas.Known{}
	for _, v := range w.cat.Views() {
		known[v.ID] = schemas.Known{}
	}
	known["person.partial"] = schemas.Known{Step: 1, Versions: map[string]bool{"now": true}}
	w.cat.Lineage = schemas.Lineage{Known: known}
	w.serve()
	w.ready()
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
	eventually(t, "a deletion is one under every catalogue", func() bool { return ask().status == http.StatusNotFound })
}
