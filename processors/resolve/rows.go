package resolve

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
)

// dataset is how claims of one dataset are read.
type dataset struct {
	*schemas.Dataset
	reader *codec.Reader
	decode func(row string, value []byte) (schemas.Record, error)
	groups map[string][]int // by role: aggregates over the rows, which are then not loaded
}

// newRow takes a row from the slab, which is used again for every entity.
func (s *stage) newRow() *claim.Row {
	if len(s.rows) == cap(s.rows) {
		s.rows = make([]claim.Row, 0, max(16, 2*cap(s.rows))) // rows handed out stay in the old slab
	}
	s.rows = append(s.rows, claim.Row{})
	return &s.rows[len(s.rows)-1]
}

// stored makes a row of a stored claim.
func (s *stage) stored(d *dataset, role, row string, value []byte) (*claim.Row, error) {
	r := &claim.Row{Dataset: d.Dataset, Role: role, Key: row}
	if err := claim.ParseStored(bytes.Clone(value), r); err != nil {
		return nil, err
	}
	r.Lazily(d.decode)
	return r, nil
}

// split reads a claim's name off its state key. Dataset ids and roles are few
// and shared; only the row key is new.
func (s *stage) split(key []byte) (dataset, role, row string, err error) {
	id, rest, ok := bytes.Cut(key, zero)
	part, last, ok2 := bytes.Cut(rest, zero)
	if !ok || !ok2 {
		return "", "", "", fmt.Errorf("split state key: %w", claim.ErrMalformed)
	}
	return s.intern(id), s.intern(part), string(last), nil
}

func (s *stage) intern(b []byte) string {
	name, ok := s.names[string(b)]
	if !ok {
		name = string(b)
		s.names[name] = name
	}
	return name
}

// permanent reports whether a decoding error is the data's fault and not the
// registry's.
func permanent(err error) bool {
	return errors.Is(err, codec.ErrMalformed) || errors.Is(err, codec.ErrUnknownSchema)
}
