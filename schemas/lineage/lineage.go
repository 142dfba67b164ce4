// Package lineage compares the catalogue in force with those before it: which views were
// taken away, and since when each that there is, and the evidence of each case of a rule,
// has shown what it shows.
package lineage

import (
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Of returns the lineage of the catalogue that is in force. past is what came into force,
// the oldest first, the present one last; load reads one of them. One that cannot be
// read any more had nothing as it is now.
func Of(now *schemas.Catalogue, past []contract.Applied, load func(contract.Applied) (*schemas.Catalogue, error)) schemas.Lineage {
	views, evidence := tracing{}, tracing{}
	for _, v := range now.Views() {
		views[v.ID] = &trace{same: func(then *schemas.Catalogue) bool { return Same(now, then, v) }}
	}
	for _, r := range slices.Concat(now.Rules, now.CodeRules) {
		for _, c := range r.Cases {
			evidence[schemas.CaseName(r.ID, c.ID)] = &trace{same: func(then *schemas.Catalogue) bool { return SameEvidence(now, then, r, c) }}
		}
	}
	withdrawn, first, absent, linked := map[string][]*schemas.View{now.Version: nil}, map[string]int{}, map[schemas.LinkName]int{}, links(now)
	sets := comings{now: now, absent: absent, back: map[string]time.Time{}, lost: map[string]*schemas.Dataset{}}
	loaded := map[string]*schemas.Catalogue{now.Version: now}
	for i, a := range slices.Backward(past) {
		cat, seen := loaded[a.Version]
		if !seen {
			cat, _ = load(a)
			loaded[a.Version] = cat
			if cat != nil {
				withdrawn[a.Version] = gone(now, cat)
			}
		}
		views.back(i, a.Version, cat)
		views.lost(i, func(id string) bool { return slices.Contains(a.Lost, contract.Shared(id)) })
		evidence.back(i, a.Version, cat)
		evidence.lost(i, func(string) bool { return slices.Contains(a.Lost, contract.Findings) })
		first[a.Version] = i
		sets.before(i, past, cat)
		var had []schemas.LinkName
		if cat != nil {
			had = links(cat)
		}
		for _, link := range linked {
			if _, later := absent[link]; !later && !slices.Contains(had, link) {
				absent[link] = i
			}
		}
	}
	return schemas.Lineage{
		Step: max(len(past)-1, 0), First: first, Absent: absent, Back: sets.back, Lost: sets.lost,
		Withdrawn: withdrawn, Known: views.known(first), Evidence: evidence.known(first),
	}
}

// links are the ways in which rows of a catalogue speak about its entities.
func links(cat *schemas.Catalogue) []schemas.LinkName {
	var out []schemas.LinkName
	for _, d := range cat.Datasets {
		for _, l := range d.Links {
			if _, err := cat.Entity(l.Entity); err == nil {
				out = append(out, schemas.LinkName{Entity: l.Entity, Dataset: d.ID, Role: l.Role})
			}
		}
	}
	return out
}

// tracing follows things back through the catalogues before, the last one first.
type tracing map[string]*trace

// trace is one thing: as of which of them it is as it is now.
type trace struct {
	same  func(then *schemas.Catalogue) bool
	of    schemas.Known
	ended bool
}

// back takes the catalogue that came into force as the i-th, nil if it cannot be read.
func (t tracing) back(i int, version string, cat *schemas.Catalogue) {
	for _, one := range t {
		switch {
		case one.ended:
		case cat == nil || !one.same(cat):
			one.of.Step, one.ended = i+1, true
		default:
			if one.of.Versions == nil {
				one.of.Versions = map[string]bool{}
			}
			one.of.Versions[version] = true
		}
	}
}

// lost takes that topics were made anew when the i-th began: nothing of what stood in them,
// published before, is there.
func (t tracing) lost(i int, stood func(id string) bool) {
	for id, one := range t {
		if !one.ended && stood(id) {
			one.of.Step, one.ended = i, true
		}
	}
}

// known returns what was followed; first is, by version, which catalogue was the first of it.
func (t tracing) known(first map[string]int) map[string]schemas.Known {
	out := make(map[string]schemas.Known, len(t))
	for id, one := range t {
		for version := range one.of.Versions {
			if first[version] < one.of.Step {
				if one.of.Before == nil {
					one.of.Before = map[string]bool{}
				}
				one.of.Before[version] = true
			}
		}
		out[id] = one.of
	}
	return out
}

// gone returns the views that then had and now has not.
func gone(now, then *schemas.Catalogue) []*schemas.View {
	var out []*schemas.View
	for _, v := range then.Views() {
		if _, err := now.View(v.ID); err != nil {
			out = append(out, v)
		}
	}
	return out
}
