package main

import "encoding/binary"

// murmur2 is the hash by which Kafka's own clients place keys, without its sign:
// a dossier then lies in the partition of its person's claims, which goka, whose
// hash is another, would not see to.
type murmur2 struct{ sum uint32 }

// Write takes a whole key.
func (m *murmur2) Write(key []byte) (int, error) {
	const by, turn = 0x5bd1e995, 24
	h, left := 0x9747b28c^uint32(len(key)), key
	for ; len(left) >= 4; left = left[4:] {
		k := binary.LittleEndian.Uint32(left) * by
		h = h*by ^ (k^k>>turn)*by
	}
	for i := len(left) - 1; i >= 0; i-- {
		h ^= uint32(left[i]) << (8 * i)
	}
	if len(left) > 0 {
		h *= by
	}
	h = (h ^ h>>13) * by
	m.sum = (h ^ h>>15) & 0x7fffffff
	return len(key), nil
}

func (m *murmur2) Sum(b []byte) []byte { return binary.BigEndian.AppendUint32(b, m.sum) }
func (m *murmur2) Sum32() uint32       { return m.sum }
func (m *murmur2) Reset()              { m.sum = 0 }
func (m *murmur2) Size() int           { return 4 }
func (m *murmur2) BlockSize() int      { return 4 }
