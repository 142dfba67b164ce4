package connectors

import (
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Arrival is one row as a source has read it: what it says, and where it stood.
type Arrival struct {
	Dataset *schemas.Dataset
	Cells   []Cell // one for each field of the dataset
	Op      schemas.Op
	Origin  schemas.Origin
	Where   string   // in the source: a table and a place, a file and a line; never a value
	Raw     [][]byte // its fields as they came, for the digest of a rejection
	// Spelling is how the row writes its key, if the source may have several rows of one.
	Spelling schemas.Spelling
}

func (a *Arrival) raw() (all []byte) {
	for _, v := range a.Raw {
		all = append(append(all, v...), 0)
	}
	return all
}

// Take adds a row to the batch: as a change or, if its elements refuse it, as rejections and,
// where its key is known, a refusal. It reports whether the row was taken.
func (b *Batch) Take(c Config, a Arrival) bool {
	record, key, problems := Row(a.Dataset, a.Cells)
	return b.Add(c, a, record, key, problems)
}

// Add is Take for a source that has called Row itself, because more hangs on the key.
func (b *Batch) Add(c Config, a Arrival, record schemas.Record, key string, problems []FieldError) bool {
	if len(problems) == 0 {
		b.Changes = append(b.Changes, schemas.Change{Dataset: a.Dataset, Key: key, Op: a.Op, Record: record, Origin: a.Origin, Spelling: a.Spelling})
		return true
	}
	b.Reject(c, a, problems...)
	b.Refuse(c.Keys, a.Dataset, key, a.Cells, a.Origin, a.Spelling)
	return false
}

// Reject adds what is wrong with a row, of which no change comes.
func (b *Batch) Reject(c Config, a Arrival, problems ...FieldError) {
	for _, p := range problems {
		b.Rejections = append(b.Rejections, c.Rejection(a.Dataset, a.Where, a.Origin.At, a.raw(), p))
	}
}

// Rejection says what is wrong with a row, or with what should have brought rows: where,
// and by a keyed digest of what came. It never holds a value.
func (c Config) Rejection(d *schemas.Dataset, where string, at time.Time, raw []byte, p FieldError) contract.Rejection {
	if p.Field != "" {
		where += ":" + p.Field
	}
	return contract.Rejection{Dataset: d.ID, Field: p.Field, Reason: p.Reason, Detail: p.Detail, Source: c.Name, At: at, Locator: where, Digest: c.Digest(raw)}
}
