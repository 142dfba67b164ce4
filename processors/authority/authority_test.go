package authority

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// The tests decide over a small entity of their own: datasets A, B and C with
// the fields V (text), W (text) and D (date).
func lab(t testing.TB) (*schemas.Catalogue, *schemas.Entity) {
	t.Helper()
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	text, date := &schemas.Element{ID: "text", Kind: "text", Type: schemas.String}, &schemas.Element{ID: "date", Kind: "date", Type: schemas.Date}
	e := &schemas.Entity{ID: "thing", Key: schemas.EntityKey{Name: "K", Element: text}}
	columns := []schemas.Column{{Name: "K", Type: schemas.String}}
	for i, f := range []struct{ name, group string }{{"V", ""}, {"W", "pair"}, {"D", "pair"}} {
		el := text
		if f.name == "D" {
			el = date
		}
		e.Fields = append(e.Fields, &schemas.GoldenField{Name: f.name, Element: el, Group: f.group, Index: i + 1})
		columns = append(columns, schemas.Column{Name: f.name, Type: el.Type, Nullable: true})
	}
	e.Layout = schemas.MustLayout("yiyuan.resolved", "thing", columns...)
	return cat, e
}

var layout = schemas.MustLayout("yiyuan.raw", "X",
	schemas.Column{Name: "V", Type: schemas.String, Nullable: true},
	schemas.Column{Name: "W", Type: schemas.String, Nullable: true},
	schemas.Column{Name: "D", Type: schemas.Date, Nullable: true},
)

// decisionOf compiles sources of one field or group by hand: datasets of the
// catalogue stand in for A, B and C.
func decisionOf(e *schemas.Entity, field string, ranks ...[]candidate) *Table {
	d := decision{name: field, ranks: ranks}
	for _, f := range e.Fields {
		if f.Name == field || f.Group == field {
			d.fields = append(d.fields, f)
		}
	}
	for i := range ranks {
		d.rules = append(d.rules, fmt.Sprintf("v1 %s/%d", field, i+1))
		for j := range ranks[i] {
			c := &ranks[i][j]
			c.elements = make([]*schemas.Element, len(d.fields))
			c.constant = append(c.constant, make([]schemas.Value, len(d.fields)-len(c.constant))...)
			for n, f := range d.fields {
				c.elements[n] = f.Element
				if len(c.columns) <= n {
					c.columns = append(c.columns, layout.Index(f.Name))
				}
			}
			if c.by == "" {
				c.by = Newest
			}
		}
	}
	return &Table{entity: e, cells: []decision{d}}
}

var datasetA, datasetB = &schemas.Dataset{ID: "A", Layout: layout}, &schemas.Dataset{ID: "B", Layout: layout}

func said(d *schemas.Dataset, key string, at int64, v, w string, day int64) *claim.Row {
	values := []schemas.Value{schemas.Null, schemas.Null, schemas.Null}
	if v != "" {
		values[0] = schemas.Text(v)
	}
	if w != "" {
		values[1] = schemas.Text(w)
	}
	if day != 0 {
		values[2] = schemas.Int(day)
	}
	return claim.NewRow(claim.Claim{Dataset: d.ID, Row: key, At: time.UnixMilli(at)}, d, schemas.NewRecord(layout, values))
}

// story writes a golden record: each cell with its value, source, reason, flag
// and losers.
func story(g Golden) string {
	var parts []string
	for _, c := range g.Cells {
		v := g.Values[c.Field.Index]
		s := fmt.Sprintf("%s=%s%d %s/%s %s%s", c.Field.Name, v.Str(), v.Int64(), c.Dataset.ID, c.Row, c.Reason, c.Flag)
		for _, l := range c.Losers {
			s += fmt.Sprintf(" -%s/%s:%s", l.Dataset.ID, l.Row, l.Reason)
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, "; ")
}

func TestResolve(t *testing.T) {
	_, e := lab(t)
	d := layout.Index("D")
	even := func(r *claim.Row) bool { return r.Value(d).Int64()%2 == 0 }
	tests := map[string]struct {
		table *Table
		rows  []*claim.Row
		want  string
	}{
		"nobody says anything": {decisionOf(e, "V", []candidate{{dataset: datasetA}}), nil, ""},
		"null is not a word":   {decisionOf(e, "V", []candidate{{dataset: datasetA}}, []candidate{{dataset: datasetB}}), []*claim.Row{said(datasetA, "1", 1, "", "w", 1), said(datasetB, "2", 1, "b", "", 0)}, "V=b0 B/2 fallback"},
		"sole":                 {decisionOf(e, "V", []candidate{{dataset: datasetA}}), []*claim.Row{said(datasetA, "1", 1, "a", "", 0)}, "V=a0 A/1 sole"},
		"rank":                 {decisionOf(e, "V", []candidate{{dataset: datasetA}}, []candidate{{dataset: datasetB}}), []*claim.Row{said(datasetA, "1", 1, "a", "", 0), said(datasetB, "2", 9, "b", "", 0)}, "V=a0 A/1 rank -B/2:rank"},
		"agrees":               {decisionOf(e, "V", []candidate{{dataset: datasetA}}, []candidate{{dataset: datasetB}}), []*claim.Row{said(datasetA, "1", 1, "a", "", 0), said(datasetB, "2", 9, "a", "", 0)}, "V=a0 A/1 rank -B/2:agrees"},
		"latest":               {decisionOf(e, "V", []candidate{{dataset: datasetA, by: Latest, on: []int{d}}}), []*claim.Row{said(datasetA, "1", 9, "a", "", 5), said(datasetA, "2", 1, "b", "", 6), said(datasetA, "3", 1, "c", "", 0)}, "V=b0 A/2 latest -A/1:latest -A/3:latest"},
		"latest, equal dates":  {decisionOf(e, "V", []candidate{{dataset: datasetA, by: Latest, on: []int{d}}}), []*claim.Row{said(datasetA, "1", 9, "a", "", 5), said(datasetA, "2", 1, "b", "", 5)}, "V=b0 A/2 latest -A/1:latest"},
		"earliest":             {decisionOf(e, "V", []candidate{{dataset: datasetA, by: Earliest, on: []int{d}}}), []*claim.Row{said(datasetA, "1", 9, "a", "", 5), said(datasetA, "2", 1, "b", "", 6), said(datasetA, "3", 1, "c", "", 5)}, "V=a0 A/1 earliest -A/3:earliest -A/2:earliest"},
		"newest of two sources": {
			decisionOf(e, "V", []candidate{{dataset: datasetA}, {dataset: datasetB}}),
			[]*claim.Row{said(datasetA, "1", 5, "a", "", 0), said(datasetB, "1", 6, "b", "", 0)},
			"V=b0 B/1 newest -A/1:newest",
		},
		"condition": {
			decisionOf(e, "V", []candidate{{dataset: datasetA, where: even}}, []candidate{{dataset: datasetB, flag: "(非权威)"}}),
			[]*claim.Row{said(datasetA, "1", 5, "a", "", 3), said(datasetB, "1", 6, "b", "", 0)},
			"V=b0 B/1 fallback(非权威) -A/1:excluded",
		},
		"the same row in two ranks": {
			decisionOf(e, "V", []candidate{{dataset: datasetA, where: even}}, []candidate{{dataset: datasetA}}),
			[]*claim.Row{said(datasetA, "1", 5, "a", "", 3), said(datasetA, "2", 5, "b", "", 4)},
			"V=b0 A/2 rank -A/1:rank",
		},
		"a group never mixes rows": {
			decisionOf(e, "pair", []candidate{{dataset: datasetA}}, []candidate{{dataset: datasetB}}),
			[]*claim.Row{said(datasetA, "1", 1, "", "w", 0), said(datasetB, "2", 9, "", "x", 7)},
			"W=w0 A/1 rank -B/2:rank",
		},
		"a group falls back as a whole": {
			decisionOf(e, "pair", []candidate{{dataset: datasetA}}, []candidate{{dataset: datasetB}}),
			[]*claim.Row{said(datasetA, "1", 1, "v", "", 0), said(datasetB, "2", 9, "", "x", 7)},
			"W=x0 B/2 fallback; D=7 B/2 fallback",
		},
		"a constant": {
			decisionOf(e, "V", []candidate{{dataset: datasetA, columns: []int{-1}, constant: []schemas.Value{schemas.Text("yes")}}}),
			[]*claim.Row{said(datasetA, "1", 1, "", "", 1)},
			"V=yes0 A/1 constant",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dossier := &claim.Dossier{Entity: e, Key: "k"}
			for _, r := range tt.rows {
				dossier.Put(r)
			}
			g := tt.table.Resolve(dossier)
			if got := story(g); got != tt.want {
				t.Errorf("Resolve = %s, want %s", got, tt.want)
			}
			if g.Exists != (tt.want != "") || g.Values[0].Str() != "k" {
				t.Errorf("Exists = %t, key in place %t", g.Exists, g.Values[0].Str() == "k")
			}
		})
	}
}

// TestOrderNeverMatters: the same claims in any order of arrival, with any
// amount of claims that came and went, give the same record and the same story.
func TestOrderNeverMatters(t *testing.T) {
	_, e := lab(t)
	d := layout.Index("D")
	tables := []*Table{
		decisionOf(e, "V", []candidate{{dataset: datasetA, by: Latest, on: []int{d}}, {dataset: datasetB, by: Latest, on: []int{d}}}),
		decisionOf(e, "V", []candidate{{dataset: datasetA}}, []candidate{{dataset: datasetB, by: Earliest, on: []int{d}}}),
		decisionOf(e, "pair", []candidate{{dataset: datasetB}, {dataset: datasetA}}),
	}
	rapid.Check(t, func(t *rapid.T) {
		var rows []*claim.Row
		for i := range rapid.IntRange(0, 8).Draw(t, "rows") {
			of := rapid.SampledFrom([]*schemas.Dataset{datasetA, datasetB}).Draw(t, "dataset")
			few := rapid.SampledFrom([]string{"", "a", "b"})
			rows = append(rows, said(of, fmt.Sprint(i), rapid.Int64Range(0, 2).Draw(t, "at"), few.Draw(t, "v"), few.Draw(t, "w"), rapid.Int64Range(0, 2).Draw(t, "day")))
		}
		table := rapid.SampledFrom(tables).Draw(t, "table")
		want := ""
		for run := range 3 {
			dossier := &claim.Dossier{Entity: e, Key: "k"}
			for i, r := range rapid.Permutation(rows).Draw(t, "order") {
				dossier.Put(said(datasetA, "gone", int64(i), "gone", "gone", 99))
				dossier.Put(said(r.Dataset, r.Key, 99, "before", "before", 99))
				dossier.Put(r)
			}
			dossier.Remove("A", "", "gone")
			got := story(table.Resolve(dossier))
			if run > 0 && got != want {
				t.Fatalf("Resolve = %s, before %s", got, want)
			}
			want = got
		}
	})
}

// An entity with very many rows tells of the first losers only.
func TestLosersBounded(t *testing.T) {
	_, e := lab(t)
	dossier := &claim.Dossier{Entity: e, Key: "k"}
	for i := range 1000 {
		dossier.Put(said(datasetA, fmt.Sprintf("%04d", i), int64(i), "v", "", 0))
	}
	g := decisionOf(e, "V", []candidate{{dataset: datasetA}}).Resolve(dossier)
	if n := len(g.Cells[0].Losers); n != maxLosers || g.Cells[0].Losers[0].Row != "0998" {
		t.Errorf("%d losers, first %s; want %d, 0998", n, g.Cells[0].Losers[0].Row, maxLosers)
	}
}

func TestCompile(t *testing.T) {
	cat, _ := lab(t)
	e, err := cat.Entity("person")
	if err != nil {
		t.Fatal(err)
	}
	none := func(*schemas.Dataset, string) (Condition, error) { return nil, nil }
	for i := range e.Authority {
		table, err := Compile(cat, e, &e.Authority[i], none)
		if err != nil {
			t.Fatal(err)
		}
		if !table.Reads("GA01", "") || table.Reads("GA01", "x") || table.Reads("SC01", "legal_rep") {
			t.Errorf("table %d reads other claims than it says", i+1)
		}
	}
	for name, c := range map[string]schemas.Candidate{
		"unknown dataset":    {Dataset: "GA99"},
		"unknown column":     {Dataset: "GA01", Columns: map[string]string{"XM": "XMM"}},
		"no such field":      {Dataset: "GA03"},
		"unknown pick":       {Dataset: "GA01", Pick: "random"},
		"unknown pick field": {Dataset: "GA01", Pick: "latest XMM"},
	} {
		_, err := Compile(cat, e, &schemas.AuthorityTable{Sources: map[string][]schemas.Candidate{"XM": {c}}}, none)
		if !errors.Is(err, ErrTable) && !errors.Is(err, schemas.ErrUnknown) {
			t.Errorf("Compile with %s = %v, want an error", name, err)
		}
	}
}

func BenchmarkResolve(b *testing.B) {
	cat, _ := lab(b)
	e, err := cat.Entity("person")
	if err != nil {
		b.Fatal(err)
	}
	table, err := Compile(cat, e, &e.Authority[len(e.Authority)-1], func(*schemas.Dataset, string) (Condition, error) { return nil, nil })
	if err != nil {
		b.Fatal(err)
	}
	dossier := &claim.Dossier{Entity: e, Key: "539902198503120013"}
	for _, id := range []string{"GA01", "GA02", "RS02", "YB01", "WJ02"} {
		d, err := cat.Dataset(id)
		if err != nil {
			b.Fatal(err)
		}
		values := make([]schemas.Value, len(d.Fields))
		for i, f := range d.Fields {
			values[i] = schemas.Int(1)
			if f.Element.Type == schemas.String {
				values[i] = schemas.Text("x")
			}
		}
		dossier.Put(claim.NewRow(claim.Claim{Dataset: id, Row: "r", At: time.UnixMilli(1)}, d, schemas.NewRecord(d.Layout, values)))
	}
	b.ReportAllocs()
	for b.Loop() {
		table.Resolve(dossier)
	}
}
