package contract

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// The headers of records. Those of raw.*: op, pos, run, cat, at, and tx, na, keep,
// about, own and was where there is something to say. Those of shared.*, resolved.* and findings: ver, cat, at,
// and moved on a deletion that tells where the record went. That of quarantine: settled, on a record without a value.
const (
	At          = "at"      // time at the source, see AppendAt; on every record that has one
	Operation   = "op"      // schemas.Op, one letter
	Pos         = "pos"     // source and sequence, see AppendPos
	Run         = "run"     // the process that published
	Catalogue   = "cat"     // period of the catalogue it was made under (schemas.Catalogue.Period); of raw records its version
	TxID        = "tx"      // the source's transaction and the index in it
	Unavailable = "na"      // columns that the source did not send, see AppendNames
	Kept        = "keep"    // columns that the source did not send and that may never have had a value
	About       = "about"   // of a row that was refused: whom it speaks about, see AppendAbout
	Own         = "own"     // the key as the row itself writes it, see AppendOwn
	Was         = "was"     // how the same row wrote it before
	Outright    = "all"     // of a deletion: of the row whichever source said it last, see schemas.Change
	Version     = "ver"     // rises by key, see AppendVersion
	Moved       = "moved"   // key under which the record now stands
	Settled     = "settled" // what settles rejections, see Settlement
)

// farthest is the last instant of the year 9999: what lies outside of the years 1 to
// 9999 no layout can hold.
var (
	earliest = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	farthest = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() - 1
)

// AppendAt writes the value of At: milliseconds since 1970, in decimal.
func AppendAt(dst []byte, t time.Time) []byte { return strconv.AppendInt(dst, t.UnixMilli(), 10) }

// ParseAt reads what AppendAt wrote.
func ParseAt(value []byte) (at time.Time, ok bool) {
	if len(value) == 0 || len(value) > 16 {
		return time.Time{}, false
	}
	n, digits, sign := int64(0), value, int64(1)
	if value[0] == '-' {
		digits, sign = value[1:], -1
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return time.Time{}, false
		}
		n = n*10 + int64(c-'0')
	}
	if n *= sign; len(digits) == 0 || n < earliest || n > farthest {
		return time.Time{}, false
	}
	return time.UnixMilli(n), true
}

// AppendPos writes the value of Pos.
func AppendPos(dst []byte, source string, s schemas.Sequence) []byte {
	return append(append(append(dst, source...), '@'), s.String()...)
}

// ParsePos reads what AppendPos wrote. source is a part of value.
func ParsePos(value []byte) (source []byte, s schemas.Sequence, ok bool) {
	for i := len(value) - 1; i > 0; i-- {
		if value[i] == '@' {
			s, err := schemas.ParseSequence(string(value[i+1:]))
			return value[:i], s, err == nil
		}
	}
	return nil, s, false
}

// AppendTx writes the value of TxID.
func AppendTx(dst []byte, tx string, index int) []byte {
	return strconv.AppendInt(append(append(dst, tx...), ','), int64(index), 10)
}

// AppendVersion writes the value of Version in fixed width, so that text order is its order.
func AppendVersion(dst []byte, version uint64) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], version)
	return hex.AppendEncode(dst, b[:])
}

// ParseVersion reads what AppendVersion wrote.
func ParseVersion(value []byte) (uint64, bool) {
	n, err := strconv.ParseUint(string(value), 16, 64)
	return n, err == nil
}

// AppendAbout writes the value of About: columns and their normal form in turn.
func AppendAbout(dst []byte, pairs []string) []byte { return append(dst, schemas.JoinKey(pairs...)...) }

// ParseAbout returns what About says of a column, "" if nothing.
func ParseAbout(value []byte, column string) string {
	parts, err := schemas.SplitKey(string(value))
	for i := 0; err == nil && i+1 < len(parts); i += 2 {
		if parts[i] == column {
			return parts[i+1]
		}
	}
	return ""
}

// AppendOwn writes the value of Own and Was: how a row writes its key, "" if as the
// record's key. A source that tells its rows apart by that, as a table does, says Own of
// every row, refused row and deletion; its rows of one key are then told apart. A source
// that knows its rows by the record's key alone (a file, a push) says neither. They hold
// a key in clear, as the record's own key does: for raw.* and nothing else.
func AppendOwn(dst []byte, spelled string) []byte { return append(append(dst, '='), spelled...) }

// ParseOwn reads what AppendOwn wrote. spelled is a part of value.
func ParseOwn(value []byte) (spelled []byte, ok bool) {
	if len(value) == 0 || value[0] != '=' {
		return nil, false
	}
	return value[1:], true
}

// JoinNames writes the value of Unavailable; strings.SplitSeq by a comma reads it.
func JoinNames(names []string) string { return strings.Join(names, ",") }
