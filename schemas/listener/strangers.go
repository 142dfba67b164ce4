package listener

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxNeighbourhoods bounds what is counted apart in a minute; more are one.
const maxNeighbourhoods = 1024

// Refusals are what strangers of one neighbourhood were refused for in a minute.
type Refusals struct {
	Neighbourhood string // 203.0.113.0/24; "*" for all beyond the bound
	Since         time.Time
	Count         int
	Reasons       []string // sorted
}

// Strangers counts refusals of callers without a key, so that what they cost in
// log and audit does not grow with what they send. It is safe for concurrent use.
type Strangers struct {
	mu sync.Mutex
	by map[string]*Refusals
}

// NewStrangers returns an empty count.
func NewStrangers() *Strangers { return &Strangers{by: map[string]*Refusals{}} }

// Add counts a refusal.
func (s *Strangers) Add(client netip.Addr, reason string, now time.Time) {
	name := Neighbourhood(client)
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.by[name]
	if r == nil && len(s.by) >= maxNeighbourhoods {
		name = "*"
		r = s.by[name]
	}
	if r == nil {
		r = &Refusals{Neighbourhood: name, Since: now}
		s.by[name] = r
	}
	r.Count++
	if i, found := slices.BinarySearch(r.Reasons, reason); !found {
		r.Reasons = slices.Insert(r.Reasons, i, reason)
	}
}

// Take returns what was counted and begins again.
func (s *Strangers) Take() []Refusals {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Refusals, 0, len(s.by))
	for _, r := range s.by {
		out = append(out, *r)
	}
	clear(s.by)
	slices.SortFunc(out, func(a, b Refusals) int { return strings.Compare(a.Neighbourhood, b.Neighbourhood) })
	return out
}

// Tell hands each minute's refusals on until ctx ends, and then the last. What
// tell fails to write is its own to say.
func (s *Strangers) Tell(ctx context.Context, every time.Duration, tell func(ctx context.Context, r Refusals)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		// The last ones are told after the end too, for a few seconds.
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		for _, r := range s.Take() {
			tell(last, r)
		}
		cancel()
	}
}
