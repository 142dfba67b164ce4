package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// schema is a record's id in the registry and its columns, a letter each: s for
// text and bytes, n for numbers, r for records, upper case where the column may
// be null.
type schema struct {
	id      uint32
	columns string
}

// parseSchema reads an argument, id:columns.
func parseSchema(s string) (schema, error) {
	number, columns, _ := strings.Cut(s, ":")
	id, err := strconv.ParseUint(number, 10, 32)
	if err != nil || columns == "" {
		return schema{}, fmt.Errorf("no schema: %q", s)
	}
	return schema{uint32(id), columns}, nil
}

// frameSize is 0x00 and the schema's id.
const frameSize = 5

func (s schema) frame(b []byte) []byte { return binary.BigEndian.AppendUint32(append(b, 0), s.id) }

// cell is one column of a row; its text lies in the row's bytes.
type cell struct {
	null   bool
	text   []byte
	number int64
}

// row is a record in Avro, read by position, the quickest way there is.
type row []cell

var (
	errSchema = errors.New("a record of another schema")
	errShort  = errors.New("a record that ends too early")
)

// read takes a framed record apart. The row is good as long as b is.
func (r row) read(s schema, b []byte) error {
	if len(b) < frameSize || b[0] != 0 || binary.BigEndian.Uint32(b[1:]) != s.id {
		return errSchema
	}
	b = b[frameSize:]
	for i := range r {
		kind := s.columns[i]
		if kind == 'S' || kind == 'N' {
			if len(b) == 0 {
				return errShort
			}
			present := b[0] != 0
			if b = b[1:]; !present {
				r[i] = cell{null: true}
				continue
			}
		}
		n, size := binary.Varint(b)
		if size <= 0 {
			return errShort
		}
		b = b[size:]
		if kind == 'n' || kind == 'N' {
			r[i] = cell{number: n}
			continue
		}
		if n < 0 || n > int64(len(b)) {
			return errShort
		}
		r[i], b = cell{text: b[:n]}, b[n:]
	}
	return nil
}

func appendText[T string | []byte](b []byte, s T) []byte {
	return append(binary.AppendVarint(b, int64(len(s))), s...)
}

// appendCell writes a cell in a column of a kind.
func appendCell(b []byte, kind byte, c cell) []byte {
	if kind == 'S' || kind == 'N' {
		if c.null {
			return append(b, 0)
		}
		b = append(b, 2)
	}
	if kind == 'n' || kind == 'N' {
		return binary.AppendVarint(b, c.number)
	}
	return appendText(b, c.text)
}

// digest is FNV-1a, eight bytes a step, and never 0.
func digest(b []byte) uint64 {
	const by = 0x100000001b3
	h := uint64(0xcbf29ce484222325)
	for ; len(b) >= 8; b = b[8:] {
		h = (h ^ binary.BigEndian.Uint64(b)) * by
		h ^= h >> 29
	}
	for _, x := range b {
		h = (h ^ uint64(x)) * by
	}
	return max(h, 1)
}
