package gateway_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// another is the sample city as a later catalogue has it.
func another(t *testing.T, version string, change func(*schemas.Catalogue)) *schemas.Catalogue {
	t.Helper()
	c, err := manifest.Load(yunling.Files())
	must(t, err)
	c.Version = version
	if change != nil {
		change(c)
	}
	c.Index()
	return c
}

// withoutViews takes views of persons away.
func withoutViews(names ...string) func(*schemas.Catalogue) {
	return func(c *schemas.Catalogue) {
		e, _ := c.Entity("person")
		e.Views = slices.DeleteFunc(e.Views, func(v *schemas.View) bool { return slices.Contains(names, v.Name) })
	}
}

// TestFormerCatalogue: once another catalogue is in force, of views that it has not any more
// or shows otherwise nobody is said not to be there, no verification is answered with no, and
// what is found is stale, until the gateway is started again. Of all others it goes on.
func TestFormerCatalogue(t *testing.T) {
	w := start(t)
	var all []string
	for _, d := range w.cat.Datasets {
		all = append(all, d.ID)
	}
	w.publish(all, w.shared("person.partial", zhang, 1, map[string]schemas.Value{"GMSFHM": schemas.Text("539902************"), "XM": schemas.Text("张**")}),
		w.verifiable("person.verify", zhang, 1, map[string]string{"GMSFHM": zhang, "XM": "张三", "CSRQ": "1985-03-12", "HJDZ": "云岭市岭东区一街道1号"}))
	w.ready()
	lookup := func(view, key string) *reply {
		if view == "RS01.partial" {
			key += "%7C" + firm
		}
		return w.get("/v1/lookup/"+view+"/"+key, supervisor, "SUPERVISE")
	}
	claim := func(name string) *reply {
		return w.verify(zhang, map[string]string{"XM": name, "HJDZ": "云岭市岭东区一街道1号"})
	}
	fresh := func(when string, views ...string) {
		t.Helper()
		for _, view := range views {
			eventually(t, when+": of "+view+" absence is known, as of now", func() bool {
				r := lookup(view, li)
				return r.status == http.StatusNotFound && r.body["stale"] == false
			})
		}
	}
	unknown := func(when string, views ...string) {
		t.Helper()
		for _, view := range views {
			r := lookup(view, li)
			if r.status != http.StatusServiceUnavailable || r.code() != "YIYUAN-5031" || !strings.Contains(r.text, "重新启动网关") || !strings.Contains(r.text, "started again") {
				t.Errorf("%s: absence of %s is answered %d %s", when, view, r.status, r.text)
			}
			if e := w.entry(r); e.Reason != "former_catalogue" || e.Status != http.StatusServiceUnavailable {
				t.Errorf("%s: audited as %+v", when, e)
			}
		}
	}
	verbose := func() string { return w.get("/readyz?verbose", "", "").text }
	away := func() bool { return strings.Contains(w.get("/v1/flow", supervisor, "").text, `"part":"catalogue"`) }
	comes := func(c *schemas.Catalogue) {
		t.Helper()
		select {
		case w.next <- c:
		case <-t.Context().Done():
		}
		version := "unreadable"
		if c != nil {
			version = c.Version
		}
		eventually(t, "the prober is told of "+version, func() bool { return strings.Contains(verbose(), version+" is in force") })
		if !away() {
			t.Errorf("%s: who watches is not told", version)
		}
		if r := w.get("/readyz", "", ""); r.status != http.StatusOK || r.text != "ok\n" {
			t.Errorf("%s: ready %d %s", version, r.status, r.text)
		}
	}
	fresh("at first", "person.partial", "GA01.partial", "RS01.partial")
	eventually(t, "the record is there, and fresh", func() bool { return lookup("person.partial", zhang).body["stale"] == false })
	if r := claim("张三"); r.body["match"] != true || r.body["stale"] != false {
		t.Fatalf("what is true is answered %d %s", r.status, r.text)
	}
	if away() || verbose() != "ok\n" {
		t.Errorf("told of another catalogue before there is one: %s", verbose())
	}

	comes(another(t, "titles", func(c *schemas.Catalogue) { v, _ := c.View("person.partial"); v.Title = "别的标题" }))
	fresh("another title", "person.partial", "GA01.partial")

	comes(another(t, "fewer", withoutViews("partial", "verify")))
	unknown("a view is gone", "person.partial")
	fresh("a view of others is gone", "GA01.partial", "RS01.partial")
	if r := lookup("person.partial", zhang); r.status != http.StatusOK || r.body["stale"] != true || r.body["as_of"] != nil {
		t.Errorf("who is there is answered %d %s", r.status, r.text)
	}
	r := w.post("/v1/lookup", supervisor, "SUPERVISE", map[string]any{"view": "person.partial", "keys": []string{li, zhang}})
	if r.status != http.StatusOK || r.body["stale"] != true || !strings.Contains(r.text, `"found":false,"error":"YIYUAN-5031"`) || !strings.Contains(r.text, `"found":true`) {
		t.Errorf("a batch is answered %d %s", r.status, r.text)
	}
	if r := claim("张三"); r.body["match"] != true || r.body["stale"] != true {
		t.Errorf("what was true is answered %d %s", r.status, r.text)
	}
	if r := claim("李四"); r.code() != "YIYUAN-5031" || !strings.Contains(r.text, "重新启动网关") {
		t.Errorf("what was not true is answered %d %s", r.status, r.text)
	}

	comes(another(t, "back", nil)) // its records were taken back, and may not all have come again
	unknown("the view is back", "person.partial")

	comes(another(t, "otherwise", func(c *schemas.Catalogue) {
		v, _ := c.View("GA01.partial")
		v.Fields = slices.DeleteFunc(v.Fields, func(f schemas.ViewField) bool { return f.Name == "XM" })
	}))
	unknown("a field of another is gone", "person.partial", "GA01.partial")
	fresh("one stays", "RS01.partial")

	comes(nil)
	unknown("it cannot be read", "person.partial", "GA01.partial", "RS01.partial")
}
