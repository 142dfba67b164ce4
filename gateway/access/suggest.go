package access

import (
	"fmt"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

func ids[T any](list []*T, id func(*T) string) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = id(x)
	}
	return out
}

func viewIDs(c *schemas.Catalogue) []string {
	var out []string
	for _, d := range c.Datasets {
		out = append(out, ids(d.Views, func(v *schemas.View) string { return v.ID })...)
	}
	for _, e := range c.Entities {
		out = append(out, ids(e.Views, func(v *schemas.View) string { return v.ID })...)
	}
	return out
}

// unknown says what is unknown and which known name is nearest.
func unknown(what, name string, known []string) error {
	best, least := "", len(name)/2+1
	for _, k := range known {
		if d := distance(name, k); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return fmt.Errorf("unknown %s %q", what, name)
	}
	return fmt.Errorf("unknown %s %q, did you mean %q?", what, name, best)
}

// distance is the number of edits between a and b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			edit := diagonal
			if a[i] != b[j] {
				edit = min(diagonal, row[j], row[j+1]) + 1
			}
			diagonal, row[j+1] = row[j+1], edit
		}
	}
	return row[len(b)]
}
