package access

import (
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// KeyView returns a view by which an application may be shown the keys of a dataset's rows
// as they stand, wherever rows are named, nil if it may not: a view of the dataset that
// shows each field of the key in clear, of which grants for the purpose hold them all. A
// grant with a quota is for questions that are charged to it and opens nothing else.
func (a *Access) KeyView(who Identity, purpose string, d *schemas.Dataset, now time.Time) *schemas.View {
	app := a.current(who)
	if app == nil || expired(app.Until, now) {
		return nil
	}
	for _, v := range d.Views {
		vg := app.views[v.ID]
		if vg == nil || v.Only != "" {
			continue
		}
		shown := func(key string) bool {
			return slices.ContainsFunc(v.Fields, func(f schemas.ViewField) bool { return f.Name == key && f.Mask == "" && !f.Screened }) &&
				slices.ContainsFunc(vg.grants, func(g *grant) bool {
					return g.allowed[key] && g.Quota == 0 && slices.Contains(g.Purposes, purpose) && !expired(g.Until, now)
				})
		}
		if !slices.ContainsFunc(d.Key, func(key string) bool { return !shown(key) }) {
			return v
		}
	}
	return nil
}
