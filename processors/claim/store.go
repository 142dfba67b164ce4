package claim

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// stored is the first byte of a stored claim: the version of its format.
const stored = 1

// AppendStored writes what the state keeps of a claim: everything but the names
// that its state key holds.
//
//	version, source (length, bytes), major, minor, at in milliseconds, framed row
func AppendStored(dst []byte, c Claim) []byte {
	dst = append(dst, stored)
	dst = binary.AppendUvarint(dst, uint64(len(c.Source)))
	dst = append(dst, c.Source...)
	dst = binary.AppendUvarint(dst, c.Sequence.Major)
	dst = binary.AppendUvarint(dst, uint64(c.Sequence.Minor))
	dst = binary.AppendVarint(dst, c.At.UnixMilli())
	return append(dst, c.Value...)
}

// ParseStored fills r from what AppendStored wrote. r keeps value, which must
// not change after.
func ParseStored(value string, r *Row) error {
	if value == "" || value[0] != stored {
		return fmt.Errorf("parse stored claim: unknown version: %w", ErrMalformed)
	}
	s := scanner{s: value[1:]}
	n := s.uvarint()
	if n > uint64(len(s.s)) {
		return fmt.Errorf("parse stored claim: truncated: %w", ErrMalformed)
	}
	r.Source, s.s = s.s[:n], s.s[n:]
	r.Sequence = schemas.Sequence{Major: s.uvarint(), Minor: uint32(s.uvarint())}
	r.At = s.varint()
	if s.bad || s.s == "" {
		return fmt.Errorf("parse stored claim: truncated: %w", ErrMalformed)
	}
	r.value = s.s
	return nil
}

// AppendKey appends the name of a claim under its entity to dst. Dataset ids
// and roles never hold a zero byte, so keys sort by dataset, role and row.
func AppendKey(dst []byte, dataset, role, row string) []byte {
	dst = append(append(dst, dataset...), 0)
	dst = append(append(dst, role...), 0)
	return append(dst, row...)
}

// SplitKey undoes AppendKey.
func SplitKey(key string) (dataset, role, row string, err error) {
	dataset, rest, ok := strings.Cut(key, "\x00")
	role, row, ok2 := strings.Cut(rest, "\x00")
	if !ok || !ok2 {
		return "", "", "", fmt.Errorf("split claim key: %w", ErrMalformed)
	}
	return dataset, role, row, nil
}

// scanner reads varints off a string.
type scanner struct {
	s   string
	bad bool
}

func (s *scanner) uvarint() uint64 {
	var x uint64
	for i := 0; i < len(s.s) && i < binary.MaxVarintLen64; i++ {
		b := s.s[i]
		x |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			s.s = s.s[i+1:]
			return x
		}
	}
	s.bad = true
	return 0
}

func (s *scanner) varint() int64 {
	u := s.uvarint()
	x := int64(u >> 1)
	if u&1 != 0 {
		x = ^x
	}
	return x
}
