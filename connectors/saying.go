package connectors

import (
	"context"
	"errors"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// saying is what a raw record says of a row, if route takes it for anything.
type saying struct {
	ok    bool // it is one that a source may have written
	row   []byte
	ours  bool
	there bool // the row is there: taken, or refused

	own, was []byte // how the row writes its key and did before, nil if that is not said

	sequence schemas.Sequence
}

// rowOf returns the key of the row that a raw record is about, and whether the record is
// the mark of a refused one.
func rowOf(rec bus.Record) (key []byte, mark bool) {
	if row, refused := contract.RefusedRow(rec.Key); refused {
		return row, true
	}
	return rec.Key, false
}

// hearer reads the records of a dataset's raw topic for one source. It is for one goroutine.
type hearer struct {
	source  string
	epoch   uint64 // under which the source is read again, 0 = it is not
	dataset *schemas.Dataset
	reader  *codec.Reader
	slab    schemas.Slab
}

func newHearer(c *codec.Codec, source string, epoch uint64, d *schemas.Dataset) *hearer {
	return &hearer{source: source, epoch: epoch, dataset: d, reader: c.Reader(d.Layout)}
}

// hear reads a raw record as route does. What route refuses, because no source wrote
// it, says nothing of its row: not that it came again either.
func (h *hearer) hear(ctx context.Context, rec bus.Record) (saying, error) {
	row, mark := rowOf(rec)
	void := saying{row: row}
	name, sequence, ok := contract.ParsePos(rec.Header(contract.Pos))
	op := schemas.Op(0)
	if text := rec.Header(contract.Operation); len(text) == 1 {
		op = schemas.Op(text[0])
	}
	if _, known := ops[op]; !ok || !known || mark != (op == schemas.Refused) || mark && rec.Value != nil || (len(rec.Key) == 0) != (op == schemas.Truncate) {
		return void, nil
	}
	said := saying{ok: true, row: row, ours: string(name) == h.source, sequence: sequence, there: mark || op != schemas.Delete && rec.Value != nil}
	if own, ok := contract.ParseOwn(rec.Header(contract.Own)); ok {
		said.own = own
		if was, ok := contract.ParseOwn(rec.Header(contract.Was)); ok {
			said.was = was
		}
	}
	if mark || !said.there {
		return said, nil
	}
	h.slab.Reset()
	content, err := h.reader.DecodeInto(ctx, rec.Value, &h.slab)
	again := sequence.Epoch == h.epoch
	switch {
	case errors.Is(err, codec.ErrMalformed):
		return void, nil
	case errors.Is(err, codec.ErrUnknownSchema):
		if said.ours && again { // written just now, under a schema that is registered
			return void, nil
		}
		return said, nil // the registry has lost it since
	case err != nil:
		return void, err
	}
	// Of an elder row the key may be spelled as an elder release did.
	if !said.ours || again {
		values := make([]schemas.Value, content.Len())
		for i := range values {
			values[i] = content.Value(i)
		}
		if key, err := Key(h.dataset, values); err != nil || key != string(row) {
			return void, nil //nolint:nilerr // it bears another row's key
		}
	}
	return said, nil
}
