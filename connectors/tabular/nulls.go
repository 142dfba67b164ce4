package tabular

import (
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// nulls are the words by which a source writes that there is no value.
type nulls struct {
	everywhere map[string]bool
	typed      map[string]bool // only where no words of people stand
}

// newNulls takes the words of the option, which count in every field, or the
// usual ones: what databases write counts in every field, what people write ("-",
// "无") not in names, addresses and texts, where it may be meant.
func newNulls(words []string) nulls {
	n := nulls{everywhere: map[string]bool{}, typed: map[string]bool{}}
	if words == nil {
		for _, w := range []string{"NULL", `\N`, "(NULL)", "<NULL>", "#N/A"} {
			n.everywhere[w] = true
		}
		for _, w := range []string{"-", "--", "—", "——", "/", "无", "N/A", "NONE"} {
			n.typed[w] = true
		}
	}
	for _, w := range words {
		n.everywhere[strings.ToUpper(strings.TrimSpace(w))] = true
	}
	return n
}

// is reports whether a text means no value in this field. A word of the field's
// own code set is a value.
func (n nulls) is(f *schemas.Field, text string) bool {
	w := strings.ToUpper(strings.TrimSpace(text))
	if len(w) > 64 || !n.everywhere[w] && (!n.typed[w] || connectors.Prose(f)) {
		return false
	}
	for _, c := range f.Element.Codes {
		if strings.EqualFold(c.Value, w) || strings.EqualFold(c.Title, w) {
			return false
		}
	}
	return true
}

// Tidy takes away what spreadsheets put around values, and the words for null. A
// cell that it refuses counts as missing.
func (c *Columns) Tidy(cells []connectors.Cell) (problems []connectors.FieldError) {
	for i := range cells {
		cell := &cells[i]
		if cell.State != connectors.Given || cell.Form != connectors.FormText {
			continue
		}
		text, problem := connectors.Unmark(c.dataset, i, cell.Text)
		switch {
		case problem != nil:
			problems = append(problems, *problem)
			*cell = connectors.Cell{}
		case c.nulls.is(c.dataset.Fields[i], text):
			*cell = connectors.Cell{State: connectors.Null}
		default:
			cell.Text = text
		}
	}
	return problems
}

// Record makes a record of cells; see connectors.Row.
func (c *Columns) Record(cells []connectors.Cell) (schemas.Record, string, []connectors.FieldError) {
	refused := c.Tidy(cells)
	record, key, problems := connectors.Row(c.dataset, cells)
	for _, p := range problems {
		if !slices.ContainsFunc(refused, func(r connectors.FieldError) bool { return r.Field == p.Field }) {
			refused = append(refused, p)
		}
	}
	if slices.ContainsFunc(refused, func(p connectors.FieldError) bool { return slices.Contains(c.dataset.Key, p.Field) }) {
		key = ""
	}
	return record, key, refused
}
