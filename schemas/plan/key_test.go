package plan

import (
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// TestSmallerRange: a bound that comes or moves inwards makes a range smaller, one that goes
// or moves outwards does not.
func TestSmallerRange(t *testing.T) {
	t.Parallel()
	at := func(f float64) *float64 { return &f }
	one, two := at(1), at(2)
	for _, c := range []struct {
		name     string
		old, now schemas.Element
		want     bool
	}{
		{"none", schemas.Element{}, schemas.Element{}, false},
		{"the same", schemas.Element{Min: one, Max: two}, schemas.Element{Min: at(1), Max: at(2)}, false},
		{"a least comes", schemas.Element{}, schemas.Element{Min: one}, true},
		{"a least goes", schemas.Element{Min: one}, schemas.Element{}, false},
		{"a least rises", schemas.Element{Min: one}, schemas.Element{Min: two}, true},
		{"a least falls", schemas.Element{Min: two}, schemas.Element{Min: one}, false},
		{"a most comes", schemas.Element{}, schemas.Element{Max: two}, true},
		{"a most goes", schemas.Element{Max: two}, schemas.Element{}, false},
		{"a most falls", schemas.Element{Max: two}, schemas.Element{Max: one}, true},
		{"a most rises", schemas.Element{Max: one}, schemas.Element{Max: two}, false},
	} {
		if got := smallerRange(&c.old, &c.now); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
