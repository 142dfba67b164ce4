package masking

// town cuts an address to its street office or township (街道，乡镇) by the city's
// dictionary, never by length: 云岭市岭东区东关街道***. An address that does not say
// that it is in the city shows nothing.
func (g *gazetteer) town(address string) string {
	d, town := g.find(address)
	if d == nil {
		return stars
	}
	return g.city + d.shown + town + stars
}

// district cuts an address to its district: 云岭市岭东区.
func (g *gazetteer) district(address string) string {
	d, _ := g.find(address)
	if d == nil {
		return stars
	}
	return g.city + d.shown
}

// makeDistrict is the rule district: an address becomes its district's name, a
// region code its first six digits.
func makeDistrict(s spec) (mask, error) {
	if s.element.Kind == "region" {
		return textual(regionCode), nil
	}
	return textual(newGazetteer(s.city).district), nil
}

// regionCode cuts the code of a division (6 digits), a town (9) or a village (12).
func regionCode(code string) string {
	switch len(code) {
	case 6, 9, 12:
		if digits(code) {
			return code[:6]
		}
	}
	return ""
}
