package probe

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
	"github.com/yiyuan-bus/yiyuan/schemas/identifier"
)

// Tests are the questions that values are asked: would this data element of the catalogue
// take it. Elements that take the same are asked once.
type Tests struct {
	all []*schemas.Element
	of  map[*schemas.Element]int
}

// NewTests are the tests of a catalogue's elements. Kinds that take any text are none.
func NewTests(cat *schemas.Catalogue) *Tests {
	t := &Tests{of: map[*schemas.Element]int{}}
	same := map[string]int{}
	for _, e := range cat.Elements {
		if !asks(e) {
			continue
		}
		what := fmt.Sprint(e.Kind, e.Precision, e.Scale, bound(e.Min), bound(e.Max), e.MaxLength)
		if e.Kind == "code" {
			what = "code " + e.ID
			if e.Set != nil {
				what = "set " + e.Set.ID
			}
		}
		i, known := same[what]
		if !known {
			i = len(t.all)
			same[what], t.all = i, append(t.all, e)
		}
		t.of[e] = i
	}
	return t
}

func bound(f *float64) string {
	if f == nil {
		return "-"
	}
	return fmt.Sprint(*f)
}

// asks reports whether an element takes some texts and not others.
func asks(e *schemas.Element) bool {
	switch e.Kind {
	case "text", "identifier":
		return false
	case "code":
		return len(e.Codes) > 0
	}
	return true
}

// Tally counts what the values of one column are. It keeps none of them.
type Tally struct {
	tests *Tests

	Filled int // values that are neither null nor blank
	Blank  int // white space, or nothing
	Longer int // values that are longer than what was looked at of them
	Long   int // bytes of the longest

	Citizen int // identity numbers with the right check character
	Credit  int // credit codes with the right one
	Mobile  int // 11 digits from 13 to 19
	Card    int // 16 to 19 digits with the right check digit
	Plate   int // a province, a letter, five or six characters
	Dated   int // days written out, from 1900 to 2100 or 9999
	taken   []int
}

// New is a tally without any value.
func (t *Tests) New() *Tally { return &Tally{tests: t, taken: make([]int, len(t.all))} }

// Looked is how many characters of a value are looked at.
const Looked = 256

// Add counts one value that is not null: its first Looked characters, and how many bytes it has.
func (t *Tally) Add(value string, size int) {
	cut := size > len(value) || utf8.RuneCountInString(value) >= Looked
	value = strings.TrimSpace(value)
	if value == "" {
		t.Blank++
		return
	}
	t.Filled++
	t.Long = max(t.Long, size)
	if cut {
		t.Longer++
		return
	}
	t.recognise(value)
	for i, e := range t.tests.all {
		v, err := element.Parse(e, value)
		if err == nil && !v.IsNull() && (e.Type != schemas.String || !e.Doubts(v.Str())) {
			t.taken[i]++
		}
	}
}

// recognise counts what shows itself, by a check digit or by its form.
func (t *Tally) recognise(value string) {
	plain := identifier.Normalise(value)
	switch digits := strings.Trim(plain, "0123456789") == ""; {
	case citizen(plain):
		t.Citizen++
	case credit(plain):
		t.Credit++
	case digits && len(plain) == 11 && plain[0] == '1' && plain[1] >= '3':
		t.Mobile++
	case digits && len(plain) >= 16 && len(plain) <= 19 && identifier.LuhnCheck(plain[:len(plain)-1]) == plain[len(plain)-1]:
		t.Card++
	case plate(plain):
		t.Plate++
	}
	if v, err := element.Parse(day, value); err == nil && !v.IsNull() {
		if year := v.Time(schemas.Date).Year(); year >= 1900 && year <= 2100 || year == 9999 {
			t.Dated++
		}
	}
}

var day = &schemas.Element{ID: "date", Kind: "date", Type: schemas.Date}

func citizen(plain string) bool {
	if len(plain) == 15 {
		_, err := identifier.UpgradeCitizen(plain)
		return err == nil
	}
	_, err := identifier.ParseCitizen(plain)
	return err == nil
}

func credit(plain string) bool {
	_, err := identifier.ParseUSCC(plain)
	return err == nil
}

// plate reports what begins as number plates do, and has their length.
func plate(plain string) bool {
	runes := []rune(strings.NewReplacer("·", "", ".", "").Replace(plain))
	if len(runes) < 7 || len(runes) > 8 || !strings.ContainsRune("京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼", runes[0]) || runes[1] < 'A' || runes[1] > 'Z' {
		return false
	}
	for _, r := range runes[2:] {
		if !(r >= '0' && r <= '9') && !(r >= 'A' && r <= 'Z') && !unicode.Is(unicode.Han, r) {
			return false
		}
	}
	return true
}

// share is how many of a hundred values an element takes; tested is false where nothing
// was looked at, or the element takes any text.
func (t *Tally) share(e *schemas.Element) (percent int, tested bool) {
	if t == nil || t.Filled == 0 {
		return 0, false
	}
	i, asked := t.tests.of[e]
	if !asked {
		return 0, false
	}
	n := t.taken[i]
	switch e.Kind { // what passes for one without its check is none here
	case "id_number":
		n = t.Citizen
	case "uscc":
		n = t.Credit
	}
	return n * 100 / t.Filled, true
}

// shows reports that the values are of a kind by what they are, whatever the column is called.
func (t *Tally) shows(kind string) bool {
	if t == nil || t.Filled == 0 {
		return false
	}
	n, least := 0, 5
	switch kind {
	case "id_number":
		n, least = t.Citizen, 2
	case "uscc":
		n, least = t.Credit, 2
	case "phone":
		n = t.Mobile
	case "bank_card":
		n = t.Card
	case "plate":
		n = t.Plate
	case "date":
		n = t.Dated
	}
	return n >= least && n*10 >= t.Filled*9
}
