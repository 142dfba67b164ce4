package schemas

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Op is what happened to a row at its source.
type Op uint8

// The operations, as the header "op" writes them: c, u, d, r (read by a
// snapshot), t (the whole table was truncated; a truncate has no key).
const (
	Create   Op = 'c'
	Update   Op = 'u'
	Delete   Op = 'd'
	Snapshot Op = 'r'
	Truncate Op = 't'
)

// Position says how far a source has been read. Only the source that made it
// can read it; "" is the beginning.
type Position string

// Sequence orders the changes of one source: Major is the commit position (an
// LSN, a file's ordinal, a push's ordinal), Minor the index inside it. It is
// the identity of an event; a commit position alone is not.
type Sequence struct {
	Major uint64
	Minor uint32
}

// String writes a sequence in fixed width, so that text order is its order.
func (s Sequence) String() string { return fmt.Sprintf("%016X.%08X", s.Major, s.Minor) }

// Compare returns -1, 0 or 1.
func (s Sequence) Compare(o Sequence) int {
	switch {
	case s.Major < o.Major || s.Major == o.Major && s.Minor < o.Minor:
		return -1
	case s == o:
		return 0
	}
	return 1
}

// ParseSequence reads what String wrote.
func ParseSequence(s string) (Sequence, error) {
	major, minor, ok := strings.Cut(s, ".")
	if !ok || len(major) != 16 || len(minor) != 8 {
		return Sequence{}, errors.New("parse sequence: want 16 and 8 hexadecimal digits joined by a dot")
	}
	hi, err := strconv.ParseUint(major, 16, 64)
	if err != nil {
		return Sequence{}, errors.New("parse sequence: commit position is not hexadecimal")
	}
	lo, err := strconv.ParseUint(minor, 16, 32)
	if err != nil {
		return Sequence{}, errors.New("parse sequence: index is not hexadecimal")
	}
	return Sequence{hi, uint32(lo)}, nil
}

// Origin is who says so, from where, and since when.
type Origin struct {
	Source   string    // the source's name, e.g. "ga-pg"; header pos = Source + "@" + Sequence
	Sequence Sequence  // orders the changes of this source
	At       time.Time // the source's commit time; the Kafka record's timestamp
	Tx       string    // the source's transaction, "" if it has none; header tx = Tx + "," + TxIndex
	TxIndex  int
}

// Change is one row's change as one department committed it. Key is the row's
// own key (JoinKey of the dataset's key fields). Record is zero for Delete and
// Truncate. A row whose key changed is two changes: Delete of the old key,
// Create of the new.
type Change struct {
	Dataset *Dataset
	Key     string
	Op      Op
	Record  Record
	Origin  Origin
}
