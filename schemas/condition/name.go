package condition

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// NormaliseName returns the form in which two departments' writings of the name
// of one person or organisation are the same: half width, upper case, without
// spaces, middle dots, brackets and other punctuation, and with the characters
// that older code pages kept in the private use area at their place in Unicode
// (GB 18030).
func NormaliseName(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		if p, ok := privateUse[r]; ok {
			r = p
		}
		if r > unicode.MaxASCII {
			if f := width.LookupRune(r).Narrow(); f != 0 && f <= unicode.MaxASCII {
				r = f
			}
		}
		if unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Sk) || r == '・' || r == '·' {
			continue
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}

// privateUse maps the private-use code points of GB 18030-2000 and GBK to the
// characters that GB 18030-2005 and later give them.
var privateUse = map[rune]rune{
	'\uE816': '\U00020087', '\uE817': '\U00020089', '\uE818': '\U000200CC', '\uE81E': '\u9FB4', '\uE826': '\u9FB5',
	'\uE82B': '\u9FB6', '\uE82C': '\u9FB7', '\uE831': '\U000215D7', '\uE832': '\u9FB8', '\uE83B': '\U0002298F',
	'\uE843': '\u9FB9', '\uE854': '\u9FBA', '\uE855': '\U000241FE', '\uE864': '\u9FBB',
}
