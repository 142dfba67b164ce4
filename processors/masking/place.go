package masking

import (
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// Place is somewhere outside of the views where values may stand: the evidence
// and the subject of a finding, the explanation of a golden record. Nobody
// chose its masks field by field, so one rule decides, the same that a view
// which names no mask follows: the element's own mask, and its level.
//
//	mask         its form, whatever the level up to L3
//	no mask, L1  as it is
//	no mask, L2  as it is: these are the codes without which a work order says nothing
//	no mask, L3  withheld: somebody raised the field and said no form for it
//	L4           withheld, masked or not
//
// The numbers of persons that somebody wrote into a text are hidden (written.go).
// What is withheld stands as three stars, so that it is not taken for missing.
// The readers of both places are the bureau's supervisors; a department that
// wants more asks for a view.
type Place struct {
	view *schemas.View // carries the audience of tokens
	city schemas.City
	keys Keys
}

// Show returns what a place shows of a value, as a text; Null of no value.
type Show func(schemas.Value) schemas.Value

// NewPlace returns the place whose tokens are those of an audience.
func NewPlace(audience string, city schemas.City, keys Keys) *Place {
	return &Place{view: &schemas.View{ID: audience, Audience: audience}, city: city, keys: keys}
}

// Of compiles what the place shows of a field. The element is the field's own;
// a value that stands in for another (a claim that lost a cell) also keeps to
// the masks of the elements it stands in for.
func (p *Place) Of(level string, own *schemas.Element, instead ...*schemas.Element) (Show, error) {
	mask := own.Mask
	for _, e := range instead {
		mask = stricter(mask, e.Mask, own)
	}
	switch {
	case level >= "L4" || mask == "" && level >= "L3" || mask == schemas.MaskSuppress || mask == schemas.MaskDigest:
		return withheld, nil
	case mask == "":
		hide := column{mask: screen(own)}
		return func(v schemas.Value) schemas.Value {
			text := schemas.Text(element.Render(own, v))
			switch {
			case text.Str() == "":
				return schemas.Null
			case !schemas.Spelled(own.Kind):
				return text
			}
			if out, ok := hide.run(text, time.Time{}); ok {
				return out
			}
			return schemas.Text(stars)
		}, nil
	case mask == schemas.MaskAge:
		mask = schemas.MaskBand // evidence is kept, and an age does not stay true
	}
	hide, err := compile(mask, spec{
		element: own, from: schemas.Column{Name: own.ID, Type: own.Type, Precision: own.Precision, Scale: own.Scale},
		to: schemas.Column{Name: own.ID, Type: schemas.String, Nullable: true}, field: own.ID, view: p.view, city: p.city, keys: p.keys,
	})
	if err != nil {
		return nil, fmt.Errorf("show element %q in %q: %w", own.ID, p.view.ID, err)
	}
	c := column{mask: hide}
	return func(v schemas.Value) schemas.Value {
		if nothing(v) {
			return schemas.Null
		}
		if out, ok := c.run(v, time.Time{}); ok && !out.IsNull() {
			return out
		}
		return schemas.Text(stars)
	}, nil
}

// stricter returns the mask that hides what both hide, for values of an element.
func stricter(a, b string, own *schemas.Element) string {
	switch {
	case a == b || b == "":
		return a
	case a == schemas.MaskSuppress || b == schemas.MaskSuppress:
		return schemas.MaskSuppress
	}
	rule, ok := schemas.Mask(b)
	if a != "" || !ok || !rule.Applies(own.Kind) {
		return schemas.MaskSuppress // of two different forms neither hides what the other does
	}
	return b
}

func withheld(v schemas.Value) schemas.Value {
	if nothing(v) {
		return schemas.Null
	}
	return schemas.Text(stars)
}

func nothing(v schemas.Value) bool {
	return v.IsNull() || v.Kind() == schemas.KindUnavailable || v.Kind() == schemas.KindString && v.Str() == ""
}
