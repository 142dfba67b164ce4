package plan

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// TestStepsOfViews: a plan says of which views records are withheld, and of which taken back.
func TestStepsOfViews(t *testing.T) {
	t.Parallel()
	m := small(t)
	edit(t, m, "datasets/GA01.yaml", "  partial: {mask: {HJDZ: district}}\n", "  partial: {mask: {HJDZ: suppress}}\n")
	edit(t, m, "datasets/GA01.yaml", "  clear: {}\n", "")
	var got []string
	for _, s := range Make(load(t, small(t)), load(t, m)).Steps {
		if s.Kind == "withheld" || s.Kind == "withdrawn" {
			got = append(got, s.Kind+" "+s.Of)
		}
	}
	if want := []string{"withheld GA01.partial", "withdrawn GA01.clear"}; !slices.Equal(got, want) {
		t.Errorf("steps %q, want %q", got, want)
	}
	m = small(t)
	edit(t, m, "elements.yaml", "kind: person_name, level: L2, mask: partial", "kind: person_name, level: L2, mask: suppress")
	if steps := Make(load(t, small(t)), load(t, m)).Steps; !slices.ContainsFunc(steps, func(s Step) bool { return s.Kind == "withheld" && s.Of == "XV-08" }) ||
		slices.ContainsFunc(steps, func(s Step) bool { return s.Of == "XV-12" }) {
		t.Errorf("of the evidence of XV-08, and of it alone, it is to be said that it is withheld: %v", steps)
	}
}

// TestHistoryBinds: what is refused in one step is refused in two, by what was once in
// force; what was in force before may come back as it was, and another name is free.
func TestHistoryBinds(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 1, 2, 3, 0, time.UTC)
	add := func(key, element string) func(testing.TB, fstest.MapFS) {
		return func(_ testing.TB, m fstest.MapFS) {
			text := "dataset: ZZ01\ntitle: 试验\nprovider: MZ\ncode: 101020003/000009\nclass: A\ncycle: daily\nkey: " + key + "\nentities: [{entity: person, key: GMSFHM}]\nfields:\n" +
				"  - {name: GMSFHM, element: id_number}\n  - {name: RQ, element: date}\n"
			if element != "" {
				text += "  - {name: BZ, element: " + element + ", nullable: true}\n"
			}
			m["datasets/ZZ01.yaml"] = &fstest.MapFile{Data: []byte(text + "views:\n  partial: {}\n")}
		}
	}
	without := add("[GMSFHM]", "")
	gone := func(_ testing.TB, m fstest.MapFS) { delete(m, "datasets/ZZ01.yaml") }
	for name, c := range map[string]struct {
		once, now, next func(testing.TB, fstest.MapFS)
		refused         string // "" = nothing is
	}{
		"a dataset with another key": {add("[GMSFHM, RQ]", "identifier"), gone, add("[GMSFHM]", "identifier"), "曾为 GMSFHM|RQ"},
		"a field of another type":    {add("[GMSFHM]", "identifier"), without, add("[GMSFHM]", "date"), "不兼容"},
		"as it was":                  {add("[GMSFHM]", "identifier"), gone, add("[GMSFHM]", "identifier"), ""},
		"a field as it was":          {add("[GMSFHM]", "identifier"), without, add("[GMSFHM]", "identifier"), ""},
		"another department's": {add("[GMSFHM]", "identifier"), gone, func(t testing.TB, m fstest.MapFS) {
			add("[GMSFHM]", "identifier")(t, m)
			edit(t, m, "datasets/ZZ01.yaml", "provider: MZ", "provider: GA")
		}, "曾由 MZ 提供"},
		"the code of another": {add("[GMSFHM]", "identifier"), gone, func(t testing.TB, m fstest.MapFS) {
			add("[GMSFHM]", "identifier")(t, m)
			m["datasets/ZZ02.yaml"] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(string(m["datasets/ZZ01.yaml"].Data), "ZZ01", "ZZ02"))}
			delete(m, "datasets/ZZ01.yaml")
		}, "曾属于 ZZ01"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := func(change func(testing.TB, fstest.MapFS)) Past {
				m := small(t)
				change(t, m)
				return Past{load(t, m), at}
			}
			once, now, next := made(c.once), made(c.now), made(c.next)
			if p := Make(now.Catalogue, next.Catalogue, once, now); c.refused == "" && len(p.Refused) > 0 || c.refused != "" && !strings.Contains(lines(p), c.refused) {
				t.Errorf("want refused %q:\n%s", c.refused, lines(p))
			} else if c.refused != "" && !strings.Contains(lines(p), "2026-03-01 09:02:03") {
				t.Errorf("it is not said since when:\n%s", lines(p))
			}
			if p := Make(now.Catalogue, next.Catalogue, now); len(p.Refused) > 0 {
				t.Errorf("refused without what was once in force:\n%s", lines(p))
			}
		})
	}
}

// TestStepsOfEntities: of an entity that goes as a whole nothing is taken back, and a plan
// does not promise it.
func TestStepsOfEntities(t *testing.T) {
	t.Parallel()
	old, next := load(t, small(t)), load(t, small(t))
	next.Entities = slices.DeleteFunc(next.Entities, func(e *schemas.Entity) bool { return e.ID == "person" })
	next.Version = "without"
	next.Index()
	kinds := map[string][]string{}
	for _, s := range Make(old, next).Steps {
		kinds[s.Kind] = append(kinds[s.Kind], s.Of)
	}
	if !slices.Contains(kinds["left"], "person.partial") || slices.Contains(kinds["withdrawn"], "person.partial") {
		t.Errorf("left %q, taken back %q", kinds["left"], kinds["withdrawn"])
	}
}

// TestStepsOfDatasets: of a dataset that goes a plan says what becomes of its rows, and of
// one that comes back that they do not, with the command that brings them.
func TestStepsOfDatasets(t *testing.T) {
	t.Parallel()
	with, without := load(t, small(t)), load(t, small(t))
	without.Datasets = slices.DeleteFunc(without.Datasets, func(d *schemas.Dataset) bool { return d.ID == "GA01" })
	without.Version = "without"
	without.Index()
	said := func(p *Plan, kind string) (text string) {
		for _, s := range p.Steps {
			if s.Kind == kind && s.Of == "GA01" {
				text += s.Chinese + s.English
			}
		}
		return text
	}
	if got := said(Make(with, without), "emptied"); !strings.Contains(got, "raw topic alone stays") {
		t.Errorf("when it goes: %q", got)
	}
	if got := said(Make(without, with), "returned"); got != "" {
		t.Errorf("when it is new: %q", got)
	}
	if got := said(Make(without, with, Past{Catalogue: with}, Past{Catalogue: without}), "returned"); !strings.Contains(got, "yiyuan source resync") {
		t.Errorf("when it comes back: %q", got)
	}
}
