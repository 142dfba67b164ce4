package contract

import "time"

// Backfill is an order to read a table of a source, or a range of its keys, again beside its
// stream, and how far that has come. What the department has no more of it is deleted at its end.
type Backfill struct {
	ID      int64  `json:"id"` // rises in the life of a source
	Dataset string `json:"dataset"`
	Table   string `json:"table"` // as the source's kind names it
	// From and To are the first and the last key of the range, sealed under the city's keys as
	// positions are; "" = open.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Window is the time of day in which rows are read, HH:MM-HH:MM by the clock of the process
	// that runs the source, "" = always; Rate the most rows a second, 0 = as fast as they come.
	Window string `json:"window,omitempty"`
	Rate   int    `json:"rate,omitempty"`
	By     string `json:"by,omitempty"` // who asked for it, as the operator's tools say
	Asked  int64  `json:"asked"`        // when, in milliseconds

	Step string `json:"step"` // one of the Backfill constants
	// Since and Minor are the place in the source's order from which on it counts, see
	// schemas.Sequence: what was said of a row before is what is read again. Base is how many rows
	// backfills of the source had said before, and Place where to go on, in the kind's own words.
	Since uint64 `json:"since,omitempty"`
	Minor uint32 `json:"minor,omitempty"`
	Base  uint32 `json:"base,omitempty"`
	Place string `json:"place,omitempty"`
	Began int64  `json:"began,omitempty"` // milliseconds: when the first row was read
	Rows  int64  `json:"rows,omitempty"`  // read again so far,
	About int64  `json:"about,omitempty"` // of about so many, 0 = not known
	// Found rows did not come again; known when all are read. Accept is how many deletes a
	// person has said yes to.
	Found   int64 `json:"found,omitempty"`
	Deleted int64 `json:"deleted,omitempty"`
	Accept  int64 `json:"accept,omitempty"`
	// Why, if not "", is what it waits for: the time of day, a transaction, an answer.
	Why string `json:"why,omitempty"`
}

// The steps of a backfill.
const (
	BackfillAsked    = "asked"    // a person has asked for it
	BackfillReading  = "reading"  // rows are read again
	BackfillDeleting = "deleting" // what did not come again is deleted
	BackfillHeld     = "held"     // that is so much that a person must answer first
)

// Left is about how long the reading still takes at the pace so far, 0 = not known.
func (b Backfill) Left(now time.Time) time.Duration {
	took := now.Sub(time.UnixMilli(b.Began))
	if b.Step != BackfillReading || b.Began == 0 || b.Rows == 0 || b.About <= b.Rows || took <= 0 {
		return 0
	}
	return time.Duration(float64(took) * float64(b.About-b.Rows) / float64(b.Rows))
}
