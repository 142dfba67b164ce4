package file

import (
	"encoding/json"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// ledgerSize is how many files back the same content is recognised.
const ledgerSize = 512

// position says which file and row come next. Rows up to Row of file File are
// published, in mode replace Deletes of its inferred deletes too; Open says
// that the file goes on.
type position struct {
	// Epoch is when the source was first opened, Unix seconds: after a reset of
	// the position, sequences still grow.
	Epoch   uint32   `json:"epoch"`
	File    uint64   `json:"file"`
	Open    bool     `json:"open,omitempty"`
	Row     uint32   `json:"row,omitempty"`
	Deletes uint32   `json:"deletes,omitempty"`
	Digest  string   `json:"digest,omitempty"` // of the open file
	Bad     int      `json:"bad,omitempty"`    // bad rows in a run up to Row
	Keys    uint64   `json:"keys,omitempty"`   // mode replace: the last complete file
	Ledger  []string `json:"ledger,omitempty"` // digests of the files taken, oldest first
}

func parsePosition(p schemas.Position) (position, error) {
	var at position
	if p == "" {
		return at, nil
	}
	if err := json.Unmarshal([]byte(p), &at); err != nil || at.Epoch == 0 {
		return at, fmt.Errorf("parse position: not one of a file source: %w", connectors.ErrPositionLost)
	}
	return at, nil
}

func (p position) encode() schemas.Position {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // numbers and strings always marshal
	}
	return schemas.Position(b)
}

// sequence is the place of a row in the source's order.
func (p position) sequence(minor uint32) schemas.Sequence {
	return schemas.Sequence{Major: uint64(p.Epoch)<<32 | p.File&0xFFFFFFFF, Minor: minor}
}

// begin is the position at the first row of a file.
func (p position) begin(file uint64, digest string) position {
	p.File, p.Open, p.Digest = file, true, digest
	p.Row, p.Deletes, p.Bad = 0, 0, 0
	return p
}

// end is the position after a file; taken says that its content counts as seen.
func (p position) end(taken, complete bool) position {
	if taken {
		p.Ledger = append(p.Ledger[max(0, len(p.Ledger)+1-ledgerSize):len(p.Ledger):len(p.Ledger)], p.Digest)
	}
	if complete {
		p.Keys = p.File
	}
	p.Open, p.Digest = false, ""
	p.Row, p.Deletes, p.Bad = 0, 0, 0
	return p
}

// seen reports whether content of this digest was taken before. In mode replace
// only the last file counts: coming back to an older table is a change.
func (p position) seen(digest string, replace bool) bool {
	from := 0
	if replace {
		from = max(0, len(p.Ledger)-1)
	}
	for _, d := range p.Ledger[from:] {
		if d == digest {
			return true
		}
	}
	return false
}
