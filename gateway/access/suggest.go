package access

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

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

// few is how many names a message lists: all of a short list, of a long one the nearest.
const few = 24

// unknown says what is unknown, which known names are near, and which there are.
func unknown(chinese, english, name string, known []string) string {
	found := document.Nearest(name, known, len(name)/2+1)
	zh, en, all := "", "", strings.Join(known, " ")
	if len(found) > 0 {
		zh, en = "，是否想写 "+found[0], ", did you mean "+found[0]+"?"
	}
	if len(known) > few {
		nearest := append(slices.Clone(found[:min(len(found), 4)]), "")
		all = fmt.Sprintf("%s…（%d，GET /v1/catalogue）", strings.Join(nearest, " "), len(known))
	}
	return fmt.Sprintf("%s %q 不存在%s；可用：%s / unknown %s %q%s Known: %s", chinese, name, zh, all, english, name, cmp.Or(en, "."), all)
}
