package masking

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// idNumber shows the six digits of the first registration's place and hides the
// rest: 539902************. The check digit is hidden too, because with it the
// hidden birth date could be guessed in a few thousand tries.
func idNumber(s string) string {
	if len(s) != 18 && len(s) != 15 || !figured(s[:len(s)-1], "") || !figured(s[len(s)-1:], "Xx") {
		return strings.Repeat("*", 18)
	}
	return s[:6] + strings.Repeat("*", len(s)-6)
}

const capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// creditCode shows the registering authority, class and region of a 统一社会信用代码
// and hides the subject and the check character: 91539900**********. Of what may be a
// person's number it shows what the partial form of that shows.
func creditCode(s string) string {
	if len(s) != 18 || !figured(s, capitals) || !figured(s[2:8], "") {
		return strings.Repeat("*", 18)
	}
	if identityAt(s) {
		return idNumber(s)
	}
	return s[:8] + strings.Repeat("*", 10)
}

// composite is the partial form of a number that is made of another: of a 残疾人证号
// (identity number, category, grade) or a 学籍号 (G and the identity number) it
// shows what the partial form of the identity number in it shows, and hides what
// was added, which other fields may have been withheld for. Of a number in which
// no identity number is found nothing is shown.
func composite(s string) string {
	s = plain(s)
	at, n := identityIn(s)
	if n == 0 {
		return strings.Repeat("*", utf8.RuneCountInString(s))
	}
	return strings.Repeat("*", utf8.RuneCountInString(s[:at])) + s[at:at+6] + strings.Repeat("*", utf8.RuneCountInString(s[at+6:]))
}

// identityIn finds an identity number, old or new, in a longer number: eighteen
// or fifteen characters with a day of birth where one must be. The check digit is
// not looked at: a wrong one hides no better.
func identityIn(s string) (at, n int) {
	for _, n := range [...]int{18, 15} {
		for at := 0; at+n <= len(s); at++ {
			if identityAt(s[at:at+n]) && (n == 18 || len(s) < 18) {
				return at, n
			}
		}
	}
	return 0, 0
}

func identityAt(s string) bool {
	body := s
	var day string
	if len(s) == 18 {
		if last := s[17]; last != 'X' && last != 'x' && !digits(s[17:]) {
			return false
		}
		body, day = s[:17], s[6:14]
	} else {
		day = "19" + s[6:12]
	}
	if !digits(body) || s[0] == '0' || day < "1800" || day > "22" {
		return false
	}
	_, err := time.Parse("20060102", day)
	return err == nil
}

// plain is a text with full-width letters and digits narrowed and white space
// taken out, so that neither hides what it is made of.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '\uff01' && r <= '\uff5e':
			return r - 0xfee0
		case unicode.IsSpace(r):
			return -1
		}
		return r
	}, s)
}

// registerNumber shows at most the first two and the last two characters of a
// number of a register, and less where the number turns out to be made of an
// identity number though its element does not say so.
func registerNumber(s string) string {
	if _, found := identityIn(s); found > 0 {
		return composite(s)
	}
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
