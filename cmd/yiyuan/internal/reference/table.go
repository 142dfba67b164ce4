package reference

import "strings"

// table writes a Markdown table.
func table(b *strings.Builder, head []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	line := func(cells []string) {
		for _, c := range cells {
			b.WriteString("| " + inCell(c) + " ")
		}
		b.WriteString("|\n")
	}
	line(head)
	b.WriteString(strings.Repeat("| --- ", len(head)) + "|\n")
	for _, r := range rows {
		line(r)
	}
	b.WriteByte('\n')
}

// inCell is a text inside a table: no bar or line break, no tag outside code.
func inCell(text string) string {
	spans := strings.Split(strings.ReplaceAll(strings.ReplaceAll(text, "|", `\|`), "\n", " "), "`")
	for i := 0; i < len(spans); i += 2 {
		spans[i] = strings.ReplaceAll(spans[i], "<", "&lt;")
	}
	return strings.Join(spans, "`")
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}
