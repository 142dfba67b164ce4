package masking

import (
	"strings"
	"unicode/utf8"
)

// plate shows province, letter and last character of a number plate: 云Z****8.
func plate(s string) string {
	if n := utf8.RuneCountInString(s); n < 7 || n > 9 {
		return strings.Repeat("*", n)
	}
	return keep(s, 2, 1)
}

// bankCard shows four digits at each end, with the length kept.
func bankCard(s string) string {
	if len(s) < 12 || !ascii(s) {
		return strings.Repeat("*", utf8.RuneCountInString(s))
	}
	return keep(s, 4, 4)
}

// orgName shows two characters at each end of an organisation's name, which are
// its place and its form, and so hides what a sole trader's name says about its
// owner: 云岭****公司.
func orgName(s string) string {
	if utf8.RuneCountInString(s) < 6 {
		return keep(s, 1, 0)
	}
	return keep(s, 2, 2)
}
