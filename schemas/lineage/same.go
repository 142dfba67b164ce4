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
	look := looker(!now.City.SamePlaces(then.City))
	if v.Name == schemas.ExplainView && !look.sameStories(now, then, v.Entity, was.Entity) {
		return false
	}
	if !look.sameFields(v.Fields, was.Fields, v.Column, was.Column) {
		return false
	}
	return !slices.ContainsFunc(v.Embed, func(b schemas.Embed) bool {
		o := was.Embedded(b.Dataset.ID, b.Role)
		return o != nil && (b.Limit() != o.Limit() || !look.sameFields(b.Fields, o.Fields, b.Dataset.Column, o.Dataset.Column))
	})
}

// looker compares how values look; true where the city is cut to other names of districts
// and towns than then.
type looker bool

// same reports whether values of an element look the same behind a mask.
func (other looker) same(mask string, is, was *schemas.Element, level, levelThen string) bool {
	return lookOf(is, level) == lookOf(was, levelThen) && !(bool(other) && schemas.ByPlaces(mask, is))
}

func (other looker) sameFields(now, then []schemas.ViewField, is, was func(string) (*schemas.Element, string)) bool {
	for _, f := range now {
		i := slices.IndexFunc(then, func(o schemas.ViewField) bool { return o.Name == f.Name })
		if i < 0 {
			continue
		}
		o := then[i]
		e, level := is(f.Name)
		before, levelThen := was(f.Name)
		if f.Mask != o.Mask || f.Type != o.Type || f.Screened != o.Screened || !other.same(f.Mask, e, before, level, levelThen) {
			return false
		}
	}
	return true
}

// look is what of a field decides how its values look, masked or not.
type look struct {
	level, elementLevel, mask string
	nature                    schemas.Nature
	typ                       schemas.Type
	scale                     int
}

func lookOf(e *schemas.Element, level string) look {
	if e == nil {
		return look{level: level}
	}
	return look{level, e.Level, e.Mask, e.Nature(), e.Type, e.Scale}
}

// keyOf are the fields of the key that a view's records stand under, and how they look.
func keyOf(v *schemas.View) []look {
	if v.Dataset == nil {
		return []look{lookOf(v.Column(v.Entity.Key.Name))}
	}
	out := make([]look, len(v.Dataset.Key))
	for i, name := range v.Dataset.Key {
		out[i] = lookOf(v.Dataset.Column(name))
		out[i].level += " " + name
	}
	return out
}

// sameStories reports whether explanations show of golden fields, and of the values that
// lost to them, what they show now.
func (other looker) sameStories(now, then *schemas.Catalogue, is, was *schemas.Entity) bool {
	for _, f := range is.Fields {
		if o := was.Field(f.Name); o != nil && !other.same(f.Element.Mask, f.Element, o.Element, f.Level, o.Level) {
			return false
		}
	}
	for _, d := range now.Datasets {
		o, err := then.Dataset(d.ID)
		if err != nil {
			continue
		}
		for _, f := range d.Fields {
			if g := o.Field(f.Name); g != nil && !other.same(f.Element.Mask, f.Element, g.Element, f.Level, g.Level) {
				return false
			}
		}
	}
	return true
}
