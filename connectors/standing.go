package connectors

import (
	"hash/maphash"
	"slices"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// standings tells what stands of each key of a raw topic. A source may deliver in
// another order than its own: what comes late is in the topic behind what is newer, and
// route leaves it alone. The same holds for a truncate, which empties what is older. A
// source that tells its rows apart by how they write their key may have several of one
// key: the one it spoke of last stands, the others beside it until they are deleted too.
type standings struct {
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

func newStandings() standings {
	return standings{keys: map[[16]byte]standing{}, beside: map[[16]byte][]one{}, seed: maphash.MakeSeed()}
}

// take takes what a record says of a row, and reports whether something else stands of
// its key now; what another source has said in between makes it so, as it does in route.
// value is a digest of what it says.
func (s standings) take(d [16]byte, rec bus.Record, said saying, value [8]byte) (newer bool) {
	was, known := s.keys[d]
	if known && was.ours && said.ours && said.sequence.Compare(was.sequence) < 0 {
		return false
	}
	next := standing{said.sequence, rec.Partition, said.ours, said.there, one{s.own(said.own), value}}
	if !known || !was.ours || !said.ours || next.one.own == 0 || was.sequence.Epoch != said.sequence.Epoch {
		delete(s.beside, d)
		s.keys[d] = next
		return true
	}
	other := was.there && was.one.own != 0 && was.one.own != next.one.own && was.one.own != s.own(said.was)
	beside := slices.DeleteFunc(slices.Clone(s.beside[d]), func(o one) bool { return o.own == next.one.own || o.own == s.own(said.was) })
	switch {
	case said.there && other:
		beside = append(beside, was.one)
	case said.there:
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
	return said.there || !next.there
}

// stands returns the digest of the content that stands of a key after a record that
// made nothing else stand, and whether the source that is read again says so.
func (s standings) stands(d [16]byte) (value [8]byte, ours, ok bool) {
	at := s.keys[d]
	return at.one.value, at.ours, at.there
}

func (s standings) own(spelled []byte) uint64 {
	if spelled == nil {
		return 0
	}
	return maphash.Bytes(s.seed, spelled) | 1
}

// empty calls gone with each key of which a truncate of the source's empties the rows.
func (s standings) empty(rec bus.Record, said saying, gone func(d [16]byte)) {
	if !said.ours {
		return
	}
	for d, was := range s.keys {
		if was.partition == rec.Partition && was.ours && was.there && was.sequence.Compare(said.sequence) < 0 {
			s.keys[d] = standing{said.sequence, rec.Partition, true, false, one{}}
			delete(s.beside, d)
			gone(d)
		}
	}
}
