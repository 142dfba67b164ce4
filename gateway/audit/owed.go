package audit

import (
	"sync"
	"time"
)

// owed is what could not be written, and whether anything could be since.
type owed struct {
	mu    sync.Mutex
	lost  bool      // the last entry that was tried could not be written
	since time.Time // when the first was that is owed
	count int       // how many are
	id    string    // of the entry that says so
}

// came takes what came of an entry of a time; id is for the one that is to count it.
func (o *owed) came(at time.Time, err error, id func() string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lost = err != nil
	if err == nil {
		return
	}
	if o.count == 0 {
		o.since, o.id = at, id()
	}
	o.count++
}

// down reports whether the last entry could not be written, and since when there are such.
func (o *owed) down() (since time.Time, lost bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.since, o.lost
}

// account is what is owed now.
func (o *owed) account() (id string, since time.Time, count int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.id, o.since, o.count
}

// settled takes that so many are accounted for. What came to be owed meanwhile is
// accounted for by an entry of its own.
func (o *owed) settled(count int, next string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count -= count
	o.lost = o.lost && o.count > 0
	o.id = next
}
