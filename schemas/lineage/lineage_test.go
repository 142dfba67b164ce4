package lineage_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/lineage"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// city is the sample city in another version, changed.
func city(t *testing.T, version string, changes ...func(*schemas.Catalogue)) *schemas.Catalogue {
	t.Helper()
	c, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	c.Version = version
	for _, change := range changes {
		change(c)
	}
	c.Index()
	return c
}

func view(t *testing.T, c *schemas.Catalogue, id string) *schemas.View {
	t.Helper()
	v, err := c.View(id)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func mask(id, field, mask string) func(*schemas.Catalogue) {
	return func(c *schemas.Catalogue) {
		v, _ := c.View(id)
		for i := range v.Fields {
			if v.Fields[i].Name == field {
				v.Fields[i].Mask = mask
			}
		}
	}
}

func without(id string) func(*schemas.Catalogue) {
	return func(c *schemas.Catalogue) {
		is := func(v *schemas.View) bool { return v.ID == id }
		for _, d := range c.Datasets {
			d.Views = slices.DeleteFunc(d.Views, is)
		}
		for _, e := range c.Entities {
			e.Views = slices.DeleteFunc(e.Views, is)
		}
	}
}

// of makes the lineage of the last of some catalogues, each in force after the one before.
func of(past ...*schemas.Catalogue) schemas.Lineage {
	byVersion := map[string]*schemas.Catalogue{}
	applied := make([]contract.Applied, len(past))
	for i, c := range past {
		applied[i].Version = c.Version
		byVersion[c.Version] = c
	}
	return lineage.Of(past[len(past)-1], applied, func(a contract.Applied) (*schemas.Catalogue, error) {
		if c := byVersion[a.Version]; c != nil && c.City.Region != "" {
			return c, nil
		}
		return nil, errors.New("unreadable")
	})
}

func TestBelieves(t *testing.T) {
	const id = "person.partial"
	a, masked, b := city(t, "a"), city(t, "b", mask(id, "XM", "suppress")), city(t, "c")
	for name, c := range map[string]struct {
		past     []*schemas.Catalogue
		step     int
		believed []string // of a, b, c and one that nobody knows
	}{
		"one":                 {[]*schemas.Catalogue{a}, 0, []string{"a", "b", "c", "?"}},
		"nothing of it":       {[]*schemas.Catalogue{a, b}, 0, []string{"a", "b", "c", "?"}},
		"a mask":              {[]*schemas.Catalogue{a, masked}, 1, []string{"b"}},
		"a mask, and back":    {[]*schemas.Catalogue{a, masked, b}, 2, []string{"c"}},
		"back to the same":    {[]*schemas.Catalogue{a, masked, a}, 2, []string{"a"}},
		"not there":           {[]*schemas.Catalogue{a, city(t, "b", without(id)), b}, 2, []string{"c"}},
		"before it was so":    {[]*schemas.Catalogue{masked, a, b}, 1, []string{"a", "c"}},
		"one cannot be read":  {[]*schemas.Catalogue{a, {Version: "b"}, b}, 2, []string{"c"}},
		"a field that is new": {[]*schemas.Catalogue{city(t, "a", func(c *schemas.Catalogue) { v, _ := c.View(id); v.Fields = v.Fields[:len(v.Fields)-1] }), b}, 0, []string{"a", "b", "c", "?"}},
		"the kind of an element": {[]*schemas.Catalogue{city(t, "a", func(c *schemas.Catalogue) {
			e, _ := c.Entity("person")
			changed := *e.Field("XM").Element
			changed.Kind = "text"
			e.Field("XM").Element = &changed
		}), b}, 1, []string{"c"}},
		"a level": {[]*schemas.Catalogue{city(t, "a", func(c *schemas.Catalogue) { e, _ := c.Entity("person"); e.Field("XM").Level = "L1" }), b}, 1, []string{"c"}},
	} {
		l := of(c.past...)
		if got := l.Known[id].Step; got != c.step {
			t.Errorf("%s: step %d, want %d", name, got, c.step)
		}
		for _, version := range []string{"a", "b", "c", "?"} {
			if got, want := l.Believes(id, version), slices.Contains(c.believed, version); got != want {
				t.Errorf("%s: a record of %q is believed: %v, want %v", name, version, got, want)
			}
		}
		if name == "a mask" {
			for _, other := range []string{"person.clear", "person.verify", "GA01.partial", "person.explain"} {
				if view(t, a, other); !l.Believes(other, "a") {
					t.Errorf("%s: %s is not believed either", name, other)
				}
			}
		}
		if name == "the kind of an element" && l.Believes("person.explain", "a") {
			t.Errorf("%s: explanations are believed", name)
		}
	}
}

func TestWithdrawn(t *testing.T) {
	a, b, c := city(t, "a"), city(t, "b", without("person.clear")), city(t, "c", without("person.clear"), without("GA01.partial"))
	l := of(a, b, c)
	for version, want := range map[string][]string{
		"a": {"GA01.partial", "person.clear"}, "b": {"GA01.partial"}, "c": nil,
		"?": {"GA01.partial", "person.clear"}, // one of before the history
	} {
		var got []string
		for _, v := range l.Left(version) {
			got = append(got, v.ID)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("left of %q: %q, want %q", version, got, want)
		}
	}
	if l := of(a, b, a); len(l.Left("b")) > 0 || len(l.Left("a")) > 0 {
		t.Error("a view that has returned is taken back")
	}
	if l := of(a); len(l.Left("?")) > 0 || !(&schemas.Lineage{}).Believes("x", "") {
		t.Error("without a history nothing is taken back, and all is believed")
	}
}
