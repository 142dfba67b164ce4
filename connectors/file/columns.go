package file

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

const (
	reasonUnreadable = contract.ReasonUnreadable
	reasonTooLarge   = contract.ReasonTooLarge
	reasonMissing    = contract.ReasonMissing
)

// checkMapping refuses options that name fields the dataset does not have.
func checkMapping(d *schemas.Dataset, o Options) error {
	var errs []error
	for _, name := range o.Columns {
		if d.Layout.Index(name) < 0 {
			errs = append(errs, fmt.Errorf("数据集没有这个字段 / option %q: dataset %q has no field %q: %w", "columns", d.ID, name, connectors.ErrConfig))
		}
	}
	for _, name := range o.Absent {
		switch i := d.Layout.Index(name); {
		case i < 0:
			errs = append(errs, fmt.Errorf("数据集没有这个字段 / option %q: dataset %q has no field %q: %w", "absent", d.ID, name, connectors.ErrConfig))
		case !d.Fields[i].Nullable:
			errs = append(errs, fmt.Errorf("必填字段不能缺省 / option %q: field %q of %q is required: %w", "absent", name, d.ID, connectors.ErrConfig))
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// columns knows which heading means which field: the explicit map first, then
// the field's name, then its Chinese title.
type columns struct {
	dataset *schemas.Dataset
	absent  map[string]bool
	byName  map[string]int
}

func newColumns(d *schemas.Dataset, o Options) *columns {
	c := &columns{dataset: d, absent: map[string]bool{}, byName: map[string]int{}}
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
	for _, name := range o.Absent {
		c.absent[name] = true
	}
	return c
}

// heading folds full-width letters, case and blanks: what people vary in headings.
func heading(s string) string {
	return strings.ToUpper(strings.Join(strings.Fields(norm.NFKC.String(s)), ""))
}

// header maps the columns of a CSV file to fields, -1 for columns that are not
// of the dataset: those are left out, since nothing unclassified may travel.
// What headings we do not know is never shown: the file may lack its heading
// line, and then they are somebody's data.
func (c *columns) header(headings []string) ([]int, int, *problem) {
	fields := make([]int, len(headings))
	found := make([]bool, len(c.dataset.Fields))
	unknown := 0
	for i, h := range headings {
		n, ok := c.byName[heading(h)]
		if !ok {
			fields[i] = -1
			unknown++
			continue
		}
		if found[n] {
			return nil, 0, &problem{reasonUnreadable, fmt.Sprintf("字段 %s 有两列 / two columns are field %s", c.dataset.Fields[n].Name, c.dataset.Fields[n].Name)}
		}
		found[n] = true
		fields[i] = n
	}
	var missing []string
	for i, f := range c.dataset.Fields {
		if !found[i] && !c.absent[f.Name] {
			missing = append(missing, f.Name)
		}
	}
	if len(missing) > 0 {
		list := strings.Join(missing, " ")
		return nil, 0, &problem{reasonMissing, fmt.Sprintf("表头缺少字段 %s;请在首行写出字段名或中文名称,或用 columns、absent 说明 / the heading line lacks %s: name the fields in the first line, or use columns or absent", list, list)}
	}
	return fields, unknown, nil
}

// cells arranges a CSV row by field.
func (c *columns) cells(header []int, r row) ([]connectors.Cell, *problem) {
	if len(r.fields) != len(header) {
		return nil, &problem{reasonUnreadable, fmt.Sprintf("应有 %d 列,实有 %d 列 / want %d columns, the row has %d", len(header), len(r.fields), len(header), len(r.fields))}
	}
	cells := make([]connectors.Cell, len(c.dataset.Fields))
	for i, n := range header {
		if n >= 0 {
			cells[n] = connectors.Text(r.fields[i])
		}
	}
	return cells, nil
}

// named arranges a JSON row by field and counts the names it does not know. A
// line is the whole row: a field that it leaves out is null.
func (c *columns) named(r row) ([]connectors.Cell, int, *problem) {
	cells := make([]connectors.Cell, len(c.dataset.Fields))
	unknown := 0
	for i, name := range r.names {
		n, ok := c.byName[heading(name)]
		if !ok {
			unknown++
			continue
		}
		if cells[n].State != connectors.Absent {
			return nil, 0, &problem{reasonUnreadable, fmt.Sprintf("字段 %s 出现两次 / field %s stands twice", c.dataset.Fields[n].Name, c.dataset.Fields[n].Name)}
		}
		if r.null[i] {
			cells[n].State = connectors.Null
		} else {
			cells[n] = connectors.Text(r.fields[i])
		}
	}
	return cells, unknown, nil
}
