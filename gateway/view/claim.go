package view

import (
	"crypto/subtle"
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Fault says which part of a question is malformed.
type Fault struct{ Location, Message string }

// Claim is what a caller says of a record: one value for each field.
type Claim struct {
	cells []cell
}

// cell is one value a caller named, as the view would hold it.
type cell struct {
	column int // -1 = a part of the key
	digest []byte
	same   bool // of a part of the key: whether it is that part
}

// Claim turns values as they were typed into what the view holds of them.
func (v *View) Claim(key string, fields map[string]string) (Claim, []Fault) {
	var out Claim
	var bad []Fault
	parts := []string{key}
	if len(v.parts) > 1 {
		if split, err := schemas.SplitKey(key); err == nil {
			parts = split
		}
	}
	for name, raw := range fields {
		e, _ := v.Column(name)
		column, ok := v.columns[name]
		if e == nil || !ok && !v.isKey(name) {
			bad = append(bad, Fault{"fields", "字段不可核验 / a field cannot be verified"})
			continue
		}
		text, err := normalise(e, raw)
		if err != nil {
			bad = append(bad, Fault{"fields." + name, "值的格式不正确 / the value is malformed"})
			continue
		}
		if !ok {
			i := slices.IndexFunc(v.parts, func(p part) bool { return p.name == name })
			out.cells = append(out.cells, cell{column: -1, same: subtle.ConstantTimeCompare([]byte(parts[i]), []byte(text)) == 1})
			continue
		}
		out.cells = append(out.cells, cell{column: column, digest: v.keys.Digest(contract.VerifyLabel(v.ID, name), text)})
	}
	return out, bad
}

// Matches reports whether every value is the record's. It does the same work
// whether there is a record or not (the zero Record) and whichever value differs.
func (c Claim) Matches(record schemas.Record) bool {
	match := 1
	if record.IsZero() {
		match = 0
	}
	var nothing [16]byte
	for _, e := range c.cells {
		held := nothing[:]
		switch {
		case e.column < 0:
			if !e.same {
				match = 0
			}
			continue
		case !record.IsZero() && record.Value(e.column).Kind() == schemas.KindBytes:
			held = []byte(record.Value(e.column).Str())
		}
		match &= subtle.ConstantTimeCompare(held, e.digest)
	}
	return match == 1
}
