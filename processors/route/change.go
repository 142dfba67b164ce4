package route

import (
	"bytes"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// change is one record of a raw topic, its headers read.
type change struct {
	*bus.Record
	dataset  *dataset
	op       schemas.Op
	source   []byte
	sequence schemas.Sequence
	named    bool   // the source says how the row writes its key: own,
	own      []byte // empty if as the record's key
	moved    bool   // and that it wrote it otherwise before: was
	was      []byte
	outright bool  // a deletion of the row whichever source said it last
	sweeps   bool  // no record of a topic: what is kept is gone over
	today    int64 // in Shanghai, as days since 1970, by the clock of the bus
}

// reject is the data's fault, as an error.
type reject struct {
	field, reason, detail string

	unnamed bool // the record's key is not that of the row
}

func (r *reject) Error() string { return r.reason + " " + r.field }

// from reports whether c is of that source and epoch. Across epochs nothing is known of
// the rows that were: the source is read again, and brings each that it still has.
func (c *change) from(source []byte, at schemas.Sequence) bool {
	return string(source) == string(c.source) && at.Epoch == c.sequence.Epoch
}

// spells reports whether c is about the row that writes its key so.
func (c *change) spells(own []byte) bool {
	return bytes.Equal(own, c.own) || c.moved && bytes.Equal(own, c.was)
}

// spelling is how a row writes its key in full.
func (c *change) spelling(own []byte) []byte {
	if len(own) == 0 {
		return c.Key
	}
	return own
}

// follows reports whether c is of the source and newer than what that said there.
func (c *change) follows(source []byte, at schemas.Sequence) bool {
	return string(source) == string(c.source) && at.Compare(c.sequence) < 0
}

// rowOf makes of a record that says of a row that it was refused a change of that row.
func (c *change) rowOf() error {
	row, ok := contract.RefusedRow(c.Key)
	if !ok || !whole(c.dataset, row) {
		return &reject{reason: contract.ReasonMissing, detail: "退回标记没有行的主键 / a mark of a refused row lacks the row's key", unnamed: true}
	}
	record := *c.Record
	record.Key = row
	c.Record = &record
	return nil
}

// leeway is how many days a date of what has happened may lie after today: a source's
// clock, or its calendar, may be a little ahead of the bus's.
const leeway = 1

// dayIn is the day of a date or time, in Shanghai.
func dayIn(e *schemas.Element, v schemas.Value) int64 {
	if e.Type == schemas.Timestamp {
		return schemas.DayNumber(v.Time(e.Type))
	}
	return v.Int64()
}

// whole reports whether a key has as many parts as the dataset's.
func whole(d *dataset, key []byte) bool {
	parts, err := schemas.SplitKey(string(key))
	return err == nil && len(parts) == len(d.KeyIndex) && !slices.ContainsFunc(parts, func(p string) bool { return strings.TrimSpace(p) == "" })
}
