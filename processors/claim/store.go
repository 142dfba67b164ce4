package claim

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// stored is the first byte of a stored claim: the version of its format.
// storedEpochless is the one before, of sequences without an epoch.
const (
	stored          = 2
	storedEpochless = 1
)

// AppendStored writes what the state keeps of a claim: everything but the names
// that its state key holds.
//
//	version, source (length, bytes), epoch, major, minor, at in milliseconds, framed row
func AppendStored(dst []byte, c Claim) []byte {
	dst = append(dst, stored)
	dst = binary.AppendUvarint(dst, uint64(len(c.Source)))
	dst = append(dst, c.Source...)
	dst = binary.AppendUvarint(dst, c.Sequence.Epoch)
	dst = binary.AppendUvarint(dst, c.Sequence.Major)
	dst = binary.AppendUvarint(dst, uint64(c.Sequence.Minor))
	dst = binary.AppendVarint(dst, c.At.UnixMilli())
	return append(dst, c.Value...)
}

// ParseStored fills r from what AppendStored wrote. r keeps value, which must
// not change after.
func ParseStored(value []byte, r *Row) error {
	if len(value) == 0 || value[0] != stored && value[0] != storedEpochless {
		return fmt.Errorf("parse stored claim: unknown version: %w", ErrMalformed)
	}
	s := scanner{b: value[1:]}
	n := s.uvarint()
	if n > uint64(len(s.b)) {
		return fmt.Errorf("parse stored claim: truncated: %w", ErrMalformed)
	}
	r.source, s.b = s.b[:n], s.b[n:]
	r.Sequence = schemas.Sequence{}
	if value[0] == stored {
		r.Sequence.Epoch = s.uvarint()
	}
	r.Sequence.Major, r.Sequence.Minor = s.uvarint(), uint32(s.uvarint())
	r.At = s.varint()
	if s.bad || len(s.b) == 0 {
		return fmt.Errorf("parse stored claim: truncated: %w", ErrMalformed)
	}
	r.value = s.b
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

// scanner reads varints off a slice.
type scanner struct {
	b   []byte
	bad bool
}

func (s *scanner) uvarint() uint64 {
	x, n := binary.Uvarint(s.b)
	if n <= 0 {
		s.bad, s.b = true, nil
		return 0
	}
	s.b = s.b[n:]
	return x
}

func (s *scanner) varint() int64 {
	x, n := binary.Varint(s.b)
	if n <= 0 {
		s.bad, s.b = true, nil
		return 0
	}
	s.b = s.b[n:]
	return x
}
