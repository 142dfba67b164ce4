// Package probe drafts the files of a source from a look at a department's tables (数据探查):
// for each table a dataset, its key, titles and data elements guessed, for a person to edit.
//
// A kind of source looks at its system and tells tables: names, types, comments, and of a
// bounded sample of rows how many of a column's values are what (Tally). What is kept of a
// value is that it was counted; no value is in a Table, in a draft or in an error. From
// there on all is pure: Draft guesses, Dataset.Text writes.
//
// Each guess is written with its reason and what else it could be. Where nothing is
// certain the draft is on the safe side: a column that is not recognised has level L4,
// which no view may show in clear, and is withheld; one that no element of the catalogue
// fits is not taken; the one view masks every field. A name whose column holds something
// else is not believed.
package probe

import "strings"

// Said is something told in both tongues.
type Said struct{ Chinese, English string }

// String is 中文 / English.
func (s Said) String() string { return s.Chinese + " / " + s.English }

func (s Said) none() bool { return s.Chinese == "" }

// Shape is what a column holds by its declared type.
type Shape int

// The shapes there are.
const (
	Other  Shape = iota // nothing that a data element could be: bytes, arrays, documents
	Text                // characters
	Whole               // whole numbers
	Number              // numbers with decimals
	Day                 // dates
	Moment              // times of a day
	Truth               // yes or no
)

// Table is what a look at one table has shown.
type Table struct {
	Schema, Name string
	Comment      string
	Rows         int64 // about how many, -1: not known
	Key          []string
	Columns      []Column
	Sampled      int    // rows looked at
	Unsampled    Said   // why none was, if none was
	Notes        []Said // what is to be prepared in the department's system, and the like
	Refused      []Said // why no source can read it, and what to do; nothing: one can
}

// Full is schema.table.
func (t *Table) Full() string { return t.Schema + "." + t.Name }

// Column is one column of a table.
type Column struct {
	Name, Comment string
	Type          string // as the system names it: varchar(18)
	Domain        string // the name of its own type, if it has one
	Shape         Shape
	Length        int // characters at most, 0 = no limit
	Precision     int // digits in all, 0 = no limit
	Scale         int // of them behind the point
	Nullable      bool
	Left          Said   // why it cannot be taken, nothing: it can
	Values        *Tally // nil: not looked at
}

// Find returns the column of that name, nil if there is none.
func (t *Table) Find(name string) *Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

// alike returns how many columns, of those taken or not, bear a name in whatever case.
func (t *Table) alike(name string) (n int) {
	for i := range t.Columns {
		if strings.EqualFold(t.Columns[i].Name, name) {
			n++
		}
	}
	return n
}
