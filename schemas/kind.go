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

// Screening says which numbers of persons are hidden in a value that is shown without a
// mask since nobody chose one. A higher one hides all that a lower one hides.
type Screening int

// The screenings there are, the least first.
const (
	ScreensNothing  Screening = iota // values of one written form
	ScreensIdentity                  // numbers of identity: a document's number may look like any other
	ScreensNumbers                   // mobile and bank card numbers too
)

// ScreeningOf returns what is hidden in values of a kind.
func ScreeningOf(kind string) Screening {
	switch {
	case !Spelled(kind):
		return ScreensNothing
	case kind == "identifier":
		return ScreensIdentity
	}
	return ScreensNumbers
}

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
