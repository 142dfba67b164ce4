package fold

import (
	"sync"
	"time"
)

// Stopwatch measures for how long a reader has waited for records.
type Stopwatch struct {
	mu     sync.Mutex
	since  time.Time // when it began to wait, zero while it does not
	waited time.Duration
}

// Wait says that the reader waits from now on, or does not.
func (s *Stopwatch) Wait(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.since.IsZero() {
		s.waited += time.Since(s.since)
	}
	if s.since = (time.Time{}); on {
		s.since = time.Now()
	}
}

// Total returns for how long the reader has waited in all.
func (s *Stopwatch) Total() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since.IsZero() {
		return s.waited
	}
	return s.waited + time.Since(s.since)
}
