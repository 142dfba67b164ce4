package schemas

import (
	"strings"
	"time"
)

// Field returns the golden field of that name, nil if there is none.
func (e *Entity) Field(name string) *GoldenField {
	for _, f := range e.Fields {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// Column returns the element of what stands in a column of the golden record, the key or a
// golden field, and its level, which of the key is its element's own; nil if there is no
// such column.
func (e *Entity) Column(name string) (of *Element, level string) {
	if name == e.Key.Name && e.Key.Element != nil {
		return e.Key.Element, e.Key.Element.Level
	}
	if f := e.Field(name); f != nil {
		return f.Element, f.Level
	}
	return nil, ""
}

// Members returns the golden fields that an entry of an authority table is
// about: the field of that name, or the members of the group of that name.
func (e *Entity) Members(entry string) []*GoldenField {
	var members []*GoldenField
	for _, f := range e.Fields {
		if f.Group == entry || f.Group == "" && f.Name == entry {
			members = append(members, f)
		}
	}
	return members
}

// Current returns the authority table in force at now: the newest whose
// effective day has come, the oldest if none has, nil if there is none at all.
func (e *Entity) Current(now time.Time) *AuthorityTable {
	for i := len(e.Authority) - 1; i >= 0; i-- {
		if i == 0 || !e.Authority[i].Effective.After(now) {
			return &e.Authority[i]
		}
	}
	return nil
}

// PickBy takes Pick apart: order is "newest", "latest" or "earliest". Rows are
// ordered by the first list of the dataset's fields, of which the first that is
// not null counts, and rows that are equal in it by the next; there is none for
// "newest".
func (c *Candidate) PickBy() (order string, fields [][]string) {
	order, rest, _ := strings.Cut(c.Pick, " ")
	if order == "" || order == "newest" {
		return "newest", nil
	}
	return order, SplitFields(rest)
}

// SplitFields reads what rows are ordered by: "A|B,C" is the first of A and B
// that is not null, and where two rows are equal in that, C.
func SplitFields(text string) [][]string {
	var fields [][]string
	for list := range strings.SplitSeq(strings.ReplaceAll(text, " ", ""), ",") {
		fields = append(fields, strings.Split(list, "|"))
	}
	return fields
}
