package lineage

import (
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// SameEvidence reports whether the findings of a case, as a catalogue published them, show
// of their subject and of each value what they show under the catalogue of now. Evidence
// that came later is no difference; what the case shows no more is one, since it stands in
// the finding.
func SameEvidence(now, then *schemas.Catalogue, r *schemas.Rule, c *schemas.Case) bool {
	was, before := caseOf(then, r.ID, c.ID)
	if before == nil || r.Entity != was.Entity || now.City.Region != then.City.Region {
		return false
	}
	is, err := now.Entity(r.Entity)
	old, errThen := then.Entity(r.Entity)
	if err != nil || errThen != nil || lookOf(is.Key.Element, is.Key.Element.Level) != lookOf(old.Key.Element, old.Key.Element.Level) {
		return false
	}
	return !slices.ContainsFunc(before.Evidence, func(name string) bool {
		return !slices.Contains(c.Evidence, name) || !sameProof(now, then, is, old, name)
	})
}

func caseOf(c *schemas.Catalogue, rule, id string) (*schemas.Rule, *schemas.Case) {
	for _, r := range slices.Concat(c.Rules, c.CodeRules) {
		if r.ID != rule {
			continue
		}
		if i := slices.IndexFunc(r.Cases, func(o *schemas.Case) bool { return o.ID == id }); i >= 0 {
			return r, r.Cases[i]
		}
	}
	return nil, nil
}

// sameProof compares what is shown of DATASET.FIELD, golden.FIELD or agg.NAME.
func sameProof(now, then *schemas.Catalogue, is, was *schemas.Entity, name string) bool {
	owner, field, _ := strings.Cut(name, ".")
	if owner == "agg" {
		a, b := aggregateOf(is, field), aggregateOf(was, field)
		if a == nil || b == nil || a.Sum != b.Sum || a.Dataset != b.Dataset {
			return false
		}
		if a.Sum == "" {
			return true // a number of rows
		}
		owner, field = a.Dataset, a.Sum
	}
	element, level := proven(now, is, owner, field)
	before, levelThen := proven(then, was, owner, field)
	other := looker(!now.City.SamePlaces(then.City))
	return element != nil && before != nil && other.same(element.Mask, element, before, level, levelThen)
}

// proven returns the element of a field of evidence and its level, nil if there is none.
func proven(c *schemas.Catalogue, e *schemas.Entity, owner, field string) (*schemas.Element, string) {
	if owner == "golden" {
		if f := e.Field(field); f != nil {
			return f.Element, f.Level
		}
		return nil, ""
	}
	id, _, _ := strings.Cut(owner, "/")
	if d, err := c.Dataset(id); err == nil && d.Field(field) != nil {
		return d.Field(field).Element, d.Field(field).Level
	}
	return nil, ""
}

func aggregateOf(e *schemas.Entity, name string) *schemas.Aggregate {
	if i := slices.IndexFunc(e.Aggregates, func(a *schemas.Aggregate) bool { return a.Name == name }); i >= 0 {
		return e.Aggregates[i]
	}
	return nil
}
