package lineage_test

import (
	"slices"
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/lineage"
)

// TestKept: what of a former catalogue's views the next one publishes as they are.
func TestKept(t *testing.T) {
	t.Parallel()
	then := city(t, "then")
	fields := func(id string, change func([]schemas.ViewField) []schemas.ViewField) func(*schemas.Catalogue) {
		return func(c *schemas.Catalogue) { v := view(t, c, id); v.Fields = change(slices.Clone(v.Fields)) }
	}
	dataset := func(change func(*schemas.Dataset)) func(*schemas.Catalogue) {
		return func(c *schemas.Catalogue) {
			d, err := c.Dataset("GA01")
			if err != nil {
				t.Fatal(err)
			}
			change(d)
		}
	}
	last := func(all []schemas.ViewField) []schemas.ViewField { return all[:len(all)-1] }
	for name, c := range map[string]struct {
		change  func(*schemas.Catalogue)
		differs []string
		kept    []string
	}{
		"nothing":            {func(*schemas.Catalogue) {}, nil, []string{"person.partial", "person.explain", "GA01.partial"}},
		"a view is gone":     {without("person.partial"), []string{"person.partial"}, []string{"person.verify", "GA01.partial"}},
		"a mask":             {mask("person.partial", "XM", "suppress"), []string{"person.partial"}, []string{"person.verify", "GA01.partial"}},
		"a field is gone":    {fields("GA01.partial", last), []string{"GA01.partial"}, []string{"person.partial"}},
		"a field more":       {fields("GA01.partial", func(all []schemas.ViewField) []schemas.ViewField { return append(all, schemas.ViewField{Name: "X"}) }), nil, []string{"GA01.partial"}},
		"an embed is gone":   {func(c *schemas.Catalogue) { view(t, c, "person.partial").Embed = nil }, []string{"person.partial"}, []string{"GA01.partial"}},
		"less of an embed":   {func(c *schemas.Catalogue) { b := &view(t, c, "person.partial").Embed[0]; b.Fields = last(b.Fields) }, []string{"person.partial"}, nil},
		"another department": {dataset(func(d *schemas.Dataset) { d.Provider = &schemas.Department{ID: "MZ"} }), []string{"GA01.partial", "GA01.verify"}, []string{"person.partial"}},
		"another cycle":      {dataset(func(d *schemas.Dataset) { d.Cycle = "daily" }), []string{"GA01.partial"}, nil},
		"a golden field is gone": {func(c *schemas.Catalogue) {
			e, _ := c.Entity("person")
			e.Fields = fewer(e.Fields)
		}, []string{"person.explain"}, []string{"GA01.partial"}},
	} {
		next := city(t, "next", c.change)
		for _, id := range c.differs {
			if lineage.Kept(then, next, view(t, then, id)) {
				t.Errorf("%s: %s is taken to be as it was", name, id)
			}
		}
		for _, id := range c.kept {
			if !lineage.Kept(then, next, view(t, then, id)) {
				t.Errorf("%s: %s is taken to differ", name, id)
			}
		}
	}
}

func fewer(all []*schemas.GoldenField) []*schemas.GoldenField { return all[:len(all)-1] }
