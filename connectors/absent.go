package connectors

import "github.com/yiyuan-bus/yiyuan/connectors/option"

// Absent is an option: what it means that a row lacks a nullable field. keep: it
// was not sent, and what is known of it stays (null if nothing is). null: it is
// null. A list names nullable fields that the files do not have at all; it means
// keep.
type Absent struct {
	Null   bool
	Fields []string
}

// State is the state of the cell of a nullable field that a row lacks.
func (a Absent) State() CellState {
	if a.Null {
		return Null
	}
	return Kept
}

// Take implements option.Value; in YAML null is a word of its own and not "not given".
func (a *Absent) Take(given any) bool {
	switch g := given.(type) {
	case nil:
		*a = Absent{Null: true}
		return true
	case string:
		*a = Absent{Null: g == "null"}
		return g == "null" || g == "keep"
	}
	items, ok := option.Items(given)
	*a = Absent{}
	for _, item := range items {
		name, is := item.(string)
		ok = ok && is
		a.Fields = append(a.Fields, name)
	}
	return ok
}

// Kind implements option.Value.
func (*Absent) Kind() (kind, zh, en string) {
	return "keep/null/list", " keep、null 或字段列表", "keep, null, or a list of fields"
}
