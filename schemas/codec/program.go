package codec

import (
	"fmt"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// step is one field of a program, in the writer's order.
type step struct {
	wire   wire
	null   int8 // place of null in the union, -1 if not nullable
	typ    schemas.Type
	target int   // column of the layout, -1 to skip the field
	limit  int64 // of a decimal: the least unscaled number that is too large
	rows   *program
	widen  promotion // to the reader's type
	name   string
	empty  bool // Append writes an empty value where none is available
}

// program says how to take a record's bytes apart, or put them together.
type program struct {
	steps  []step
	layout *schemas.Layout // nil if the record is skipped
	fill   []fill          // columns that the writer lacks and that are not null
	least  int             // bytes of the shortest record
	skips  int             // fields that are skipped, those of nested records included once
}

// fill is a column that gets a default.
type fill struct {
	column int
	value  schemas.Value
}

// readProgram compiles how records of writer are read into l, whose schema is
// reader. A nullable column that the writer lacks is null even if the schema
// states no default.
func readProgram(reader, writer *record, l *schemas.Layout) (*program, error) {
	p := &program{layout: l, steps: make([]step, len(writer.fields))}
	to, absent := match(reader, writer)
	for _, i := range absent {
		f := &reader.fields[i]
		if f.null < 0 && f.defText == "" {
			return nil, &profileError{f.name, "写方模式缺少该字段", "the writer lacks the field, which is not nullable and has no default"}
		}
		if !f.def.IsNull() {
			p.fill = append(p.fill, fill{i, f.def})
		}
	}
	for i := range writer.fields {
		w := &writer.fields[i]
		s := step{wire: w.wire, null: int8(w.null), typ: w.typ, target: to[i], limit: limitOf(w.precision), name: w.name}
		if to[i] < 0 {
			p.skips++
			if w.rows != nil {
				s.rows = skipProgram(w.rows)
			}
		} else {
			r := &reader.fields[to[i]]
			if zh, en := readable(r, w); en != "" {
				return nil, &profileError{r.name, zh, en}
			}
			s.widen = promoted(r, w)
			if w.rows != nil {
				rows, err := readProgram(r.rows, w.rows, l.Columns[to[i]].Rows)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", r.name, err)
				}
				s.rows = rows
				p.skips += rows.skips
			}
		}
		p.steps[i] = s
		p.least += s.least()
	}
	return p, nil
}

// skipProgram compiles how records are checked and passed over.
func skipProgram(writer *record) *program {
	p := &program{steps: make([]step, len(writer.fields))}
	for i := range writer.fields {
		w := &writer.fields[i]
		p.steps[i] = step{wire: w.wire, null: int8(w.null), typ: w.typ, target: -1, limit: limitOf(w.precision), name: w.name}
		if w.rows != nil {
			p.steps[i].rows = skipProgram(w.rows)
		}
		p.least += p.steps[i].least()
	}
	return p
}

// appendProgram compiles how records of l, whose schema is rec, are written.
func appendProgram(rec *record, l *schemas.Layout) *program {
	p := &program{layout: l, steps: make([]step, len(rec.fields))}
	for i := range rec.fields {
		f := &rec.fields[i]
		p.steps[i] = step{wire: f.wire, null: int8(f.null), typ: f.typ, target: i, limit: limitOf(f.precision), name: f.name, empty: rec.namespace == rawNamespace}
		if f.rows != nil {
			p.steps[i].rows = appendProgram(f.rows, l.Columns[i].Rows)
		}
	}
	return p
}

// least is how many bytes a field takes at least. No field takes none, so an
// array's count can always be held against the bytes that are left.
func (s *step) least() int {
	if s.null >= 0 {
		return 1
	}
	switch s.wire {
	case wireFloat:
		return 4
	case wireDouble:
		return 8
	case wireDecimal:
		return 2
	default:
		return 1
	}
}

// rawNamespace is the namespace of the layouts of raw.<dataset>: the one place
// where a value may be unavailable.
const rawNamespace = "yiyuan.raw"
