package codec

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// fault is what is wrong with a value's bytes.
type fault uint8

const (
	faultNone fault = iota
	faultTruncated
	faultTrailing
	faultMagic
	faultID
	faultVarint
	faultLength
	faultText
	faultUnion
	faultBoolean
	faultRange
	faultDecimal
	faultCount
	faultBlock
	faultCells
	faultSize
)

var faultTexts = [...]string{
	faultNone:      "",
	faultTruncated: "内容被截断 / truncated",
	faultTrailing:  "记录之后还有多余字节 / bytes after the record",
	faultMagic:     "首字节不是 0 / first byte is not 0",
	faultID:        "模式编号为负 / negative schema id",
	faultVarint:    "整数溢出 / number does not fit its type",
	faultLength:    "长度为负 / negative length",
	faultText:      "不是 UTF-8 文本 / text is not UTF-8",
	faultUnion:     "联合类型序号越界 / union has no such branch",
	faultBoolean:   "布尔值不是 0 或 1 / boolean is not 0 or 1",
	faultRange:     "日期或时间超出 0001 至 9999 年 / date or time outside the years 1 to 9999",
	faultDecimal:   "数值超出精度 / decimal exceeds its precision",
	faultCount:     "数组过长 / more rows than allowed",
	faultBlock:     "数组块的大小不实 / block of rows is not of the size it states",
	faultCells:     "记录展开后过大 / record too large once decoded",
	faultSize:      "超过 1 MiB / more than 1 MiB",
}

// DecodeError says where and how bytes are not a record. It is ErrMalformed
// (and ErrTooLarge for too many bytes) and never holds a value.
type DecodeError struct {
	Record string // name of the layout, "" if the frame itself is wrong
	Column string // "" if no single column is at fault
	Offset int    // in the framed value
	fault  fault
}

func (e *DecodeError) Error() string {
	var b strings.Builder
	b.WriteString("decode")
	if e.Record != "" {
		fmt.Fprintf(&b, " %q", e.Record)
	}
	if e.Column != "" {
		fmt.Fprintf(&b, " column %q", e.Column)
	}
	fmt.Fprintf(&b, " at byte %d: %s", e.Offset, faultTexts[e.fault])
	return b.String()
}

// Unwrap returns ErrMalformed or ErrTooLarge.
func (e *DecodeError) Unwrap() error {
	if e.fault == faultSize {
		return ErrTooLarge
	}
	return ErrMalformed
}

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

// unscaled decodes the number of a decimal: two's complement, big-endian. Bytes
// in front that only repeat the sign are allowed: some writers pad.
func unscaled(raw string, limit int64) (int64, fault) {
	for len(raw) > 8 && (raw[0] == 0 && raw[1] < 0x80 || raw[0] == 0xFF && raw[1] >= 0x80) {
		raw = raw[1:]
	}
	if len(raw) == 0 || len(raw) > 8 {
		return 0, faultDecimal
	}
	n := int64(int8(raw[0]))
	for i := 1; i < len(raw); i++ {
		n = n<<8 | int64(raw[i])
	}
	if n >= limit || n <= -limit {
		return 0, faultDecimal
	}
	return n, faultNone
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
