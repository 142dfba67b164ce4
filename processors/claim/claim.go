// Package claim is what a department says about one entity: the message that
// the step route sends to the step resolve, and the dossier of all of them that
// resolve keeps.
//
// A claim is named by (dataset, role, row key) under its entity. It carries the
// row as route accepted it, in the bytes in which it was written: the row is
// copied through topic and state and decoded only by whoever reads it.
//
// The package is pure and shared by authority and verification, which are
// functions of a Dossier.
package claim

import (
	"errors"
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// ErrMalformed says that a message or a stored value is not a claim.
var ErrMalformed = errors.New("malformed claim")

// Claim is one message of a claims topic.
type Claim struct {
	Dataset  string
	Role     string
	Row      string // row key
	Retract  bool   // the row says nothing about this entity any more
	Source   string
	Sequence schemas.Sequence
	At       time.Time
	Value    string // the row, framed: 0x00, schema id, body; "" when retracting
}

// Values fills dst, which must have as many values as Layout has columns, and
// returns a record over it. The record is good until dst is used again.
func (c Claim) Values(dst []schemas.Value) schemas.Record {
	op, value := "c", schemas.Binary(c.Value)
	if c.Retract {
		op, value = "d", schemas.Null
	}
	dst[0], dst[1], dst[2], dst[3] = schemas.Text(c.Dataset), schemas.Text(c.Role), schemas.Text(c.Row), schemas.Text(op)
	dst[4], dst[5], dst[6] = schemas.Text(c.Source), schemas.Int(int64(c.Sequence.Major)), schemas.Int(int64(c.Sequence.Minor))
	dst[7], dst[8], dst[9] = schemas.Millis(c.At), value, schemas.Null
	if c.Sequence.Epoch != 0 {
		dst[9] = schemas.Int(int64(c.Sequence.Epoch))
	}
	return schemas.NewRecord(contract.ClaimLayout, dst)
}

// Record returns the claim as a record of Layout.
func (c Claim) Record() schemas.Record {
	return c.Values(make([]schemas.Value, len(contract.ClaimLayout.Columns)))
}

// Parse reads a record of Layout.
func Parse(r schemas.Record) (Claim, error) {
	if r.Len() != len(contract.ClaimLayout.Columns) {
		return Claim{}, fmt.Errorf("parse claim: record has %d columns: %w", r.Len(), ErrMalformed)
	}
	c := Claim{
		Dataset: r.Value(0).Str(), Role: r.Value(1).Str(), Row: r.Value(2).Str(),
		Source:   r.Value(4).Str(),
		Sequence: schemas.Sequence{Epoch: epoch(r.Value(9)), Major: uint64(r.Value(5).Int64()), Minor: uint32(r.Value(6).Int64())},
		At:       time.UnixMilli(r.Value(7).Int64()).UTC(),
		Value:    r.Value(8).Str(),
	}
	switch r.Value(3).Str() {
	case "c":
		if c.Value == "" {
			return Claim{}, fmt.Errorf("parse claim: no row: %w", ErrMalformed)
		}
	case "d":
		c.Retract = true
	default:
		return Claim{}, fmt.Errorf("parse claim: unknown op: %w", ErrMalformed)
	}
	if c.Dataset == "" || c.Row == "" {
		return Claim{}, fmt.Errorf("parse claim: no dataset or row: %w", ErrMalformed)
	}
	return c, nil
}

// epoch reads a column that claims of before there were epochs lack.
func epoch(v schemas.Value) uint64 {
	if v.IsNull() {
		return 0
	}
	return uint64(v.Int64())
}
