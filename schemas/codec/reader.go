package codec

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Reader reads framed values into records of one layout, whatever version of
// the schema wrote them. It is safe for concurrent use.
type Reader struct {
	codec  *Codec
	layout *schemas.Layout
	schema *record
	err    error // what is wrong with the layout

	own  sync.Once
	self resolved // of the layout's own schema

	programs atomic.Pointer[map[int]resolved] // by writer schema id, replaced whole
	mu       sync.Mutex                       // of replacing
	withheld atomic.Uint64
}

// resolved is what became of a writer schema: a program, or why there is none.
type resolved struct {
	program *program
	err     error
}

func newReader(c *Codec, l *schemas.Layout) *Reader {
	r := &Reader{codec: c, layout: l}
	r.schema, r.err = parse(Schema(l))
	r.programs.Store(&map[int]resolved{})
	return r
}

// Layout returns the layout that records come in.
func (r *Reader) Layout() *schemas.Layout { return r.layout }

// Decode reads a framed value. The record keeps a copy of it; value may be used
// again. Errors are ErrMalformed, ErrUnknownSchema or the registry's own.
func (r *Reader) Decode(ctx context.Context, value []byte) (schemas.Record, error) {
	return r.DecodeInto(ctx, value, nil)
}

// DecodeInto is Decode into values of a slab, which live until its Reset.
func (r *Reader) DecodeInto(ctx context.Context, value []byte, slab *schemas.Slab) (schemas.Record, error) {
	return r.DecodeText(ctx, string(value[:min(len(value), MaxMessage+1)]), slab) // of a value too large no more than tells it
}

// DecodeText is DecodeInto of a value that is a string already, which the
// record then keeps pieces of.
func (r *Reader) DecodeText(ctx context.Context, value string, slab *schemas.Slab) (schemas.Record, error) {
	if len(value) > MaxMessage {
		return schemas.Record{}, &DecodeError{Record: r.layout.Name, Offset: MaxMessage, fault: faultSize}
	}
	var frame [headerSize]byte
	id, err := SchemaID(frame[:copy(frame[:], value)])
	if err != nil {
		return schemas.Record{}, err
	}
	return r.decode(ctx, id, value[headerSize:], slab)
}

// DecodeOwn reads a framed value as if it were written under the layout's own
// schema, whatever id it names. It is for values whose id the registry has lost:
// the caller must hold what comes out against what else is known of the record.
func (r *Reader) DecodeOwn(value string, slab *schemas.Slab) (schemas.Record, error) {
	var frame [headerSize]byte
	if _, err := SchemaID(frame[:copy(frame[:], value)]); err != nil {
		return schemas.Record{}, err
	}
	r.own.Do(func() {
		if r.self.err = r.err; r.err == nil {
			r.self.program, r.self.err = readProgram(r.schema, r.schema, r.layout)
		}
	})
	if r.self.err != nil {
		return schemas.Record{}, fmt.Errorf("read %q: %w: %w", r.layout.Name, ErrUnknownSchema, r.self.err)
	}
	return r.take(r.self.program, value[headerSize:], slab)
}

// DecodeBody reads a record's bytes without their frame.
func (r *Reader) DecodeBody(ctx context.Context, id int, body []byte) (schemas.Record, error) {
	if len(body) > MaxMessage-headerSize {
		return schemas.Record{}, &DecodeError{Record: r.layout.Name, Offset: MaxMessage, fault: faultSize}
	}
	return r.decode(ctx, id, string(body), nil)
}

func (r *Reader) decode(ctx context.Context, id int, body string, slab *schemas.Slab) (schemas.Record, error) {
	known, ok := (*r.programs.Load())[id]
	if !ok {
		var err error
		if known, err = r.resolve(ctx, id); err != nil {
			return schemas.Record{}, err
		}
	}
	if known.err != nil {
		return schemas.Record{}, known.err
	}
	return r.take(known.program, body, slab)
}

func (r *Reader) take(p *program, body string, slab *schemas.Slab) (schemas.Record, error) {
	d := decoder{s: body, slab: slab}
	values := d.run(p)
	if d.fault != faultNone {
		return schemas.Record{}, &DecodeError{Record: r.layout.Name, Column: d.column, Offset: headerSize + d.pos, fault: d.fault}
	}
	if p.skips > 0 {
		r.withheld.Add(uint64(p.skips))
	}
	return schemas.NewRecord(r.layout, values), nil
}

// Withheld returns how many columns of the values read so far were not in the
// layout and therefore left out (a column of rows counts once a value).
func (r *Reader) Withheld() uint64 { return r.withheld.Load() }

// Unknown returns the columns of a writer schema that are not in the layout.
func (r *Reader) Unknown(ctx context.Context, id int) ([]string, error) {
	known, err := r.resolve(ctx, id)
	if err = errors.Join(err, known.err); err != nil {
		return nil, err
	}
	var names []string
	for _, s := range known.program.steps {
		if s.target < 0 {
			names = append(names, s.name)
		}
	}
	return names, nil
}

// resolve compiles the program of a writer schema. That a schema cannot be read
// into the layout is remembered, because neither will change; that the registry
// could not be asked is not.
func (r *Reader) resolve(ctx context.Context, id int) (resolved, error) {
	if known, ok := (*r.programs.Load())[id]; ok {
		return known, nil
	}
	if r.err != nil {
		return resolved{}, fmt.Errorf("read %q: %w: %w", r.layout.Name, ErrUnknownSchema, r.err)
	}
	writer, err := r.codec.writer(ctx, id)
	if err != nil {
		return resolved{}, err
	}
	var out resolved
	if !named(r.schema, writer) {
		err = &profileError{r.schema.fullName(), "写方记录名不同", "the writer's record is called " + writer.fullName()}
	} else {
		out.program, err = readProgram(r.schema, writer, r.layout)
	}
	if err != nil {
		// As text: it is the pair of schemas that does not fit, not the profile.
		out.err = fmt.Errorf("read schema %d as %q: %w: %w: %s", id, r.layout.Name, ErrUnknownSchema, ErrIncompatible, err.Error())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	programs := maps.Clone(*r.programs.Load())
	evict(programs)
	programs[id] = out
	r.programs.Store(&programs)
	return out, nil
}

// Reader returns a reader of records into l. What is wrong with l, if anything,
// is said by the first Decode.
func (c *Codec) Reader(l *schemas.Layout) *Reader { return newReader(c, l) }
