package resolve_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors/route"
	"github.com/yiyuan-bus/yiyuan/processors/stagetest"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/lineage"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// ages is a city whose catalogue is changed.
type ages struct {
	*stagetest.City
	past   []contract.Applied
	loaded map[string]*schemas.Catalogue
}

func newAges(t *testing.T) *ages {
	c := newCity(t)
	v := c.Catalogue.Version
	return &ages{City: c, past: []contract.Applied{{Version: v}}, loaded: map[string]*schemas.Catalogue{v: c.Catalogue}}
}

// applied puts the city's own catalogue, or one without the housing fund, in force.
func (a *ages) applied(t *testing.T, version string, with bool, at time.Time) *schemas.Catalogue {
	t.Helper()
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	cat.Version = version
	if !with {
		about := func(r *schemas.Rule) bool {
			return slices.ContainsFunc(r.Cases, func(c *schemas.Case) bool {
				return slices.ContainsFunc(c.Inputs, func(in string) bool { return strings.HasPrefix(in, "ZJ02") || in == "agg.funded" })
			})
		}
		cat.Rules, cat.CodeRules = slices.DeleteFunc(cat.Rules, about), slices.DeleteFunc(cat.CodeRules, about)
		cat.Datasets = slices.DeleteFunc(cat.Datasets, func(d *schemas.Dataset) bool { return d.ID == "ZJ02" })
		e, err := cat.Entity("enterprise")
		if err != nil {
			t.Fatal(err)
		}
		e.Aggregates = slices.DeleteFunc(e.Aggregates, func(g *schemas.Aggregate) bool { return g.Dataset == "ZJ02" })
		cat.Index()
	}
	a.past = append(a.past, contract.Applied{Version: version, Taken: at})
	a.loaded[version] = cat
	cat.Lineage = lineage.Of(cat, a.past, func(p contract.Applied) (*schemas.Catalogue, error) { return a.loaded[p.Version], nil })
	return cat
}

// run has the steps run under a catalogue.
func (a *ages) run(t *testing.T, cat *schemas.Catalogue) {
	t.Helper()
	s, err := route.New(cat, a.Codec, newKeys(t)).Stage()
	if err != nil {
		t.Fatal(err)
	}
	a.Route.Stage, a.Catalogue = s, cat
	for _, e := range cat.Entities {
		renewed(t, a.City, e.ID, cat)
	}
}

// kept lists in whose state a text stands.
func (a *ages) kept(text string) (in []string) {
	for name, d := range map[string]*stagetest.Driver{"route": a.Route, "person": a.Resolve["person"], "enterprise": a.Resolve["enterprise"]} {
		for key, value := range d.State() {
			if strings.Contains(key, text) || strings.Contains(value, text) {
				in = append(in, name)
				break
			}
		}
	}
	slices.Sort(in)
	return in
}

const (
	funded    = "ZJ02 GMSFHM=539902198503120013 TYSHXYDM=91539900MADE00011B JCZTDM=1 DWMC=金丝雀公司"
	secondOne = "ZJ02 GMSFHM=539902198503120021 TYSHXYDM=91539900MADE00011B JCZTDM=1 DWMC=金丝雀公司"
)

// TestDatasetLeaves: of a dataset that leaves the catalogue nothing stays in the state of
// any step, and nothing is there when it comes back, until its sources bring it.
func TestDatasetLeaves(t *testing.T) {
	a := newAges(t)
	take(t, a.City, funded, "GA01 GMSFHM=539902198503120013 XM=张三 CSRQ=1985-03-12 XBDM=1")
	if err := a.Complete("ZJ02", "GA01"); err != nil {
		t.Fatal(err)
	}
	if in := a.kept("金丝雀"); len(in) != 3 {
		t.Fatalf("before: kept by %q", in)
	}
	a.Drain()
	a.run(t, a.applied(t, "without00001", false, time.Time{}))
	if err := a.City.Renew(); err != nil {
		t.Fatal(err)
	}
	if in := a.kept("金丝雀"); len(in) > 0 {
		t.Errorf("its rows are kept by %q", in)
	}
	for _, r := range a.Drain() {
		if r.Topic == contract.Quarantine {
			t.Error("a retraction is in quarantine")
		}
	}
	if err := a.Advance(a.Now().Add(8 * 24 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	if in := a.kept("ZJ02"); len(in) > 0 {
		t.Errorf("a week later its name is kept by %q", in)
	}
	a.run(t, a.applied(t, "with00000002", true, time.Time{}))
	a.Drain()
	if err := a.City.Renew(); err != nil {
		t.Fatal(err)
	}
	if said := of("ZJ02", a.Drain()); len(said) > 0 {
		t.Errorf("when it returns %q is said", said)
	}
	take(t, a.City, secondOne)
	if said := of("ZJ02", a.Drain()); !slices.Contains(said, "shared.ZJ02.partial") {
		t.Errorf("a row that comes then says %q", said)
	}
}

// of lists the topics of a dataset in which something is shown.
func of(dataset string, out []bus.Record) (topics []string) {
	for _, r := range out {
		if r.Value != nil && strings.HasPrefix(string(r.Topic), "shared."+dataset+".") {
			topics = append(topics, string(r.Topic))
		}
	}
	return topics
}

// TestDatasetReturnsUnseen: it is the same where no step has run while the dataset was
// away: what is kept is of nobody, in whichever order it is found to be.
func TestDatasetReturnsUnseen(t *testing.T) {
	for name, touch := range map[string]string{"renewed": "", "a row comes first": secondOne, "the row comes again": funded, "an elder one comes late": funded + " @seq=1 JCJS=1.00", "what it leaves out": funded + " @keep=DWMC"} {
		t.Run(name, func(t *testing.T) {
			a := newAges(t)
			take(t, a.City, funded)
			if err := a.Complete("ZJ02"); err != nil {
				t.Fatal(err)
			}
			shown := map[string]bool{}
			note := func() {
				for _, r := range a.Drain() {
					if strings.HasPrefix(string(r.Topic), "shared.ZJ02.") {
						shown[string(r.Topic)+string(r.Key)] = r.Value != nil
					}
				}
			}
			note()
			a.applied(t, "without00001", false, time.Time{})
			a.run(t, a.applied(t, "with00000002", true, time.Time{}))
			want := 0
			if touch != "" {
				take(t, a.City, touch)
				if !strings.Contains(name, "late") && !strings.Contains(touch, "@keep") { // what it leaves out must be there
					want = 2 // views
				}
			}
			if err := a.City.Renew(); err != nil {
				t.Fatal(err)
			}
			note()
			stand := 0
			for _, is := range shown {
				if is {
					stand++
				}
			}
			if stand != want {
				t.Errorf("%d records stand, want %d", stand, want)
			}
			if in := a.kept("金丝雀"); (len(in) > 0) != (want > 0) {
				t.Errorf("its rows are kept by %q", in)
			}
		})
	}
}

// TestRowsOfBefore: what lies in the raw topic from before the dataset came back is of
// nobody, if the step comes to it only then.
func TestRowsOfBefore(t *testing.T) {
	a := newAges(t)
	back := a.Now().Add(time.Hour)
	a.applied(t, "without00001", false, a.Now())
	a.run(t, a.applied(t, "with00000002", true, back))
	for _, c := range []struct {
		taken time.Time
		want  bool
	}{{back.Add(-time.Millisecond), false}, {back, true}} {
		r, err := a.Change(funded)
		if err != nil {
			t.Fatal(err)
		}
		r.Taken = c.taken
		if err := a.Take(r); err != nil {
			t.Fatal(err)
		}
		if got := len(a.kept("金丝雀")) > 0; got != c.want {
			t.Errorf("a row of %s, while the dataset is back since %s, is taken: %v", c.taken, back, got)
		}
	}
}

// TestCopyOfBefore: that a copy was complete before its dataset left is no copy now.
func TestCopyOfBefore(t *testing.T) {
	for name, seen := range map[string]bool{"renewed without it": true, "not": false} {
		a := newAges(t)
		take(t, a.City, funded)
		if err := a.Complete("ZJ02"); err != nil {
			t.Fatal(err)
		}
		without := a.applied(t, "without00001", false, time.Time{})
		if seen {
			a.run(t, without)
			if err := a.City.Renew(); err != nil {
				t.Fatal(err)
			}
		}
		a.run(t, a.applied(t, "with00000002", true, time.Time{}))
		if err := a.City.Renew(); err != nil {
			t.Fatal(err)
		}
		for _, r := range a.Drain() {
			if r.Header(contract.ControlHeader) != nil {
				t.Errorf("%s: the copy of before is passed on", name)
			}
		}
		before := a.Resolve["person"].State()["m"]
		if err := a.Complete("ZJ02"); err != nil {
			t.Fatal(err)
		}
		if after := a.Resolve["person"].State()["m"]; after == before {
			t.Errorf("%s: a copy that is complete then changes nothing: that of before counted", name)
		}
	}
}

// TestTracesOfADataset: what route has lost is no claim any more either, and nobody waits
// for a dataset that there is no more.
func TestTracesOfADataset(t *testing.T) {
	a := newAges(t)
	take(t, a.City, funded, "GA01 GMSFHM=539902198503120013 XM=张三 CSRQ=1985-03-12 XBDM=1")
	var err error
	if a.Route, err = stagetest.NewDriver(route.New(a.Catalogue, a.Codec, newKeys(t)), a.Now()); err != nil {
		t.Fatal(err)
	}
	a.Resolve["person"].Set("qZJ02\x00539902198503120013", []byte{1})
	a.run(t, a.applied(t, "without00001", false, time.Time{}))
	if err := a.City.Renew(); err != nil {
		t.Fatal(err)
	}
	for key, value := range a.Resolve["person"].State() {
		if strings.Contains(key, "ZJ02") || strings.Contains(value, "金丝雀") {
			t.Errorf("person keeps %q", key)
		}
	}
}

// TestCopyBeforeItIsRenewed: a copy that is complete before the step has come to what it
// kept of before is passed on once it has.
func TestCopyBeforeItIsRenewed(t *testing.T) {
	a := newAges(t)
	take(t, a.City, funded)
	if err := a.Complete("ZJ02"); err != nil {
		t.Fatal(err)
	}
	a.applied(t, "without00001", false, time.Time{})
	a.run(t, a.applied(t, "with00000002", true, time.Time{}))
	before := a.Resolve["person"].State()["m"]
	a.Route.Stale = true
	if err := a.Complete("ZJ02"); err != nil {
		t.Fatal(err)
	}
	a.Route.Stale = false
	if err := a.City.Renew(); err != nil {
		t.Fatal(err)
	}
	if a.Resolve["person"].State()["m"] == before {
		t.Error("it is not passed on")
	}
}
