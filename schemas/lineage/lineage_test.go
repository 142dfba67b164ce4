package lineage_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

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

// rows lets a view show so many of the rows that it embeds, 0 = it is not said.
func rows(id string, most int) func(*schemas.Catalogue) {
	return func(c *schemas.Catalogue) { v, _ := c.View(id); v.Embed[0].Max = most }
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
		"back to the same":    {[]*schemas.Catalogue{a, masked, a}, 2, []string{"a@2"}},
		"not there":           {[]*schemas.Catalogue{a, city(t, "b", without(id)), b}, 2, []string{"c"}},
		"before it was so":    {[]*schemas.Catalogue{masked, a, b}, 1, []string{"a", "c"}},
		"one cannot be read":  {[]*schemas.Catalogue{a, {Version: "b"}, b}, 2, []string{"c"}},
		"a field that is new": {[]*schemas.Catalogue{city(t, "a", func(c *schemas.Catalogue) { v, _ := c.View(id); v.Fields = v.Fields[:len(v.Fields)-1] }), b}, 0, []string{"a", "b", "c", "?"}},
		"fewer rows":          {[]*schemas.Catalogue{a, city(t, "b", rows(id, 5))}, 1, []string{"b"}},
		"as many, and said":   {[]*schemas.Catalogue{city(t, "a", rows(id, 0)), city(t, "b", rows(id, 100))}, 0, []string{"a", "b", "c", "?"}},
		"the kind of an element": {[]*schemas.Catalogue{city(t, "a", func(c *schemas.Catalogue) {
			e, _ := c.Entity("person")
			changed := *e.Field("XM").Element
			changed.Kind = "text"
			e.Field("XM").Element = &changed
		}), b}, 1, []string{"c"}},
		"the name of a district": {[]*schemas.Catalogue{city(t, "a", func(c *schemas.Catalogue) {
			c.City.Regions = slices.Clone(c.City.Regions)
			c.City.Regions[0].Name += "和平路1号"
		}), b}, 1, []string{"c"}},
		"the code of a district": {[]*schemas.Catalogue{city(t, "a", func(c *schemas.Catalogue) {
			c.City.Regions = slices.Clone(c.City.Regions)
			c.City.Regions[0].Code = "539909"
		}), b}, 0, []string{"a", "b", "c", "?"}},
		"a level": {[]*schemas.Catalogue{city(t, "a", func(c *schemas.Catalogue) { e, _ := c.Entity("person"); e.Field("XM").Level = "L1" }), b}, 1, []string{"c"}},
	} {
		l := of(c.past...)
		if got := l.Known[id].Step; got != c.step {
			t.Errorf("%s: step %d, want %d", name, got, c.step)
		}
		for _, version := range []string{"a", "b", "c", "?", "a@2"} {
			if version == "a@2" && name != "back to the same" {
				continue // there was no such period
			}
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

// TestLost: where a catalogue began once more because topics were lost, nothing of before is
// believed of what stood in them, and all of the rest.
func TestLost(t *testing.T) {
	now := city(t, "a")
	l := lineage.Of(now, []contract.Applied{{Version: "a"}, {Version: "a", Lost: []contract.Topic{contract.Shared("person.partial"), contract.Findings}}, {Version: "a", Lost: []contract.Topic{contract.Shared("GA01.partial")}}},
		func(contract.Applied) (*schemas.Catalogue, error) { return now, nil })
	evidence := schemas.CaseName("XV-01", now.Rules[slices.IndexFunc(now.Rules, func(r *schemas.Rule) bool { return r.ID == "XV-01" })].Cases[0].ID)
	for period, want := range map[string][4]bool{"a": {false, false, true, false}, "a@1": {true, false, true, true}, "a@2": {true, true, true, true}} {
		got := [4]bool{l.Believes("person.partial", period), l.Believes("GA01.partial", period), l.Believes("person.clear", period), l.BelievesEvidence(evidence, period)}
		if got != want {
			t.Errorf("of %q is believed %t, want %t", period, got, want)
		}
	}
	last := lineage.Of(now, []contract.Applied{{Version: "a"}, {Version: "a", Lost: []contract.Topic{contract.Findings, contract.Shared("person.partial")}}},
		func(contract.Applied) (*schemas.Catalogue, error) { return now, nil })
	if !last.BelievesEvidence(evidence, "a@1") || last.BelievesEvidence(evidence, "a") || !last.Believes("person.partial", "a@1") || last.Believes("person.partial", "a") {
		t.Error("what is published since the last loss is not believed, or what was before is")
	}
	if l.Step != 2 || l.StoredAs("person.partial") != "person.partial~1" || l.StoredAs("person.clear") != "person.clear" {
		t.Errorf("step %d, stored as %s, %s", l.Step, l.StoredAs("person.partial"), l.StoredAs("person.clear"))
	}
}

// TestBelievesEvidence: the evidence of a finding is believed of the catalogues since which
// its case shows of every value what it shows now.
func TestBelievesEvidence(t *testing.T) {
	element := func(id string, change func(*schemas.Element)) func(*schemas.Catalogue) {
		return func(c *schemas.Catalogue) {
			e, err := c.Element(id)
			if err != nil {
				t.Fatal(err)
			}
			change(e)
		}
	}
	evidence := func(rule string, change func([]string) []string) func(*schemas.Catalogue) {
		return func(c *schemas.Catalogue) {
			for _, r := range c.Rules {
				if r.ID == rule {
					r.Cases[0].Evidence = change(r.Cases[0].Evidence)
				}
			}
		}
	}
	suppress := func(e *schemas.Element) { e.Mask = "suppress" }
	names := func(c *schemas.Catalogue, rule string) (out []string) {
		for _, r := range slices.Concat(c.Rules, c.CodeRules) {
			for _, one := range r.Cases {
				if r.ID == rule || rule == "" {
					out = append(out, schemas.CaseName(r.ID, one.ID))
				}
			}
		}
		return out
	}
	base := func(c *schemas.Catalogue) {
		evidence("XV-04", func(all []string) []string { return append(slices.Clone(all), "golden.SWRQ") })(c)
		e, _ := c.Entity("enterprise")
		e.Aggregates[0].Sum = "JFJS" // of RS01
	}
	now := city(t, "now", base)
	for name, c := range map[string]struct {
		before  func(*schemas.Catalogue)
		changed []string // rules
		same    []string
	}{
		"nothing":                 {func(*schemas.Catalogue) {}, nil, []string{"XV-01", "XV-03", "XV-16"}},
		"the mask of a field":     {element("person_name", suppress), []string{"XV-03"}, []string{"XV-01", "XV-11"}},
		"the mask of the subject": {element("id_number", suppress), []string{"XV-01", "XV-03"}, []string{"XV-12"}},
		"a field's level":         {func(c *schemas.Catalogue) { d, _ := c.Dataset("RS01"); d.Field("XM").Level = "L1" }, []string{"XV-03"}, []string{"XV-01"}},
		"a golden field's level":  {func(c *schemas.Catalogue) { e, _ := c.Entity("person"); e.Field("SWRQ").Level = "L1" }, []string{"XV-04"}, []string{"XV-03"}},
		"what is summed":          {func(c *schemas.Catalogue) { d, _ := c.Dataset("RS01"); d.Field("JFJS").Level = "L1" }, []string{"XV-12"}, []string{"XV-03"}},
		"more was shown":          {evidence("XV-03", func(all []string) []string { return append(slices.Clone(all), "GA01.CSRQ") }), []string{"XV-03"}, []string{"XV-01"}},
		"less was shown":          {evidence("XV-03", func(all []string) []string { return all[:1] }), nil, []string{"XV-03"}},
		"there was no such rule": {func(c *schemas.Catalogue) {
			c.Rules = slices.DeleteFunc(c.Rules, func(r *schemas.Rule) bool { return r.ID == "XV-03" })
		}, []string{"XV-03"}, []string{"XV-01"}},
		"another town's name":    {func(c *schemas.Catalogue) { c.City.Regions[0].Towns = []string{"别镇"} }, []string{"XV-16"}, []string{"XV-01", "XV-03"}},
		"another city's numbers": {func(c *schemas.Catalogue) { c.City.Region = "110000" }, []string{"XV-01", "XV-12"}, nil},
	} {
		l := of(city(t, "before", base, c.before), now)
		check := func(rules []string, want bool) {
			for _, rule := range rules {
				believed := 0
				for _, one := range names(now, rule) {
					if l.BelievesEvidence(one, "before") {
						believed++
					}
					if !l.BelievesEvidence(one, "now") {
						t.Errorf("%s: what %s shows now is not believed", name, one)
					}
				}
				if all := len(names(now, rule)); want && believed != all || !want && believed == all {
					t.Errorf("%s: %d of %d cases of %s are believed, want all: %v", name, believed, all, rule, want)
				}
			}
		}
		check(c.changed, false)
		check(c.same, true)
		if l.BelievesEvidence("XV-99/gone", "before") {
			t.Errorf("%s: what nobody knows is believed", name)
		}
	}
	if !(&schemas.Lineage{}).BelievesEvidence("XV-99/gone", "") {
		t.Error("without a history not all is believed")
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
	gone := l.Gone()
	if len(gone) != 2 || gone[0].ID != "GA01.partial" || gone[1].ID != "person.clear" {
		t.Errorf("%d are gone, want each of the two once, in their order", len(gone))
	}
	if l := of(a, b, a); len(l.Left("b")) > 0 || len(l.Left("a")) > 0 {
		t.Error("a view that has returned is taken back")
	}
	if l := of(a); len(l.Left("?")) > 0 || !(&schemas.Lineage{}).Believes("x", "") {
		t.Error("without a history nothing is taken back, and all is believed")
	}
}

// TestVoid: what was said by a link until a time without it is nothing any more, also under
// a catalogue that has come back as it was, and what was said since is.
func TestVoid(t *testing.T) {
	unlinked := func(c *schemas.Catalogue) {
		d, _ := c.Dataset("RS01")
		d.Links = slices.DeleteFunc(slices.Clone(d.Links), func(l schemas.Link) bool { return l.Entity == "person" })
	}
	a, b, gone := city(t, "a"), city(t, "b"), city(t, "gone", unlinked)
	entityless := city(t, "entityless", func(c *schemas.Catalogue) {
		c.Entities = slices.DeleteFunc(c.Entities, func(e *schemas.Entity) bool { return e.ID == "person" })
	})
	rs, ga := schemas.LinkName{Entity: "person", Dataset: "RS01"}, schemas.LinkName{Entity: "person", Dataset: "GA01"}
	for name, c := range map[string]struct {
		past []*schemas.Catalogue
		void map[schemas.LinkName][]string
	}{
		"never away":       {[]*schemas.Catalogue{a, b}, nil},
		"away":             {[]*schemas.Catalogue{a, gone, b}, map[schemas.LinkName][]string{rs: {"a", "gone@1"}}},
		"back as it was":   {[]*schemas.Catalogue{a, gone, a}, map[schemas.LinkName][]string{rs: {"a", "gone@1"}}},
		"with its entity":  {[]*schemas.Catalogue{a, entityless, b}, map[schemas.LinkName][]string{rs: {"a", "entityless@1"}, ga: {"a", "entityless@1"}}},
		"one unreadable":   {[]*schemas.Catalogue{a, {Version: "x"}, b}, map[schemas.LinkName][]string{rs: {"a", "x@1"}, ga: {"a", "x@1"}}},
		"before the first": {[]*schemas.Catalogue{gone, a, b}, map[schemas.LinkName][]string{rs: {"gone"}}},
	} {
		l := of(c.past...)
		for _, link := range []schemas.LinkName{rs, ga} {
			for _, period := range []string{"", "?", "a", "b@2", "a@2", "gone", "gone@1", "entityless@1", "x@1"} {
				if strings.HasPrefix(period, "gone@") != slices.Contains(c.past, gone) && strings.Contains(period, "gone") {
					continue
				}
				if !slices.ContainsFunc(c.past, func(p *schemas.Catalogue) bool {
					return period == "" || period[0] == '?' || strings.HasPrefix(period, p.Version)
				}) {
					continue
				}
				if got, want := l.Void(link, period), slices.Contains(c.void[link], period); got != want {
					t.Errorf("%s: what %s said until %q is void: %v, want %v", name, link.Dataset, period, got, want)
				}
			}
		}
	}
}

// TestDatasetsLeaveAndReturn: of a dataset that was away all is void that was said until
// then; a catalogue that cannot be read is not taken to have lacked it.
func TestDatasetsLeaveAndReturn(t *testing.T) {
	gone := func(c *schemas.Catalogue) {
		c.Datasets = slices.DeleteFunc(c.Datasets, func(d *schemas.Dataset) bool { return d.ID == "ZJ02" })
	}
	a, without, back, last := city(t, "a"), city(t, "b", gone), city(t, "c"), city(t, "d")
	name := schemas.LinkName{Dataset: "ZJ02"}
	for what, c := range map[string]struct {
		past []*schemas.Catalogue
		void []string
		back int // its place in past, 0 = it never left
	}{
		"never away":         {[]*schemas.Catalogue{a, back}, nil, 0},
		"away":               {[]*schemas.Catalogue{a, without, back}, []string{"a", "b", "b@1"}, 2},
		"away, long ago":     {[]*schemas.Catalogue{a, without, back, last}, []string{"a", "b", "b@1"}, 2},
		"it came only later": {[]*schemas.Catalogue{without, a, back}, []string{"b"}, 0},
		"one cannot be read": {[]*schemas.Catalogue{a, {Version: "b"}, back}, nil, 0},
	} {
		byVersion, applied := map[string]*schemas.Catalogue{}, make([]contract.Applied, len(c.past))
		for i, cat := range c.past {
			applied[i] = contract.Applied{Version: cat.Version, Taken: time.UnixMilli(int64(i))}
			byVersion[cat.Version] = cat
		}
		l := lineage.Of(c.past[len(c.past)-1], applied, func(p contract.Applied) (*schemas.Catalogue, error) {
			if cat := byVersion[p.Version]; cat.City.Region != "" {
				return cat, nil
			}
			return nil, errors.New("unreadable")
		})
		for _, period := range []string{"a", "b", "b@1", "c@2", "?", ""} {
			if got, want := l.Void(name, period), slices.Contains(c.void, period); got != want {
				t.Errorf("%s: what was said in %q is void: %v, want %v", what, period, got, want)
			}
		}
		if at, has := l.Back["ZJ02"]; has != (c.back > 0) || has && at.UnixMilli() != int64(c.back) {
			t.Errorf("%s: back since %v, %v; want as of %d", what, at, has, c.back)
		}
		if l.Void(schemas.LinkName{Dataset: "GA01"}, "a") || len(l.Lost) > 0 {
			t.Errorf("%s: another is void, or lost: %v", what, l.Lost)
		}
	}
	if l := of(a, without); l.Lost["ZJ02"] == nil || len(l.Lost) != 1 {
		t.Errorf("lost are %v, want ZJ02", l.Lost)
	}
}
