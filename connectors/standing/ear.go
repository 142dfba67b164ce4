package standing

import (
	"context"
	"errors"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Said is what a raw record says of a row, if route takes it for anything.
type Said struct {
	OK    bool // it is one that a source may have written
	Row   []byte
	Ours  bool
	There bool // the row is there: taken, or refused

	own, was []byte // how the row writes its key and did before, nil if that is not said

	Sequence schemas.Sequence
}

// known reports whether a source may say so of a row.
func known(op schemas.Op) bool {
	switch op {
	case schemas.Create, schemas.Update, schemas.Delete, schemas.Snapshot, schemas.Truncate, schemas.Refused:
		return true
	}
	return false
}

// rowOf returns the key of the row that a raw record is about, and whether the record is
// the mark of a refused one.
func rowOf(rec bus.Record) (key []byte, mark bool) {
	if row, refused := contract.RefusedRow(rec.Key); refused {
		return row, true
	}
	return rec.Key, false
}

// Key builds the key of a row of typed values.
type Key func(d *schemas.Dataset, values []schemas.Value) (string, error)

// Ear reads the records of a dataset's raw topic for one source. It is for one goroutine.
type Ear struct {
	source  string
	since   schemas.Sequence // when the source began to be read again; zero: it is not
	dataset *schemas.Dataset
	key     Key
	reader  *codec.Reader
	slab    schemas.Slab
}

// Listen returns the ear of a source that is read again since a place, zero if it is not.
func Listen(c *codec.Codec, source string, since schemas.Sequence, d *schemas.Dataset, key Key) *Ear {
	return &Ear{source: source, since: since, dataset: d, key: key, reader: c.Reader(d.Layout)}
}

// again reports whether what the source said there, it said since it is read again.
func (h *Ear) again(at schemas.Sequence) bool {
	return h.since != (schemas.Sequence{}) && at.Epoch == h.since.Epoch && at.Compare(h.since) >= 0
}

// Hear reads a raw record as route does. What route refuses, because no source wrote
// it, says nothing of its row: not that it came again either.
func (h *Ear) Hear(ctx context.Context, rec bus.Record) (Said, error) {
	row, mark := rowOf(rec)
	void := Said{Row: row}
	name, sequence, ok := contract.ParsePos(rec.Header(contract.Pos))
	op := schemas.Op(0)
	if text := rec.Header(contract.Operation); len(text) == 1 {
		op = schemas.Op(text[0])
	}
	if !ok || !known(op) || mark != (op == schemas.Refused) || mark && rec.Value != nil || (len(rec.Key) == 0) != (op == schemas.Truncate) {
		return void, nil
	}
	said := Said{OK: true, Row: row, Ours: string(name) == h.source, Sequence: sequence, There: mark || op != schemas.Delete && rec.Value != nil}
	if own, ok := contract.ParseOwn(rec.Header(contract.Own)); ok {
		said.own = own
		if was, ok := contract.ParseOwn(rec.Header(contract.Was)); ok {
			said.was = was
		}
	}
	if mark || !said.There {
		return said, nil
	}
	h.slab.Reset()
	content, err := h.reader.DecodeInto(ctx, rec.Value, &h.slab)
	again := h.again(sequence)
	switch {
	case errors.Is(err, codec.ErrMalformed):
		return void, nil
	case errors.Is(err, codec.ErrUnknownSchema):
		if said.Ours && again { // written just now, under a schema that is registered
			return void, nil
		}
		return said, nil // the registry has lost it since
	case err != nil:
		return void, err
	}
	// Of an elder row the key may be spelled as an elder release did.
	if !said.Ours || again {
		values := make([]schemas.Value, content.Len())
		for i := range values {
			values[i] = content.Value(i)
		}
		if key, err := h.key(h.dataset, values); err != nil || key != string(row) {
			return void, nil //nolint:nilerr // it bears another row's key
		}
	}
	return said, nil
}
