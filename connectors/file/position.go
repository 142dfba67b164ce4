package file

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// written is the first byte of a stored position. The first release wrote none
// before its JSON, with a list of the content it had seen, which is not used any
// more: what is skipped is a delivery that was taken, never its content.
const written = "2"

// position says which file and row come next. Rows up to Row of file File are
// published, in mode replace Deletes of its inferred deletes too; Open says
// that the file goes on.
type position struct {
	// Epoch is when the source was first opened, Unix seconds: after a reset of
	// the position, sequences still grow.
	Epoch   uint32 `json:"epoch"`
	File    uint64 `json:"file"`
	Open    bool   `json:"open,omitempty"`
	Row     uint32 `json:"row,omitempty"`
	Deletes uint32 `json:"deletes,omitempty"`
	Digest  string `json:"digest,omitempty"` // of the open file
	Bad     int    `json:"bad,omitempty"`    // bad rows in a run up to Row
	Keys    uint64 `json:"keys,omitempty"`   // mode replace: the last complete file
	Taken   bool   `json:"taken,omitempty"`  // a row of the open file was taken
	Blind   bool   `json:"blind,omitempty"`  // a row of the open file was refused and its key is not certain
	// From is the first file that is owed while it lies in rejected/: earlier ones are of another
	// life of the folder, or a whole table has taken their place.
	From uint64 `json:"from,omitempty"`
	// Refused is in positions of before the last refused file, 0 once a later one was taken.
	Refused uint64 `json:"refused,omitempty"`
	// Awaited says that no file with a row that could be taken was ever taken to its end,
	// nor an empty one where that is a delivery. Positions of before it was
	// noted say that of a source that had not begun a file.
	Awaited bool `json:"awaited,omitempty"`
	// Of is the dataset that what was taken is of, "" where that was not noted yet.
	Of string `json:"of,omitempty"`
	// Loose says, while there is one, why rows were published of which no keys are kept.
	Loose loose `json:"loose,omitempty"`
}

func parsePosition(p schemas.Position) (position, error) {
	var at position
	if p == "" {
		at.Awaited = true
		return at, nil
	}
	text := strings.TrimPrefix(string(p), written)
	if err := json.Unmarshal([]byte(text), &at); err != nil || at.Epoch == 0 {
		return at, fmt.Errorf("parse position: not one of a file source: %w", connectors.ErrPositionLost)
	}
	at.Awaited = at.Awaited || at.File == 0
	return at, nil
}

func (p position) encode() schemas.Position {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // numbers and strings always marshal
	}
	return schemas.Position(written + string(b))
}

// sequence is the place of a row in the source's order.
func (p position) sequence(minor uint32) schemas.Sequence {
	return schemas.Sequence{Major: uint64(p.Epoch)<<32 | p.File&0xFFFFFFFF, Minor: minor}
}

// begin is the position at the first row of a file.
func (p position) begin(file uint64, digest string) position {
	p.File, p.Open, p.Digest = file, true, digest
	p.Row, p.Deletes, p.Bad, p.Taken, p.Blind = 0, 0, 0, false, false
	return p
}

// row is the position at a row of the open file that is read as one of a dataset, in
// mode replace or not.
func (p position) row(number uint32, replace bool) position {
	if p.Row = number; !replace {
		p.Loose = looseAppend
	}
	return p
}

// taken is the position after a file that was taken to its end; empty says that one
// without rows is a delivery too, one of which every row is refused is none.
func (p position) taken(complete, empty bool) position {
	p.Awaited = p.Awaited && !p.Taken && (!empty || p.Bad > 0)
	if complete {
		p.From = p.File + 1
	}
	return p.end(complete)
}

// nothing reports, at the end of the open file, that it has rows and none was taken: what is
// answered is of before it. In mode append it counts where some row could not be told by
// its key: the others are.
func (p position) nothing(replace bool) bool { return p.Bad > 0 && !p.Taken && (replace || p.Blind) }

// refused is the position after a file that could not be taken as a whole.
func (p position) refused(complete bool) position {
	return p.end(complete)
}

// end is the position after a file; complete says that it is the table that the
// next one is compared with.
func (p position) end(complete bool) position {
	if complete {
		p.Keys = p.File
	}
	p.Open, p.Digest = false, ""
	p.Row, p.Deletes, p.Bad, p.Taken, p.Blind = 0, 0, 0, false, false
	return p
}

// lost says that the open file is gone.
func (p position) lost() error {
	return fmt.Errorf("文件 %08d 读到第 %d 行后不见了；请放回 processing/ / find file %08d in processing/: it is gone with rows unread after row %d; put it back, or have the source read again (yiyuan source resync): %w",
		p.File, p.Row, p.File, p.Row, connectors.ErrPositionLost)
}

// loose is why a table could not tell all that is gone: what was published is more than
// the kept keys. Only reading the source again mends it.
type loose string

const (
	looseAppend loose = "append" // rows were taken in mode append
	looseCut    loose = "cut"    // a whole table could not be read on, and which rows of it are published is not known any more
)

// noted is a stored position with what positions of before did not note. One that has
// taken files and keeps no keys was that of a source in mode append.
func (p position) noted(dataset, mode string) position {
	if p.Of != "" || p.File == 0 {
		return p
	}
	if mode == modeReplace && p.Keys == 0 && p.Loose == "" && !p.Awaited {
		p.Loose = looseAppend
	}
	if !p.Awaited || p.Open {
		p.Of = dataset
	}
	return p
}

// since is a stored position with the first file that counts in rejected/. Of one of before
// this was noted it is the refused file at which it stood, or what comes next.
func (p position) since() position {
	if p.From == 0 && p.Refused > 0 {
		p.From = p.Refused
	} else if p.From == 0 {
		p.From = p.next()
	}
	p.Refused = 0
	return p
}

// next is the file that comes next, or is open.
func (p position) next() uint64 {
	if p.Open {
		return p.File
	}
	return p.File + 1
}

// foreign reports whether what was taken is of another dataset.
func (p position) foreign(d *schemas.Dataset) bool { return p.Of != "" && p.Of != d.ID }
