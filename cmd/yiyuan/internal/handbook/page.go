package handbook

import (
	"fmt"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas/document"
)

// keys writes the table of a mapping, and below it those within it.
func keys(b *strings.Builder, at string, f *document.Form) {
	if at != "" {
		fmt.Fprintf(b, "### `%s`\n\n", at)
	}
	b.WriteString("| 键 / key | 写法 / form | 默认 / default | 含义 / meaning |\n| --- | --- | --- | --- |\n")
	for _, k := range f.Keys {
		absent := code(k.Default)
		if k.Required {
			absent = "必填 / required"
		}
		zh, en := k.Form.In()
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", k.Name, cell(zh+" / "+en), absent, cell(k.Chinese+" / "+k.English))
	}
	b.WriteByte('\n')
	for _, k := range f.Keys {
		below, place := k.Form, []string{k.Name}
		if at != "" {
			place = []string{at, ".", k.Name}
		}
		for below.Each != nil {
			place = append(place, map[document.Kind]string{document.List: "[]", document.Map: ".NAME"}[below.Kind])
			below = below.Each
		}
		if below.Kind == document.Mapping {
			keys(b, strings.Join(place, ""), below)
		}
	}
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

// cell is a text in a table: no bar or line break.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(s)
}

func table(b *strings.Builder, head string, rows [][]string) {
	columns := strings.Split(head, "|")
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(columns, " | "), strings.Repeat(" --- |", len(columns)))
	for _, r := range rows {
		for i := range r {
			r[i] = cell(r[i])
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(r, " | "))
	}
	b.WriteByte('\n')
}
