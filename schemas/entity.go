package schemas

import (
	"strings"
	"time"
)

// Entity is one entities/<id>.yaml: what the golden record of a person or an
// enterprise holds and which department each cell comes from.
type Entity struct {
	ID         string // person
	Title      string
	English    string
	Key        EntityKey
	Fields     []*GoldenField
	Authority  []AuthorityTable // versions, oldest first; Current chooses
	Aggregates []*Aggregate
	Views      []*View
	Layout     *Layout // of the golden record: namespace yiyuan.resolved, key column first, then Fields
	File       string

	resolved *Layout // what ResolvedLayout returns, built by Index
}

// EntityKey is the key column of an entity.
type EntityKey struct {
	Name    string
	Title   string
	Element *Element
}

// GoldenField is one cell of a golden record. All are nullable.
type GoldenField struct {
	Name    string
	Title   string
	English string
	Element *Element
	Group   string // lock-step group: its members all come from the same claim
	Level   string // the highest of the element's and of the fields it may come from
	Index   int    // position in the entity's layout
}

// AuthorityTable says, from a day on, which source each field comes from.
type AuthorityTable struct {
	Version   int
	Effective time.Time
	Basis     string
	Sources   map[string][]Candidate // golden field (or group name) -> ranked candidates
}

// Candidate is one source of a golden field (of a lock-step group: one source
// of all its fields), in rank order: the first that has a value wins.
type Candidate struct {
	Dataset  string
	Role     string
	Columns  map[string]string // golden field -> dataset field
	Constant map[string]string // golden field -> fixed value, where the dataset says it by existing
	Where    string            // CEL over `row`: which rows count, "" = all
	Pick     string            // "latest FIELD", "earliest FIELD" (FIELD|FIELD: the first that is not null; FIELD,FIELD: the second where rows are equal in the first), "newest" (source commit time); "" = newest; ties by row key; see PickBy
	Flag     string            // "" or a mark the cell carries when this candidate wins, e.g. 非权威
	SameRank bool              // competes with the candidate before it instead of ranking below it: Pick decides among both
}

// Aggregate counts or sums an entity's rows without keeping them in reach: for
// unbounded links (an enterprise's employees). Claims of the dataset and role
// are not loaded with the dossier.
type Aggregate struct {
	Name    string // variable in rules: agg.<name>
	Dataset string
	Role    string
	Where   string // CEL over `row`
	Sum     string // field to sum; "" counts rows
}

// Field returns the golden field of that name, nil if there is none.
func (e *Entity) Field(name string) *GoldenField {
	for _, f := range e.Fields {
		if f.Name == name {
			return f
		}
	}
	return nil
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
