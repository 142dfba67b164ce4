package route

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// imageFormat is the first byte of a stored image: the version of its format.
// lonelyFormat is the one before, which knew one row of a key,
// marklessFormat the one before that, which did not say what was refused,
// epochlessFormat the one before that, of sequences without an epoch, and
// timelessFormat the first, which did not say when.
const (
	imageFormat     = 5
	lonelyFormat    = 4
	marklessFormat  = 3
	epochlessFormat = 2
	timelessFormat  = 1
)

// The bits of the second byte.
const (
	imageLive    = 1 << 0
	imageRefused = 1 << 1
	imageNamed   = 1 << 2
	imageBeside  = 1 << 3
	imageMore    = 1 << 4
	imageSound   = 1 << 5 // refused, but nothing of the row in front
	imageFormer  = 1 << 6
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

	named  bool   // the source says how the row writes its key: own, empty if as the key
	own    []byte // of a row that was never accepted, that of the refused one
	beside []beside
	more   bool // the source had more rows of the key than beside holds
	former []former
}

// append writes the image:
//
//	format, bits, source, epoch, major, minor, version, time,
//	if refused: source, epoch, major, minor, since,
//	if named: own,
//	if there are rows beside: their number; bits, own and content of each,
//	if other sources said it before: their number; source, epoch, major, minor of each,
//	edition, row
func (m image) append(dst []byte) []byte {
	bits := byte(0)
	set := func(bit byte, is bool) {
		if is {
			bits |= bit
		}
	}
	set(imageLive, m.live)
	set(imageRefused, m.refused.open)
	set(imageSound, m.refused.open && m.refused.beside)
	set(imageNamed, m.named)
	set(imageBeside, len(m.beside) > 0)
	set(imageMore, m.more)
	set(imageFormer, len(m.former) > 0)
	dst = append(dst, imageFormat, bits)
	dst = appendPlace(dst, m.source, m.sequence)
	dst = binary.AppendUvarint(dst, m.version)
	dst = binary.AppendUvarint(dst, uint64(max(m.at, 0)))
	if m.refused.open {
		dst = appendPlace(dst, m.refused.source, m.refused.sequence)
		dst = binary.AppendUvarint(dst, uint64(max(m.refused.since, 0)))
	}
	if m.named {
		dst = appendText(dst, m.own)
	}
	if len(m.beside) > 0 {
		dst = appendBeside(dst, m.beside)
	}
	if len(m.former) > 0 {
		dst = binary.AppendUvarint(dst, uint64(len(m.former)))
		for _, f := range m.former {
			dst = appendPlace(dst, f.source, f.sequence)
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(m.edition)))
	dst = append(dst, m.edition...)
	return append(dst, m.row...)
}

func appendText(dst, text []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

func appendBeside(dst []byte, rows []beside) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(rows)))
	for _, b := range rows {
		bits := uint64(0)
		if b.named {
			bits |= besideNamed
		}
		if b.stale {
			bits |= besideStale
		}
		dst = appendText(appendText(binary.AppendUvarint(dst, bits), b.own), b.row)
	}
	return dst
}

func appendPlace(dst, source []byte, s schemas.Sequence) []byte {
	dst = appendText(dst, source)
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
	bits := b[1]
	m.refused.open = format > marklessFormat && bits&imageRefused != 0
	if format > lonelyFormat {
		m.refused.beside, m.named, m.more = bits&imageSound != 0, bits&imageNamed != 0, bits&imageMore != 0
	} else {
		bits = 0
	}
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
	if m.named {
		m.own = text()
	}
	if bits&imageBeside != 0 {
		for n := number(); n > 0 && !bad; n-- {
			one := number()
			m.beside = append(m.beside, beside{one&besideNamed != 0, text(), one&besideStale != 0, text()})
		}
	}
	if bits&imageFormer != 0 {
		for n := number(); n > 0 && !bad; n-- {
			source, at := place()
			m.former = append(m.former, former{source, at})
		}
	}
	m.edition = text()
	m.row = b
	if bad || m.live && len(m.row) == 0 {
		return image{}, fmt.Errorf("parse image: truncated: %w", errImage)
	}
	return m, nil
}

// beside is one such row.
type beside struct {
	named bool // false: by an elder build, which did not say how it writes its key
	own   []byte
	stale bool   // its newest version was refused
	row   []byte // last accepted content; empty if there is none, or not room for it
}

// former is a source that said a row before another did, in the place of its last word.
type former struct {
	source   []byte
	sequence schemas.Sequence
}

const (
	maxBeside    = 16       // rows of one key whose names are kept
	besideRoom   = 64 << 10 // bytes of their content: an image must fit a record
	besideNamed  = 1 << 0
	besideStale  = 1 << 1
	inFront      = -1 // what find returns of the row in front,
	besideNobody = -2 // and of one that is not known
)

// refusal is what is remembered of a row whose newest version was refused, by this
// step or before it came here. Its place decides, like that of any row, whether what
// comes is newer; what is newer settles it.
type refusal struct {
	open     bool
	beside   bool // nothing of the row in front was refused: only rows beside it make it unsure
	source   []byte
	sequence schemas.Sequence // of the newest version that was refused
	since    int64            // source commit time of the first one, milliseconds
}

// next is the version of what this change emits: above all versions of the key
// so far, also of those forgotten, because offsets only grow.
func (m *image) next(offset int64) uint64 { return max(m.version+1, uint64(offset)+1) }

// remember is how long a deletion is remembered.
const remember = contract.Week
