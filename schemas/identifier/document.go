package identifier

import (
	"fmt"
	"regexp"
	"slices"
)

// documents are the forms of document numbers that carry a check of their own.
// A number of another shape is of an older edition or of another issuer, and is
// nobody's mistake: it is not judged.
var documents = map[string]struct {
	shape *regexp.Regexp
	ok    func(number string) bool
}{
	// 残疾人证: the identity number, the category and the grade.
	"disability_card": {regexp.MustCompile(`^\d{17}[\dX][1-7][1-4]$`), func(s string) bool { return citizenOK(s[:18]) }},
	// 学籍号: G or, given out for the time being, L, and the identity number.
	"pupil_number": {regexp.MustCompile(`^[GL]\d{17}[\dX]$`), func(s string) bool { return citizenOK(s[1:]) }},
	// 食品经营许可证: JY, kind of business 1, region 6, serial 6, check digit.
	"food_licence": {regexp.MustCompile(`^JY[1-3]\d{13}$`), func(s string) bool { return HybridCheck(s[2:15]) == s[15] }},
}

// Documents returns the names of the forms that CheckDocument knows, in order.
func Documents() []string {
	names := make([]string, 0, len(documents))
	for name := range documents {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// CheckDocument judges a document's number in its normal form: nil if its check
// holds or if it is not of that form at all, ErrChecksum if it does not hold.
// A form that is not among Documents is ErrFormat.
func CheckDocument(form, number string) error {
	d, known := documents[form]
	switch {
	case !known:
		return fmt.Errorf("check document number: no form %q: %w", form, ErrFormat)
	case !d.shape.MatchString(number) || d.ok(number):
		return nil
	}
	return fmt.Errorf("check document number: %w", ErrChecksum)
}

func citizenOK(s string) bool {
	_, err := ParseCitizen(s)
	return err == nil
}

// HybridCheck returns the check digit of a string of digits by the hybrid system
// ISO 7064 MOD 11,10 (GB/T 17710), 0 if one of them is no digit.
func HybridCheck(digits string) byte {
	p := 10
	for i := range len(digits) {
		if !digit(digits[i]) {
			return 0
		}
		s := (p + int(digits[i]-'0')) % 10
		if s == 0 {
			s = 10
		}
		p = s * 2 % 11
	}
	return byte('0' + (11-p)%10)
}
