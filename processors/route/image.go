package route

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// imageFormat is the first byte of a stored image: the version of its format.
// epochlessFormat is the one before, of sequences without an epoch, and
// timelessFormat the one before that, which did not say when.
const (
	imageFormat     = 3
	epochlessFormat = 2
	timelessFormat  = 1
)

var errImage = errors.New("stored image cannot be read")

// image is what the step remembers of a row: its last accepted content, or that
// it was deleted.
type image struct {
	live     bool
	source   []byte
	sequence schemas.Sequence
	version  uint64 // header ver of what was last emitted about the row
	at       int64  // source commit time of the last change, milliseconds; 0 = not known
	edition  []byte // under which it was emitted: catalogue and key
	row      []byte // framed content, empty if deleted
}

// append writes the image:
//
//	format, live, source, epoch, major, minor, version, time, edition, row
func (m image) append(dst []byte) []byte {
	live := byte(0)
	if m.live {
		live = 1
	}
	dst = append(dst, imageFormat, live)
	dst = binary.AppendUvarint(dst, uint64(len(m.source)))
	dst = append(dst, m.source...)
	dst = binary.AppendUvarint(dst, m.sequence.Epoch)
	dst = binary.AppendUvarint(dst, m.sequence.Major)
	dst = binary.AppendUvarint(dst, uint64(m.sequence.Minor))
	dst = binary.AppendUvarint(dst, m.version)
	dst = binary.AppendUvarint(dst, uint64(max(m.at, 0)))
	dst = binary.AppendUvarint(dst, uint64(len(m.edition)))
	dst = append(dst, m.edition...)
	return append(dst, m.row...)
}

// parseImage reads what append wrote. The image keeps b.
func parseImage(b []byte) (image, error) {
	if len(b) < 2 || b[0] < timelessFormat || b[0] > imageFormat {
		return image{}, fmt.Errorf("parse image: unknown format: %w", errImage)
	}
	m, format := image{live: b[1] == 1}, b[0]
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
	m.source = text()
	if format > epochlessFormat {
		m.sequence.Epoch = number()
	}
	m.sequence.Major, m.sequence.Minor = number(), uint32(number())
	m.version = number()
	if format > timelessFormat {
		m.at = int64(number())
	}
	m.edition = text()
	m.row = b
	if bad || m.live && len(m.row) == 0 {
		return image{}, fmt.Errorf("parse image: truncated: %w", errImage)
	}
	return m, nil
}
