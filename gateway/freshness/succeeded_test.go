package freshness_test

import (
	"slices"
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// TestSucceeded: of a view that another catalogue makes of other datasets nothing is known
// any more, though it shows the same; what is not known once stays so.
func TestSucceeded(t *testing.T) {
	t.Parallel()
	_, tracker, c, _ := setup(t)
	next := func(version string, change func(*schemas.AuthorityTable)) []string {
		t.Helper()
		other, err := manifest.Load(yunling.Files())
		if err != nil {
			t.Fatal(err)
		}
		e, err := other.Entity("person")
		if err != nil {
			t.Fatal(err)
		}
		for i := range e.Authority {
			change(&e.Authority[i])
		}
		other.Version = version
		return tracker.Succeeded(version, other).Views
	}
	if tracker.Successor() != nil || tracker.Former(view(t, c, "person.partial")) {
		t.Error("another catalogue before there is one")
	}
	if got := next("same", func(*schemas.AuthorityTable) {}); len(got) > 0 {
		t.Errorf("the same: %v", got)
	}
	got := next("one more", func(table *schemas.AuthorityTable) {
		table.Sources["XM"] = append(slices.Clone(table.Sources["XM"]), schemas.Candidate{Dataset: "SW02", Columns: map[string]string{"XM": "NSRMC"}})
	})
	if !slices.Contains(got, "person.partial") || slices.ContainsFunc(got, func(id string) bool { return id == "GA01.partial" || id == "enterprise.public" }) {
		t.Errorf("another dataset says the name: %v", got)
	}
	if again := next("same", func(*schemas.AuthorityTable) {}); !slices.Equal(again, got) {
		t.Errorf("back: %v, want %v", again, got)
	}
	if !tracker.Former(view(t, c, "person.partial")) || tracker.Former(view(t, c, "GA01.partial")) || tracker.Successor().Version != "same" {
		t.Errorf("successor %+v", tracker.Successor())
	}
	if asOf, stale := tracker.View(view(t, c, "person.partial")); !asOf.IsZero() || !stale {
		t.Errorf("as of %v, stale %v", asOf, stale)
	}
}
