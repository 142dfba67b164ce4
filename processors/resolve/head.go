package resolve

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/processors/verification"
)

// headFormat is the first byte of a stored head: the version of its format.
const headFormat = 1

var errHead = errors.New("stored head cannot be read")

// head is what is remembered of an entity beside its claims.
type head struct {
	known   bool   // there is one
	version uint64 // of the golden record and of everything emitted with it, 0 before the first
	current bool   // it was last computed under the stage's edition
	edition string // the other one under which it was, "" if current
	table   int    // authority table under which it was last computed
	wake    int64  // milliseconds: the timer that is set, 0 none
	forget  int64  // milliseconds: when the head of an entity without claims is dropped, 0 not

	golden  uint64  // digest of the golden record and its story as last emitted, 0 none
	values  uint64  // digest of the golden record's values
	explain uint64  // digest of the explanation
	views   []shown // of the views

	defined uint64 // digest of the aggregates' definitions
	counted int64  // aggregated rows
	sums    []int64
	states  []verification.State
}

// shown is what was last emitted of a view: digests of the clear cells behind it
// and of its record, both 0 if there is none.
type shown struct{ clear, record uint64 }

// append writes the head: format, then numbers as varints, digests as eight
// bytes, texts and lists with their length in front.
func (h *head) append(dst, edition []byte) []byte {
	dst = append(dst, headFormat)
	dst = binary.AppendUvarint(dst, h.version)
	dst = append(binary.AppendUvarint(dst, uint64(len(edition))), edition...)
	dst = binary.AppendVarint(dst, int64(h.table))
	dst = binary.AppendVarint(dst, h.wake)
	dst = binary.AppendVarint(dst, h.forget)
	dst = binary.LittleEndian.AppendUint64(dst, h.golden)
	dst = binary.LittleEndian.AppendUint64(dst, h.values)
	dst = binary.LittleEndian.AppendUint64(dst, h.explain)
	dst = binary.AppendUvarint(dst, uint64(len(h.views)))
	for _, v := range h.views {
		dst = binary.LittleEndian.AppendUint64(dst, v.clear)
		dst = binary.LittleEndian.AppendUint64(dst, v.record)
	}
	dst = binary.LittleEndian.AppendUint64(dst, h.defined)
	dst = binary.AppendVarint(dst, h.counted)
	dst = binary.AppendUvarint(dst, uint64(len(h.sums)))
	for _, n := range h.sums {
		dst = binary.AppendVarint(dst, n)
	}
	dst = binary.AppendUvarint(dst, uint64(len(h.states)))
	for i := range h.states {
		dst = appendState(dst, &h.states[i])
	}
	return dst
}

func appendState(dst []byte, s *verification.State) []byte {
	dst = appendText(dst, s.Case)
	dst = append(dst, byte(s.Phase))
	for _, n := range [...]int64{s.Since, s.OpenedAt, s.ClosedAt, s.Due, s.Reopened, s.Version, s.Wake} {
		dst = binary.AppendVarint(dst, n)
	}
	dst = appendText(dst, s.Owner)
	return binary.LittleEndian.AppendUint64(dst, s.Shown)
}

// parse reads what append wrote into h, reusing its slices. edition is the stage's;
// names are looked up in names, which every head shares.
func (h *head) parse(b, edition []byte, names map[string]string) error {
	views, sums, states := h.views[:0], h.sums[:0], h.states[:0]
	*h = head{known: true}
	if len(b) == 0 || b[0] != headFormat {
		return fmt.Errorf("parse head: unknown format: %w", errHead)
	}
	r := headReader{b: b[1:], names: names}
	h.version = r.uvarint()
	if of := r.take(r.length()); bytes.Equal(of, edition) {
		h.current = true
	} else {
		h.edition = string(of)
	}
	h.table = int(r.varint())
	h.wake, h.forget = r.varint(), r.varint()
	h.golden, h.values, h.explain = r.digest(), r.digest(), r.digest()
	for n := r.length(); n > 0; n-- {
		views = append(views, shown{r.digest(), r.digest()})
	}
	h.defined, h.counted = r.digest(), r.varint()
	for n := r.length(); n > 0; n-- {
		sums = append(sums, r.varint())
	}
	for n := r.length(); n > 0; n-- {
		s := verification.State{Case: r.text(), Phase: verification.Phase(r.byte())}
		for _, field := range [...]*int64{&s.Since, &s.OpenedAt, &s.ClosedAt, &s.Due, &s.Reopened, &s.Version, &s.Wake} {
			*field = r.varint()
		}
		s.Owner, s.Shown = r.text(), r.digest()
		states = append(states, s)
	}
	h.views, h.sums, h.states = views, sums, states
	if r.bad || len(r.b) > 0 {
		return fmt.Errorf("parse head: truncated: %w", errHead)
	}
	return nil
}

// headReader reads a head piece by piece; a piece that is not there sets bad.
type headReader struct {
	b     []byte
	bad   bool
	names map[string]string
}

func (r *headReader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *headReader) uvarint() uint64 {
	x, n := binary.Uvarint(r.b)
	r.take(n)
	r.bad = r.bad || n <= 0
	return x
}

func (r *headReader) varint() int64 {
	x, n := binary.Varint(r.b)
	r.take(n)
	r.bad = r.bad || n <= 0
	return x
}

// length is the length of a list, whose items take at least a byte each.
func (r *headReader) length() int {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.bad = true
		return 0
	}
	return int(n)
}

// text reads a name. Names come from the catalogue, so there are few of them.
func (r *headReader) text() string {
	b := r.take(r.length())
	name, ok := r.names[string(b)]
	if !ok {
		name = string(b)
		r.names[name] = name
	}
	return name
}

func (r *headReader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *headReader) digest() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// keep makes h a copy of another head, in memory of its own.
func (h *head) keep(o *head) {
	views, sums, states := append(h.views[:0], o.views...), append(h.sums[:0], o.sums...), append(h.states[:0], o.states...)
	*h = *o
	h.views, h.sums, h.states = views, sums, states
}
