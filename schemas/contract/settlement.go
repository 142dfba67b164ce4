package contract

import (
	"encoding/json"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Settlement says that rejections need nobody's care any more. It stands in the topic
// quarantine, in the header Settled of a record without a value, which readers of before
// it pass over, and is kept as long as what it settles.
//
// That of a row settles what was rejected of it up to two places: the newest version
// of it that was refused, and the version by which that was settled. That of a person
// settles one entry.
type Settlement struct {
	Row     string `json:"row,omitempty"`     // as Rejection.Row
	Entry   string `json:"entry,omitempty"`   // partition and offset of a rejection, see EntryID
	Refused string `json:"refused,omitempty"` // source and sequence, as the header Pos
	By      string `json:"by"`                // source and sequence in the same way; of a person the application that asked
	How     string `json:"how"`
	Locator string `json:"locator,omitempty"` // the record of raw.* that did it
}

// How rejections are settled.
const (
	SettledAccepted = "accepted"   // a later version of the row was accepted
	SettledDeleted  = "deleted"    // the row was deleted
	SettledEmptied  = "emptied"    // its table was emptied
	SettledGone     = "gone"       // its dataset has left the catalogue
	SettledAgain    = "superseded" // another source has sent the row since, which was refused in its turn
	SettledByPerson = "person"
)

// Key is the record's key.
func (s Settlement) Key() string { return schemas.JoinKey("", s.Row, s.Entry) }

// Append writes the value of the header.
func (s Settlement) Append(dst []byte) ([]byte, error) {
	b, err := json.Marshal(s)
	return append(dst, b...), err
}

// ParseSettlement reads it.
func ParseSettlement(value []byte) (s Settlement, err error) {
	if err = json.Unmarshal(value, &s); err == nil && (s.Row == "") == (s.Entry == "") {
		err = fmt.Errorf("parse settlement: of no row and no entry: %w", schemas.ErrUnknown)
	}
	return s, err
}

// EntryID names a record of quarantine.
func EntryID(partition int32, offset int64) string { return fmt.Sprintf("%d-%d", partition, offset) }
