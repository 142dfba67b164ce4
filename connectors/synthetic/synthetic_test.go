package synthetic

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/sourcetest"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic/world"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
	"github.com/yiyuan-bus/yiyuan/schemas/identifier"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

var base = time.Date(2026, 11, 22, 0, 0, 0, 0, schemas.Zone)

func catalogue(t *testing.T) *schemas.Catalogue {
	t.Helper()
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

func config(t *testing.T, cat *schemas.Catalogue, o Options) connectors.Config {
	t.Helper()
	return connectors.Config{Name: "synthetic-" + o.Department, Kind: "synthetic", Catalogue: cat, Options: o.Map()}
}

func openAt(t *testing.T, cat *schemas.Catalogue, o Options, after schemas.Position) connectors.Source {
	t.Helper()
	s, err := Open(t.Context(), config(t, cat, o), after)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// drain reads a source to its end.
func drain(t *testing.T, s connectors.Source) []connectors.Batch {
	t.Helper()
	var out []connectors.Batch
	for {
		b, err := s.Read(t.Context())
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
}

func changes(batches []connectors.Batch) []schemas.Change {
	var out []schemas.Change
	for _, b := range batches {
		out = append(out, b.Changes...)
	}
	return out
}

// truthSeeds are of the cities that are judged.
var truthSeeds = []int64{0, 1, 20}

// What is planted is there, and nothing else is.
func TestTruth(t *testing.T) {
	t.Parallel()
	for _, seed := range truthSeeds {
		c := readTruth(t, Options{Seed: seed, Base: base})
		for phase, name := range []string{"before", "after"} {
			got := judge(c.rows[phase], c.base)
			if diff := cmp.Diff(sorted(c.findings[phase]), sorted(got)); diff != "" {
				t.Fatalf("seed %d, %s corrections: planted (-) and judged (+):\n%s", seed, name, diff)
			}
		}
		if len(c.findings[0]) < 200 || len(c.findings[1]) >= len(c.findings[0]) {
			t.Errorf("seed %d: %d findings, %d after corrections", seed, len(c.findings[0]), len(c.findings[1]))
		}
	}
}

func sorted(m map[string]bool) []string { return slices.Sorted(maps.Keys(m)) }

// Every rule and case of the catalogue has at least three plants, and at least
// one each that is corrected and that stays.
func TestEveryCaseIsPlanted(t *testing.T) {
	t.Parallel()
	cat, c := catalogue(t), readTruth(t, Options{Seed: 5, Base: base})
	count := func(found map[string]bool) map[string]int {
		n := map[string]int{}
		for id := range found {
			f := strings.Fields(id)
			n[f[0]+" "+f[1]]++
		}
		return n
	}
	before, after := count(c.findings[0]), count(c.findings[1])
	for _, r := range cat.Rules {
		for _, k := range r.Cases {
			id := r.ID + " " + k.ID
			if before[id] < 3 || after[id] == 0 || after[id] == before[id] {
				t.Errorf("%s: %d planted, %d left after corrections", id, before[id], after[id])
			}
			delete(before, id)
		}
	}
	for _, r := range cat.CodeRules { // codes of no set: a few of each case will do
		for _, k := range r.Cases {
			delete(before, r.ID+" "+k.ID)
		}
	}
	if len(before) > 0 {
		t.Errorf("planted but not in the catalogue: %v", before)
	}
}

// The sources' streams, folded by sequence, end in the rows of the truth.
func TestStreamsEndInTruth(t *testing.T) {
	t.Parallel()
	cat := catalogue(t)
	o := Options{Seed: 3, Base: base}
	c := readTruth(t, o)
	calm := o
	calm.Calm = true
	if diff := cmp.Diff(c.rows, readTruth(t, calm).rows); diff != "" {
		t.Errorf("disorder (-) and calm (+) end in other rows:\n%s", diff)
	}
	for phase, correct := range []bool{false, true} {
		rows, repeated, bad := facts{}, map[string]int{}, 0
		for _, d := range Departments() {
			o := Options{Seed: 3, Base: base, Department: d, End: true, Correct: correct}
			batches := drain(t, openAt(t, cat, o, ""))
			for _, b := range batches {
				bad += len(b.Rejections)
			}
			fold(rows, repeated, changes(batches))
		}
		bad += len(rows["SW01"]) - len(c.rows[phase]["SW01"]) // the row that route must refuse
		for k, r := range rows["SW01"] {
			if r["NSRZTDM"] == "77" {
				delete(rows["SW01"], k)
			}
		}
		if diff := cmp.Diff(c.rows[phase], rows); diff != "" {
			t.Fatalf("phase %d: truth (-) and streams (+):\n%s", phase, diff)
		}
		if diff := cmp.Diff(c.duplicates, repeated); diff != "" {
			t.Errorf("duplicates, truth (-) and streams (+):\n%s", diff)
		}
		if bad != 2 || len(c.quarantine) != 2 {
			t.Errorf("%d rows refused, truth says %v", bad, c.quarantine)
		}
	}
}

// fold applies changes: the highest sequence of a row wins.
func fold(rows facts, repeated map[string]int, in []schemas.Change) {
	last := map[string]schemas.Sequence{}
	seen := map[string]bool{}
	for _, c := range in {
		id := c.Dataset.ID + " " + c.Key
		if at := id + c.Origin.Sequence.String(); seen[at] {
			repeated[c.Dataset.ID]++
		} else {
			seen[at] = true
		}
		if old, known := last[id]; known && c.Origin.Sequence.Compare(old) <= 0 {
			continue
		}
		last[id] = c.Origin.Sequence
		if c.Op == schemas.Delete {
			delete(rows[c.Dataset.ID], c.Key)
			continue
		}
		fields := map[string]string{}
		for i, f := range c.Dataset.Fields {
			if v := c.Record.Value(f.Index); !v.IsNull() {
				fields[f.Name] = element.Render(c.Dataset.Fields[i].Element, v)
			}
		}
		rows.set(c.Dataset.ID, c.Key, fields)
	}
}

// A source opened at any position goes on with the same changes; another run
// of the same options says the same; another seed does not.
func TestResume(t *testing.T) {
	t.Parallel()
	cat := catalogue(t)
	for _, d := range Departments() {
		o := Options{Seed: 9, Base: base, Department: d, End: true, Correct: true, Batch: 37}
		whole := drain(t, openAt(t, cat, o, ""))
		if !equal(changes(whole), changes(drain(t, openAt(t, cat, o, "")))) {
			t.Errorf("%s: two runs differ", d)
		}
		other := o
		other.Seed = 10
		if equal(changes(whole), changes(drain(t, openAt(t, cat, other, "")))) {
			t.Errorf("%s: two seeds say the same", d)
		}
		later := o
		later.Base = base.AddDate(0, 0, 40) // opened on another day
		for i := range whole {
			if i%11 != 0 && i < len(whole)-3 {
				continue
			}
			tail := drain(t, openAt(t, cat, later, whole[i].After))
			if !equal(changes(whole[i+1:]), changes(tail)) {
				t.Fatalf("%s: opened after batch %d, the rest differs", d, i)
			}
		}
	}
}

func equal(a, b []schemas.Change) bool {
	return slices.EqualFunc(a, b, func(x, y schemas.Change) bool {
		return x.Dataset == y.Dataset && x.Key == y.Key && x.Op == y.Op && x.Origin == y.Origin && x.Record.Equal(y.Record)
	})
}

// Corrections switched on later go on where the first copy ended.
func TestCorrectLater(t *testing.T) {
	t.Parallel()
	cat := catalogue(t)
	o := Options{Seed: 4, Base: base, Department: "RS", End: true}
	first := drain(t, openAt(t, cat, o, ""))
	o.Correct = true
	whole := drain(t, openAt(t, cat, o, ""))
	rest := drain(t, openAt(t, cat, o, first[len(first)-1].After))
	if len(changes(rest)) == 0 || !equal(changes(whole), append(changes(first), changes(rest)...)) {
		t.Errorf("%d + %d changes are not the %d of one run", len(changes(first)), len(changes(rest)), len(changes(whole)))
	}
}

// The suite wants order and no duplicates: the calm stream has both.
func TestConformance(t *testing.T) {
	t.Parallel()
	cat := catalogue(t)
	for _, d := range []string{"JY", "MZ"} {
		t.Run(d, func(t *testing.T) {
			o := Options{Seed: 13, Base: base, Department: d, End: true, Calm: true, Batch: 150}
			want := map[string][]string{}
			var secrets []string
			for id, rows := range readTruth(t, o).rows[0] {
				if id[:2] != d {
					continue
				}
				want[id] = slices.Sorted(maps.Keys(rows))
				for _, r := range rows {
					if name := r["XM"]; name != "" {
						secrets = append(secrets, name)
					}
				}
			}
			var datasets []*schemas.Dataset
			for _, known := range cat.Datasets {
				if known.Provider.ID == d {
					datasets = append(datasets, known)
				}
			}
			kind := Kind
			kind.Open = Open // of any day
			sourcetest.Run(t, sourcetest.Features{Replays: true, Ends: true}, func(*testing.T) sourcetest.Fixture {
				return sourcetest.Fixture{
					Kind: kind, Config: connectors.Config{Name: "synthetic-" + d, Datasets: datasets, Options: o.Map()},
					Write: func(*testing.T, int) {}, Bursts: 1, Want: want, Secrets: secrets,
				}
			})
		})
	}
}

// Every value passes its element, but for the row that must not; numbers lie in
// the region that is not assigned, and are right unless planted wrong.
func TestValues(t *testing.T) {
	t.Parallel()
	cat := catalogue(t)
	wrong := map[string]bool{}
	refused := 0
	for _, d := range Departments() {
		o := Options{Seed: 6, Base: base, Department: d, End: true, Correct: true}
		for _, c := range changes(drain(t, openAt(t, cat, o, ""))) {
			for _, f := range c.Dataset.Fields {
				if c.Op == schemas.Delete {
					continue
				}
				v := c.Record.Value(f.Index)
				if v.IsNull() {
					if !f.Nullable {
						t.Errorf("%s.%s is null", c.Dataset.ID, f.Name)
					}
					continue
				}
				canonical, err := element.Canonical(f.Element, v)
				if err != nil {
					refused++
					continue
				}
				spelling := f.Name == "XM" && c.Dataset.ID != "GA01" || f.Name == "JGMC" && c.Dataset.ID == "SW01"
				if !canonical.Equal(v) && !spelling {
					t.Errorf("%s.%s is not in its canonical form: %q", c.Dataset.ID, f.Name, v.Str())
				}
				checkNumber(t, c.Dataset.ID+"."+f.Name, f.Element.Kind, v.Str(), wrong)
			}
		}
	}
	if refused != 1 {
		t.Errorf("%d values refused, want the one of the malformed row", refused)
	}
	if len(wrong) < 20 || len(wrong) > 60 {
		t.Errorf("%d wrong numbers", len(wrong))
	}
}

func checkNumber(t *testing.T, field, kind, s string, wrong map[string]bool) {
	t.Helper()
	var err error
	switch kind {
	case "id_number":
		_, err = identifier.ParseCitizen(s)
		if !strings.HasPrefix(s, "5399") {
			t.Errorf("%s: a number outside the made-up region", field)
		}
	case "uscc":
		_, err = identifier.ParseUSCC(s)
		if s[2:6] != "5399" {
			t.Errorf("%s: a code outside the made-up region", field)
		}
	case "phone":
		if !strings.HasPrefix(s, "1990000") || len(s) != 11 {
			t.Errorf("%s: a telephone outside the made-up range", field)
		}
	case "bank_card":
		if !strings.HasPrefix(s, "629999") {
			t.Errorf("%s: a card outside the made-up range", field)
		}
	case "plate":
		if !strings.HasPrefix(s, "云Z") {
			t.Errorf("%s: a plate outside the made-up range", field)
		}
	}
	if errors.Is(err, identifier.ErrChecksum) {
		wrong[s] = true
	} else if err != nil {
		t.Errorf("%s: %v", field, err)
	}
}

// The neutral stream contradicts nothing, whatever number of changes has come.
func TestLiveIsNeutral(t *testing.T) {
	t.Parallel()
	o := Options{Seed: 8, Base: base}
	c := readTruth(t, o)
	w, err := o.world(base)
	if err != nil {
		t.Fatal(err)
	}
	rows := c.rows[1].clone()
	for _, d := range world.Departments() {
		l := world.NewLive(w, d, false)
		for n := range 700 {
			e := l.At(n)
			if e.Op == schemas.Update && rows[e.Table.ID()][e.Key] == nil {
				t.Fatalf("%s: change %d updates a row that is not there", d.ID(), n)
			}
			rows.set(e.Table.ID(), e.Key, plainFields(t, e))
			if !slices.EqualFunc(e.Values, l.At(n).Values, schemas.Value.Equal) {
				t.Fatalf("%s: change %d is not a function of its number", d.ID(), n)
			}
		}
	}
	if diff := cmp.Diff(sorted(c.findings[1]), sorted(judge(rows, c.base))); diff != "" {
		t.Errorf("findings before (-) and after (+) the neutral changes:\n%s", diff)
	}
}

func plainFields(t *testing.T, e world.Event) map[string]string {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(fieldsOf(e.Table, e.Values), &object); err != nil {
		t.Fatal(err)
	}
	fields := map[string]string{}
	for k, v := range object {
		if v != nil {
			fields[k] = fmt.Sprint(v)
		}
	}
	return fields
}
