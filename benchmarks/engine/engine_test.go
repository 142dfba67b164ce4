package engine

import (
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/benchmarks/site"
	"github.com/yiyuan-bus/yiyuan/processors/masking"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// The input of the engine's job says everything about everybody once.
func TestCrowd(t *testing.T) {
	c := crowd{persons: 5000}
	seen, keys := make([]bool, c.events()), map[string]int{}
	moved := 0
	for j := range c.events() {
		person, kind := c.event(j)
		if at := person*eventsEach + kind; seen[at] {
			t.Fatalf("event %d of person %d comes twice", kind, person)
		} else if seen[at] = true; at != j {
			moved++
		}
		keys[c.key(person)]++
	}
	if moved < c.events()*9/10 {
		t.Errorf("only %d of %d events are out of order", moved, c.events())
	}
	if len(keys) != c.persons {
		t.Errorf("%d keys of %d persons", len(keys), c.persons)
	}
	many, again := crowd{persons: 3_000_000}, map[string]bool{}
	for i := 0; i < many.persons; i += 1000 { // one region and sequence number, all days of birth
		if key := many.key(i); again[key] {
			t.Fatalf("persons share a number, the second is %d", i)
		} else {
			again[key] = true
		}
	}
}

// One wrong value, one that is missing and one finding too many are all seen.
func TestVerdict(t *testing.T) {
	cat, err := engineCatalogue()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := engineKeys()
	if err != nil {
		t.Fatal(err)
	}
	c := crowd{persons: 200}
	truth, err := c.truth(cat, keys)
	if err != nil {
		t.Fatal(err)
	}
	if len(truth.open) == 0 {
		t.Fatal("nothing is planted")
	}
	right := func() *verdict {
		v := &verdict{golden: map[string]uint64{}, shown: map[string]uint64{}, open: map[site.Finding]bool{}}
		e, view := cat.Entities[0], cat.Entities[0].Views[0]
		masks, err := masking.Compile(view, e.Layout, cat.City, keys)
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.persons {
			values, story := c.golden(e, i)
			v.golden[c.key(i)] = digestOfRow(c.key(i), values, story)
			rec, _ := masks.Apply(schemas.NewRecord(e.Layout, values), engineStart)
			key := masks.Key(c.key(i))
			v.shown[key] = digestOfRow(key, valuesOf(rec, rec.Len()), nil)
		}
		for f := range truth.open {
			v.open[f] = true
		}
		return v
	}
	if err := right().check(truth, c); err != nil {
		t.Fatalf("what is right: %v", err)
	}
	for name, spoil := range map[string]func(*verdict){
		"value":   func(v *verdict) { v.golden[c.key(7)]++ },
		"missing": func(v *verdict) { delete(v.golden, c.key(7)) },
		"masked": func(v *verdict) {
			for key := range v.shown {
				v.shown[key]++
				return
			}
		},
		"finding": func(v *verdict) {
			v.open[site.Finding{Rule: "BM-01", Case: "name", Entity: "person", Subject: "nobody"}] = true
		},
		"rejected": func(v *verdict) { v.rejected = 1 },
	} {
		v := right()
		spoil(v)
		if v.check(truth, c) == nil {
			t.Errorf("%s: what is wrong passes", name)
		}
	}
}

// Restoring that cannot be told from starting has no rate.
func TestRestored(t *testing.T) {
	if got := (recovery{warm: time.Second, cold: 3 * time.Second}).restored(100_000); got != 50_000 {
		t.Errorf("100,000 dossiers in two seconds are %v a second, want 50,000", got)
	}
	for _, cold := range []time.Duration{900 * time.Millisecond, 1100 * time.Millisecond} {
		if got := (recovery{warm: time.Second, cold: cold}).restored(100_000); got != 0 {
			t.Errorf("started in %v instead of a second: %v dossiers a second, want no figure", cold, got)
		}
	}
}
