package processors

import (
	"bytes"
	"encoding/binary"
	"time"
)

// kindGeneration is the state key of how far renewing is: the generation, with
// its length in front, whether all of it is done, and the last key renewed.
const kindGeneration = 'g'

// Whether all of a generation is done. Builds that did not tell it on the bus wrote 1,
// which is read as the start: nothing is published twice, and it is told then.
const (
	underWay byte = 0
	told     byte = 2
)

var generationKey = []byte{kindGeneration}

func appendRenewal(generation []byte, done bool, last []byte) []byte {
	out := append(binary.AppendUvarint(nil, uint64(len(generation))), generation...)
	if done {
		return append(out, told)
	}
	return append(append(out, underWay), last...)
}

// renewal reads what appendRenewal wrote; of another generation it is the start.
func renewal(stored, generation []byte) (done bool, last []byte) {
	n, used := binary.Uvarint(stored)
	if used <= 0 || n >= uint64(len(stored)-used) || !bytes.Equal(stored[used:used+int(n)], generation) {
		return false, nil
	}
	switch rest := stored[used+int(n):]; rest[0] {
	case told:
		return true, nil
	case underWay:
		return false, rest[1:]
	}
	return false, nil
}

// generation is the present one of a stage: what its results depend on beside its records.
type generation struct {
	of   Renewer // nil if they depend on nothing else
	name []byte  // as of the last question
}

func generationOf(s Stage) *generation {
	r, _ := s.(Renewer) // nil if it is none
	return &generation{of: r}
}

// current reports whether a partition is wholly of the present generation, whose name it leaves.
func (g *generation) current(p *partition, now time.Time) (bool, error) {
	if g.of == nil {
		return true, nil
	}
	g.name = append(g.name[:0], g.of.Generation(now)...)
	if bytes.Equal(p.renewed, g.name) {
		return true, nil
	}
	stored, _, err := p.state.Get(nil, generationKey)
	if err != nil {
		return false, err
	}
	done, _ := renewal(stored, g.name)
	if done {
		p.renewed = bytes.Clone(g.name)
	}
	return done, nil
}
