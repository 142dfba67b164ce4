package probe

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// most is how many fields a dataset has at most, by the format of the catalogue.
const most = 500

// Dataset is what is drafted of a table.
type Dataset struct {
	ID       string
	Table    *Table
	provider *schemas.Department
	code     string
	model    *schemas.Dataset // whose resource code was taken up, nil: none
	fields   []field
	left     []leftOut
	updated  []string // fields that may say when a row was last changed, the likeliest first
	links    []link
}

// field is one field of a draft, and its column.
type field struct {
	name     string
	column   *Column
	nullable bool
	key      bool
	guess
}

type leftOut struct {
	column *Column
	why    Said
	line   string // that would take it once an element fits, "" if none ever will
}

// link is an entity that rows may speak about.
type link struct{ entity, field string }

// Draft makes a dataset of each table, of those that have none refused. A table that is
// refused says so in Refused; what hangs on the draft alone is added to it here.
func Draft(cat *schemas.Catalogue, provider *schemas.Department, tables []*Table) []*Dataset {
	g := newGuesser(cat)
	var out []*Dataset
	for _, t := range tables {
		if len(t.Refused) > 0 {
			continue
		}
		if d := g.draft(t); len(t.Refused) == 0 {
			out = append(out, d)
		}
	}
	ids := freeIDs(cat, provider.ID)
	code, model := freeCodes(cat, provider.ID)
	for _, d := range out {
		d.ID, d.provider = ids(), provider
		d.code, d.model = code(), model
	}
	return out
}

func (g *guesser) draft(t *Table) *Dataset {
	d := &Dataset{Table: t}
	names := map[string]bool{}
	for i := range t.Columns {
		c := &t.Columns[i]
		key := slices.Contains(t.Key, c.Name)
		if !c.Left.none() {
			d.leave(c, key, c.Left, "")
			continue
		}
		f := field{name: fieldName(c.Name, i, names), column: c, key: key, guess: g.guess(c, key)}
		if f.element == nil {
			why := Said{"不认识，目录里也没有能放它的数据元", "not recognised, and no element of the catalogue fits"}
			for _, doubt := range f.doubts {
				why = and(why, doubt)
			}
			d.leave(c, key, why, fmt.Sprintf("- {name: %s, element: text, level: L4, nullable: true}", Scalar(f.name)))
			continue
		}
		names[strings.ToLower(f.name)] = true
		f.nullable = !key && (c.Nullable || c.Values != nil && c.Values.Blank > 0)
		d.fields = append(d.fields, f)
	}
	d.complete(g.cat)
	return d
}

// leave leaves a column out; without one of its key a table cannot be read.
func (d *Dataset) leave(c *Column, key bool, why Said, line string) {
	d.left = append(d.left, leftOut{c, why, line})
	if key {
		d.Table.Refused = append(d.Table.Refused, Said{
			fmt.Sprintf("主键的列 %s（%s）不能接入：%s", strconv.Quote(c.Name), c.Type, why.Chinese),
			fmt.Sprintf("column %s (%s) of the primary key cannot be taken: %s", strconv.Quote(c.Name), c.Type, why.English),
		})
	}
}

// complete adds what hangs on all fields.
func (d *Dataset) complete(cat *schemas.Catalogue) {
	switch {
	case len(d.Table.Key) == 0:
		d.Table.Refused = append(d.Table.Refused, Said{
			"没有主键：请部门加主键（ALTER TABLE … ADD PRIMARY KEY），再探查",
			"it has no primary key: have the department add one (ALTER TABLE … ADD PRIMARY KEY), then probe again",
		})
	case len(d.fields) > most:
		d.Table.Refused = append(d.Table.Refused, Said{
			fmt.Sprintf("能接入的列有 %d 个，一个数据集至多 %d 个字段：只授予要共享的列的读权限（GRANT SELECT (列, …)），再探查", len(d.fields), most),
			fmt.Sprintf("%d columns could be taken, a dataset has %d fields at most: grant SELECT on the columns that are to be shared alone, then probe again", len(d.fields), most),
		})
	}
	later := []string{}
	for _, f := range d.fields {
		switch {
		case !f.word.updated() || f.element.Type != schemas.Timestamp && f.element.Type != schemas.Date:
		case f.column.Shape == Moment:
			d.updated = append(d.updated, f.name)
		default:
			later = append(later, f.name)
		}
		for _, e := range cat.Entities {
			if e.Key.Element != nil && e.Key.Element.ID == f.element.ID && f.known {
				d.links = append(d.links, link{e.ID, f.name})
			}
		}
	}
	d.updated = append(d.updated, later...)
}

// fieldName is what a field is called: as its column in capital letters, a Chinese one by the
// initials of its word. taken are the names that are, in small letters.
func fieldName(column string, place int, taken map[string]bool) string {
	name := column
	if strings.ContainsFunc(column, isHan) {
		name = ""
		if w := titled(column); w != nil {
			name = w.field()
		}
	}
	name = strings.Trim(notField.ReplaceAllString(strings.ToUpper(name), "_"), "_")
	if name == "" {
		name = fmt.Sprintf("F%02d", place+1)
	}
	if name[0] >= '0' && name[0] <= '9' {
		name = "F" + name
	}
	name = name[:min(len(name), 60)]
	free := name
	for n := 2; taken[strings.ToLower(free)]; n++ {
		free = fmt.Sprintf("%s_%d", name, n)
	}
	return free
}

var notField = regexp.MustCompile(`[^A-Z0-9_]+`)

// freeIDs returns the ids that come behind those of a department: GA03 behind GA02.
func freeIDs(cat *schemas.Catalogue, department string) func() string {
	last := 0
	for _, d := range cat.Datasets {
		if n, err := strconv.Atoi(strings.TrimPrefix(d.ID, department)); err == nil && strings.HasPrefix(d.ID, department) {
			last = max(last, n)
		}
	}
	return func() string {
		for {
			last++
			id := fmt.Sprintf("%s%02d", department, last)
			if _, taken := cat.Dataset(id); errors.Is(taken, schemas.ErrUnknown) {
				return id
			}
		}
	}
}

// freeCodes returns resource codes that stand in no file: behind those of the department's
// last dataset, or of no department's.
func freeCodes(cat *schemas.Catalogue, department string) (next func() string, model *schemas.Dataset) {
	used := map[string]bool{}
	for _, d := range cat.Datasets {
		used[d.Code] = true
		if d.Provider != nil && d.Provider.ID == department {
			model = d
		}
	}
	front := "399999999"
	if model != nil {
		front, _, _ = strings.Cut(model.Code, "/")
	}
	n := 0
	return func() string {
		for {
			n++
			if code := fmt.Sprintf("%s/%06d", front, n); !used[code] {
				used[code] = true
				return code
			}
		}
	}, model
}

// Key are the fields of the key, in the order of the table's primary key.
func (d *Dataset) Key() []string {
	var names []string
	for _, k := range d.Table.Key {
		for _, f := range d.fields {
			if f.column.Name == k {
				names = append(names, f.name)
			}
		}
	}
	return names
}

// Columns are the columns that a source must be told the field of, since it would not find it
// by the name, or find two: column and field.
func (d *Dataset) Columns() (pairs [][2]string) {
	for _, f := range d.fields {
		if !strings.EqualFold(f.column.Name, f.name) || d.Table.alike(f.name) > 1 {
			pairs = append(pairs, [2]string{f.column.Name, f.name})
		}
	}
	return pairs
}

// Taken are the names of the columns that have a field.
func (d *Dataset) Taken() []string {
	names := make([]string, len(d.fields))
	for i, f := range d.fields {
		names[i] = f.column.Name
	}
	return names
}

// Counts are how many columns were recognised, were not and are withheld, and were left out.
func (d *Dataset) Counts() (known, unknown, left int) {
	for _, f := range d.fields {
		if f.known {
			known++
		}
	}
	return known, len(d.fields) - known, len(d.left)
}
