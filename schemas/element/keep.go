package element

import (
	"unicode/utf8"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Take is Parse that keeps the source's spelling of the kinds that have one. What
// it takes away is what nobody wrote: white space at the ends, invisible
// characters, and differences between Unicode forms of one character.
func Take(e *schemas.Element, raw string) (schemas.Value, error) {
	if !schemas.Spelled(e.Kind) {
		return Parse(e, raw)
	}
	if err := sound(raw); err != nil {
		return schemas.Null, err
	}
	return keep(e, raw)
}

// Accept is Take of a value that is typed already.
func Accept(e *schemas.Element, v schemas.Value) (schemas.Value, error) {
	if v.Kind() != schemas.KindString || !schemas.Spelled(e.Kind) {
		return Canonical(e, v)
	}
	if canonical(e, v.Str()) {
		return v, nil
	}
	if err := sound(v.Str()); err != nil {
		return schemas.Null, err
	}
	kept, err := keep(e, v.Str())
	if err == nil && kept.Str() == v.Str() && !kept.IsNull() {
		return v, nil
	}
	return kept, err
}

func keep(e *schemas.Element, raw string) (schemas.Value, error) {
	if blank(raw) {
		return schemas.Null, nil
	}
	if s, err := Normalise(e, raw); err != nil || s == "" {
		return schemas.Null, err // it must have a normal form
	}
	return schemas.Text(tidy(raw)), nil
}

// Normal returns the form of a value in which it is compared with others: for
// keys, rules, picks, masks, tokens and digests, so that two spellings of one
// name are one name there. What has no normal form is its own.
func Normal(e *schemas.Element, v schemas.Value) schemas.Value {
	if v.Kind() != schemas.KindString || !schemas.Spelled(e.Kind) || canonical(e, v.Str()) {
		return v
	}
	if s, err := Normalise(e, v.Str()); err == nil && s != "" && s != v.Str() {
		return schemas.Text(s)
	}
	return v
}

// RenderNormal is Render of the normal form.
func RenderNormal(e *schemas.Element, v schemas.Value) string { return Render(e, Normal(e, v)) }

// canonical reports, for most texts and at little cost, that a text is its own
// normal form and valid. Where it is in doubt it says no.
func canonical(e *schemas.Element, s string) bool {
	limit := MaxLength(e)
	if s == "" || len(s) > limit && len(s) > 3*limit {
		return false
	}
	if e.Kind == "address" {
		return (len(s) <= limit || utf8.RuneCountInString(s) <= limit) && canonicalAddress(s)
	}
	n, letter := 0, false
	for _, r := range s {
		n++
		switch {
		case r >= 0x4e00 && r <= 0x9fa5:
			letter = true
		case r >= '0' && r <= '9':
			if e.Kind == "person_name" {
				return false
			}
		case r >= 'A' && r <= 'Z':
			letter = true
			if e.Kind == "identifier" && r == 'E' || e.Kind == "person_name" {
				return false
			}
		default:
			return false
		}
	}
	if n > limit {
		return false
	}
	switch e.Kind {
	case "person_name", "org_name":
		return letter
	}
	return true
}
