package resolve_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/lineage"
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
