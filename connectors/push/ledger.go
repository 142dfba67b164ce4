package push

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// keyDigest and bodyDigest are keyed digests: who can read the position learns
// nothing of keys and bodies, and nobody can make two that are equal.
type (
	keyDigest  [8]byte
	bodyDigest [6]byte
)

// entry is one idempotency key that was used.
type entry struct {
	key     keyDigest
	body    bodyDigest
	at      uint32 // Unix seconds
	ordinal uint64
	rows    uint16
}

// ledger is the position of a push source: how many requests were taken, and
// the idempotency keys of the recent ones, oldest first. It is a value: changed
// copies leave the original as it was.
type ledger struct {
	epoch   uint32 // when the source was first opened: sequences grow over a reset
	ordinal uint64
	forgot  uint32 // when the last key was used that was forgotten since; 0: none was
	entries []entry
	// delivered are the datasets of which rows were ever taken; nil in a position of
	// before that was noted.
	delivered []string
}

type position struct {
	Epoch   uint32 `json:"epoch"`
	Ordinal uint64 `json:"push"`
	Forgot  uint32 `json:"forgot,omitempty"`
	Entries string `json:"keys,omitempty"`

	Delivered *[]string `json:"delivered,omitempty"`
}

// format is the first byte of a stored position. The first release wrote none,
// and its entries in fixed width.
const format = "2"

var errEntries = errors.New("malformed entries")

func parsePosition(p schemas.Position) (ledger, error) {
	if p == "" {
		return ledger{epoch: uint32(time.Now().Unix()), delivered: []string{}}, nil
	}
	lost := fmt.Errorf("parse position: not one of a push source: %w", connectors.ErrPositionLost)
	text, packedWell := strings.CutPrefix(string(p), format)
	var stored position
	if err := json.Unmarshal([]byte(text), &stored); err != nil || stored.Epoch == 0 {
		return ledger{}, lost
	}
	packed, err := base64.StdEncoding.DecodeString(stored.Entries)
	if err != nil {
		return ledger{}, lost
	}
	l := ledger{epoch: stored.Epoch, ordinal: stored.Ordinal, forgot: stored.Forgot}
	if stored.Delivered != nil {
		l.delivered = append([]string{}, *stored.Delivered...)
	}
	if packedWell {
		l.entries, err = unpack(packed)
	} else {
		l.entries, err = unpackFirst(packed)
	}
	if err != nil {
		return ledger{}, lost
	}
	return l, nil
}

// unpackFirst reads the entries of the first release: longer digests in fixed width.
func unpackFirst(packed []byte) ([]entry, error) {
	const digest, size = 10, 2*10 + 4 + 8 + 2
	if len(packed)%size != 0 {
		return nil, errEntries
	}
	var entries []entry
	for ; len(packed) > 0; packed = packed[size:] {
		var e entry
		copy(e.key[:], packed)
		copy(e.body[:], packed[digest:])
		rest := packed[2*digest:]
		e.at = binary.BigEndian.Uint32(rest)
		e.ordinal = binary.BigEndian.Uint64(rest[4:])
		e.rows = binary.BigEndian.Uint16(rest[12:])
		entries = append(entries, e)
	}
	return entries, nil
}

func unpack(packed []byte) ([]entry, error) {
	var entries []entry
	var last entry
	for len(packed) > 0 {
		var e entry
		if len(packed) < len(e.key)+len(e.body) {
			return nil, errEntries
		}
		packed = packed[copy(e.key[:], packed):]
		packed = packed[copy(e.body[:], packed):]
		var numbers [3]uint64
		for i := range numbers {
			v, n := binary.Uvarint(packed)
			if n <= 0 {
				return nil, errEntries
			}
			numbers[i], packed = v, packed[n:]
		}
		e.at, e.ordinal, e.rows = last.at+uint32(numbers[0]), last.ordinal+numbers[1], uint16(numbers[2])
		entries, last = append(entries, e), e
	}
	return entries, nil
}

func (l ledger) encode() schemas.Position {
	packed := make([]byte, 0, len(l.entries)*20)
	var last entry
	for _, e := range l.entries {
		packed = append(append(packed, e.key[:]...), e.body[:]...)
		packed = binary.AppendUvarint(packed, uint64(e.at-last.at))
		packed = binary.AppendUvarint(packed, e.ordinal-last.ordinal)
		packed = binary.AppendUvarint(packed, uint64(e.rows))
		last = e
	}
	out := position{Epoch: l.epoch, Ordinal: l.ordinal, Forgot: l.forgot, Entries: base64.StdEncoding.EncodeToString(packed)}
	if l.delivered != nil {
		out.Delivered = &l.delivered
	}
	b, err := json.Marshal(out)
	if err != nil {
		panic(err) // numbers and a string always marshal
	}
	return schemas.Position(format + string(b))
}

// sequence is the place of a row in the source's order.
func (l ledger) sequence(ordinal uint64, row int) schemas.Sequence {
	return schemas.Sequence{Major: uint64(l.epoch)<<32 | ordinal&0xFFFFFFFF, Minor: uint32(row)}
}

// with returns the ledger after one more entry. An entry goes when it is both
// older than the window and not among the last Entries, or when there are too many.
func (l ledger) with(e entry, now time.Time, o options) ledger {
	oldest := now.Add(-o.Window).Unix()
	from := max(0, len(l.entries)+1-maxEntries)
	for len(l.entries)+1-from > o.Entries && int64(l.entries[from].at) <= oldest {
		from++
	}
	if from > 0 {
		l.forgot = max(l.forgot, l.entries[from-1].at)
	}
	// Only the source's own ledger grows, and what was there before stays as it is.
	l.entries = append(l.entries[from:], e)
	return l
}

// deliveredOf returns the ledger of a source of datasets. One of before deliveries
// were noted that has taken anything is believed to have had something of each; of
// those that may be empty nothing is waited for.
func (l ledger) deliveredOf(datasets []*schemas.Dataset, empty []string) ledger {
	if l.delivered == nil && l.ordinal > 0 {
		for _, d := range datasets {
			l = l.having(d.ID)
		}
	}
	for _, id := range empty {
		l = l.having(id)
	}
	return l
}

// having returns the ledger after rows of a dataset were taken.
func (l ledger) having(dataset string) ledger {
	if !slices.Contains(l.delivered, dataset) {
		l.delivered = append(slices.Clone(l.delivered), dataset)
	}
	return l
}

// awaited returns those of the datasets of which nothing was ever taken.
func (l ledger) awaited(datasets []*schemas.Dataset) []string {
	var out []string
	for _, d := range datasets {
		if !slices.Contains(l.delivered, d.ID) {
			out = append(out, d.ID)
		}
	}
	return out
}

func (l ledger) find(key keyDigest) (entry, bool) {
	for i := len(l.entries) - 1; i >= 0; i-- {
		if l.entries[i].key == key {
			return l.entries[i], true
		}
	}
	return entry{}, false
}

// horizon is the time before which a request may have been taken and forgotten.
func (l ledger) horizon() time.Time {
	if l.forgot == 0 {
		return time.Time{} // nothing was forgotten yet
	}
	// Keys have the time of their commit, requests that of their sending: one that
	// was sent before the last forgotten key was used may be that one.
	return time.Unix(int64(l.forgot)+1, 0)
}
