package contract

import (
	"encoding/hex"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Rejection is a row, message or file that could not be taken, as it goes to
// the topic quarantine. It names dataset, field and position and never holds
// the value; Digest is a keyed digest of the raw bytes.
//
// Where it is known of which row it was, Row, RowKey and the position in the order of
// its source say so; what settles it then is a Settlement.
type Rejection struct {
	Dataset string // dataset id, "" if unknown
	Field   string // field name, "" if the whole row
	Reason  string // one of the Reason constants
	Detail  string // 中文 what, why, what to do; no value
	Source  string // the source's name or the topic it was read from
	At      time.Time
	Locator string // position for a person: "file.csv:12:3", "raw.GA01/2@1345"
	Digest  string

	Row      string           // keyed digest of the row, as the topic Refused names it; "" if not known
	RowKey   string           // the row's key, sealed under QuarantineRowLabel; "" if not known
	From     string           // the source that sent the row, also where Source is a topic; "" if not known
	Sequence schemas.Sequence // its place in the order of that source
}

// Sealer makes keyed digests and seals what its holders alone may read; a key ring is one.
type Sealer interface {
	Digest(label, value string) []byte
	Seal(label, value string) string
}

// Name says of which row of the dataset the rejection is, and where it stands in the order
// of the source that sent it.
func (r *Rejection) Name(keys Sealer, key, from string, at schemas.Sequence) {
	r.Row, r.RowKey = hex.EncodeToString(keys.Digest(RefusedRowLabel(r.Dataset), key)), keys.Seal(QuarantineRowLabel(r.Dataset), key)
	r.From, r.Sequence = from, at
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
	schemas.Column{Name: "row", Type: schemas.String, Nullable: true, Doc: "行的带密钥摘要，空为不知是哪一行"},
	schemas.Column{Name: "row_key", Type: schemas.String, Nullable: true, Doc: "行的主键，以城市密钥封存"},
	schemas.Column{Name: "pos", Type: schemas.String, Nullable: true, Doc: "来源与序号，同消息头 pos"},
)

// ElderQuarantineLayout is that of builds which did not say of which row a rejection is: of
// who reads the topic without a registry.
var ElderQuarantineLayout = schemas.MustLayout("yiyuan", "Quarantine", QuarantineLayout.Columns[:8]...)

// Record returns the rejection as a record of QuarantineLayout.
func (r Rejection) Record() schemas.Record {
	known := func(text string) schemas.Value {
		if text == "" {
			return schemas.Null
		}
		return schemas.Text(text)
	}
	pos := ""
	if r.From != "" {
		pos = string(AppendPos(nil, r.From, r.Sequence))
	}
	return schemas.NewRecord(QuarantineLayout, []schemas.Value{
		schemas.Text(r.Dataset), schemas.Text(r.Field), schemas.Text(r.Reason), schemas.Text(r.Detail), schemas.Text(r.Source), schemas.Millis(r.At), schemas.Text(r.Locator), schemas.Text(r.Digest),
		known(r.Row), known(r.RowKey), known(pos),
	})
}

// ParseRejection reads what Record returned. An elder build's says nothing of the row.
func ParseRejection(rec schemas.Record) Rejection {
	text := func(name string) string {
		if v := rec.Get(name); !v.IsNull() {
			return v.Str()
		}
		return ""
	}
	r := Rejection{
		Dataset: text("dataset"), Field: text("field"), Reason: text("reason"), Detail: text("detail"), Source: text("source"), At: rec.Get("at").Time(schemas.Timestamp),
		Locator: text("locator"), Digest: text("digest"), Row: text("row"), RowKey: text("row_key"),
	}
	if source, sequence, ok := ParsePos([]byte(text("pos"))); ok {
		r.From, r.Sequence = string(source), sequence
	}
	return r
}

// Key identifies the rejection: the same bad input at the same place is one entry.
func (r Rejection) Key() string { return schemas.JoinKey(r.Dataset, r.Source, r.Locator) }
