package lineage

import (
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Same reports whether what a catalogue published of a view is what the view shows under
// the catalogue of now: under the same key, each of its fields masked as it is now. A
// field that came later is no difference, and neither is one that went: it is not shown.
func Same(now, then *schemas.Catalogue, v *schemas.View) bool {
	was, err := then.View(v.ID)
	if err != nil || now.City.Region != then.City.Region || v.Only != was.Only || v.KeyMask != was.KeyMask || v.Audience != was.Audience {
		return false
	}
	if !slices.Equal(keyOf(v), keyOf(was)) {
		return false
	}
	if v.Name == schemas.ExplainView && !sameStories(now, then, v.Entity, was.Entity) {
		return false
	}
	if !sameFields(v.Fields, was.Fields, elementsOf(v), elementsOf(was)) {
		return false
	}
	return !slices.ContainsFunc(v.Embed, func(b schemas.Embed) bool {
		i := slices.IndexFunc(was.Embed, func(o schemas.Embed) bool { return o.Dataset.ID == b.Dataset.ID && o.Role == b.Role })
		return i >= 0 && (b.Max != was.Embed[i].Max || !sameFields(b.Fields, was.Embed[i].Fields, datasetElement(b.Dataset), datasetElement(was.Embed[i].Dataset)))
	})
}

func sameFields(now, then []schemas.ViewField, is, was func(string) look) bool {
	for _, f := range now {
		i := slices.IndexFunc(then, func(o schemas.ViewField) bool { return o.Name == f.Name })
		if i < 0 {
			continue
		}
		if o := then[i]; f.Mask != o.Mask || f.Type != o.Type || f.Screened != o.Screened || is(f.Name) != was(f.Name) {
			return false
		}
	}
	return true
}

// look is what of a field decides how its values look, masked or not.
type look struct {
	level, elementLevel, kind, mask, partOf, contains, form string
	typ                                                     schemas.Type
	scale                                                   int
}

func lookOf(level string, e *schemas.Element) look {
	if e == nil {
		return look{level: level}
	}
	return look{level, e.Level, e.Kind, e.Mask, e.PartOf, e.Contains, e.Form, e.Type, e.Scale}
}

// elementsOf returns how the fields of a view's owner look.
func elementsOf(v *schemas.View) func(string) look {
	if v.Dataset != nil {
		return datasetElement(v.Dataset)
	}
	return func(name string) look {
		if v.Entity == nil {
			return look{}
		}
		if name == v.Entity.Key.Name {
			return lookOf("", v.Entity.Key.Element)
		}
		if f := v.Entity.Field(name); f != nil {
			return lookOf(f.Level, f.Element)
		}
		return look{}
	}
}

func datasetElement(d *schemas.Dataset) func(string) look {
	return func(name string) look {
		if f := d.Field(name); f != nil {
			return lookOf(f.Level, f.Element)
		}
		return look{}
	}
}

// keyOf are the fields of the key that a view's records stand under, and how they look.
func keyOf(v *schemas.View) []look {
	if v.Dataset == nil {
		return []look{elementsOf(v)(v.Entity.Key.Name)}
	}
	out := make([]look, len(v.Dataset.Key))
	for i, name := range v.Dataset.Key {
		out[i] = datasetElement(v.Dataset)(name)
		out[i].level += " " + name
	}
	return out
}

// sameStories reports whether explanations show of golden fields, and of the values that
// lost to them, what they show now.
func sameStories(now, then *schemas.Catalogue, is, was *schemas.Entity) bool {
	for _, f := range is.Fields {
		if o := was.Field(f.Name); o != nil && lookOf(f.Level, f.Element) != lookOf(o.Level, o.Element) {
			return false
		}
	}
	for _, d := range now.Datasets {
		o, err := then.Dataset(d.ID)
		if err != nil {
			continue
		}
		for _, f := range d.Fields {
			if g := o.Field(f.Name); g != nil && lookOf(f.Level, f.Element) != lookOf(g.Level, g.Element) {
				return false
			}
		}
	}
	return true
}
