package masking

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// plate shows province, letter and last character of a number plate: 云Z****8. What
// does not begin with a Chinese character and a letter is hidden whole.
func plate(s string) string {
	n := utf8.RuneCountInString(s)
	province, size := utf8.DecodeRuneInString(s)
	if n < 7 || n > 9 || !unicode.Is(unicode.Han, province) || s[size] < 'A' || s[size] > 'Z' {
		return strings.Repeat("*", n)
	}
	return keep(s, 2, 1)
}

// bankCard shows four digits at each end, with the length kept, and of what may be an
// identity number those at the beginning only: its last four hold whom it is of.
func bankCard(s string) string {
	switch {
	case len(s) < 12 || !figured(s, ""):
		return strings.Repeat("*", utf8.RuneCountInString(s))
	case (len(s) == 18 || len(s) == 15) && identityAt(s):
		return keep(s, 4, 0)
	}
	return keep(s, 4, 4)
}
