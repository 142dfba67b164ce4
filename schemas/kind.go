package schemas

import "slices"

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
func Kinds() []string { return sortedKeys(kinds) }

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

// levels are the data grades, lowest first.
var levels = []string{"L1", "L2", "L3", "L4"}

// higher returns the higher of two levels; "" is below all.
func higher(a, b string) string {
	if slices.Index(levels, b) > slices.Index(levels, a) {
		return b
	}
	return a
}

// lowered returns the level below, L1 for L1.
func lowered(level string) string {
	if i := slices.Index(levels, level); i > 0 {
		return levels[i-1]
	}
	return levels[0]
}

var (
	classes     = []string{"A", "B", "C"}
	cycles      = []string{"realtime", "daily", "weekly", "monthly", "quarterly", "halfyear", "yearly"}
	formats     = []string{"database", "spreadsheet", "file", "document", "image", "stream", "service"}
	severities  = []string{"high", "medium", "low"}
	certainties = []string{Contradiction, ToConfirm}
)

func sortedKeys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
