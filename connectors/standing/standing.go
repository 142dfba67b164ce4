// Package standing tells what stands of each row in a dataset's raw topic, and what of it a
// source that was read again did not bring again. An Ear hears what each record says, as route
// does; Standings are what that comes to; a Search looks for what is gone.
package standing

import (
	"hash/maphash"
	"slices"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Standings tells what stands of each key of a raw topic. A source may deliver in
// another order than its own: what comes late is in the topic behind what is newer, and
// route leaves it alone. The same holds for a truncate, which empties what is older. A
// source that tells its rows apart by how they write their key may have several of one
// key: the one it spoke of last stands, the others beside it until they are deleted too.
type Standings struct {
	keys   map[[16]byte]standing
	beside map[[16]byte][]one // of few keys
	seed   maphash.Seed
}

type standing struct {
	sequence  schemas.Sequence
	partition int32
	ours      bool // said by the source that is read again
	there     bool
	one       one
}

// one is one row of a key.
type one struct {
	own   uint64  // a digest of how it writes its key; 0 = not known
	value [8]byte // a digest of its content, where that is asked for
}

// New returns what stands where nothing was said yet.
func New() Standings {
	return Standings{keys: map[[16]byte]standing{}, beside: map[[16]byte][]one{}, seed: maphash.MakeSeed()}
}

// Take takes what a record says of a row, and reports whether something else stands of
// its key now; what another source has said in between makes it so, as it does in route.
// value is a digest of what it says.
func (s Standings) Take(d [16]byte, rec bus.Record, said Said, value [8]byte) (newer bool) {
	was, known := s.keys[d]
	if known && was.ours && said.Ours && said.Sequence.Compare(was.sequence) < 0 {
		return false
	}
	next := standing{said.Sequence, rec.Partition, said.Ours, said.There, one{s.own(said.own), value}}
	if !known || !was.ours || !said.Ours || next.one.own == 0 || was.sequence.Epoch != said.Sequence.Epoch {
		delete(s.beside, d)
		s.keys[d] = next
		return true
	}
	other := was.there && was.one.own != 0 && was.one.own != next.one.own && was.one.own != s.own(said.was)
	beside := slices.DeleteFunc(slices.Clone(s.beside[d]), func(o one) bool { return o.own == next.one.own || o.own == s.own(said.was) })
	switch {
	case said.There && other:
		beside = append(beside, was.one)
	case said.There:
	case other: // one beside what stands is gone
		next.there, next.one = true, was.one
	case len(beside) > 0: // one beside stands now
		next.there, next.one = true, beside[len(beside)-1]
		beside = beside[:len(beside)-1]
	}
	if s.keys[d] = next; len(beside) > 0 {
		s.beside[d] = beside
	} else {
		delete(s.beside, d)
	}
	return said.There || !next.there
}

// Stands returns the digest of the content that stands of a key after a record that
// made nothing else stand, and whether the source that is read again says so.
func (s Standings) Stands(d [16]byte) (value [8]byte, ours, ok bool) {
	at := s.keys[d]
	return at.one.value, at.ours, at.there
}

func (s Standings) own(spelled []byte) uint64 {
	if spelled == nil {
		return 0
	}
	return maphash.Bytes(s.seed, spelled) | 1
}

// Empty calls gone with each key of which a truncate of the source's empties the rows.
func (s Standings) Empty(rec bus.Record, said Said, gone func(d [16]byte)) {
	if !said.Ours {
		return
	}
	for d, was := range s.keys {
		if was.partition == rec.Partition && was.ours && was.there && was.sequence.Compare(said.Sequence) < 0 {
			s.keys[d] = standing{said.Sequence, rec.Partition, true, false, one{}}
			delete(s.beside, d)
			gone(d)
		}
	}
}
