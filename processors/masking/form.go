package masking

import (
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas/identifier"
)

// shortIdentity takes what is short of an identity number's check digit and has a day of
// birth where one must be: seventeen digits behind which it was left out or written as
// nobody foresaw, the old fifteen, and what is made of those by two more. As the number
// of a document fifteen digits with a check digit are of a register (GS 15).
func (r *reader) shortIdentity(all bool) func(from, to int, s string) string {
	return func(from, to int, s string) string {
		switch {
		case !province(s) || !identityAt(s[:15]) && (len(s) != 17 || !identityAt(s+"0")) || r.amount(from, to):
			return ""
		case !all && r.whole && len(s) == 15 && identifier.HybridCheck(s[:14]) == s[14]:
			return ""
		}
		return s[:6] + strings.Repeat("*", len(s)-6)
	}
}

// provinces are the first two digits of the divisions in which identity numbers were
// given out.
const provinces = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82"

func province(s string) bool { return strings.Contains(provinces, s[:2]) }

// telephone takes the numbers of mobile telephones, with what stands before them in a
// call from elsewhere.
func (r *reader) telephone(from, to int, s string) string {
	at := len(s) - 11
	if !mobile(s[at:]) || s[:at] != "" && s[:at] != "0" && s[:at] != "86" && s[:at] != "0086" || r.amount(from, to) {
		return ""
	}
	if r.figures[from].script != r.figures[from+at].script {
		return "" // 三 is no part of the number in 三13900000000
	}
	if softly, _ := r.softly(from, to); softly && touches(r.days, from, to) {
		return ""
	}
	return s[:at] + phone(s[at:])
}

func mobile(s string) bool { return len(s) == 11 && s[0] == '1' && s[1] >= '3' && digits(s) }

// card takes numbers that a bank card can have.
func (r *reader) card(from, to int, s string) string {
	issuer := s[:4]
	switch {
	case s[0] >= '3' && s[0] <= '6', s[0] == '9', issuer >= "2221" && issuer <= "2720":
	default:
		return ""
	}
	if identifier.LuhnCheck(s[:len(s)-1]) != s[len(s)-1] || r.amount(from, to) {
		return ""
	}
	softly, _ := r.softly(from, to)
	if softly && (touches(r.days, from, to) || s[0] != '4' && !strings.Contains("62 60 35 51 52 53 54 55 95", s[:2])) {
		return "" // lists of other numbers are as likely
	}
	if _, err := identifier.ParseUSCC(s); err == nil {
		return ""
	}
	return bankCard(s)
}
