package claim

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

func draw(t *rapid.T) Claim {
	c := Claim{
		Dataset: rapid.StringMatching(`[A-Z]{2}[0-9]{2}`).Draw(t, "dataset"), Role: rapid.StringMatching(`[a-z_]{0,8}`).Draw(t, "role"),
		Row: rapid.StringN(1, 20, -1).Draw(t, "row"), Source: rapid.String().Draw(t, "source"),
		Sequence: schemas.Sequence{Epoch: rapid.Uint64().Draw(t, "epoch"), Major: rapid.Uint64().Draw(t, "major"), Minor: rapid.Uint32().Draw(t, "minor")},
		At:       time.UnixMilli(rapid.Int64Range(-1e12, 1e13).Draw(t, "at")).UTC(),
	}
	if c.Retract = rapid.Bool().Draw(t, "retract"); !c.Retract {
		c.Value = string(rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "value"))
	}
	return c
}

// A claim is the same after the topic and after the state.
func TestRoundTrip(t *testing.T) {
	d := &schemas.Dataset{ID: "GA01"}
	rapid.Check(t, func(t *rapid.T) {
		c := draw(t)
		got, err := Parse(c.Record())
		if err != nil || got != c {
			t.Fatalf("Parse(Record) differs: %v", err)
		}
		if c.Retract {
			return
		}
		r := &Row{Dataset: d}
		stored := AppendStored([]byte("before"), c)[len("before"):]
		if err := ParseStored(stored, r); err != nil {
			t.Fatal(err)
		}
		if string(r.source) != c.Source || r.Sequence != c.Sequence || r.At != c.At.UnixMilli() || string(r.value) != c.Value {
			t.Fatal("ParseStored(AppendStored) differs")
		}
		if !r.Supersedes(c.Source, c.Sequence) || r.Supersedes(c.Source+"x", c.Sequence) {
			t.Fatal("Supersedes does not keep to the source")
		}
		dataset, role, row, err := SplitKey(string(AppendKey(nil, c.Dataset, c.Role, c.Row)))
		if err != nil || dataset != c.Dataset || role != c.Role || row != c.Row {
			t.Fatalf("SplitKey(AppendKey) differs: %v", err)
		}
	})
}

// Nothing that is not a claim is taken for one, and nothing panics.
func TestMalformed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := draw(t)
		c.Retract, c.Value = false, "x"
		stored := AppendStored(nil, c)
		if err := ParseStored(stored[:rapid.IntRange(0, len(stored)-1).Draw(t, "cut")], &Row{}); !errors.Is(err, ErrMalformed) {
			t.Fatalf("ParseStored of a cut claim = %v", err)
		}
		_ = ParseStored(rapid.SliceOf(rapid.Byte()).Draw(t, "noise"), &Row{})
	})
	whole := Claim{Dataset: "GA01", Row: "r", Value: "v"}
	for name, c := range map[string]Claim{"no dataset": {Row: "r", Value: "v"}, "no row": {Dataset: "GA01", Value: "v"}, "no content": {Dataset: "GA01", Row: "r"}} {
		if _, err := Parse(c.Record()); !errors.Is(err, ErrMalformed) {
			t.Errorf("Parse with %s = %v, want ErrMalformed", name, err)
		}
	}
	if _, err := Parse(whole.Record().With(3, schemas.Text("x"))); !errors.Is(err, ErrMalformed) {
		t.Errorf("Parse of an unknown op = %v, want ErrMalformed", err)
	}
	if _, err := Parse(schemas.Record{}); !errors.Is(err, ErrMalformed) {
		t.Errorf("Parse of nothing = %v, want ErrMalformed", err)
	}
	if _, _, _, err := SplitKey("GA01"); !errors.Is(err, ErrMalformed) {
		t.Errorf("SplitKey of no key = %v, want ErrMalformed", err)
	}
}

// The dossier is in the order of names, whatever came first.
func TestDossier(t *testing.T) {
	a, b := &schemas.Dataset{ID: "A"}, &schemas.Dataset{ID: "B"}
	l := schemas.MustLayout("t", "T", schemas.Column{Name: "V", Type: schemas.Long})
	row := func(d *schemas.Dataset, role, key string) *Row {
		return NewRow(Claim{Dataset: d.ID, Role: role, Row: key}, d, schemas.NewRecord(l, []schemas.Value{schemas.Int(1)}))
	}
	names := []*Row{row(a, "", "1"), row(a, "", "2"), row(a, "x", "1"), row(b, "", "1"), row(b, "y", "0")}
	rapid.Check(t, func(t *rapid.T) {
		d := &Dossier{}
		for _, r := range rapid.Permutation(names).Draw(t, "order") {
			d.Put(r)
			d.Put(r)
		}
		for i, r := range d.All() {
			if r != names[i] {
				t.Fatalf("row %d is out of order", i)
			}
		}
		if len(d.Rows("A", "")) != 2 || len(d.Of("A")) != 3 || len(d.Of("B")) != 2 || len(d.Of("C")) != 0 || d.Find("A", "x", "1") != names[2] || d.Find("A", "x", "2") != nil {
			t.Fatal("Rows, Of or Find miss")
		}
		d.Remove("A", "", "1")
		d.Remove("A", "", "9")
		if d.Len() != 4 || d.Find("A", "", "1") != nil {
			t.Fatal("Remove removes something else")
		}
	})
}

// A row that cannot be decoded is empty, says why, and is decoded once only.
func TestLazy(t *testing.T) {
	asked := 0
	r := &Row{}
	r.Lazily(func(string, []byte) (schemas.Record, error) { asked++; return schemas.Record{}, ErrMalformed })
	if !r.Record().IsZero() || !r.Value(0).IsNull() || !errors.Is(r.Err(), ErrMalformed) || asked != 1 {
		t.Errorf("asked %d times, Err %v", asked, r.Err())
	}
}
