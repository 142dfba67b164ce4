package access

import (
	"fmt"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/document"
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
		if d := document.Distance(name, k); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return fmt.Errorf("unknown %s %q", what, name)
	}
	return fmt.Errorf("unknown %s %q, did you mean %q?", what, name, best)
}
