package identifier

import (
	"fmt"
	"strings"
)

// USCC is what a unified social credit code says.
type USCC struct {
	Code     string // 18 characters
	Register byte   // 登记管理部门: 1 机构编制, 5 民政, 9 市场监管, Y 其他
	Category byte   // 机构类别, its meaning depends on Register
	Region   string // 6 digits
	Subject  string // 9 characters: the organisation code (GB 11714)

	// SubjectValid is false if the organisation code fails its own check
	// character. That is worth a warning only: codes were given out so.
	SubjectValid bool
}

// usccAlphabet is the alphabet of GB 32100: no I, O, S, V, Z. A character's
// value is its position.
const usccAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// usccValues is usccAlphabet turned round, -1 for what is not in it.
var usccValues = func() (values [256]int8) {
	for i := range values {
		values[i] = int8(strings.IndexByte(usccAlphabet, byte(i)))
	}
	return values
}()

// ParseUSCC reads a unified social credit code, normalising it first. With
// ErrChecksum the USCC is filled in; with ErrFormat it is zero.
func ParseUSCC(s string) (USCC, error) {
	s = Normalise(s)
	if len(s) != 18 {
		return USCC{}, fmt.Errorf("parse credit code: not 18 characters: %w", ErrFormat)
	}
	check := USCCCheck(s[:17])
	if check == 0 || usccValues[s[17]] < 0 {
		return USCC{}, fmt.Errorf("parse credit code: characters outside 0-9 and A-Y without I, O, S, V: %w", ErrFormat)
	}
	for i := 2; i < 8; i++ {
		if !digit(s[i]) {
			return USCC{}, fmt.Errorf("parse credit code: region is not 6 digits: %w", ErrFormat)
		}
	}
	u := USCC{Code: s, Register: s[0], Category: s[1], Region: s[2:8], Subject: s[8:17]}
	u.SubjectValid = OrgCodeCheck(u.Subject[:8]) == u.Subject[8]
	if check != s[17] {
		return u, fmt.Errorf("parse credit code: %w", ErrChecksum)
	}
	return u, nil
}

var usccWeights = [17]int{1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28}

// USCCCheck returns the check character of the first 17 characters, 0 if they
// are not 17 characters of the alphabet.
func USCCCheck(first17 string) byte {
	if len(first17) != 17 {
		return 0
	}
	sum := 0
	for i, w := range usccWeights {
		v := usccValues[first17[i]]
		if v < 0 {
			return 0
		}
		sum += w * int(v)
	}
	// The second remainder makes a sum divisible by 31 give 0: without it the
	// index would be 31, which has no character.
	return usccAlphabet[(31-sum%31)%31]
}

var orgCodeWeights = [8]int{3, 7, 9, 10, 5, 8, 4, 2}

// OrgCodeCheck returns the check character of the first 8 characters of an
// organisation code (GB 11714), 0 if they are not 8 of 0-9 and A-Z.
func OrgCodeCheck(first8 string) byte {
	if len(first8) != 8 {
		return 0
	}
	sum := 0
	for i, w := range orgCodeWeights {
		switch b := first8[i]; {
		case digit(b):
			sum += w * int(b-'0')
		case 'A' <= b && b <= 'Z':
			sum += w * int(b-'A'+10)
		default:
			return 0
		}
	}
	return "0X987654321"[sum%11]
}
