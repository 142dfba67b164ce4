// Package identifier reads the two numbers that everything in a city hangs on:
// the citizen's identity number (公民身份号码, GB 11643-1999) and the unified
// social credit code of an organisation (统一社会信用代码, GB 32100-2015) with the
// organisation code nested in it (GB 11714). All functions are pure and safe
// for concurrent use, and no error ever holds the number it is about.
//
// A number that is malformed and one that is well formed but fails its check
// character are different things: the first cannot be anybody's (ErrFormat), the
// second is a typing error worth a work order (ErrChecksum, and the parsed
// number comes with it).
package identifier

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrFormat says that a number has the wrong length or characters, or a date
// of birth that no calendar has.
var ErrFormat = errors.New("malformed identifier")

// ErrChecksum says that a number is well formed but its check character is not
// the one that the other characters give.
var ErrChecksum = errors.New("wrong check character")

// Normalise writes a number as the standards do: half-width, upper case,
// without spaces and hyphens. It does not judge it.
func Normalise(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' {
			r -= '！' - '!'
		}
		switch {
		case r == ' ' || r == '\t' || r == '\r' || r == '\n' || r == '\u3000' || r == '\u00a0' || r == '\ufeff' || r == '-':
			return -1
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

// Citizen is what a citizen's identity number says.
type Citizen struct {
	Number string    // 18 characters
	Region string    // 6 digits: where the number was first registered, not where the citizen lives
	Birth  time.Time // midnight UTC
	Sex    int       // 1 male, 2 female
}

// The years of birth a number may state: the standard's own worked example is
// of 1880, and a pure function does not know today.
const (
	firstYear = 1800
	lastYear  = 2099
)

// ParseCitizen reads a citizen's identity number of 18 characters, normalising
// it first. With ErrChecksum the Citizen is filled in; with ErrFormat it is zero.
func ParseCitizen(s string) (Citizen, error) {
	s = Normalise(s)
	if len(s) != 18 {
		return Citizen{}, fmt.Errorf("parse identity number: not 18 characters: %w", ErrFormat)
	}
	check := CitizenCheck(s[:17])
	last := s[17]
	if check == 0 || s[0] == '0' || last != 'X' && !digit(last) {
		return Citizen{}, fmt.Errorf("parse identity number: not 17 digits and a digit or X: %w", ErrFormat)
	}
	birth, ok := day(s[6:14])
	if !ok {
		return Citizen{}, fmt.Errorf("parse identity number: impossible date of birth: %w", ErrFormat)
	}
	c := Citizen{Number: s, Region: s[:6], Birth: birth, Sex: 2 - int(s[16]-'0')%2}
	if check != last {
		return c, fmt.Errorf("parse identity number: %w", ErrChecksum)
	}
	return c, nil
}

// UpgradeCitizen turns a number of the old form of 15 digits into the present
// one: the century after the region, and the check character at the end. The old
// form was given out until 1999, so the century is 19; but its last four serial
// numbers, 996 to 999, were kept for people of more than a hundred years, who
// were born in the 19th century: theirs is 18.
func UpgradeCitizen(s string) (string, error) {
	s = Normalise(s)
	if len(s) != 15 {
		return "", fmt.Errorf("upgrade identity number: not 15 digits: %w", ErrFormat)
	}
	century := "19"
	if s[12:] >= "996" && digit(s[12]) && digit(s[13]) && digit(s[14]) {
		century = "18"
	}
	long := s[:6] + century + s[6:]
	check := CitizenCheck(long)
	if check == 0 {
		return "", fmt.Errorf("upgrade identity number: not 15 digits: %w", ErrFormat)
	}
	long += string(rune(check))
	if _, err := ParseCitizen(long); err != nil {
		return "", fmt.Errorf("upgrade: %w", err)
	}
	return long, nil
}

var citizenWeights = [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}

// CitizenCheck returns the check character of the first 17 digits (ISO 7064
// MOD 11-2), 0 if they are not 17 digits.
func CitizenCheck(first17 string) byte {
	if len(first17) != 17 {
		return 0
	}
	sum := 0
	for i, w := range citizenWeights {
		if !digit(first17[i]) {
			return 0
		}
		sum += w * int(first17[i]-'0')
	}
	return "10X98765432"[sum%11]
}

// day reads eight digits as a day of the calendar.
func day(s string) (time.Time, bool) {
	n := 0
	for i := range 8 {
		n = n*10 + int(s[i]-'0')
	}
	y, m, d := n/10000, n/100%100, n%100
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if y < firstYear || y > lastYear || t.Day() != d || int(t.Month()) != m {
		return time.Time{}, false
	}
	return t, true
}

func digit(b byte) bool { return '0' <= b && b <= '9' }
