package connectors

import (
	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// standings tells what stands of each row of a raw topic. A source may deliver in
// another order than its own: what comes late is in the topic behind what is newer, and
// route leaves it alone. The same holds for a truncate, which empties what is older.
type standings map[[16]byte]standing

type standing struct {
	sequence  schemas.Sequence
	partition int32
	ours      bool // said by the source that is read again
	there     bool
}

// take takes what a record says of a row, and reports whether it is newer than what
// stands; what another source has said in between makes it so, as it does in route.
func (s standings) take(d [16]byte, rec bus.Record, said saying) (newer bool) {
	was, known := s[d]
	if known && was.ours && said.ours && said.sequence.Compare(was.sequence) < 0 {
		return false
	}
	s[d] = standing{said.sequence, rec.Partition, said.ours, said.there}
	return true
}

// empty calls gone with each row that a truncate of the source's empties.
func (s standings) empty(rec bus.Record, said saying, gone func(d [16]byte)) {
	if !said.ours {
		return
	}
	for d, was := range s {
		if was.partition == rec.Partition && was.ours && was.there && was.sequence.Compare(said.sequence) < 0 {
			s[d] = standing{said.sequence, rec.Partition, true, false}
			gone(d)
		}
	}
}
