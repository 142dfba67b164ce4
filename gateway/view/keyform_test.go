package view

import (
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Who asks for a composite key wrongly is told how what joins its parts is written in a part,
// as it is taken apart.
func TestKeyForm(t *testing.T) {
	one, two := &View{keyed: keyed{parts: make([]part, 1)}}, &View{keyed: keyed{parts: make([]part, 2)}}
	for v, want := range map[*View]bool{one: false, two: true} {
		if got := v.KeyForm(); strings.Count(got, "%7C") == 2 != want || strings.Count(got, "%25") == 2 != want {
			t.Errorf("of %d parts: %s", len(v.parts), got)
		}
	}
	if got := schemas.JoinKey("a|b", "50%"); got != "a%7Cb|50%25" {
		t.Errorf("JoinKey = %s", got)
	}
}
