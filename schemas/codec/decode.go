package codec

import (
	"math"
	"unicode/utf8"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// decoder walks over one record. Strings are pieces of s: the record keeps s
// alive and nothing else is copied.
type decoder struct {
	s       string
	slab    *schemas.Slab // where the record's values come from
	pos     int
	cells   int
	column  string        // at fault
	skipped schemas.Value // where values go that no column takes
	fault   fault
}

// run decodes a whole body. The record's values are made once, its rows once a
// block.
func (d *decoder) run(p *program) []schemas.Value {
	out := d.slab.Values(len(p.layout.Columns))
	if d.cells = len(out); !d.record(p, out) {
		return nil
	}
	if d.pos != len(d.s) {
		d.fault = faultTrailing
		return nil
	}
	return out
}

// record decodes one record into out, which is nil where the record is skipped.
func (d *decoder) record(p *program, out []schemas.Value) bool {
	for i := range p.steps {
		st := &p.steps[i]
		if st.null >= 0 {
			branch := d.branch()
			if d.fault != faultNone {
				return d.at(st)
			}
			if branch == int64(st.null) {
				continue
			}
		}
		if st.target >= 0 {
			d.value(st, &out[st.target])
		} else {
			d.value(st, &d.skipped)
		}
		if d.fault != faultNone {
			return d.at(st)
		}
	}
	for i := range p.fill {
		out[p.fill[i].column] = p.fill[i].value
	}
	return true
}

// at remembers the innermost column at fault.
func (d *decoder) at(st *step) bool {
	if d.column == "" {
		d.column = st.name
	}
	return false
}

// branch decodes the branch of a union of two.
func (d *decoder) branch() int64 {
	b := d.long()
	if b != 0 && b != 1 && d.fault == faultNone {
		d.fault = faultUnion
	}
	return b
}

// value decodes one value into v, in place: a Value is wide.
func (d *decoder) value(st *step, v *schemas.Value) {
	switch st.wire {
	case wireString:
		s := d.take()
		if d.fault == faultNone && !utf8.ValidString(s) {
			d.fault = faultText
		}
		*v = schemas.Text(s)
	case wireInt, wireLong:
		n := d.long()
		if d.fault == faultNone {
			if st.wire == wireInt && int64(int32(n)) != n {
				d.fault = faultVarint
			} else if !inRange(st.typ, n) {
				d.fault = faultRange
			}
		}
		*v = schemas.Int(n)
	case wireBoolean:
		if d.pos >= len(d.s) {
			d.fault = faultTruncated
			return
		}
		b := d.s[d.pos]
		if b > 1 {
			d.fault = faultBoolean
		}
		d.pos++
		*v = schemas.Int(int64(b))
	case wireFloat:
		*v = schemas.Float(float64(math.Float32frombits(uint32(d.fixed(4)))))
	case wireDouble:
		*v = schemas.Float(math.Float64frombits(d.fixed(8)))
	case wireBytes:
		*v = schemas.Binary(d.take())
	case wireDecimal:
		raw := d.take()
		if d.fault != faultNone {
			return
		}
		var n int64
		n, d.fault = unscaled(raw, st.limit)
		*v = schemas.Int(n)
	default:
		*v = d.rows(st)
	}
	if st.widen != asWritten && d.fault == faultNone {
		d.widen(st.widen, v)
	}
}

// widen makes a value one of its reader's type.
func (d *decoder) widen(to promotion, v *schemas.Value) {
	switch to {
	case toDouble:
		*v = schemas.Float(float64(v.Int64()))
	case toFloat:
		*v = schemas.Float(float64(float32(v.Int64())))
	case toBytes:
		*v = schemas.Binary(v.Str())
	case toText:
		text := v.Str()
		if !utf8.ValidString(text) {
			d.fault = faultText
		}
		*v = schemas.Text(text)
	case asWritten:
	}
}

// long decodes a variable-length number: at most ten bytes, the tenth of one bit.
func (d *decoder) long() int64 {
	s, pos := d.s, d.pos
	if pos < len(s) && s[pos] < 0x80 {
		d.pos = pos + 1
		b := uint64(s[pos])
		return int64(b>>1) ^ -int64(b&1)
	}
	var u uint64
	for shift := uint(0); pos < len(s); shift += 7 {
		b := s[pos]
		pos++
		if shift == 63 && b > 1 {
			d.fault = faultVarint
			return 0
		}
		u |= uint64(b&0x7F) << shift
		if b < 0x80 {
			d.pos = pos
			return int64(u>>1) ^ -int64(u&1)
		}
	}
	d.fault = faultTruncated
	return 0
}

// take decodes a length and as many bytes.
func (d *decoder) take() string {
	n := d.long()
	switch {
	case d.fault != faultNone:
		return ""
	case n < 0:
		d.fault = faultLength
		return ""
	case n > int64(len(d.s)-d.pos):
		d.fault = faultTruncated
		return ""
	}
	s := d.s[d.pos : d.pos+int(n)]
	d.pos += int(n)
	return s
}

// fixed decodes n little-endian bytes.
func (d *decoder) fixed(n int) uint64 {
	if len(d.s)-d.pos < n {
		d.fault = faultTruncated
		return 0
	}
	var u uint64
	for i := n - 1; i >= 0; i-- {
		u = u<<8 | uint64(d.s[d.pos+i])
	}
	d.pos += n
	return u
}

// rows decodes an array of records, block by block. A block's count is held
// against the bytes that are left before anything is made for it: each row
// takes at least p.least of them, so what is made is bounded by what was sent.
func (d *decoder) rows(st *step) schemas.Value {
	p := st.rows
	var rows []schemas.Record
	total := int64(0)
	for {
		n := d.long()
		if d.fault != faultNone || n == 0 {
			break
		}
		size := int64(-1)
		left := int64(len(d.s) - d.pos)
		if n < 0 {
			size = d.long()
			left = int64(len(d.s) - d.pos)
			if d.fault != faultNone {
				break
			}
			if size < 0 || size > left {
				d.fault = faultBlock
				break
			}
			n, left = -n, size
		}
		if n < 0 || n > MaxRows-total { // n < 0: minus the least number is itself
			d.fault = faultCount
			break
		}
		if n*int64(p.least) > left {
			if d.fault = faultTruncated; size >= 0 {
				d.fault = faultBlock
			}
			break
		}
		total += n
		end := int64(d.pos) + size
		if rows = d.block(p, rows, int(n)); d.fault != faultNone {
			break
		}
		if size >= 0 && int64(d.pos) != end {
			d.fault = faultBlock
			break
		}
	}
	if d.fault != faultNone {
		return schemas.Null
	}
	return schemas.Table(rows)
}

// block decodes n rows and appends them to rows, or passes over them.
func (d *decoder) block(p *program, rows []schemas.Record, n int) []schemas.Record {
	if p.layout == nil {
		for range n {
			if !d.record(p, nil) {
				return nil
			}
		}
		return nil
	}
	width := len(p.layout.Columns)
	if d.cells += n * width; d.cells > maxCells {
		d.fault = faultCells
		return nil
	}
	values := make([]schemas.Value, n*width)
	if rows == nil {
		rows = make([]schemas.Record, 0, n)
	}
	for i := range n {
		row := values[i*width : (i+1)*width : (i+1)*width]
		if !d.record(p, row) {
			return nil
		}
		rows = append(rows, schemas.NewRecord(p.layout, row))
	}
	return rows
}
