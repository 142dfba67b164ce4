package contract

import (
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

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
	ReasonDuplicate  = "duplicate"  // two rows of a source have one key
	ReasonTooLarge   = "too_large"
	ReasonInternal   = "internal" // our own step failed on this record
)

// QuarantineLayout is the layout of the topic quarantine.
var QuarantineLayout = schemas.MustLayout("yiyuan", "Quarantine",
	schemas.Column{Name: "dataset", Type: schemas.String},
	schemas.Column{Name: "field", Type: schemas.String},
	schemas.Column{Name: "reason", Type: schemas.String},
	schemas.Column{Name: "detail", Type: schemas.String},
	schemas.Column{Name: "source", Type: schemas.String},
	schemas.Column{Name: "at", Type: schemas.Timestamp},
	schemas.Column{Name: "locator", Type: schemas.String},
	schemas.Column{Name: "digest", Type: schemas.String},
)

// Record returns the rejection as a record of QuarantineLayout.
func (r Rejection) Record() schemas.Record {
	return schemas.NewRecord(QuarantineLayout, []schemas.Value{schemas.Text(r.Dataset), schemas.Text(r.Field), schemas.Text(r.Reason), schemas.Text(r.Detail), schemas.Text(r.Source), schemas.Millis(r.At), schemas.Text(r.Locator), schemas.Text(r.Digest)})
}

// Key identifies the rejection: the same bad input at the same place is one entry.
func (r Rejection) Key() string { return schemas.JoinKey(r.Dataset, r.Source, r.Locator) }
