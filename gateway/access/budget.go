package access

import (
	"sync"
	"time"
)

// Budget stops who tries values until one fits. It counts verifications that
// failed, of an application and about one subject, in each minute.
type Budget struct {
	perApp, perTarget int

	mu     sync.Mutex
	minute int64
	failed map[string]int
}

// maxFailed bounds the table of a minute; when it is full, everybody waits for
// the next one.
const maxFailed = 1 << 16

// NewBudget allows so many failures a minute of an application, and about one
// subject.
func NewBudget(perApp, perTarget int) *Budget {
	return &Budget{perApp: perApp, perTarget: perTarget, failed: map[string]int{}}
}

func (b *Budget) turn(now time.Time) {
	if minute := now.Unix() / 60; minute != b.minute {
		b.minute = minute
		clear(b.failed)
	}
}

// May reports whether an application may try again about a subject.
func (b *Budget) May(app, target string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn(now)
	return b.failed[app] < b.perApp && b.failed[app+"|"+target] < b.perTarget && len(b.failed) < maxFailed
}

// Spend counts a verification that failed.
func (b *Budget) Spend(app, target string, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn(now)
	b.failed[app]++
	b.failed[app+"|"+target]++
}
