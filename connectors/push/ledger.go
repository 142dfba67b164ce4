package push

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

const digestSize = 10

// entry is one idempotency key that was used.
type entry struct {
	key     [digestSize]byte
	body    [digestSize]byte
	at      uint32 // Unix seconds
	ordinal uint64
	rows    uint16
}

const entrySize = 2*digestSize + 4 + 8 + 2

// ledger is the position of a push source: how many requests were taken, and
// the idempotency keys of the recent ones, oldest first. It is a value: changed
// copies leave the original as it was.
type ledger struct {
	epoch   uint32 // when the source was first opened: sequences grow over a reset
	ordinal uint64
	entries []entry
}

type position struct {
	Epoch   uint32 `json:"epoch"`
	Ordinal uint64 `json:"push"`
	Entries string `json:"keys,omitempty"`
}

func parsePosition(p schemas.Position) (ledger, error) {
	if p == "" {
		return ledger{epoch: uint32(time.Now().Unix())}, nil
	}
	lost := fmt.Errorf("parse position: not one of a push source: %w", connectors.ErrPositionLost)
	var stored position
	if err := json.Unmarshal([]byte(p), &stored); err != nil || stored.Epoch == 0 {
		return ledger{}, lost
	}
	packed, err := base64.StdEncoding.DecodeString(stored.Entries)
	if err != nil || len(packed)%entrySize != 0 {
		return ledger{}, lost
	}
	l := ledger{epoch: stored.Epoch, ordinal: stored.Ordinal}
	for ; len(packed) > 0; packed = packed[entrySize:] {
		var e entry
		copy(e.key[:], packed)
		copy(e.body[:], packed[digestSize:])
		rest := packed[2*digestSize:]
		e.at = binary.BigEndian.Uint32(rest)
		e.ordinal = binary.BigEndian.Uint64(rest[4:])
		e.rows = binary.BigEndian.Uint16(rest[12:])
		l.entries = append(l.entries, e)
	}
	return l, nil
}

func (l ledger) encode() schemas.Position {
	packed := make([]byte, 0, len(l.entries)*entrySize)
	for _, e := range l.entries {
		packed = append(append(packed, e.key[:]...), e.body[:]...)
		packed = binary.BigEndian.AppendUint32(packed, e.at)
		packed = binary.BigEndian.AppendUint64(packed, e.ordinal)
		packed = binary.BigEndian.AppendUint16(packed, e.rows)
	}
	b, err := json.Marshal(position{l.epoch, l.ordinal, base64.StdEncoding.EncodeToString(packed)})
	if err != nil {
		panic(err) // a number and a string always marshal
	}
	return schemas.Position(b)
}

// sequence is the place of a row in the source's order.
func (l ledger) sequence(ordinal uint64, row int) schemas.Sequence {
	return schemas.Sequence{Major: uint64(l.epoch)<<32 | ordinal&0xFFFFFFFF, Minor: uint32(row)}
}

// with returns the ledger after one more entry, without those out of the window.
func (l ledger) with(e entry, now time.Time, o options) ledger {
	oldest := now.Add(-o.Window).Unix()
	from := max(0, len(l.entries)+1-o.Entries)
	for from < len(l.entries) && int64(l.entries[from].at) < oldest {
		from++
	}
	kept := l.entries[from:]
	l.entries = append(kept[:len(kept):len(kept)], e)
	return l
}

func (l ledger) find(key [digestSize]byte, now time.Time, o options) (entry, bool) {
	oldest := now.Add(-o.Window).Unix()
	for i := len(l.entries) - 1; i >= 0; i-- {
		if l.entries[i].key == key && int64(l.entries[i].at) >= oldest {
			return l.entries[i], true
		}
	}
	return entry{}, false
}
