package freshness

import "time"

// fetched is how long a reader of shared topics must have waited for records, since
// everything up to a target was seen to be decided, before what lies between its last
// record and the target is known to hold none: markers of transactions, aborted
// records, what compaction took away. In that time whatever a broker shows is fetched.
const fetched = 700 * time.Millisecond

// Silence is what a reader's waiting says about a target: that nothing more will come
// of what lies before it. The zero Silence has heard nothing.
type Silence struct {
	decided bool          // no open transaction hides any of the target
	reader  int64         // who read, when that was seen
	waited  time.Duration // by that reader, then
}

// Tells reports whether there is nothing more before the target. Reader names who
// reads and waited is for how long it has waited for records in all; decided, asked
// until it says so, whether everything up to the target is read or decided.
func (s *Silence) Tells(reader int64, waited time.Duration, decided func() bool) bool {
	if !s.decided || s.reader != reader { // another reader has its own waiting to do
		s.decided, s.reader, s.waited = decided(), reader, waited
	}
	return s.decided && waited-s.waited >= fetched
}

// Decided reports whether everything before target is either read (at is the offset
// after the last record) or decided (before stable). Until then an open transaction may
// hide committed records behind it, for as long as its owner has asked the broker for:
// no time of ours says how long that is.
func Decided(target, at, stable map[int32]int64) bool {
	for p, end := range target {
		if at[p] < end && stable[p] < end {
			return false
		}
	}
	return true
}
