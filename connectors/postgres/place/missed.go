package place

import (
	"encoding/binary"
	"slices"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Missed remembers of which rows a version was refused. What such a row's next version
// leaves out as unchanged, a long value, nobody on the bus has: it is looked up in the
// table. It is a Bloom filter (Bloom 1970) of keyed digests, since it stands in every
// position and must hold nothing of a row: of 200 refused rows 1 in 100 others is looked up
// in vain, of many more nearly all; none that was refused is forgotten. It is never changed
// in place: positions share it.
type Missed []byte

const missedBits = 2048

// With is m with a row.
func (m Missed) With(cfg connectors.Config, table, key string) Missed {
	out := slices.Clone(m)
	if out == nil {
		out = make(Missed, missedBits/8)
	}
	for _, bit := range missedAt(cfg, table, key) {
		out[bit/8] |= 1 << (bit % 8)
	}
	return out
}

// Has says whether a version of a row may have been refused.
func (m Missed) Has(cfg connectors.Config, table, key string) bool {
	if len(m) != missedBits/8 {
		return false
	}
	return !slices.ContainsFunc(missedAt(cfg, table, key), func(bit uint32) bool { return m[bit/8]&(1<<(bit%8)) == 0 })
}

// Join is the rows of both.
func (m Missed) Join(o Missed) Missed {
	if len(o) != missedBits/8 {
		return m
	}
	if len(m) != len(o) {
		return o
	}
	out := slices.Clone(m)
	for i := range out {
		out[i] |= o[i]
	}
	return out
}

func missedAt(cfg connectors.Config, table, key string) []uint32 {
	digest := cfg.Keyed(contract.LabelMissed, []byte(table+"\x00"+key))
	bits := make([]uint32, 4)
	for i := range bits {
		bits[i] = binary.BigEndian.Uint32(digest[4*i:]) % missedBits
	}
	return bits
}
