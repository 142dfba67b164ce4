package freshness_test

import (
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/freshness"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// TestRenewing: a view that a catalogue changed is whole once every step that makes it has
// said so of every partition under a catalogue that shows it so, and all that it had said
// by then is in the cache.
func TestRenewing(t *testing.T) {
	t.Parallel()
	l, _, c, _ := setup(t)
	row, golden, other := view(t, c, "GA01.partial"), view(t, c, "person.partial"), view(t, c, "MZ01.partial")
	known := map[string]schemas.Known{}
	for _, v := range c.Views() {
		known[v.ID] = schemas.Known{}
	}
	known[row.ID] = schemas.Known{Step: 1, Versions: map[string]bool{"now": true}}
	known[golden.ID] = schemas.Known{Step: 1, Versions: map[string]bool{"now": true}}
	c.Lineage = schemas.Lineage{Known: known}
	tracker := freshness.New(c, l, l, func() time.Time { return l.now })
	is := func(what string, wantRow, wantGolden bool) {
		t.Helper()
		if err := tracker.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r, g, o := tracker.Renewing(row), tracker.Renewing(golden), tracker.Renewing(other); r != wantRow || g != wantGolden || o {
			t.Errorf("%s: rows %v, golden %v, another %v; want %v, %v, false", what, r, g, o, wantRow, wantGolden)
		}
	}
	for _, d := range c.Datasets {
		l.ends[contract.Raw(d.ID)] = map[int32]int64{0: 0, 1: 0}
	}
	l.ends[contract.Claims("person")] = map[int32]int64{0: 0, 1: 0}
	l.end(contract.Shared(row.ID), 5)
	l.end(contract.Shared(golden.ID), 3)
	is("nobody has said anything", true, true)
	tracker.Renewed("route", 0, "now")
	tracker.Renewed("route", 1, "before")
	is("one partition is of before", true, true)
	l.applied[contract.Shared(row.ID)] = map[int32]int64{0: 4}
	tracker.Renewed("route", 1, "now")
	is("not all of it is in the cache", true, true)
	l.end(contract.Shared(row.ID), 9) // what comes later is not waited for
	l.applied[contract.Shared(row.ID)] = map[int32]int64{0: 5}
	is("rows are whole", false, true)
	tracker.Renewed("resolve.person", 0, "now")
	l.applied[contract.Shared(golden.ID)] = map[int32]int64{0: 3}
	is("half of the golden records", false, true)
	tracker.Renewed("resolve.person", 1, "now")
	is("all of it is on its way", false, false)
	tracker.Renewed("route", 1, "another")
	is("a step that goes on to another catalogue", false, false)
}
