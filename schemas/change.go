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

// Rejection is a row, message or file that could not be taken, as it goes to
// the topic quarantine. It names dataset, field and position and never holds
// the value; Digest is a keyed digest of the raw bytes.
type Rejection struct {
	Dataset string // dataset id, "" if unknown
	Field   string // field name, "" if the whole row
	Reason  string // one of the Reason constants
	Detail  string // 中文 what, why, what to do; no value
	Source  string // the source's name or the topic it was read from
	At      time.Time
	Locator string // position for a person: "file.csv:12:3", "raw.GA01/2@1345"
	Digest  string
}

// The reasons of a rejection. The set is closed: metrics are labelled by it.
const (
	ReasonUnreadable = "unreadable" // bytes that are not what they claim to be
	ReasonSchema     = "schema"     // unknown or incompatible schema
	ReasonMissing    = "missing"    // a required field is absent or null
	ReasonInvalid    = "invalid"    // a field fails its element's validation
	ReasonUnknown    = "unknown"    // an unknown dataset or field
	ReasonTooLarge   = "too_large"
	ReasonInternal   = "internal" // our own step failed on this record
)

// QuarantineLayout is the layout of the topic quarantine.
var QuarantineLayout = MustLayout("yiyuan", "Quarantine",
	Column{Name: "dataset", Type: String},
	Column{Name: "field", Type: String},
	Column{Name: "reason", Type: String},
	Column{Name: "detail", Type: String},
	Column{Name: "source", Type: String},
	Column{Name: "at", Type: Timestamp},
	Column{Name: "locator", Type: String},
	Column{Name: "digest", Type: String},
)

// Record returns the rejection as a record of QuarantineLayout.
func (r Rejection) Record() Record {
	return NewRecord(QuarantineLayout, []Value{Text(r.Dataset), Text(r.Field), Text(r.Reason), Text(r.Detail), Text(r.Source), Millis(r.At), Text(r.Locator), Text(r.Digest)})
}

// Key identifies the rejection: the same bad input at the same place is one entry.
func (r Rejection) Key() string { return JoinKey(r.Dataset, r.Source, r.Locator) }
