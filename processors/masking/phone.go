package masking

import "strings"

// phone shows three and four digits of a mobile number (180****1999) and the
// area code and last two digits of a landline (0915*****79). Anything else
// shows its last two digits at most.
func phone(s string) string {
	switch {
	case s == "" || !figured(s, "-"):
		return strings.Repeat("*", 7)
	case len(s) == 11 && s[0] == '1' && s[1] >= '3' && digits(s[:3]) && digits(s[7:]):
		return s[:3] + "****" + s[7:]
	case s[0] == '0' && len(s) >= 9:
		area := 4
		if s[1] == '1' || s[1] == '2' {
			area = 3
		}
		return s[:area] + hideDigits(s[area:], 2)
	case len(s) >= 6:
		return hideDigits(s, 2)
	}
	return strings.Repeat("*", len(s))
}

// hideDigits hides all but the last tail characters and the dashes.
func hideDigits(s string, tail int) string {
	b := []byte(s)
	for i := range len(b) - tail {
		if b[i] != '-' {
			b[i] = '*'
		}
	}
	return string(b)
}
