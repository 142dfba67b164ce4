package claim

import (
	"sort"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// Row is one claim of a dossier: a department's row about the entity.
type Row struct {
	Dataset  *schemas.Dataset
	Role     string
	Key      string // row key
	Sequence schemas.Sequence
	At       int64 // source commit time, milliseconds

	source []byte
	value  []byte // framed row
	record schemas.Record
	decode func(row string, value []byte) (schemas.Record, error)
	err    error
}

// NewRow returns a row that already holds its record.
func NewRow(c Claim, d *schemas.Dataset, record schemas.Record) *Row {
	return &Row{
		Dataset: d, Role: c.Role, Key: c.Row, Sequence: c.Sequence, At: c.At.UnixMilli(),
		source: []byte(c.Source), record: record,
	}
}

// Supersedes reports whether r is at least as new as what source says at seq.
// Sequences of two sources say nothing about one another.
func (r *Row) Supersedes(source string, seq schemas.Sequence) bool {
	return string(r.source) == source && r.Sequence.Compare(seq) >= 0
}

// Lazily makes r decode its stored bytes when Record is first called.
func (r *Row) Lazily(decode func(row string, value []byte) (schemas.Record, error)) {
	r.decode = decode
}

// Record returns the row's values. A row that cannot be decoded has the zero
// record, and Err says why.
func (r *Row) Record() schemas.Record {
	if r.record.IsZero() && r.err == nil && r.decode != nil {
		r.record, r.err = r.decode(r.Key, r.value)
	}
	return r.record
}

// Err returns why Record failed, if it did.
func (r *Row) Err() error { return r.err }

// Layout is of the dataset's rows.
func (r *Row) Layout() *schemas.Layout { return r.Dataset.Layout }

// Origin returns the row's key, its role, and the time of its source's commit in milliseconds.
func (r *Row) Origin() (key, role string, at int64) { return r.Key, r.Role, r.At }

// Readable reports whether the row holds its values.
func (r *Row) Readable() bool { return !r.Record().IsZero() }

// Value returns the i-th value of the row, Null if it cannot be decoded.
func (r *Row) Value(i int) schemas.Value {
	rec := r.Record()
	if i < 0 || i >= rec.Len() {
		return schemas.Null
	}
	return rec.Value(i)
}

// Normal returns the i-th value in the form in which it is compared with others.
func (r *Row) Normal(i int) schemas.Value {
	v := r.Value(i)
	if i < 0 || i >= len(r.Dataset.Fields) {
		return v
	}
	return element.Normal(r.Dataset.Fields[i].Element, v)
}

// Dossier is all that departments currently say about one entity, in the order
// of dataset id, role and row key, whatever the order in which it arrived.
// Rows of aggregated datasets are not in it; Aggregates holds what they come to.
type Dossier struct {
	Entity     *schemas.Entity
	Key        string
	Aggregates []schemas.Value // by position in Entity.Aggregates; Null where there is no row
	rows       []*Row
}

// Reset empties d for another entity and keeps its memory.
func (d *Dossier) Reset(key string) {
	clear(d.rows)
	d.Key, d.Aggregates, d.rows = key, nil, d.rows[:0]
}

// Add puts a row behind all others. The caller adds in order.
func (d *Dossier) Add(r *Row) { d.rows = append(d.rows, r) }

// Find returns the row of that name, or nil.
func (d *Dossier) Find(dataset, role, row string) *Row {
	i := d.search(dataset, role, row)
	if i < len(d.rows) && d.rows[i].is(dataset, role, row) {
		return d.rows[i]
	}
	return nil
}

// Put adds a row or takes the place of the row of the same name.
func (d *Dossier) Put(r *Row) {
	i := d.search(r.Dataset.ID, r.Role, r.Key)
	if i < len(d.rows) && d.rows[i].is(r.Dataset.ID, r.Role, r.Key) {
		d.rows[i] = r
		return
	}
	d.rows = append(d.rows, nil)
	copy(d.rows[i+1:], d.rows[i:])
	d.rows[i] = r
}

// Remove takes the row of that name out, if it is there.
func (d *Dossier) Remove(dataset, role, row string) {
	if i := d.search(dataset, role, row); i < len(d.rows) && d.rows[i].is(dataset, role, row) {
		d.rows = append(d.rows[:i], d.rows[i+1:]...)
	}
}

// Rows returns the rows of a dataset in one role, by row key. The slice is the
// dossier's own.
func (d *Dossier) Rows(dataset, role string) []*Row {
	from := d.search(dataset, role, "")
	to := from
	for to < len(d.rows) && d.rows[to].Dataset.ID == dataset && d.rows[to].Role == role {
		to++
	}
	return d.rows[from:to]
}

// Of returns the rows of a dataset in any role, by role and row key. The slice
// is the dossier's own.
func (d *Dossier) Of(dataset string) []*Row {
	from := d.search(dataset, "", "")
	to := from
	for to < len(d.rows) && d.rows[to].Dataset.ID == dataset {
		to++
	}
	return d.rows[from:to]
}

// All returns every row. The slice is the dossier's own.
func (d *Dossier) All() []*Row { return d.rows }

// Len returns how many rows there are, aggregated ones not counted.
func (d *Dossier) Len() int { return len(d.rows) }

func (d *Dossier) search(dataset, role, row string) int {
	return sort.Search(len(d.rows), func(i int) bool {
		r := d.rows[i]
		switch {
		case r.Dataset.ID != dataset:
			return r.Dataset.ID > dataset
		case r.Role != role:
			return r.Role > role
		}
		return r.Key >= row
	})
}

func (r *Row) is(dataset, role, row string) bool {
	return r.Dataset.ID == dataset && r.Role == role && r.Key == row
}
