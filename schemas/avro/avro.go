// Package avro reads any schema of the Avro specification and says whether one
// reads what another wrote. The registry judges by it schemas that are not the
// bus's own; those are held to the narrower profile of schemas/codec.
//
// Nothing here reads a message. Parse refuses what the specification forbids, a
// name that is defined twice or never, a default that does not fit its type, and
// what is too large or nested too deep to be compared at a bounded cost. A
// logical type that is unknown or does not fit its type is passed over, as the
// specification has it.
//
// Compatible follows the section on schema resolution: int is read as long,
// float and double, long as float and double, float as double, string and bytes
// as one another; records, enums and fixed are compared by their name without
// its namespace, or by an alias; decimals need equal precision and scale.
package avro

import (
	"fmt"
	"slices"
	"strings"
)

// The bounds of a schema.
const (
	maxNesting = 200     // objects and lists inside one another in its text
	maxTypes   = 10_000  // types in it
	maxSteps   = 100_000 // pairs of types that one comparison looks at
)

// Kind is the type of a schema, by the word that stands in its text.
type Kind string

// The kinds that are not primitive.
const (
	Record Kind = "record"
	Enum   Kind = "enum"
	Fixed  Kind = "fixed"
	Array  Kind = "array"
	Map    Kind = "map"
	Union  Kind = "union"
)

// primitives are the kinds that stand by their name alone.
var primitives = map[string]bool{
	"null": true, "boolean": true, "int": true, "long": true, "float": true, "double": true, "bytes": true, "string": true,
}

// Schema is one type. It may hold itself: a list is a record with a list in it.
// It is immutable once parsed.
type Schema struct {
	Kind    Kind
	name    string // full, of a record, enum or fixed
	aliases []string
	fields  []field
	symbols []string
	known   map[string]bool // the symbols: an enum may have tens of thousands
	preset  string          // the symbol an enum has for those it does not know, "" if none
	size    int
	of      []*Schema // items of an array, values of a map, branches of a union
	decimal *decimal
}

type field struct {
	name    string
	aliases []string
	typ     *Schema
	preset  bool // it has a default
}

type decimal struct{ precision, scale int }

// Error is what is wrong with a schema, at which place of it.
type Error struct{ Path, ZH, EN string }

func (e *Error) Error() string {
	if e.Path == "" {
		return e.ZH + " / " + e.EN
	}
	return fmt.Sprintf("%s: %s / %s", e.Path, e.ZH, e.EN)
}

// local is a name without its namespace.
func local(full string) string { return full[strings.LastIndexByte(full, '.')+1:] }

// named says whether a reader's named type takes what the writer's is called.
func named(reader, writer *Schema) bool {
	return local(reader.name) == local(writer.name) || slices.Contains(reader.aliases, writer.name)
}
