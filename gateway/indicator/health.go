// Package indicator computes the numbers a city is measured by, each with its
// formula and the list behind it, and keeps what they rest on: how available
// and how fast each dataset was over the last 24 hours.
package indicator

import (
	"math"
	"sync"
	"time"
)

// Window is what availability, speed and freshness are judged over.
const Window = 24 * time.Hour

const (
	slot    = 10 * time.Minute
	slots   = int(Window / slot)
	buckets = 48
)

// Health counts probes and lookups of datasets over the last 24 hours, from
// the moment on when a dataset was first loaded. It is safe for concurrent use.
type Health struct {
	mu   sync.Mutex
	sets map[string]*set
}

// set is what was seen of a dataset.
type set struct {
	since time.Time // from when on
	slots [slots]counts
}

type counts struct {
	at          int64 // which slot of time this is
	ok, bad     uint32
	lookups     uint32 // of ok and bad: asked by somebody
	fresh, late uint32 // how often it was looked at, within the time that real time allows or not
	seconds     [buckets]uint32
}

// NewHealth returns a Health that has seen nothing.
func NewHealth() *Health { return &Health{sets: map[string]*set{}} }

// Loaded says that a dataset is loaded: what happens to it counts from now on.
func (h *Health) Loaded(dataset string, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sets[dataset] == nil {
		h.sets[dataset] = &set{since: now}
	}
}

// Probe counts whether a dataset could have been answered.
func (h *Health) Probe(dataset string, ok bool, now time.Time) { h.observe(dataset, ok, -1, now) }

// Observe counts one question to a dataset: whether it could be answered
// (a refusal and "not there" are answers) and how long that took.
func (h *Health) Observe(dataset string, ok bool, took time.Duration, now time.Time) {
	h.observe(dataset, ok, max(took, 0), now)
}

func (h *Health) observe(dataset string, ok bool, took time.Duration, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.at(dataset, now)
	if c == nil {
		return
	}
	if took >= 0 {
		c.lookups++
	}
	if !ok {
		c.bad++
		return
	}
	c.ok++
	if took >= 0 {
		c.seconds[bucket(took)]++
	}
}

// Lag counts one look at how far a dataset is behind: whether that was within what real
// time allows.
func (h *Health) Lag(dataset string, within bool, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch c := h.at(dataset, now); {
	case c == nil:
	case within:
		c.fresh++
	default:
		c.late++
	}
}

// at returns what is counted of a dataset now, nil if it was never loaded. mu is held.
func (h *Health) at(dataset string, now time.Time) *counts {
	s := h.sets[dataset]
	if s == nil {
		return nil
	}
	at := now.UnixNano() / int64(slot)
	c := &s.slots[at%int64(slots)]
	if c.at != at {
		*c = counts{at: at}
	}
	return c
}

// bucket gives durations a bucket each time they grow by the cube root of 2,
// from 50 microseconds on.
func bucket(d time.Duration) int {
	if d <= base {
		return 0
	}
	return min(int(math.Ceil(3*math.Log2(float64(d)/float64(base)))), buckets-1)
}

const base = 50 * time.Microsecond

func upper(bucket int) time.Duration {
	return time.Duration(float64(base) * math.Pow(2, float64(bucket)/3))
}

// Summary is what the last 24 hours say of a dataset.
type Summary struct {
	Observed     time.Duration // for how long it has been watched, at most Window
	Asked        uint64        // by somebody or by the gateway itself
	Lookups      uint64        // by somebody
	Fresh        float64       // share of the looks at which it was as current as real time asks; 1 if none
	Availability float64       // 1 if never asked
	P99          time.Duration // upper bound; 0 while there are fewer than 100 answers to judge by
}

// Summary returns what the last 24 hours say of a dataset.
func (h *Health) Summary(dataset string, now time.Time) Summary {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := Summary{Availability: 1, Fresh: 1}
	set := h.sets[dataset]
	if set == nil {
		return out
	}
	out.Observed = min(now.Sub(set.since), Window)
	var fresh, looks uint64
	oldest := now.UnixNano()/int64(slot) - int64(slots)
	var ok, bad uint64
	var seconds [buckets]uint64
	for i := range set.slots {
		c := &set.slots[i]
		if c.at <= oldest {
			continue
		}
		ok, bad = ok+uint64(c.ok), bad+uint64(c.bad)
		fresh, looks = fresh+uint64(c.fresh), looks+uint64(c.fresh)+uint64(c.late)
		out.Lookups += uint64(c.lookups)
		for b, n := range c.seconds {
			seconds[b] += uint64(n)
		}
	}
	if looks > 0 {
		out.Fresh = float64(fresh) / float64(looks)
	}
	out.Asked = ok + bad
	if out.Asked > 0 {
		out.Availability = float64(ok) / float64(out.Asked)
	}
	var answers uint64
	for _, n := range seconds {
		answers += n
	}
	left := answers / 100 // may be slower than the 99th percentile
	for b := buckets - 1; b >= 0 && answers >= 100; b-- {
		if seconds[b] > left {
			out.P99 = upper(b)
			break
		}
		left -= seconds[b]
	}
	return out
}
