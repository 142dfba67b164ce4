// Package place is how far a PostgreSQL database has been read: the position, what of the log
// proves that it is still the one that was read, and of which rows a version was refused.
package place

import (
	"encoding/json"
	"fmt"

	"github.com/jackc/pglogrepl"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// LSN is a place in the write-ahead log, written 0/16B3748.
type LSN uint64

// MarshalText implements encoding.TextMarshaler.
func (l LSN) MarshalText() ([]byte, error) { return []byte(pglogrepl.LSN(l).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *LSN) UnmarshalText(b []byte) error {
	n, err := pglogrepl.ParseLSN(string(b))
	*l = LSN(n)
	return err
}

// String implements fmt.Stringer.
func (l LSN) String() string { return pglogrepl.LSN(l).String() }

// format is what positions are written in. Those of 1 name neither slot
// nor facts that reading rests on nor the identity of the last transaction, and
// their Flush is what the server was told.
const format = 2

// spare is how much of other people's log the server keeps for us, so that it
// can send our last transaction again when we connect: a segment.
const spare LSN = 16 << 20

// Position says how far the database has been read.
type Position struct {
	Format   int      `json:"format,omitempty"`
	System   string   `json:"system"`         // the database cluster
	Timeline int32    `json:"timeline"`       // and its history
	Slot     string   `json:"slot,omitempty"` // "" = as the option says: made by a build that did not mark it
	Tables   []string `json:"tables"`         // that the snapshot covers
	Start    LSN      `json:"start"`          // the slot's consistent point

	Snapshot bool   `json:"snapshot,omitempty"` // still reading first rows:
	Table    string `json:"table,omitempty"`    // of this table,
	Key      string `json:"key,omitempty"`      // behind this key (encrypted; "" = from its start)
	Rows     uint32 `json:"rows,omitempty"`     // rows read so far, of all tables
	Resumed  bool   `json:"resumed,omitempty"`  // the snapshot was interrupted
	// High is what the stream must pass before a resumed snapshot is history.
	High LSN `json:"high,omitempty"`

	Commit LSN    `json:"commit,omitempty"` // the transaction published last, up to
	Index  uint32 `json:"index,omitempty"`  // this many of its events,
	Whole  bool   `json:"whole,omitempty"`  // or wholly;
	XID    uint32 `json:"xid,omitempty"`    // its number
	At     int64  `json:"at,omitempty"`     // and when it committed, in microseconds
	Flush  LSN    `json:"flush,omitempty"`  // everything that committed before is published
	Kept   LSN    `json:"kept,omitempty"`   // the server may forget what lies before

	Missed Missed `json:"missed,omitempty"` // of which rows a version was refused

	// Facts are those that reading rests on, see guard.Facts.Kept.
	Facts json.RawMessage `json:"facts,omitempty"`
}

// Parse reads a position; "" is the beginning.
func Parse(p schemas.Position) (Position, error) {
	var at Position
	if p == "" {
		return at, nil
	}
	if err := json.Unmarshal([]byte(p), &at); err != nil || at.System == "" {
		return at, fmt.Errorf("位置不是 PostgreSQL 数据源的 / parse position: not one of a postgres source: %w", connectors.ErrPositionLost)
	}
	if at.Format > format {
		return at, fmt.Errorf("位置是更新的版本写下的，请用不旧于它的版本运行 / parse position: it is of format %d, written by a later build: run that one or a later one: %w", at.Format, connectors.ErrConfig)
	}
	if at.Format < 2 {
		at.Kept = max(at.Flush, at.Start)
	}
	return at, nil
}

// Release is how much the server may forget. The transaction published last is
// held, so that the next connection gets it again and sees whether the log is
// still the one that was read; but not for the sake of much log of others.
func (p Position) Release() LSN {
	if p.Flush > p.Commit && (p.Commit == 0 || p.Flush-p.Commit > spare) {
		return p.Flush
	}
	return min(p.Flush, p.Commit)
}

// Encode writes a position.
func (p Position) Encode() schemas.Position {
	if p.System == "" {
		return ""
	}
	p.Format = format
	if !p.Snapshot {
		p.Kept = max(p.Kept, p.Release())
	}
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // numbers and strings always marshal
	}
	return schemas.Position(b)
}
