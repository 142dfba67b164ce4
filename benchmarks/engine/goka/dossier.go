package main

import "encoding/binary"

// dossier is all that is known about a person, one value of the group table.
type dossier struct {
	version        int64
	golden, values uint64 // digests of the golden record last emitted: all of it, and its values
	rules          [ruleCount]standing
	said           [departmentCount]statement
}

// standing is how a rule stands.
type standing struct {
	phase byte
	since int64 // when it opened, in milliseconds
}

const (
	never byte = iota
	open
	closed
)

// statement is what a department says.
type statement struct {
	value     []byte // its row, framed; empty where it has said nothing
	major, at int64  // the row's position and time at the department
}

// load reads what append has written and keeps b.
func (d *dossier) load(b []byte) {
	next := func() uint64 {
		n := binary.BigEndian.Uint64(b)
		b = b[8:]
		return n
	}
	*d = dossier{version: int64(next()), golden: next(), values: next()}
	for i := range d.rules {
		d.rules[i].phase, b = b[0], b[1:]
		d.rules[i].since = int64(next())
	}
	for i := range d.said {
		size := binary.BigEndian.Uint32(b)
		if b = b[4:]; size == 0 {
			continue
		}
		d.said[i] = statement{major: int64(next()), at: int64(next())}
		d.said[i].value, b = b[:size], b[size:]
	}
}

func (d *dossier) append(b []byte) []byte {
	put := func(n uint64) { b = binary.BigEndian.AppendUint64(b, n) }
	put(uint64(d.version))
	put(d.golden)
	put(d.values)
	for _, r := range d.rules {
		b = append(b, r.phase)
		put(uint64(r.since))
	}
	for _, s := range d.said {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s.value)))
		if len(s.value) > 0 {
			put(uint64(s.major))
			put(uint64(s.at))
			b = append(b, s.value...)
		}
	}
	return b
}
