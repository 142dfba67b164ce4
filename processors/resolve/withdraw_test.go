package resolve_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/lineage"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// TestWithdraw: of views that the catalogue has no more what stands about an entity is taken
// back, when it is renewed or, before that, with its last claim; afterwards no more is said.
func TestWithdraw(t *testing.T) {
	c := newCity(t)
	before := c.Catalogue.Version
	stands := map[string]map[string]bool{}
	note := func() (taken int) {
		for _, r := range c.Drain() {
			taken += standing(stands, r)
		}
		return taken
	}
	take(t, c, "GA01 GMSFHM=539902198503120013 XM=张三 CSRQ=1985-03-12 XBDM=1", "GA01 GMSFHM=539902198503120021 XM=王五 CSRQ=1985-03-12 XBDM=2")
	note()
	if len(stands["person.clear"]) != 2 || len(stands["person.verify"]) != 2 {
		t.Fatalf("before: %v", stands)
	}
	cat := another(t)
	person, err := cat.Entity("person")
	if err != nil {
		t.Fatal(err)
	}
	person.Views = slices.DeleteFunc(person.Views, func(v *schemas.View) bool { return v.Name == "clear" || v.Name == "verify" })
	cat.Index()
	cat.Lineage = lineage.Of(cat, []contract.Applied{{Version: before}, {Version: cat.Version}}, func(contract.Applied) (*schemas.Catalogue, error) { return c.Catalogue, nil })
	renewed(t, c, "person", cat)
	take(t, c, "GA01 d GMSFHM=539902198503120021")
	if taken := note(); taken < 3 {
		t.Errorf("with its last claim %d records were taken back, want clear, verify and partial", taken)
	}
	out, err := c.Resolve["person"].Renew()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range out {
		standing(stands, r)
	}
	if len(stands["person.clear"])+len(stands["person.verify"]) > 0 || len(stands["person.partial"]) != 1 {
		t.Errorf("after: %v", stands)
	}
	take(t, c, "GA01 GMSFHM=539902198503120013 XM=张四 CSRQ=1985-03-12 XBDM=1")
	if taken := note(); taken > 0 {
		t.Errorf("%d records were taken back again", taken)
	}
}

// standing notes what stands in the views of an entity after a record, and returns 1 if
// that took something back.
func standing(stands map[string]map[string]bool, r bus.Record) int {
	view, shared := strings.CutPrefix(string(r.Topic), "shared.")
	if !shared || !strings.HasPrefix(view, "person.") || strings.HasSuffix(view, ".explain") {
		return 0
	}
	if stands[view] == nil {
		stands[view] = map[string]bool{}
	}
	if r.Value != nil {
		stands[view][string(r.Key)] = true
		return 0
	}
	was := stands[view][string(r.Key)]
	delete(stands[view], string(r.Key))
	if was {
		return 1
	}
	return 0
}

// TestLinkReturns: what rows said of an entity before a time in which the catalogue did not
// link them to it is not believed when the link returns, though the catalogue is as it was:
// of rows that were deleted meanwhile the step was not told. Rows that stand are said again.
func TestLinkReturns(t *testing.T) {
	c := newCity(t)
	const zhang, wang = "539902198503120013", "539902198503120021"
	take(t, c, "GA01 GMSFHM="+zhang+" XM=张三 CSRQ=1985-03-12 XBDM=1", "GA01 GMSFHM="+wang+" XM=王五 CSRQ=1985-03-12 XBDM=2")
	stands := map[string]map[string]bool{}
	note := func(out []bus.Record) {
		for _, r := range out {
			standing(stands, r)
		}
	}
	note(c.Drain())
	if len(stands["person.partial"]) != 2 {
		t.Fatalf("before: %v", stands)
	}
	first, away := c.Catalogue, another(t)
	for _, d := range away.Datasets {
		d.Links = slices.DeleteFunc(slices.Clone(d.Links), func(l schemas.Link) bool { return l.Entity == "person" && d.ID == "GA01" })
	}
	back, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	back.Version = first.Version
	past := []contract.Applied{{Version: first.Version}, {Version: away.Version}, {Version: back.Version}}
	back.Lineage = lineage.Of(back, past, func(a contract.Applied) (*schemas.Catalogue, error) {
		return map[string]*schemas.Catalogue{first.Version: first, away.Version: away}[a.Version], nil
	})
	renewed(t, c, "person", back)
	take(t, c, "GA01 GMSFHM="+zhang+" XM=张四 CSRQ=1985-03-12 XBDM=1") // said again, before it is renewed
	note(c.Drain())
	if len(stands["person.partial"]) != 2 {
		t.Errorf("one that is said again: %v", stands["person.partial"])
	}
	out, err := c.Resolve["person"].Renew()
	if err != nil {
		t.Fatal(err)
	}
	note(out)
	for _, view := range []string{"person.partial", "person.clear", "person.verify"} {
		if len(stands[view]) != 1 {
			t.Errorf("%s: %d stand, want the one that was said again", view, len(stands[view]))
		}
	}
	if out, err = c.Resolve["person"].Renew(); err != nil || len(out) > 0 {
		t.Errorf("renewed once more: %d records, %v", len(out), err)
	}
}
