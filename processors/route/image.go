package route

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// imageFormat is the first byte of a stored image: the version of its format.
// marklessFormat is the one before, which did not say what was refused,
// epochlessFormat the one before that, of sequences without an epoch, and
// timelessFormat the first, which did not say when.
const (
	imageFormat     = 4
	marklessFormat  = 3
	epochlessFormat = 2
	timelessFormat  = 1
)

// The bits of the second byte.
const (
	imageLive    = 1 << 0
	imageRefused = 1 << 1
)

var errImage = errors.New("stored image cannot be read")

// image is what the step remembers of a row: its last accepted content, or that
// it was deleted, and whether a newer version of it was refused. One that has no
// source is of a row of which nothing was ever accepted.
type image struct {
	live     bool
	source   []byte
	sequence schemas.Sequence
	version  uint64 // header ver of what was last emitted about the row
	at       int64  // source commit time of the last change, milliseconds; 0 = not known
	edition  []byte // under which it was emitted: catalogue and key
	refused  refusal
	row      []byte // framed content, empty if deleted
}

// append writes the image:
//
//	format, bits, source, epoch, major, minor, version, time,
//	if refused: source, epoch, major, minor, since,
//	edition, row
func (m image) append(dst []byte) []byte {
	bits := byte(0)
	if m.live {
		bits |= imageLive
	}
	if m.refused.open {
		bits |= imageRefused
	}
	dst = append(dst, imageFormat, bits)
	dst = appendPlace(dst, m.source, m.sequence)
	dst = binary.AppendUvarint(dst, m.version)
	dst = binary.AppendUvarint(dst, uint64(max(m.at, 0)))
	if m.refused.open {
		dst = appendPlace(dst, m.refused.source, m.refused.sequence)
		dst = binary.AppendUvarint(dst, uint64(max(m.refused.since, 0)))
	}
	dst = binary.AppendUvarint(dst, uint64(len(m.edition)))
	dst = append(dst, m.edition...)
	return append(dst, m.row...)
}

func appendPlace(dst, source []byte, s schemas.Sequence) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(source)))
	dst = append(dst, source...)
	dst = binary.AppendUvarint(dst, s.Epoch)
	dst = binary.AppendUvarint(dst, s.Major)
	return binary.AppendUvarint(dst, uint64(s.Minor))
}

// parseImage reads what append wrote. The image keeps b.
func parseImage(b []byte) (image, error) {
	if len(b) < 2 || b[0] < timelessFormat || b[0] > imageFormat {
		return image{}, fmt.Errorf("parse image: unknown format: %w", errImage)
	}
	m, format := image{live: b[1]&imageLive != 0}, b[0]
	m.refused.open = format > marklessFormat && b[1]&imageRefused != 0
	b = b[2:]
	bad := false
	number := func() uint64 {
		x, n := binary.Uvarint(b)
		if n <= 0 {
			bad, b = true, nil
			return 0
		}
		b = b[n:]
		return x
	}
	text := func() []byte {
		n := number()
		if n > uint64(len(b)) {
			bad = true
			return nil
		}
		out := b[:n]
		b = b[n:]
		return out
	}
	place := func() (source []byte, s schemas.Sequence) {
		source = text()
		if format > epochlessFormat {
			s.Epoch = number()
		}
		s.Major, s.Minor = number(), uint32(number())
		return source, s
	}
	m.source, m.sequence = place()
	m.version = number()
	if format > timelessFormat {
		m.at = int64(number())
	}
	if m.refused.open {
		m.refused.source, m.refused.sequence = place()
		m.refused.since = int64(number())
	}
	m.edition = text()
	m.row = b
	if bad || m.live && len(m.row) == 0 {
		return image{}, fmt.Errorf("parse image: truncated: %w", errImage)
	}
	return m, nil
}
