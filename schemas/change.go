package schemas

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Op is what happened to a row at its source.
type Op uint8

// The operations, as the header "op" writes them: c, u, d, r (read by a
// snapshot), t (the whole table was truncated; a truncate has no key), x (a row of
// that key was refused).
const (
	Create   Op = 'c'
	Update   Op = 'u'
	Delete   Op = 'd'
	Snapshot Op = 'r'
	Truncate Op = 't'
	// Refused is no change: the source sent a newer row of that key that could not be
	// taken, and what is known of the row is older than what its department says.
	Refused Op = 'x'
)

// Position says how far a source has been read. Only the source that made it
// can read it; "" is the beginning.
type Position string

// Sequence orders the changes of one source: Epoch is how often it has been read
// anew, Major the commit position (an LSN, a file's ordinal, a push's ordinal),
// Minor the index inside it. It is the identity of an event; a commit position
// alone is not. A source says nothing of epochs: whoever publishes it keeps them.
type Sequence struct {
	Epoch uint64
	Major uint64
	Minor uint32
}

// String writes a sequence in fixed width. Inside one epoch text order is its
// order. Epoch 0, that of sources first read before there were epochs, is not written.
func (s Sequence) String() string {
	if s.Epoch == 0 {
		return fmt.Sprintf("%016X.%08X", s.Major, s.Minor)
	}
	return fmt.Sprintf("%016X.%016X.%08X", s.Epoch, s.Major, s.Minor)
}

// Compare returns -1, 0 or 1.
func (s Sequence) Compare(o Sequence) int {
	return cmp.Or(cmp.Compare(s.Epoch, o.Epoch), cmp.Compare(s.Major, o.Major), cmp.Compare(s.Minor, o.Minor))
}

// ParseSequence reads what String wrote.
func ParseSequence(s string) (Sequence, error) {
	var out Sequence
	rest := s
	if len(s) == 16+1+16+1+8 && s[16] == '.' {
		var err error
		if out.Epoch, err = strconv.ParseUint(s[:16], 16, 64); err != nil {
			return Sequence{}, errors.New("parse sequence: epoch is not hexadecimal")
		}
		rest = s[17:]
	}
	major, minor, ok := strings.Cut(rest, ".")
	if !ok || len(major) != 16 || len(minor) != 8 {
		return Sequence{}, errors.New("parse sequence: want 16 and 8 hexadecimal digits joined by a dot, behind an epoch of 16 or none")
	}
	var err error
	if out.Major, err = strconv.ParseUint(major, 16, 64); err != nil {
		return Sequence{}, errors.New("parse sequence: commit position is not hexadecimal")
	}
	lo, err := strconv.ParseUint(minor, 16, 32)
	if err != nil {
		return Sequence{}, errors.New("parse sequence: index is not hexadecimal")
	}
	out.Minor = uint32(lo)
	return out, nil
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
	Dataset  *Dataset
	Key      string
	Op       Op
	Record   Record
	Origin   Origin
	Spelling Spelling
	// Outright says of a Delete that the department has the row gone, whichever of its
	// sources said it last. Else it is what one source's table holds no more.
	Outright bool
}

// Spelling is how a source writes the key of the row itself, where it tells its rows
// apart by that and not by their key's normal form: two rows of a table may then have
// one Key. Of the zero Spelling the row is the one of its Key.
type Spelling struct {
	Known bool
	Is    string // "" = as Key
	Moved bool   // the same row was spelled otherwise before this change
	Was   string // if Moved; "" = as Key
}
