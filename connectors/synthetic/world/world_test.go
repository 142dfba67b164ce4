package world

import (
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

var today = time.Date(2026, 11, 22, 0, 0, 0, 0, schemas.Zone)

// No number is given twice, in the largest city either.
func TestNumbersAreUnique(t *testing.T) {
	t.Parallel()
	w, err := New(0, Big, today, false)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for b := 0; b < w.blocks; b += 8 { // of one district, which share a region
		for s := range peoplePerBlock {
			if id := w.person(b, s).id[:17]; seen[id] {
				t.Fatal("a number is given twice")
			} else {
				seen[id] = true
			}
		}
		for kind := range outsiderKinds {
			if id := w.outsider(b, kind, 0).id[:17]; seen[id] {
				t.Fatal("an outsider's number is given twice")
			} else {
				seen[id] = true
			}
		}
	}
}

// Each unit has rows in the tables it is listed for and in no other, and what
// the corrections make of a unit is the unit as mended.
func TestUnits(t *testing.T) {
	t.Parallel()
	w, err := New(11, Tiny, today, false)
	if err != nil {
		t.Fatal(err)
	}
	var used [unitCount]uint32
	for n := range w.blocks {
		for u := range unitCount {
			for _, r := range w.makeUnit(n, u, w.plant(u, n, false), allTables).rows {
				used[u] |= 1 << r.t
			}
		}
	}
	for u, mask := range used {
		if mask&^makers[u].tables != 0 {
			t.Errorf("unit %d has rows in tables %b that it is not listed for", u, mask&^makers[u].tables)
		}
	}
	mended := map[string]int{}
	for d := range departmentCount {
		f := NewFixes(w, d)
		for n := range f.Total {
			for _, e := range f.Fix(n) {
				mended[tables[e.Table].id+" "+e.Key]++
			}
		}
	}
	for n := range w.blocks {
		before, after := w.makeBlock(n, allTables, false), w.makeBlock(n, allTables, true)
		for _, e := range differ(before.rows, after.rows) {
			mended[tables[e.Table].id+" "+e.Key]--
		}
	}
	for row, n := range mended {
		if n != 0 {
			t.Errorf("row %.4s: %d corrections too many", row, n)
		}
	}
}

// The stream is as disorderly as promised, and the names as various.
func TestDisorder(t *testing.T) {
	t.Parallel()
	w, err := New(12, Tiny, today, false)
	if err != nil {
		t.Fatal(err)
	}
	all, again, late := 0, 0, 0
	last := map[string]schemas.Sequence{}
	names := map[string]bool{}
	for d := range departmentCount {
		s := NewStream(w, d)
		for n := range s.Steps() {
			for _, e := range s.Step(n) {
				id := tables[e.Table].id + " " + e.Key
				switch {
				case e.Spoilt != Fine:
					continue
				case e.Again:
					again++
				case e.Sequence.Compare(last[id]) < 0:
					late++
				}
				all++
				last[id] = e.Sequence
				if e.Table == ga01 && e.Values != nil {
					names[e.Values[1].Str()] = true
				}
			}
		}
	}
	if share := late * 1000 / all; share < 30 || share > 60 {
		t.Errorf("%d of %d changes come late, want about 4%%", late, all)
	}
	if share := again * 1000 / all; share < 20 || share > 80 {
		t.Errorf("%d of %d changes come twice, want 2%% and a batch", again, all)
	}
	dotted, double, rare, beyond := 0, 0, 0, 0
	for n := range names {
		if strings.Contains(n, "·") {
			dotted++
		}
		for _, s := range doubleSurnames {
			if strings.HasPrefix(n, s) {
				double++
			}
		}
		for i, r := range rareGiven {
			if strings.HasSuffix(n, r) {
				if rare++; i >= 10 {
					beyond++
				}
			}
		}
	}
	if dotted < 5 || double < 20 || rare < 20 || beyond < 3 {
		t.Errorf("%d dotted, %d double, %d rare, %d supplementary names", dotted, double, rare, beyond)
	}
}
