package resolve

import (
	"encoding/binary"
	"math"

	"github.com/cespare/xxhash/v2"

	"github.com/yiyuan-bus/yiyuan/processors/authority"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// digester tells by 64-bit digests whether something is what it was.
type digester struct {
	hash *xxhash.Digest
	word [16]byte // scratch
}

func (d *digester) sum() uint64 { return nonzero(d.hash.Sum64()) }

// value adds a cell.
func (d *digester) value(v schemas.Value) {
	d.text(v.Str(), v.Int64()<<3^int64(math.Float64bits(v.Float64()))^int64(v.Kind()))
}

// text adds a text, with its length so that texts cannot run into one
// another, and a number.
func (d *digester) text(text string, n int64) {
	binary.LittleEndian.PutUint64(d.word[:8], uint64(len(text)))
	binary.LittleEndian.PutUint64(d.word[8:], uint64(n))
	_, _ = d.hash.Write(d.word[:]) // a hash cannot fail
	_, _ = d.hash.WriteString(text)
}

// golden returns the digests of a golden record's values and of its whole story, 0
// if there is none.
func (d *digester) golden(g *authority.Golden) (values, story uint64) {
	if !g.Exists {
		return 0, 0
	}
	d.hash.Reset()
	for _, v := range g.Values {
		d.value(v)
	}
	values = d.sum()
	for i := range g.Cells {
		c := &g.Cells[i]
		d.text(c.Dataset.ID, c.At)
		d.text(c.Row, int64(len(c.Losers)))
		d.text(c.Rule, 0)
		d.text(string(c.Reason), 0)
		d.text(c.Flag, 0)
		for j := range c.Losers {
			l := &c.Losers[j]
			d.text(l.Dataset.ID, 0)
			d.text(l.Row, 0)
			d.text(string(l.Reason), 0)
			d.value(l.Value)
		}
	}
	return values, d.sum()
}

// recordDigest is that of an encoded record.
func recordDigest(b []byte) uint64 { return nonzero(xxhash.Sum64(b)) }

// nonzero keeps 0 for "there is none" and 1 for "unknown".
func nonzero(digest uint64) uint64 { return max(digest, 2) }
