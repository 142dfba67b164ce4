package tabular

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/document"
)

// Columns knows which heading means which field: the explicit map first, then
// the field's name, then its Chinese title.
type Columns struct {
	dataset *schemas.Dataset
	absent  connectors.CellState // of a nullable field that a row lacks
	without map[string]bool      // fields that the files do not have
	ignored map[string]bool      // headings that are left out
	nulls   nulls
	byName  map[string]int
}

// New returns the columns of a dataset under a mapping.
func New(d *schemas.Dataset, o Mapping) *Columns {
	c := &Columns{dataset: d, absent: o.Absent.State(), without: map[string]bool{}, ignored: map[string]bool{}, nulls: newNulls(o.Nulls), byName: map[string]int{}}
	titles := map[string]int{}
	for _, f := range d.Fields {
		titles[heading(f.Title)]++
	}
	for i, f := range d.Fields {
		if t := heading(f.Title); t != "" && titles[t] == 1 {
			c.byName[t] = i
		}
	}
	for i, f := range d.Fields {
		c.byName[heading(f.Name)] = i
	}
	for h, name := range o.Columns {
		c.byName[heading(h)] = d.Layout.Index(name)
	}
	for _, name := range o.Absent.Fields {
		c.without[name] = true
	}
	for _, h := range o.Ignore {
		c.ignored[heading(h)] = true
	}
	return c
}

// heading folds full-width letters, case, blanks and what cannot be seen: what
// people and programs vary in headings.
func heading(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == 0xFEFF || r == 0x200B {
			return -1
		}
		return r
	}, norm.NFKC.String(s))
	return strings.ToUpper(strings.Join(strings.Fields(s), ""))
}

// The columns of a CSV file that are no field.
const (
	leftOut  = -1 // by the option ignore
	nameless = -2 // no heading: nothing may stand in it
)

// Header maps the columns of a CSV file to fields. A heading that is neither a
// field nor to be ignored refuses the file, told by the number of its column:
// the heading itself is never shown, since a file may lack its heading line, and
// then it is somebody's data.
func (c *Columns) Header(headings []string) ([]int, *Problem) {
	fields := make([]int, len(headings))
	found := make([]bool, len(c.dataset.Fields))
	var unknown []string
	for i, h := range headings {
		folded := heading(h)
		n, ok := c.byName[folded]
		switch {
		case folded == "":
			fields[i] = nameless
			continue
		case !ok && (c.ignored[folded] || c.ignored["*"]):
			fields[i] = leftOut
			continue
		case !ok:
			unknown = append(unknown, strconv.Itoa(i+1)+c.like(folded))
			continue
		}
		if found[n] {
			return nil, Bad(contract.ReasonUnreadable, fmt.Sprintf("字段 %s 有两列 / two columns are field %s", c.dataset.Fields[n].Name, c.dataset.Fields[n].Name))
		}
		found[n] = true
		fields[i] = n
	}
	var missing []string
	for i, f := range c.dataset.Fields {
		if !found[i] && !c.without[f.Name] {
			missing = append(missing, f.Name)
		}
	}
	if len(missing) > 0 {
		list := strings.Join(missing, " ")
		return nil, Bad(contract.ReasonMissing, fmt.Sprintf("表头缺少字段 %s；请在首行写出字段名或中文名称，或用 columns、absent 说明 / the heading line lacks %s: name the fields in the first line, or use columns or absent", list, list))
	}
	if len(unknown) > 0 {
		list := strings.Join(unknown[:min(len(unknown), 20)], "、")
		return nil, Bad(contract.ReasonUnknown, fmt.Sprintf("第 %s 列的表头不是该数据集的字段；请改正，或用 columns 对应、用 ignore 略去 / the headings of columns %s are no fields of the dataset: mend them, map them by columns or leave them out by ignore", list, list))
	}
	return fields, nil
}

// like names the field that an unknown heading is nearly the name of. It shows
// the field's name only.
func (c *Columns) like(folded string) string {
	best, name := 2, ""
	for known, i := range c.byName {
		if d := document.Distance(folded, known); d < best || d == best && c.dataset.Fields[i].Name < name {
			best, name = d, c.dataset.Fields[i].Name
		}
	}
	if name == "" || len(folded) < 3 {
		return ""
	}
	return "（" + name + "?）"
}

// Arrange puts the fields of a row where they belong; header and headings are nil where a
// row names its fields itself. Of a row that is refused the cells are those that are certain
// though, nil where it is not certain which field is which.
func (c *Columns) Arrange(header []int, headings []string, r Row) ([]connectors.Cell, *Problem) {
	damaged := slices.ContainsFunc(r.Fields, func(f string) bool { return !utf8.ValidString(f) || strings.ContainsRune(f, utf8.RuneError) })
	switch {
	case header == nil && !damaged:
		return c.named(r)
	case r.Bad != nil:
		return nil, r.Bad
	case !damaged:
		return c.cells(header, headings, r)
	}
	var cells []connectors.Cell
	if header != nil {
		cells, _ = c.cells(header, headings, r)
	}
	// What is not ASCII may be other characters than were meant, also where it decodes.
	for i := range cells {
		if strings.ContainsFunc(cells[i].Text, func(r rune) bool { return r >= utf8.RuneSelf }) {
			cells[i] = connectors.Cell{}
		}
	}
	return cells, Bad(contract.ReasonUnreadable, "含有无法解码的字节 / holds bytes that do not decode")
}

// Key is the key of a row that is refused, "" if the cells that are certain do not tell it.
func (c *Columns) Key(cells []connectors.Cell) string {
	if cells == nil {
		return ""
	}
	c.Tidy(cells)
	key, _ := connectors.RowKey(c.dataset, cells)
	return key
}

// cells arranges a row under headings by field. A row of more or fewer columns may lack or
// have one anywhere, so no column of it is certain.
func (c *Columns) cells(header []int, headings []string, r Row) ([]connectors.Cell, *Problem) {
	if len(r.Fields) != len(header) {
		return nil, Bad(contract.ReasonUnreadable, fmt.Sprintf("应有 %d 列，实有 %d 列 / want %d columns, the row has %d", len(header), len(r.Fields), len(header), len(r.Fields)))
	}
	if heading(r.Fields[0]) == heading(headings[0]) && slices.EqualFunc(r.Fields, headings, func(a, b string) bool { return heading(a) == heading(b) }) {
		return nil, Bad(contract.ReasonUnreadable, "表头再次出现，文件可能是拼接的 / the heading line occurs again: files may have been joined")
	}
	cells := c.blank()
	for i, n := range header {
		switch {
		case n >= 0:
			cells[n] = connectors.Text(r.Fields[i])
		case n == nameless && strings.TrimSpace(r.Fields[i]) != "":
			return nil, Bad(contract.ReasonUnknown, fmt.Sprintf("第 %d 列有值而没有表头 / column %d has a value and no heading", i+1, i+1))
		}
	}
	return cells, nil
}

// blank returns the cells of a row that has sent nothing yet.
func (c *Columns) blank() []connectors.Cell {
	cells := make([]connectors.Cell, len(c.dataset.Fields))
	for i, f := range c.dataset.Fields {
		if f.Nullable {
			cells[i].State = c.absent
		}
	}
	return cells
}

// named arranges a JSON row by field. A name that is no field refuses the row, by
// its place: the name itself may be a value. The other fields are certain though.
func (c *Columns) named(r Row) ([]connectors.Cell, *Problem) {
	if r.Bad != nil && r.Names == nil {
		return nil, r.Bad
	}
	bad := r.Bad
	cells := c.blank()
	found := make([]bool, len(cells))
	for i, name := range r.Names {
		folded := heading(name)
		n, ok := c.byName[folded]
		if !ok && (c.ignored[folded] || c.ignored["*"]) {
			continue
		}
		if !ok {
			if bad == nil {
				at := strconv.Itoa(i+1) + c.like(folded)
				bad = Bad(contract.ReasonUnknown, fmt.Sprintf("第 %s 个成员不是该数据集的字段；请改正，或用 ignore 略去 / member %s is no field of the dataset: mend its name or leave it out by ignore", at, at))
			}
			continue
		}
		if found[n] {
			if bad == nil {
				bad = Bad(contract.ReasonUnreadable, fmt.Sprintf("字段 %s 出现两次 / field %s is there twice", c.dataset.Fields[n].Name, c.dataset.Fields[n].Name))
			}
			cells[n] = connectors.Cell{} // nobody knows which of them is meant
			continue
		}
		found[n] = true
		cells[n] = connectors.Cell{Text: r.Fields[i], State: connectors.Given, Form: r.Forms[i]}
		if r.Null[i] {
			cells[n] = connectors.Cell{State: connectors.Null}
		}
	}
	return cells, bad
}
