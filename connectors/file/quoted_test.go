package file

import (
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors/file/format"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
)

// TestMarkerIsNotQuoted: a number in a marker that may be a person's is not told.
func TestMarkerIsNotQuoted(t *testing.T) {
	t.Parallel()
	const id = "530102199003070017"
	for _, word := range []string{"lines", "size"} {
		w, err := parseMarker([]byte(word + "=" + id))
		if err != nil {
			t.Fatal(err)
		}
		p, err := checkMarker(w, "a.csv", nil, format.Survey{Size: 12, Lines: 3})
		if err != nil || p == nil || strings.Contains(p.Detail, id) || !strings.Contains(p.Detail, ">9999999999") {
			t.Errorf("%s: %+v, %v", word, p, err)
		}
	}
	if got := quoted(9_999_999_999); got != "9999999999" {
		t.Errorf("ten digits are told as %s", got)
	}
}

// TestPatienceOfLessThanAMinute is refused by name: a marker is waited for that long
// before anything is said.
func TestPatienceOfLessThanAMinute(t *testing.T) {
	t.Parallel()
	for patience, fine := range map[time.Duration]bool{0: true, 20 * time.Second: false, time.Minute: true} {
		if err := option.Check(map[string]any{"dir": "x", "patience": patience.String()}, new(Options)); (err == nil) != fine || err != nil && !strings.Contains(err.Error(), `"patience"`) {
			t.Errorf("patience %v: %v", patience, err)
		}
	}
}
