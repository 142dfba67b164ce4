package plan

import (
	"slices"
	"strings"
	"testing"
)

// TestSameMaskAnotherKind: a mask that keeps its name leaves more of another kind of value.
func TestSameMaskAnotherKind(t *testing.T) {
	t.Parallel()
	old, m := load(t, small(t)), small(t)
	edit(t, m, "elements.yaml", "kind: person_name", "kind: org_name")
	edit(t, m, "datasets/SC01.yaml", "mask: {FDDBRXM: surname}", "mask: {FDDBRXM: suppress}")
	got := kinds(Make(old, load(t, m)))
	for _, want := range []string{"exposed mask_weaker GA01.partial XM", "exposed mask_weaker person.partial XM", "exposed evidence_shown GA01 XM"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, strings.Join(got, "\n"))
		}
	}
}

// TestSourceShown: a new authority version that takes a field from elsewhere shows that
// wherever the field is shown.
func TestSourceShown(t *testing.T) {
	t.Parallel()
	old, m := load(t, small(t)), small(t)
	edit(t, m, "entities/enterprise.yaml", "aggregates:\n", "  - version: 2\n    effective: 2026-06-01\n    sources:\n      JGMC: [{dataset: SC01, pick: latest CBRS}]\n      CBRS: [{dataset: SC01}]\naggregates:\n")
	if got := kinds(Make(old, load(t, m))); !slices.Contains(got, "exposed source_shown enterprise JGMC") {
		t.Errorf("told %v", got)
	}
}
