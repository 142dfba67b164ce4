// Package lineage compares the catalogue in force with those before it: which views
// were taken away, and since when each that there is has shown what it shows.
package lineage

import (
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Of returns the lineage of the catalogue that is in force. past is what came into force,
// the oldest first, the present one last; load reads one of them. One that cannot be
// read any more had nothing as it is now.
func Of(now *schemas.Catalogue, past []contract.Applied, load func(contract.Applied) (*schemas.Catalogue, error)) schemas.Lineage {
	out := schemas.Lineage{Withdrawn: map[string][]*schemas.View{now.Version: nil}, Known: map[string]schemas.Known{}}
	loaded := map[string]*schemas.Catalogue{now.Version: now}
	open := map[string]*schemas.View{}
	for _, v := range now.Views() {
		open[v.ID] = v
		out.Known[v.ID] = schemas.Known{Versions: map[string]bool{}}
	}
	for i, a := range slices.Backward(past) {
		cat, seen := loaded[a.Version]
		if !seen {
			cat, _ = load(a)
			loaded[a.Version] = cat
			if cat != nil {
				out.Withdrawn[a.Version] = withdrawn(now, cat)
			}
		}
		for id, v := range open {
			if cat != nil && Same(now, cat, v) {
				out.Known[id].Versions[a.Version] = true
				continue
			}
			k := out.Known[id]
			k.Step = i + 1
			out.Known[id] = k
			delete(open, id)
		}
	}
	return out
}

// withdrawn returns the views that then had and now has not.
func withdrawn(now, then *schemas.Catalogue) []*schemas.View {
	var out []*schemas.View
	for _, v := range then.Views() {
		if _, err := now.View(v.ID); err != nil {
			out = append(out, v)
		}
	}
	return out
}
