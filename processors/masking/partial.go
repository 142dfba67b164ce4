package masking

import (
	"fmt"
)

// partialKinds are the element kinds that have a partial form.
var partialKinds = []string{
	"id_number", "uscc", "person_name", "org_name", "phone", "address", "bank_card", "plate", "identifier",
}

// makePartial is the rule partial: as much as people need to recognise a value
// they already know, by the kind of the element.
func makePartial(s spec) (mask, error) {
	hide := partialOf(s.element.Kind, newGazetteer(s.city))
	if s.element.Contains != "" {
		hide = composite
	}
	if hide == nil {
		return nil, fmt.Errorf("mask \"partial\" has no form for kind %q: %w", s.element.Kind, ErrRefused)
	}
	return textual(hide), nil
}

// partialOf returns the function that hides a text of that kind, nil if the
// kind has no partial form.
func partialOf(kind string, g *gazetteer) func(string) string {
	switch kind {
	case "id_number":
		return idNumber
	case "uscc":
		return creditCode
	case "person_name":
		return personName
	case "org_name":
		return g.organisation
	case "phone":
		return phone
	case "address":
		return g.town
	case "bank_card":
		return bankCard
	case "plate":
		return plate
	case "identifier":
		return registerNumber
	}
	return nil
}
