package verification

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

func city(t testing.TB) *schemas.Catalogue {
	t.Helper()
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

func ring(t testing.TB) *keyring.Keyring {
	t.Helper()
	k, err := keyring.New("intl", map[int][]byte{1: []byte("0123456789abcdef0123456789abcdef")}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// The sample city's rules all compile.
func TestYunlingCompiles(t *testing.T) {
	cat := city(t)
	total := 0
	for _, e := range cat.Entities {
		s, err := Compile(cat, e, ring(t))
		if err != nil {
			t.Errorf("entity %s: %v", e.ID, err)
			continue
		}
		total += s.Len()
	}
	if total < 30 {
		t.Errorf("compiled %d cases, want all", total)
	}
}

// with compiles one case of its own over the sample city's persons.
func with(t testing.TB, c schemas.Case) (*Set, error) {
	t.Helper()
	cat := city(t)
	cat.Rules = []*schemas.Rule{{ID: "T-01", Entity: "person", Severity: "low", File: "rules/T-01.yaml", Cases: []*schemas.Case{&c}}}
	e, err := cat.Entity("person")
	if err != nil {
		t.Fatal(err)
	}
	return Compile(cat, e, ring(t))
}

// What is wrong with a rule is said with file, case and position, before it runs.
func TestCompileErrors(t *testing.T) {
	tests := map[string]struct {
		c    schemas.Case
		want string
	}{
		"unknown field":        {schemas.Case{When: `GA01.exists(g, g.XMM == "")`}, `rules/T-01.yaml: 情形 c 的 when：表达式第 1 行第 17 列：没有字段 "XMM" / when of case "c": 1:17: undefined field 'XMM'`},
		"unknown variable":     {schemas.Case{When: `size(GA99) > 0`}, `1:6: undeclared reference to "GA99". Known variables: CL01 GA01`},
		"different types":      {schemas.Case{When: `GA01.exists(g, g.CSRQ == "1985")`}, `found no matching overload for '_==_' applied to '(timestamp, string)'`},
		"no condition":         {schemas.Case{When: `GA01.size()`}, "yields int, want bool"},
		"syntax":               {schemas.Case{When: `GA01.exists(g,`}, "1:15: syntax error"},
		"not an input":         {schemas.Case{When: `size(WJ02) > 0`}, `reads "WJ02", which is not among its inputs`},
		"golden not an input":  {schemas.Case{When: `golden.XM == "x"`}, `reads "golden"`},
		"until is no time":     {schemas.Case{When: `true`, Until: `"tomorrow"`}, `until of case "c": yields string, want timestamp`},
		"unknown input":        {schemas.Case{When: `true`, Inputs: []string{"SW02"}}, `input "SW02"`},
		"unknown aggregate":    {schemas.Case{When: `true`, Inputs: []string{"agg.wages"}}, `input "agg.wages"`},
		"unknown owner":        {schemas.Case{When: `true`, Owner: "XX"}, `owner: department "XX"`},
		"unknown evidence":     {schemas.Case{When: `true`, Evidence: []string{"GA01.XMM"}}, `evidence "GA01.XMM"`},
		"evidence of another":  {schemas.Case{When: `true`, Evidence: []string{"SW02.SBRS"}}, `evidence "SW02.SBRS"`},
		"unknown golden field": {schemas.Case{When: `true`, Evidence: []string{"golden.XMM"}}, `evidence "golden.XMM"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.c.ID = "c"
			if tt.c.Inputs == nil {
				tt.c.Inputs = []string{"GA01"}
			}
			if tt.c.Owner == "" {
				tt.c.Owner = "GA"
			}
			_, err := with(t, tt.c)
			if !errors.Is(err, ErrRule) && !errors.Is(err, schemas.ErrUnknown) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Compile = %v, want %q", err, tt.want)
			}
		})
	}
}

// row makes a row of story-like texts.
func row(t testing.TB, cat *schemas.Catalogue, dataset, key string, fields map[string]string) *claim.Row {
	t.Helper()
	d, err := cat.Dataset(dataset)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]schemas.Value, len(d.Fields))
	for name, text := range fields {
		i := d.Layout.Index(name)
		if values[i], err = element.Parse(d.Fields[i].Element, text); err != nil {
			t.Fatal(err)
		}
	}
	return claim.NewRow(claim.Claim{Dataset: dataset, Row: key, At: time.UnixMilli(1)}, d, schemas.NewRecord(d.Layout, values))
}

// An expression that costs too much or fails is a fault: an open finding stays
// open, none is opened, and the error does not quote.
func TestFaults(t *testing.T) {
	cat := city(t)
	for name, when := range map[string]string{
		"cost":     `RS01.exists(a, RS01.exists(b, RS01.exists(c, a.XM + b.XM + c.XM == "canary")))`,
		"division": `RS01.exists(a, 1 / (size(RS01) - size(RS01)) == 1)`,
	} {
		s, err := with(t, schemas.Case{ID: "c", When: when, Inputs: []string{"RS01"}, Owner: "RS"})
		if err != nil {
			t.Fatal(err)
		}
		d := &claim.Dossier{Entity: s.entity, Key: "539902198503120013"}
		for i := range 200 {
			d.Put(row(t, cat, "RS01", strings.Repeat("k", i+1), map[string]string{"XM": "张三"}))
		}
		dirty := s.Dirty()
		dirty.All()
		states := []State{{Case: "T-01/c", Phase: Open, Version: 3}}
		r := s.Evaluator().Evaluate(Subject{Dossier: d, Now: time.UnixMilli(0)}, dirty, states)
		if len(r.Faults) != 1 || len(r.Findings) != 0 || len(r.States) != 1 || r.States[0].Phase != Open {
			t.Errorf("%s: faults %d, findings %d, states %d; want one fault and the finding as it was", name, len(r.Faults), len(r.Findings), len(r.States))
		} else if strings.Contains(r.Faults[0].Err.Error(), "张三") {
			t.Errorf("%s: the fault quotes a value", name)
		}
	}
}

// A rule that is no longer in the catalogue takes its findings with it.
func TestRuleRemoved(t *testing.T) {
	s, err := with(t, schemas.Case{ID: "c", When: "true", Inputs: []string{"GA01"}, Owner: "GA"})
	if err != nil {
		t.Fatal(err)
	}
	d := &claim.Dossier{Entity: s.entity, Key: "539902198503120013"}
	r := s.Evaluator().Evaluate(Subject{Dossier: d, Now: time.UnixMilli(0)}, s.Dirty(), []State{{Case: "T-00/old", Phase: Open, Version: 2}})
	if len(r.Findings) != 1 || !r.Findings[0].Gone() || r.Findings[0].Version != 3 || len(r.States) != 0 {
		t.Errorf("Evaluate = %d findings, %d states; want one that is gone", len(r.Findings), len(r.States))
	}
}

// TestRecast: what was last said of a case under other masks is said again though it says
// the same, a closed finding without its values; a fault over the case puts it off.
func TestRecast(t *testing.T) {
	cat := city(t)
	s, err := with(t, schemas.Case{ID: "c", When: `RS01.exists(r, r.XM == "张三" && 1 / size(GA01) > 0)`, Inputs: []string{"RS01", "GA01"}, Evidence: []string{"RS01.XM"}, Owner: "RS"})
	if err != nil {
		t.Fatal(err)
	}
	d := &claim.Dossier{Entity: s.entity, Key: "539902198503120013"}
	dirty, recast := s.Dirty(), false
	dirty.All()
	var states []State
	evaluate := func(again bool) Result {
		recast = again
		r := s.Evaluator().Evaluate(Subject{Dossier: d, Now: time.UnixMilli(0), Recast: func(name string) bool { return recast && name == "T-01/c" }}, dirty, states)
		states = r.States
		return r
	}
	shown := func(what string, r Result, open bool, value string) {
		t.Helper()
		if len(r.Findings) != 1 || r.Findings[0].Version != states[0].Version {
			t.Fatalf("%s: %d findings, want one of the version that is kept", what, len(r.Findings))
		}
		if f := r.Findings[0]; f.Open != open || len(f.evidence) != 1 || f.evidence[0].value != value || f.evidence[0].field != "XM" || f.Record().Get("state").Str() == "open" != open {
			t.Errorf("%s: open %v, evidence %v", what, f.Open, f.evidence)
		}
	}
	d.Put(row(t, cat, "GA01", "g", nil))
	d.Put(row(t, cat, "RS01", "a", map[string]string{"XM": "张三"}))
	shown("opened", evaluate(false), true, "张*")
	if r := evaluate(false); len(r.Findings) > 0 {
		t.Error("what says the same is said again")
	}
	shown("another mask", evaluate(true), true, "张*")
	d.Remove("GA01", "", "g")
	if r := evaluate(true); len(r.Findings) > 0 || len(r.Faults) != 1 {
		t.Fatalf("%d findings and %d faults, want one fault", len(r.Findings), len(r.Faults))
	}
	d.Put(row(t, cat, "GA01", "g", nil))
	shown("after the fault", evaluate(false), true, "张*")
	d.Put(row(t, cat, "RS01", "a", map[string]string{"XM": "李四"}))
	shown("closed", evaluate(false), false, "李*")
	if r := evaluate(false); len(r.Findings) > 0 {
		t.Error("a closed finding is said again")
	}
	shown("closed, another mask", evaluate(true), false, "***")
}

// Only the cases that listen to a change are evaluated.
func TestDirty(t *testing.T) {
	cat := city(t)
	e, err := cat.Entity("person")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Compile(cat, e, ring(t))
	if err != nil {
		t.Fatal(err)
	}
	d := s.Dirty()
	d.Claim("YB01", "")
	var marked []string
	for i, m := range d.cases {
		if m {
			marked = append(marked, s.cases[i].name)
		}
	}
	if got, want := strings.Join(marked, " "), "XV-01/id XV-03/yb01 XV-05/yb01 XV-18/both DM-YB01/unknown"; got != want {
		t.Errorf("a change of YB01 marks %s, want %s", got, want)
	}
	d.Reset()
	if d.Any() {
		t.Error("Reset leaves cases marked")
	}
}

// BenchmarkEvaluate measures the cases that one change of a dataset touches.
func BenchmarkEvaluate(b *testing.B) {
	cat := city(b)
	e, err := cat.Entity("person")
	if err != nil {
		b.Fatal(err)
	}
	s, err := Compile(cat, e, ring(b))
	if err != nil {
		b.Fatal(err)
	}
	d := &claim.Dossier{Entity: e, Key: "539902198503120013"}
	d.Put(row(b, cat, "GA01", "K", map[string]string{"XM": "张三", "CSRQ": "1985-03-12", "XBDM": "1", "ZXBZ": "0"}))
	d.Put(row(b, cat, "YB01", "K", map[string]string{"XM": "张三", "ZGYBZTDM": "1", "JMYBZTDM": "0"}))
	d.Put(row(b, cat, "RS01", "K", map[string]string{"XM": "张三", "CBZTDM": "1"}))
	for _, dataset := range []string{"YB01", "GA01"} {
		b.Run(dataset, func(b *testing.B) {
			dirty, run := s.Dirty(), s.Evaluator()
			dirty.Claim(dataset, "")
			b.ReportAllocs()
			for b.Loop() {
				run.Evaluate(Subject{Dossier: d, Now: time.UnixMilli(1772416800000)}, dirty, nil)
			}
		})
	}
}
