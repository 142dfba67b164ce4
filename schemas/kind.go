package schemas

import (
	"maps"
	"slices"
)

// kinds are the built-in validators of package element with the type a value
// of the kind has on the wire.
var kinds = map[string]Type{
	"id_number":   String,
	"uscc":        String,
	"person_name": String,
	"org_name":    String,
	"text":        String,
	"address":     String,
	"date":        Date,
	"timestamp":   Timestamp,
	"phone":       String,
	"plate":       String,
	"amount":      Decimal,
	"count":       Long,
	"code":        String,
	"bank_card":   String,
	"identifier":  String,
	"boolean":     Boolean,
	"region":      String,
}

// Kinds returns the kinds of data element there are, sorted.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds)) }

// KindType returns the type of a kind's values, 0 if there is no such kind.
func KindType(kind string) Type { return kinds[kind] }

// Spelled reports whether values of a kind are what somebody wrote, and keep the spelling
// of their source: names, addresses, numbers of documents and texts. The other kinds
// have one written form by their standard.
func Spelled(kind string) bool {
	switch kind {
	case "person_name", "org_name", "address", "text", "identifier":
		return true
	}
	return false
}
