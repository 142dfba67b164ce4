package masking

import (
	"fmt"
	"strings"
	"unicode/utf8"
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
		return orgName
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

// stars stands for a value of which nothing may be shown.
const stars = "***"

// keep shows the first head and the last tail characters of s and a star for
// each between. Where less than a third would stay hidden, all of it is hidden.
func keep(s string, head, tail int) string {
	n := utf8.RuneCountInString(s)
	if hidden := n - head - tail; hidden <= 0 || hidden*3 < n {
		return strings.Repeat("*", n)
	}
	var b strings.Builder
	b.Grow(len(s))
	i := 0
	for _, r := range s {
		if i < head || i >= n-tail {
			b.WriteRune(r)
		} else {
			b.WriteByte('*')
		}
		i++
	}
	return b.String()
}

// cut returns the first n characters of s.
func cut(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
