package authority

// Reason is why a claim won or lost a cell. The set is closed.
type Reason string

// The reasons. Winners have sole, rank, fallback, latest, earliest, newest or
// constant; losers rank, latest, earliest, newest, excluded or agrees.
const (
	Sole     Reason = "sole"     // nobody else says anything
	Rank     Reason = "rank"     // by rank of the authority table
	Fallback Reason = "fallback" // those ranked higher say nothing
	Latest   Reason = "latest"   // by the later date in the row
	Earliest Reason = "earliest" // by the earlier date in the row
	Newest   Reason = "newest"   // by the later commit at the source
	Constant Reason = "constant" // the dataset says it by existing
	Excluded Reason = "excluded" // the row does not count by the condition of its source
	Agrees   Reason = "agrees"   // lost, but says the same
)
