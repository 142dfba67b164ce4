package connectors

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// pass is one part of the keys of a raw topic: those of which a record of this
// source's stands, of an elder epoch and not a delete, are gone.
type pass struct {
	r       *runner
	dataset *schemas.Dataset
	reader  *codec.Reader
	slab    schemas.Slab
	topic   contract.Topic
	sole    bool
	part    int // of parts
	parts   int
	stands  standings
	gone    map[[16]byte]bool // true: what is left is a record that says nothing, see scan
	kept    int64             // keys of an elder epoch that came again
	begun   map[int32]bool    // partitions in which rows have come again
}

// found is how many rows are gone. A record that says nothing may be no row's, so it
// does not count, and nobody is asked about it.
func (p *pass) found() (n int64) {
	for _, husk := range p.gone {
		if !husk {
			n++
		}
	}
	return n
}

// passes calls fn with each part of the keys in turn.
func (r *runner) passes(ctx context.Context, m *missing, fn func(*pass) error) error {
	topic := contract.Raw(m.dataset.ID)
	ends, err := r.bus.EndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	records := int64(0)
	for _, end := range ends[topic] {
		records += end
	}
	parts := int(records/passRecords) + 1
	for part := range parts {
		p := &pass{r: r, dataset: m.dataset, reader: r.codec.Reader(m.dataset.Layout), topic: topic, sole: m.sole, part: part, parts: parts, stands: newStandings(), gone: map[[16]byte]bool{}, begun: map[int32]bool{}}
		if err := p.scan(ctx); err != nil {
			return fmt.Errorf("look for rows that did not come again in %q: %w", topic, err)
		}
		if err := fn(p); err != nil {
			return err
		}
	}
	return nil
}

func (p *pass) digest(key []byte) ([16]byte, bool) {
	var d [16]byte
	copy(d[:], p.r.cfg.Keyed(contract.LabelResync, key))
	return d, int(d[0])<<8|int(d[1]) >= p.part*(1<<16)/p.parts && int(d[0])<<8|int(d[1]) < (p.part+1)*(1<<16)/p.parts
}

// scan reads the topic once. A record that says nothing of its row changes nothing;
// but where it is all that compaction has left, from before the rows were read again
// and of a dataset that nobody else feeds, it stands for the row that it displaced.
func (p *pass) scan(ctx context.Context) error {
	return p.r.bus.Replay(ctx, p.topic, func(rec bus.Record) error {
		said, err := p.r.hear(ctx, p.dataset, p.reader, &p.slab, rec)
		if err != nil {
			return err
		}
		if said.sequence.Epoch > p.r.status.Epoch && said.ours {
			said = saying{row: said.row} // no record of ours is of that epoch
		}
		again := said.ours && said.sequence.Epoch == p.r.status.Epoch
		if len(rec.Key) == 0 { // a truncate, of this partition
			p.stands.empty(rec, said, func(d [16]byte) { delete(p.gone, d) })
			return nil
		}
		d, mine := p.digest(said.row)
		p.begun[rec.Partition] = p.begun[rec.Partition] || again
		switch {
		case rec.Header(contract.ControlHeader) != nil || !mine:
		case !said.ok && (!p.sole || p.begun[rec.Partition]):
		case !said.ok:
			if _, known := p.gone[d]; !known {
				p.gone[d] = true
			}
		case !p.stands.take(d, rec, said, [8]byte{}):
		case said.there && !again && (said.ours || p.sole):
			p.gone[d] = false
		default:
			if husk, known := p.gone[d]; known && !husk && again && said.there {
				p.kept++
			}
			delete(p.gone, d)
		}
		return nil
	})
}

// keys reads the topic once more and calls fn with each key that is gone.
func (p *pass) keys(ctx context.Context, fn func(key string) error) error {
	if len(p.gone) == 0 {
		return nil
	}
	return p.r.bus.Replay(ctx, p.topic, func(rec bus.Record) error {
		key, _ := rowOf(rec)
		d, mine := p.digest(key)
		if _, gone := p.gone[d]; !mine || !gone || len(rec.Key) == 0 {
			return nil
		}
		delete(p.gone, d)
		return fn(string(key))
	})
}

// rowOf returns the key of the row that a raw record is about, and whether the record is
// the mark of a refused one.
func rowOf(rec bus.Record) (key []byte, mark bool) {
	if row, refused := contract.RefusedRow(rec.Key); refused {
		return row, true
	}
	return rec.Key, false
}

// saying is what a raw record says of a row, if route takes it for anything.
type saying struct {
	ok    bool // it is one that a source may have written
	row   []byte
	ours  bool
	there bool // the row is there: taken, or refused

	own, was []byte // how the row writes its key and did before, nil if that is not said

	sequence schemas.Sequence
}

// hear reads a raw record as route does. What route refuses, because no source wrote
// it, says nothing of its row: not that it came again either.
func (r *runner) hear(ctx context.Context, d *schemas.Dataset, reader *codec.Reader, slab *schemas.Slab, rec bus.Record) (saying, error) {
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
	said := saying{ok: true, row: row, ours: string(name) == r.cfg.Name, sequence: sequence, there: mark || op != schemas.Delete && rec.Value != nil}
	if own, ok := contract.ParseOwn(rec.Header(contract.Own)); ok {
		said.own = own
		if was, ok := contract.ParseOwn(rec.Header(contract.Was)); ok {
			said.was = was
		}
	}
	if mark || !said.there {
		return said, nil
	}
	slab.Reset()
	content, err := reader.DecodeInto(ctx, rec.Value, slab)
	again := sequence.Epoch == r.status.Epoch
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
		if key, err := Key(d, values); err != nil || key != string(row) {
			return void, nil //nolint:nilerr // it bears another row's key
		}
	}
	return said, nil
}

// inherited notes which sources fed this one's datasets before and left rows that it
// has now accounted for, and how many they had published then: more of them later
// would be others.
func (r *runner) inherited(ctx context.Context, before map[string]int64) (map[string]int64, error) {
	sources, err := statuses(ctx, r.bus)
	if err != nil {
		return nil, fmt.Errorf("look who fed the datasets before: %w", err)
	}
	out := maps.Clone(before)
	for _, d := range r.cfg.Datasets {
		if contract.SoleFeeder(sources, d.ID) != r.cfg.Name {
			continue
		}
		for name, s := range sources {
			if name != r.cfg.Name && s.Fed(d.ID) {
				if out == nil {
					out = map[string]int64{}
				}
				out[name] = s.Rows
			}
		}
	}
	return out, nil
}
