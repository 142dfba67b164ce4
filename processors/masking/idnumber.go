package masking

import "strings"

// idNumber shows the six digits of the first registration's place and hides the
// rest: 539902************. The check digit is hidden too, because with it the
// hidden birth date could be guessed in a few thousand tries.
func idNumber(s string) string {
	if len(s) != 18 && len(s) != 15 || !ascii(s) {
		return strings.Repeat("*", 18)
	}
	return s[:6] + strings.Repeat("*", len(s)-6)
}

// creditCode shows the registering authority, class and region of a 统一社会信用代码
// and hides the subject and the check character: 91539900**********.
func creditCode(s string) string {
	if len(s) != 18 || !ascii(s) {
		return strings.Repeat("*", 18)
	}
	return s[:8] + strings.Repeat("*", 10)
}

// identifier shows at most the first two and the last two characters of a
// number of a register.
func identifier(s string) string {
	n := 0
	for range s {
		n++
	}
	switch {
	case n < 6:
		return strings.Repeat("*", n)
	case n < 9:
		return keep(s, 1, 1)
	}
	return keep(s, 2, 2)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
