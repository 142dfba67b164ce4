package identifier

import (
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func TestCheckDocument(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		form, number string
		err          error
	}{
		{"disability_card", "53990219850312001344", nil},
		{"disability_card", "53990219850312001244", ErrChecksum},
		{"disability_card", "53990219850230001344", ErrChecksum}, // 30 February
		{"disability_card", "云残0012", nil},                       // an older edition
		{"disability_card", "53990219850312001395", nil},         // no such category: no card of this form
		{"pupil_number", "G539902198503120013", nil},
		{"pupil_number", "L539902198503120013", nil},
		{"pupil_number", "G539902198503120012", ErrChecksum},
		{"pupil_number", "X539902198503120012", nil},
		{"food_licence", "JY15399020000016", nil},
		{"food_licence", "JY15399020000019", ErrChecksum},
		{"food_licence", "JY1539902000001", nil},
		{"nothing", "1", ErrFormat},
	} {
		if err := CheckDocument(c.form, c.number); !errors.Is(err, c.err) {
			t.Errorf("%s %s: %v, want %v", c.form, c.number, err, c.err)
		}
	}
}

// The worked example of ISO 7064 MOD 11,10: 0794 has the check digit 5. Every
// single wrong digit is noticed.
func TestHybridCheck(t *testing.T) {
	t.Parallel()
	if got := HybridCheck("0794"); got != '5' {
		t.Errorf("0794: %c, want 5", got)
	}
	if got := HybridCheck("07X4"); got != 0 {
		t.Errorf("no digits: %d, want 0", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := []byte(rapid.StringMatching(`[0-9]{1,20}`).Draw(t, "digits"))
		at := rapid.IntRange(0, len(s)-1).Draw(t, "at")
		right := HybridCheck(string(s))
		s[at] = '0' + (s[at]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "by")))%10
		if HybridCheck(string(s)) == right {
			t.Errorf("a wrong digit at %d is not noticed", at)
		}
	})
}
