package listener

import (
	"sync"
	"time"
)

// sparsely is how often a line that any request can cause is written.
const sparsely = time.Minute

// Sparse lets one of many equal lines through a minute: what a caller can cause
// once a request must not fill the disk with log. Names are of the program's own
// making, never of a request's. The zero Sparse is ready; it is safe for
// concurrent use.
type Sparse struct {
	mu sync.Mutex
	by map[string]*told
}

type told struct {
	last time.Time
	n    int
}

// Tell counts what happened, and reports whether it is to be told now and how
// often it happened since it last was.
func (s *Sparse) Tell(name string, now time.Time) (n int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.by[name]
	if t == nil {
		if s.by == nil {
			s.by = map[string]*told{}
		}
		t = &told{}
		s.by[name] = t
	}
	t.n++
	if !t.last.IsZero() && now.Sub(t.last) < sparsely {
		return 0, false
	}
	n, t.n, t.last = t.n, 0, now
	return n, true
}
