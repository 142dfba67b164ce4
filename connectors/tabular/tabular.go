// Package tabular is what all sources share that read tables: which column means which
// field, what means no value, and how one copy of a whole table differs from the one before.
// Whoever uses it brings the rows, by name or under headings, from whatever they stand in.
package tabular

import "github.com/yiyuan-bus/yiyuan/connectors"

// Row is one row of a table: its fields, or why it is refused. One that is refused has fields
// where they are certain though.
type Row struct {
	Line   int
	Fields []string
	Names  []string          // of a row that names its fields
	Null   []bool            // of one: the fields that are null
	Forms  []connectors.Form // of one: what each was
	Raw    []byte            // for the digest of a rejection
	Place  string            // in the file, if not its line
	Blank  bool              // nothing in it
	Bad    *Problem
}

// Problem is what is wrong with a row or a table, without any of its values.
type Problem struct {
	Reason string // one of the contract's reasons
	Detail string // 中文 / English
}

// Bad is a problem.
func Bad(reason, detail string) *Problem { return &Problem{Reason: reason, Detail: detail} }

// Mapping says which columns there are, and what they mean.
type Mapping struct {
	Columns map[string]string // heading to field, before names and titles are tried
	Ignore  []string          // headings and names that are left out; "*" is all that are no field
	Absent  connectors.Absent // what it means that a row lacks a nullable field
	Nulls   []string          // words that mean no value; nil = the usual ones
}
