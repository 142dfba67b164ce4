package lineage

import (
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Kept reports whether what the catalogue that took the place of another publishes of a
// view is all that the view shows under that one, as it shows it: the same department's,
// and nothing of it gone. What came to be there beside is no difference.
func Kept(then, next *schemas.Catalogue, v *schemas.View) bool {
	is, err := next.View(v.ID)
	if err != nil || !Same(then, next, v) || !hasAll(is.Fields, v.Fields) || (v.Dataset == nil) != (is.Dataset == nil) {
		return false
	}
	if v.Dataset != nil && (v.Dataset.Provider.ID != is.Dataset.Provider.ID || v.Dataset.Cycle != is.Dataset.Cycle) {
		return false
	}
	if v.Name == schemas.ExplainView && slices.ContainsFunc(v.Entity.Fields, func(f *schemas.GoldenField) bool { return is.Entity.Field(f.Name) == nil }) {
		return false
	}
	return !slices.ContainsFunc(v.Embed, func(b schemas.Embed) bool {
		o := is.Embedded(b.Dataset.ID, b.Role)
		return o == nil || !hasAll(o.Fields, b.Fields)
	})
}

func hasAll(fields, wanted []schemas.ViewField) bool {
	return !slices.ContainsFunc(wanted, func(f schemas.ViewField) bool {
		return !slices.ContainsFunc(fields, func(o schemas.ViewField) bool { return o.Name == f.Name })
	})
}
