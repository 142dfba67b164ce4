package codec

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"unicode/utf8"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Writer appends records of one layout. It is safe for concurrent use.
type Writer struct {
	id      int
	layout  *schemas.Layout
	program *program
}

// ID returns the id of the writer's schema.
func (w *Writer) ID() int { return w.id }

// Layout returns the layout of the records that the writer takes.
func (w *Writer) Layout() *schemas.Layout { return w.layout }

// Append appends the framed record to dst and returns the longer slice; on an
// error it returns dst as it was. It allocates nothing if dst has room. The
// record's layout must be the writer's, or one of the same columns.
//
// An unavailable value is written as null. In a column of a raw.<dataset> that
// is not nullable it is written as the empty value of its type: readers of raw
// topics must look at the header "na" first.
//
// Append refuses what Decode would: text that is not UTF-8, numbers outside
// their type, more than MaxRows rows or MaxMessage bytes. The error is ErrValue
// (ErrTooLarge for the last) and names the column, never the value.
func (w *Writer) Append(dst []byte, r schemas.Record) ([]byte, error) {
	n := len(dst)
	dst = append(dst, 0)
	dst = binary.BigEndian.AppendUint32(dst, uint32(w.id))
	return w.append(dst, n, n+headerSize, r)
}

// AppendBody is Append without the frame.
func (w *Writer) AppendBody(dst []byte, r schemas.Record) ([]byte, error) {
	return w.append(dst, len(dst), len(dst), r)
}

func (w *Writer) append(dst []byte, start, body int, r schemas.Record) ([]byte, error) {
	out, err := appendRecord(dst, w.program, r)
	if err == nil && len(out)-body > MaxMessage-headerSize {
		err = ErrTooLarge
	}
	if err != nil {
		return dst[:start], fmt.Errorf("encode %q: %w", w.layout.Name, err)
	}
	return out, nil
}

// columnError names the column that could not be written.
type columnError struct{ column, why string }

func (e *columnError) Error() string { return fmt.Sprintf("column %q: %s", e.column, e.why) }

func (e *columnError) Unwrap() error { return ErrValue }

func appendRecord(dst []byte, p *program, r schemas.Record) ([]byte, error) {
	if r.Layout() != p.layout && !sameColumns(r.Layout(), p.layout) {
		return dst, &columnError{"", "记录的字段与模式不同 / the record has other columns"}
	}
	for i := range p.steps {
		st := &p.steps[i]
		v := r.Value(i)
		switch v.Kind() {
		case schemas.KindNull:
			if st.null < 0 {
				return dst, &columnError{st.name, "必填字段为空 / null in a column that is not nullable"}
			}
			dst = append(dst, byte(st.null)<<1)
		case schemas.KindUnavailable:
			if st.null < 0 && !st.empty {
				return dst, &columnError{st.name, "值不可用 / value is unavailable"}
			}
			if st.null < 0 {
				dst = appendEmpty(dst, st.wire)
			} else {
				dst = append(dst, byte(st.null)<<1)
			}
		default:
			if st.null >= 0 {
				dst = append(dst, byte(1-st.null)<<1)
			}
			var err error
			if dst, err = appendValue(dst, st, &v); err != nil {
				return dst, err
			}
		}
	}
	return dst, nil
}

func appendValue(dst []byte, st *step, v *schemas.Value) ([]byte, error) {
	if v.Kind() != kinds[st.wire] {
		return dst, &columnError{st.name, "值的类型不符 / value of another type"}
	}
	switch st.wire {
	case wireString:
		s := v.Str()
		if !utf8.ValidString(s) {
			return dst, &columnError{st.name, faultTexts[faultText]}
		}
		return append(appendLong(dst, int64(len(s))), s...), nil
	case wireBytes:
		s := v.Str()
		return append(appendLong(dst, int64(len(s))), s...), nil
	case wireInt, wireLong:
		n := v.Int64()
		if !inRange(st.typ, n) {
			return dst, &columnError{st.name, faultTexts[faultRange]}
		}
		return appendLong(dst, n), nil
	case wireBoolean:
		n := v.Int64()
		if n != 0 && n != 1 {
			return dst, &columnError{st.name, faultTexts[faultBoolean]}
		}
		return append(dst, byte(n)), nil
	case wireDouble:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v.Float64())), nil
	case wireDecimal:
		n := v.Int64()
		if n >= st.limit || n <= -st.limit {
			return dst, &columnError{st.name, faultTexts[faultDecimal]}
		}
		return appendDecimal(dst, n), nil
	default:
		return appendRows(dst, st, v.Records())
	}
}

// kinds is the kind of value that each wire form takes. A layout has no int
// but Date and no float.
var kinds = [...]schemas.Kind{
	wireString: schemas.KindString, wireInt: schemas.KindInt, wireLong: schemas.KindInt, wireBoolean: schemas.KindInt,
	wireFloat: schemas.KindDouble, wireDouble: schemas.KindDouble, wireBytes: schemas.KindBytes, wireDecimal: schemas.KindInt,
	wireRows: schemas.KindRows,
}

// appendRows writes an array as one block.
func appendRows(dst []byte, st *step, rows []schemas.Record) ([]byte, error) {
	if len(rows) > MaxRows {
		return dst, &columnError{st.name, faultTexts[faultCount]}
	}
	if len(rows) == 0 {
		return append(dst, 0), nil
	}
	dst = appendLong(dst, int64(len(rows)))
	for _, row := range rows {
		var err error
		if dst, err = appendRecord(dst, st.rows, row); err != nil {
			return dst, fmt.Errorf("column %q: %w", st.name, err)
		}
	}
	return append(dst, 0), nil
}

func appendEmpty(dst []byte, w wire) []byte {
	switch w {
	case wireDouble:
		return append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	case wireDecimal:
		return append(dst, 2, 0)
	default:
		return append(dst, 0)
	}
}

func appendLong(dst []byte, n int64) []byte {
	u := uint64(n)<<1 ^ uint64(n>>63)
	for u >= 0x80 {
		dst = append(dst, byte(u)|0x80)
		u >>= 7
	}
	return append(dst, byte(u))
}

// appendDecimal writes a number in as few bytes as hold it and its sign.
func appendDecimal(dst []byte, n int64) []byte {
	size := bits.Len64(uint64(n^n>>63))/8 + 1
	dst = append(dst, byte(size)<<1)
	for i := size - 1; i >= 0; i-- {
		dst = append(dst, byte(n>>(8*i)))
	}
	return dst
}

// sameColumns says whether two layouts have columns of the same names and types.
func sameColumns(a, b *schemas.Layout) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil || len(a.Columns) != len(b.Columns) {
		return false
	}
	for i := range a.Columns {
		x, y := &a.Columns[i], &b.Columns[i]
		if x.Name != y.Name || x.Type != y.Type || x.Scale != y.Scale || x.Type == schemas.Rows && !sameColumns(x.Rows, y.Rows) {
			return false
		}
	}
	return true
}

// Writer registers the schema of l under subject and returns a writer of its
// records. What it has registered once it does not ask the registry for again.
func (c *Codec) Writer(ctx context.Context, subject string, l *schemas.Layout) (*Writer, error) {
	schema := Schema(l)
	rec, err := parse(schema)
	if err != nil {
		return nil, fmt.Errorf("register %q: %w", subject, err)
	}
	id, err := c.register(ctx, registration{subject, schema})
	if err != nil {
		return nil, fmt.Errorf("register %q: %w", subject, err)
	}
	return &Writer{id: id, layout: l, program: appendProgram(rec, l)}, nil
}
