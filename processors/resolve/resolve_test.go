package resolve_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/processors/resolve"
	"github.com/yiyuan-bus/yiyuan/processors/route"
	"github.com/yiyuan-bus/yiyuan/processors/stagetest"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// take feeds story lines, one batch each.
func take(t testing.TB, c *stagetest.City, lines ...string) {
	t.Helper()
	for _, line := range lines {
		r, err := c.Change(line)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Take(r); err != nil {
			t.Fatal(err)
		}
	}
}

// topics lists the topics of records, each once, in order; "-" before one that
// was only emptied.
func topics(records []bus.Record) string {
	var names []string
	for _, r := range records {
		name := string(r.Topic)
		if r.Value == nil {
			name = "-" + name
		}
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

// renewed puts the stage of another catalogue over the state of a city's step.
func renewed(t *testing.T, c *stagetest.City, entity string, cat *schemas.Catalogue) {
	t.Helper()
	s, err := resolve.New(cat, c.Codec, newKeys(t), entity).Stage()
	if err != nil {
		t.Fatal(err)
	}
	c.Resolve[entity].Stage = s
}

// another is the city's catalogue in another version, without rule XV-03.
func another(t *testing.T) *schemas.Catalogue {
	t.Helper()
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	cat.Version = "another12345"
	cat.Rules = slices.DeleteFunc(cat.Rules, func(r *schemas.Rule) bool { return r.ID == "XV-03" })
	return cat
}

// Under another catalogue an entity is computed afresh when it is next touched:
// every view is emitted again, a rule that is gone takes its finding with it,
// and the timer of an untouched entity does no harm.
func TestCatalogueChanged(t *testing.T) {
	c := newCity(t)
	take(t, c, "GA01 GMSFHM=539902198503120013 XM=张三 CSRQ=1985-03-12 XBDM=1", "RS01 GMSFHM=539902198503120013 TYSHXYDM=91539900MADE00011B XM=李四")
	c.Drain()
	cat := another(t)
	renewed(t, c, "person", cat)
	take(t, c, "ZJ02 GMSFHM=539902198503120013 TYSHXYDM=91539900MADE00011B")
	var out []bus.Record
	for _, r := range c.Drain() {
		if strings.HasPrefix(string(r.Topic), "shared.person") || r.Topic == contract.Findings || strings.HasPrefix(string(r.Topic), "resolved") {
			out = append(out, r)
			if string(r.Header("cat")) != "another12345" {
				t.Errorf("record of %s has header cat %q", r.Topic, r.Header("cat"))
			}
		}
	}
	got := topics(out)
	for _, want := range []string{"resolved.person", "shared.person.explain", "shared.person.partial", "shared.person.clear", "shared.person.verify", "-findings"} {
		if !strings.Contains(" "+got+" ", " "+want+" ") {
			t.Errorf("after the change %s was not emitted; emitted: %s", want, got)
		}
	}
	// Once is enough.
	take(t, c, "ZJ02 GMSFHM=539902198503120013 TYSHXYDM=91539900MADE00011B JCJS=2")
	for _, r := range c.Drain() {
		if strings.HasPrefix(string(r.Topic), "shared.person") {
			t.Errorf("%s is emitted again", r.Topic)
		}
	}
}

// A new definition of an aggregate is counted anew from the stored rows.
func TestAggregateRedefined(t *testing.T) {
	c := newCity(t)
	take(t, c, "SW02 TYSHXYDM=91539900MADE00011B SSQ=202601 SBRS=1",
		"RS01 GMSFHM=539902198503120013 TYSHXYDM=91539900MADE00011B XM=张三 CBZTDM=1",
		"RS01 GMSFHM=539902198503120021 TYSHXYDM=91539900MADE00011B XM=张三 CBZTDM=3",
		"RS01 GMSFHM=53990219850312003X TYSHXYDM=91539900MADE00011B XM=张三 CBZTDM=3")
	if err := c.Advance(start.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if n := openFindings(t, c); n != 0 {
		t.Fatalf("%d findings are open, want none", n)
	}
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	e, err := cat.Entity("enterprise")
	if err != nil {
		t.Fatal(err)
	}
	cat.Version, e.Aggregates[0].Where = "another12345", "" // all rows count: three insured, one declared
	renewed(t, c, "enterprise", cat)
	take(t, c, "SW01 TYSHXYDM=91539900MADE00011B")
	if err := c.Advance(start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n := openFindings(t, c); n != 1 {
		t.Errorf("%d findings are open, want one", n)
	}
}

func openFindings(t *testing.T, c *stagetest.City) int {
	t.Helper()
	final, err := c.Final(c.Out, contract.Findings)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range final {
		if f.Get("state").Str() == "open" && f.Get("rule").Str() == "XV-12" {
			n++
		}
	}
	return n
}

// Claims that cannot be read go to quarantine and their neighbours pass; a
// registry that cannot be reached stops the step instead.
func TestBadClaims(t *testing.T) {
	c := newCity(t)
	good := func() bus.Record {
		r, err := c.Change("GA01 GMSFHM=539902198503120013 XM=张三 CSRQ=1985-03-12 XBDM=1")
		if err != nil {
			t.Fatal(err)
		}
		out, err := c.Route.Process(r)
		if err != nil {
			t.Fatal(err)
		}
		return out[0]
	}()
	w, err := c.Codec.Writer(context.Background(), "claims.person-value", contract.ClaimLayout)
	if err != nil {
		t.Fatal(err)
	}
	bad := func(m claim.Claim) bus.Record {
		value, err := w.Append(nil, m.Record())
		if err != nil {
			t.Fatal(err)
		}
		return bus.Record{Topic: "claims.person", Key: good.Key, Value: value, Time: start}
	}
	batch := []bus.Record{
		{Topic: "claims.person", Key: good.Key, Value: []byte("canary"), Time: start},
		{Topic: "claims.person", Key: good.Key, Time: start},
		bad(claim.Claim{Dataset: "XX99", Row: "r", Value: "canary"}),
		bad(claim.Claim{Dataset: "GA01", Row: "r", Value: "canary"}),
		bad(claim.Claim{Dataset: "GA01", Row: "r", Value: "\x00\x00\x00\xff\xffcanary"}),
		good,
	}
	for i := range batch {
		batch[i].Offset = int64(i)
	}
	out, err := c.Resolve["person"].Process(batch...)
	if err != nil {
		t.Fatal(err)
	}
	rejected := 0
	for _, r := range out {
		if r.Topic != contract.Quarantine {
			continue
		}
		rejected++
		if strings.Contains(string(r.Value)+string(r.Key), "canary") {
			t.Error("quarantine quotes the claim")
		}
	}
	if got := topics(out); rejected != 5 || !strings.Contains(got, "resolved.person") {
		t.Errorf("%d of 5 bad claims are in quarantine; emitted %s", rejected, got)
	}

	down := &failing{Registry: c.Registry, down: errors.New("registry down")}
	d, err := stagetest.NewDriver(resolve.New(c.Catalogue, codec.New(down), newKeys(t), "person"), start)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Process(good); !errors.Is(err, down.down) {
		t.Errorf("Process with a registry that is down = %v, want its error", err)
	}
}

type failing struct {
	codec.Registry
	down error
}

func (f *failing) Schema(context.Context, int) (string, error) { return "", f.down }

// Once all claims are gone an entity is forgotten after a week, and its number
// with it.
func TestForgotten(t *testing.T) {
	c := newCity(t)
	c.Forget(start) // also which datasets are complete, which is kept for good
	take(t, c, "GA01 GMSFHM=539902198503120013 XM=张三 CSRQ=1985-03-12 XBDM=1", "GA01 d GMSFHM=539902198503120013")
	if n := c.Resolve["person"].Keys(); n != 1 {
		t.Errorf("%d keys after the claims are gone, want the head", n)
	}
	if err := c.Advance(start.Add(8 * 24 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n, m := c.Resolve["person"].Keys(), c.Route.Keys(); n != 0 || m != 0 {
		t.Errorf("%d and %d keys a week later, want none", n, m)
	}
	if next := c.Resolve["person"].Next(); !next.IsZero() {
		t.Errorf("a timer is left at %s", next)
	}
}

// TestCanary plants a name, a number, a telephone, an address and a plate in every
// dataset that has such a field, breaks rules with them, and looks for them in
// every key and value of every topic that may not show them.
func TestCanary(t *testing.T) {
	const number, name, phone, road, plate = "539902198503120013", "金丝雀", "19900007777", "金丝路77号", "云Z77777"
	c := newCity(t)
	for _, d := range c.Catalogue.Datasets {
		line := d.ID
		for _, f := range d.Fields {
			value, ok := map[string]string{
				"id_number": number, "person_name": name, "phone": phone, "address": "云岭市岭东区东关街道" + road, "plate": plate,
			}[f.Element.Kind]
			switch {
			case ok:
				line += fmt.Sprintf(" %s=%s", f.Name, value)
			case f.Element.Kind == "text" || f.Element.Kind == "identifier" || f.Element.Kind == "uscc":
				line += fmt.Sprintf(" %s=%s", f.Name, map[string]string{"uscc": "91539900MADE00012B"}[f.Element.Kind]+strings.Repeat("Q", map[bool]int{true: 0, false: 4}[f.Element.Kind == "uscc"]))
			}
		}
		take(t, c, line)
	}
	if err := c.Advance(start.Add(1000 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	clear := shownClear(c.Catalogue)
	seen := map[string]bool{}
	for _, r := range c.Out {
		topic := string(r.Topic)
		seen[strings.SplitN(topic, ".", 2)[0]] = true
		if strings.HasPrefix(topic, "resolved.") {
			continue // the golden record itself
		}
		for kind, canary := range map[string]string{"id_number": number, "person_name": name, "phone": phone, "address": road, "plate": plate} {
			if !clear[topic+" "+kind] && strings.Contains(string(r.Key)+"\x00"+string(r.Value), canary) {
				t.Errorf("%s shows the planted %s", topic, kind)
			}
		}
	}
	for _, family := range []string{"resolved", "shared", "findings"} {
		if !seen[family] {
			t.Errorf("nothing was emitted to %s", family)
		}
	}
}

// shownClear lists "topic kind" for views that show a field of that kind clear.
func shownClear(cat *schemas.Catalogue) map[string]bool {
	clear := make(map[string]bool)
	note := func(view *schemas.View, fields []schemas.ViewField, element func(name string) *schemas.Element) {
		for _, f := range fields {
			if e := element(f.Name); f.Mask == "" && e != nil {
				clear["shared."+view.ID+" "+e.Kind] = true
			}
		}
	}
	of := func(d *schemas.Dataset) func(string) *schemas.Element {
		return func(name string) *schemas.Element { return d.Fields[d.Layout.Index(name)].Element }
	}
	for _, d := range cat.Datasets {
		for _, v := range d.Views {
			note(v, v.Fields, of(d))
		}
	}
	for _, e := range cat.Entities {
		for _, f := range e.Fields {
			if f.Element.Mask == "" && f.Level == "L1" {
				clear["shared."+e.ID+"."+schemas.ExplainView+" "+f.Element.Kind] = true // public by its element
			}
		}
		for _, v := range e.Views {
			note(v, v.Fields, func(name string) *schemas.Element {
				if f := e.Field(name); f != nil {
					return f.Element
				}
				return e.Key.Element
			})
			for _, b := range v.Embed {
				note(v, b.Fields, of(b.Dataset))
			}
		}
	}
	return clear
}

// A mask that fails drops its field and is counted, by both steps: here the age
// of somebody who is not born yet.
func TestMaskFailuresAreCounted(t *testing.T) {
	c := newCity(t)
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"GA01.partial", "person.partial"} {
		v, err := cat.View(id)
		if err != nil {
			t.Fatal(err)
		}
		for i := range v.Fields {
			if v.Fields[i].Name == "CSRQ" {
				v.Fields[i].Mask = "age"
			}
		}
	}
	reg := prometheus.NewRegistry()
	m := processors.NewMetrics(reg)
	stage := func(step processors.Step) processors.Stage {
		m.Watch(step.Masks)
		s, err := step.Stage()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	c.Route.Stage = stage(route.New(cat, c.Codec, newKeys(t)))
	c.Resolve["person"].Stage = stage(resolve.New(cat, c.Codec, newKeys(t), "person"))
	take(t, c, "GA01 GMSFHM=539902198503120013 XM=张三 CSRQ=2026-03-02 XBDM=1 @at=2026-03-01T02:00:00Z")
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]bool{}
	for _, f := range families {
		for _, one := range f.GetMetric() {
			if f.GetName() == "yiyuan_processors_mask_failures_total" && one.GetCounter().GetValue() > 0 {
				var labels []string
				for _, l := range one.GetLabel() {
					labels = append(labels, l.GetName()+"="+l.GetValue())
				}
				counted[strings.Join(labels, " ")] = true
			}
		}
	}
	for _, view := range []string{"GA01.partial", "person.partial"} {
		if !counted["field=CSRQ view="+view] || len(counted) != 2 {
			t.Errorf("%s is not counted: %v", view, counted)
		}
	}
}

// Check finds what is wrong with a catalogue before any step runs.
func TestCheck(t *testing.T) {
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	if err := resolve.Check(cat, newKeys(t)); err != nil {
		t.Fatal(err)
	}
	cat.Rules[0].Cases[0].When = "nonsense("
	if err := resolve.Check(cat, newKeys(t)); err == nil || !strings.Contains(err.Error(), "XV-01") {
		t.Errorf("Check of a broken rule = %v, want its name", err)
	}
}
