package resolve_test

import (
	"testing"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/lineage"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// TestFindingsAreRecast: findings whose values were shown otherwise are said again under
// another catalogue, though what they say is the same, a closed one without its values; and
// what is shown as it was is not said again.
func TestFindingsAreRecast(t *testing.T) {
	for name, change := range map[string]struct {
		of        func(*schemas.Element)
		open, end string // value of the name in the open finding, in the closed one; "" = not said again
	}{
		"nothing":         {func(*schemas.Element) {}, "", ""},
		"a level":         {func(e *schemas.Element) { e.Level = "L1" }, "李*", "***"},
		"a stronger mask": {func(e *schemas.Element) { e.Mask = schemas.MaskSuppress }, "***", "***"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCity(t)
			before := c.Catalogue.Version
			take(t, c, "GA01 GMSFHM=539902198503120013 XM=张三 CSRQ=1985-03-12 XBDM=1", "RS01 GMSFHM=539902198503120013 TYSHXYDM=91539900MADE00011B XM=李四",
				"GA01 GMSFHM=539902198503120021 XM=王五 CSRQ=1985-03-12 XBDM=2", "RS01 GMSFHM=539902198503120021 TYSHXYDM=91539900MADE00011B XM=王四",
				"RS01 GMSFHM=539902198503120021 TYSHXYDM=91539900MADE00011B XM=王五")
			c.Drain()
			cat, err := manifest.Load(yunling.Files())
			if err != nil {
				t.Fatal(err)
			}
			cat.Version = "another12345"
			e, err := cat.Element("person_name")
			if err != nil {
				t.Fatal(err)
			}
			change.of(e)
			cat.Lineage = lineage.Of(cat, []contract.Applied{{Version: before}, {Version: cat.Version}}, func(contract.Applied) (*schemas.Catalogue, error) { return c.Catalogue, nil })
			renewed(t, c, "person", cat)
			for again := range 2 {
				out, err := c.Resolve["person"].Renew()
				if err != nil {
					t.Fatal(err)
				}
				said := map[string]bus.Record{}
				for _, r := range out {
					if r.Topic != contract.Findings {
						continue
					}
					f, err := c.Decode(r.Value)
					if err != nil {
						t.Fatal(err)
					}
					if said[f.Get("state").Str()].Value != nil {
						t.Errorf("two findings are said to be %s", f.Get("state").Str())
					}
					said[f.Get("state").Str()] = r
				}
				for state, want := range map[string]string{"open": change.open, "closed": change.end} {
					r := said[state]
					if again > 0 || want == "" {
						if r.Value != nil {
							t.Errorf("round %d: the %s finding is said again", again, state)
						}
						continue
					}
					if r.Value == nil || string(r.Header(contract.Catalogue)) != cat.Period() {
						t.Errorf("the %s finding is not said under the catalogue in force", state)
						continue
					}
					f, err := c.Decode(r.Value)
					if err != nil {
						t.Fatal(err)
					}
					found := false
					for _, p := range f.Get("evidence").Records() {
						found = found || p.Get("dataset").Str() == "RS01" && p.Get("value_masked").Str() == want
					}
					if !found {
						t.Errorf("the %s finding does not show %q: %v", state, want, f.Get("evidence").Records())
					}
				}
			}
		})
	}
}
