// Package authority decides, cell by cell, which department's word a golden
// record takes (一数一源) and keeps why: the dataset and row it came from, the
// rule and reason by which that one won, and who lost.
//
// Compile turns one version of an entity's authority table into a Table;
// Resolve applies it to a dossier. Resolve is a pure function of the set of
// claims: it reads no clock, and the order in which claims arrived cannot be
// seen in its result. Among rows that nothing else tells apart, the greatest (row
// key, dataset, role) wins where the latest or newest is picked, the smallest
// where the earliest is.
package authority

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// ErrTable says that an authority table does not fit its entity and datasets.
var ErrTable = errors.New("bad authority table")

// Where compiles the condition of a candidate over the rows of a dataset.
type Where func(d *schemas.Dataset, expression string) (Condition, error)

// Table is a compiled version of an authority table. It is immutable.
type Table struct {
	entity *schemas.Entity
	cells  []decision
	reads  map[input]struct{}
}

type input struct{ dataset, role string }

// decision decides one field, or all fields of one lock-step group.
type decision struct {
	fields []*schemas.GoldenField
	name   string
	ranks  [][]candidate
	rules  []string // Cell.Rule by rank
}

// Compile finds every column and compiles every condition of a table.
func Compile(cat *schemas.Catalogue, e *schemas.Entity, t *schemas.AuthorityTable, where Where) (*Table, error) {
	c := &Table{entity: e, reads: make(map[input]struct{})}
	grouped := make(map[string]bool)
	for _, f := range e.Fields {
		name, fields := f.Name, []*schemas.GoldenField{f}
		if f.Group != "" {
			if grouped[f.Group] {
				continue
			}
			grouped[f.Group] = true
			name, fields = f.Group, membersOf(e, f.Group)
		}
		d := decision{fields: fields, name: name}
		for i := range t.Sources[name] {
			s := &t.Sources[name][i]
			one, err := compileCandidate(cat, fields, s, where)
			if err != nil {
				return nil, fmt.Errorf("compile authority of %q, field %q, source %d: %w", e.ID, name, i+1, err)
			}
			c.reads[input{s.Dataset, s.Role}] = struct{}{}
			if s.SameRank && len(d.ranks) > 0 {
				last := len(d.ranks) - 1
				d.ranks[last] = append(d.ranks[last], one)
				continue
			}
			d.ranks = append(d.ranks, []candidate{one})
			d.rules = append(d.rules, fmt.Sprintf("v%d %s/%d", t.Version, name, cmp.Or(s.Rank, len(d.ranks))))
		}
		c.cells = append(c.cells, d)
	}
	return c, nil
}

func membersOf(e *schemas.Entity, group string) []*schemas.GoldenField {
	var fields []*schemas.GoldenField
	for _, f := range e.Fields {
		if f.Group == group {
			fields = append(fields, f)
		}
	}
	return fields
}

func compileCandidate(cat *schemas.Catalogue, fields []*schemas.GoldenField, s *schemas.Candidate, where Where) (candidate, error) {
	d, err := cat.Dataset(s.Dataset)
	if err != nil {
		return candidate{}, err
	}
	c := candidate{
		dataset: d, role: s.Role, flag: s.Flag, columns: make([]int, len(fields)),
		elements: make([]*schemas.Element, len(fields)), constant: make([]schemas.Value, len(fields)),
	}
	for i, f := range fields {
		column, named := s.Columns[f.Name]
		if !named && (len(s.Columns) == 0 || len(fields) == 1) {
			column = f.Name
		}
		c.columns[i] = -1
		if text, ok := s.Constant[f.Name]; ok {
			if c.constant[i], err = constantOf(f, text); err != nil {
				return candidate{}, err
			}
			c.elements[i] = f.Element
			continue
		}
		at := d.Layout.Index(column)
		if at < 0 {
			if named || len(fields) == 1 {
				return candidate{}, fmt.Errorf("dataset %q has no field %q: %w", d.ID, column, ErrTable)
			}
			continue // a member of a group that this source does not have
		}
		c.columns[i], c.elements[i] = at, d.Fields[at].Element
	}
	if err := c.pickBy(s.Pick); err != nil {
		return candidate{}, err
	}
	if s.Where != "" {
		if c.where, err = where(d, s.Where); err != nil {
			return candidate{}, err
		}
	}
	return c, nil
}

// pickBy reads "", "newest", "latest FIELD", "earliest FIELD|FIELD,FIELD".
func (c *candidate) pickBy(pick string) error {
	how, on, _ := strings.Cut(pick, " ")
	switch how {
	case "", "newest":
		c.by = Newest
		return nil
	case "latest":
		c.by = Latest
	case "earliest":
		c.by = Earliest
	default:
		return fmt.Errorf("pick %q is not newest, latest FIELD or earliest FIELD: %w", pick, ErrTable)
	}
	for i, list := range schemas.SplitFields(on) {
		var columns []int
		for _, name := range list {
			at := c.dataset.Layout.Index(name)
			if at < 0 {
				return fmt.Errorf("pick %q: dataset %q has no such field: %w", pick, c.dataset.ID, ErrTable)
			}
			columns = append(columns, at)
		}
		if i == 0 {
			c.on = columns
		} else {
			c.then = append(c.then, columns)
		}
	}
	return nil
}

// Claimed visits each golden field with each element that a value may have which
// is claimed for it.
func (t *Table) Claimed(visit func(f *schemas.GoldenField, e *schemas.Element) error) error {
	for i := range t.cells {
		d := &t.cells[i]
		for _, rank := range d.ranks {
			for j := range rank {
				for n, e := range rank[j].elements {
					if e == nil {
						continue
					}
					if err := visit(d.fields[n], e); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// Reads reports whether a claim of that dataset and role can change the record.
func (t *Table) Reads(dataset, role string) bool {
	_, ok := t.reads[input{dataset, role}]
	return ok
}

// constantOf reads the fixed value of a golden field.
func constantOf(f *schemas.GoldenField, text string) (schemas.Value, error) {
	return element.Parse(f.Element, text)
}
