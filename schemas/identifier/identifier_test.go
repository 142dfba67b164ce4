package identifier

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseCitizen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in string
		region   string
		birth    string
		sex      int
		err      error
	}{
		{"standard example", "11010519491231002X", "110105", "1949-12-31", 2, nil},
		{"standard example 2", "34052419800101001X", "340524", "1980-01-01", 1, nil},
		{"born 1880", "440524188001010014", "440524", "1880-01-01", 1, nil},
		{"synthetic man", "539902198503120013", "539902", "1985-03-12", 1, nil},
		{"synthetic woman", "539902198503120021", "539902", "1985-03-12", 2, nil},
		{"synthetic X", "53990219850312003X", "539902", "1985-03-12", 1, nil},
		{"synthetic 4", "539903199001010173", "539903", "1990-01-01", 1, nil},
		{"synthetic 5", "539921195607041243", "539921", "1956-07-04", 2, nil},
		{"minor", "539902201906010235", "539902", "2019-06-01", 1, nil},
		{"lower case", "53990219850312003x", "539902", "1985-03-12", 1, nil},
		{"full width and spaces", " ５３９９０２ 19850312 ００３Ｘ\t", "539902", "1985-03-12", 1, nil},
		{"wrong check digit", "539902198503120012", "539902", "1985-03-12", 1, ErrChecksum},
		{"30 February", "539902198502300013", "", "", 0, ErrFormat},
		{"month 13", "539902198513120013", "", "", 0, ErrFormat},
		{"day 0", "539902198512000013", "", "", 0, ErrFormat},
		{"leap day of no leap year", "539902190002290013", "", "", 0, ErrFormat},
		{"before the floor", "539902179912310013", "", "", 0, ErrFormat},
		{"far future", "539902210001010013", "", "", 0, ErrFormat},
		{"region 0", "039902198503120013", "", "", 0, ErrFormat},
		{"15 digits", "539902850312001", "", "", 0, ErrFormat},
		{"X inside", "53990219850312X013", "", "", 0, ErrFormat},
		{"letter at the end", "53990219850312001A", "", "", 0, ErrFormat},
		{"empty", "", "", "", 0, ErrFormat},
		{"spreadsheet", "5.39902E+17", "", "", 0, ErrFormat},
		{"18 bytes of Chinese", "身份号码身份", "", "", 0, ErrFormat},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseCitizen(c.in)
			if !errors.Is(err, c.err) {
				t.Fatalf("ParseCitizen(%q) = %v, want %v", c.in, err, c.err)
			}
			birth := ""
			if !got.Birth.IsZero() {
				birth = got.Birth.Format(time.DateOnly)
			}
			if got.Region != c.region || birth != c.birth || got.Sex != c.sex {
				t.Errorf("ParseCitizen(%q) = %s %s %d, want %s %s %d", c.in, got.Region, birth, got.Sex, c.region, c.birth, c.sex)
			}
			if err != nil && len(c.in) > 8 && strings.Contains(err.Error(), c.in[6:]) {
				t.Errorf("the error shows the number")
			}
		})
	}
}

// The old form leaves out the century. It was 19, but for the serial numbers of
// people of more than a hundred years.
func TestUpgradeCentury(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"110105491231002": "1949-12-31", "539902990101001": "1999-01-01", "539902000101001": "1900-01-01", "539902010101001": "1901-01-01", "539902850312995": "1985-03-12",
		"539902850312996": "1885-03-12", "539902850312999": "1885-03-12", "539902990101998": "1899-01-01",
	} {
		long, err := UpgradeCitizen(in)
		c, err2 := ParseCitizen(long)
		if err != nil || err2 != nil || c.Birth.Format(time.DateOnly) != want {
			t.Errorf("UpgradeCitizen(%q) is born %s, want %s (%v, %v)", in, c.Birth.Format(time.DateOnly), want, err, err2)
		}
	}
	if _, err := UpgradeCitizen("539902000229996"); err == nil { // 1800 was no leap year
		t.Error("29 February 1800 was accepted")
	}
}

func TestUpgradeCitizen(t *testing.T) {
	t.Parallel()
	got, err := UpgradeCitizen("110105491231002")
	if got != "11010519491231002X" || err != nil {
		t.Errorf("UpgradeCitizen = %q, %v", got, err)
	}
	for _, in := range []string{"", "11010549123100", "110105491331002", "11010549123100X", "11010519491231002X"} {
		if got, err := UpgradeCitizen(in); !errors.Is(err, ErrFormat) {
			t.Errorf("UpgradeCitizen(%q) = %q, %v, want %v", in, got, err, ErrFormat)
		}
	}
}

// TestSingleDigitErrors proves the claim of the standard on its example: every
// one of the 153 ways to mistype one digit of the first 17 is caught.
func TestSingleDigitErrors(t *testing.T) {
	t.Parallel()
	const good = "539902198503120013"
	caught := 0
	for i := range 17 {
		for d := byte('0'); d <= '9'; d++ {
			if d == good[i] {
				continue
			}
			if CitizenCheck(good[:i]+string(rune(d))+good[i+1:17]) == good[17] {
				t.Errorf("digit %d replaced by %c is not caught", i, d)
			}
			caught++
		}
	}
	if caught != 153 {
		t.Errorf("tried %d errors, want 153", caught)
	}
}

func TestParseUSCC(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in string
		register byte
		subject  bool
		err      error
	}{
		{"standard example", "91350100M000100Y43", '9', true, nil},
		{"standard bad example", "91350100M000100Y4Z", 0, false, ErrFormat},
		{"public register", "914403001922038216", '9', true, nil},
		{"public register G", "9144030071526726XG", '9', true, nil},
		{"zero check character", "91539900MADE002140", '9', true, nil},
		{"synthetic", "91539900MADE00011B", '9', true, nil},
		{"synthetic 2", "91539902MADE0002X0", '9', true, nil},
		{"sole trader", "92539903MADE00038B", '9', true, nil},
		{"office", "115399000009900168", '1', true, nil},
		{"institution", "125399000009900240", '1', true, nil},
		{"social organisation", "52539900MJD000011Q", '5', true, nil},
		{"synthetic 3", "91539900MADE00046X", '9', true, nil},
		{"synthetic 4", "91539900MADE00054Q", '9', true, nil},
		{"lower case and hyphens", "91539900-made0001-1b", '9', true, nil},
		{"popular wrong sample", "91310115MA1H8R7C6D", '9', true, ErrChecksum},
		{"region with a letter", "9153990AMADE00011B", 0, false, ErrFormat},
		{"letter I", "91539900MADEI0011B", 0, false, ErrFormat},
		{"letter O", "91539900MADEO0011B", 0, false, ErrFormat},
		{"short", "91539900MADE00011", 0, false, ErrFormat},
		{"empty", "", 0, false, ErrFormat},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseUSCC(c.in)
			if !errors.Is(err, c.err) {
				t.Fatalf("ParseUSCC(%q) = %v, want %v", c.in, err, c.err)
			}
			if got.Register != c.register {
				t.Errorf("ParseUSCC(%q).Register = %c, want %c", c.in, got.Register, c.register)
			}
			if c.err == nil && got.SubjectValid != c.subject {
				t.Errorf("ParseUSCC(%q).SubjectValid = %v, want %v", c.in, got.SubjectValid, c.subject)
			}
		})
	}
}

// TestUSCCCheck holds the sums of the worked examples, and the trap: a sum that
// 31 divides gives the character 0.
func TestUSCCCheck(t *testing.T) {
	t.Parallel()
	for first, want := range map[string]byte{
		"91350100M000100Y4": '3', "91440300192203821": '6', "9144030071526726X": 'G',
		"91539900MADE00214": '0', "91310115MA1H8R7C6": '7', "91350100M000100Y": 0, "91350100M000100YI": 0,
	} {
		if got := USCCCheck(first); got != want {
			t.Errorf("USCCCheck(%q) = %q, want %q", first, got, want)
		}
	}
	for first, want := range map[string]byte{"M000100Y": '4', "71526726": 'X', "1234567": 0, "1234567-": 0} {
		if got := OrgCodeCheck(first); got != want {
			t.Errorf("OrgCodeCheck(%q) = %q, want %q", first, got, want)
		}
	}
}

// TestNestedCode checks that a wrong organisation code inside a right credit
// code is a warning, not an error.
func TestNestedCode(t *testing.T) {
	t.Parallel()
	first := "91539900MADE00019"
	u, err := ParseUSCC(first + string(rune(USCCCheck(first))))
	if err != nil || u.SubjectValid {
		t.Errorf("err = %v, SubjectValid = %v, want nil and false", err, u.SubjectValid)
	}
}

func TestCitizenProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		birth := time.Date(1800, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 109_000).Draw(t, "day"))
		seq := rapid.IntRange(0, 999).Draw(t, "sequence")
		first := fmt.Sprintf("%06d%s%03d", rapid.IntRange(100_000, 999_999).Draw(t, "region"), birth.Format("20060102"), seq)
		number := first + string(rune(CitizenCheck(first)))
		c, err := ParseCitizen(number)
		if err != nil || !c.Birth.Equal(birth) || c.Sex != 2-seq%2 || c.Number != number {
			t.Fatalf("ParseCitizen(%q) = %+v, %v", number, c, err)
		}
		// MOD 11-2 catches any swap of neighbours that changes the number.
		i := rapid.IntRange(0, 15).Draw(t, "swap")
		if first[i] != first[i+1] {
			swapped := first[:i] + first[i+1:i+2] + first[i:i+1] + first[i+2:]
			if CitizenCheck(swapped) == number[17] {
				t.Fatalf("swapping %d and %d of %q is not caught", i, i+1, first)
			}
		}
	})
}

func TestUSCCProperty(t *testing.T) {
	t.Parallel()
	char := rapid.SampledFrom([]byte(usccAlphabet))
	rapid.Check(t, func(t *rapid.T) {
		b := []byte("91" + fmt.Sprintf("%06d", rapid.IntRange(0, 999_999).Draw(t, "region")))
		b = append(b, rapid.SliceOfN(char, 9, 9).Draw(t, "subject")...)
		check := USCCCheck(string(b))
		if check == 0 {
			t.Fatalf("USCCCheck(%q) has no character", b)
		}
		if _, err := ParseUSCC(string(b) + string(rune(check))); err != nil {
			t.Fatalf("ParseUSCC: %v", err)
		}
		// 31 is prime and no weight divides it: one wrong character is always caught.
		i := rapid.IntRange(8, 16).Draw(t, "place")
		wrong := char.Draw(t, "wrong")
		if old := b[i]; wrong != old {
			b[i] = wrong
			if USCCCheck(string(b)) == check {
				t.Fatalf("%c for %c at %d is not caught", wrong, old, i)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"11010519491231002X", "91350100M000100Y43", "110105491231002", "", "\xff", "１２３"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n := Normalise(s); Normalise(n) != n {
			t.Errorf("Normalise is not idempotent on %q", s)
		}
		if c, err := ParseCitizen(s); err == nil || errors.Is(err, ErrChecksum) {
			if len(c.Number) != 18 || c.Birth.IsZero() || c.Sex != 1 && c.Sex != 2 {
				t.Errorf("ParseCitizen(%q) = %+v", s, c)
			}
		}
		if u, err := ParseUSCC(s); err == nil && len(u.Code) != 18 {
			t.Errorf("ParseUSCC(%q) = %+v", s, u)
		}
		if long, err := UpgradeCitizen(s); err == nil {
			if _, err := ParseCitizen(long); err != nil {
				t.Errorf("UpgradeCitizen(%q) = %q: %v", s, long, err)
			}
		}
	})
}

func BenchmarkParseCitizen(b *testing.B) {
	for b.Loop() {
		_, _ = ParseCitizen("11010519491231002X")
	}
}

func ExampleParseCitizen() {
	c, err := ParseCitizen("11010519491231002x")
	fmt.Println(c.Region, c.Birth.Format(time.DateOnly), c.Sex, err)
	_, err = ParseCitizen("110105194912310021")
	fmt.Println(errors.Is(err, ErrChecksum))
	// Output:
	// 110105 1949-12-31 2 <nil>
	// true
}
