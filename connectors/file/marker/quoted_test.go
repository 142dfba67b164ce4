package marker

import (
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors/file/format"
)

// TestMarkerIsNotQuoted: a number in a marker that may be a person's is not told.
func TestMarkerIsNotQuoted(t *testing.T) {
	t.Parallel()
	const id = "530102199003070017"
	for _, word := range []string{"lines", "size"} {
		w, err := Parse([]byte(word + "=" + id))
		if err != nil {
			t.Fatal(err)
		}
		p, err := w.Check("a.csv", nil, format.Survey{Size: 12, Lines: 3})
		if err != nil || p == nil || strings.Contains(p.Detail, id) || !strings.Contains(p.Detail, ">9999999999") {
			t.Errorf("%s: %+v, %v", word, p, err)
		}
	}
	if got := Quoted(9_999_999_999); got != "9999999999" {
		t.Errorf("ten digits are told as %s", got)
	}
}
