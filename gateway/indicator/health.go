// Package indicator computes the numbers a city is measured by, each with its
// formula and the list behind it, and keeps what they rest on: how available
// and how fast each dataset was over the last 24 hours.
package indicator

import (
	"math"
	"sync"
	"time"
)

// The window that availability and speed are judged over.
const (
	window  = 24 * time.Hour
	slot    = 10 * time.Minute
	slots   = int(window / slot)
	buckets = 48
)

// Health counts probes and lookups of datasets over the last 24 hours, from
// the moment on when a dataset was first loaded. It is safe for concurrent use.
type Health struct {
	mu   sync.Mutex
	sets map[string]*[slots]counts
}

type counts struct {
	at      int64 // which slot of time this is
	ok, bad uint32
	seconds [buckets]uint32
}

// NewHealth returns a Health that has seen nothing.
func NewHealth() *Health { return &Health{sets: map[string]*[slots]counts{}} }

// Loaded says that a dataset is loaded: what happens to it counts from now on.
func (h *Health) Loaded(dataset string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sets[dataset] == nil {
		h.sets[dataset] = new([slots]counts)
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
	set := h.sets[dataset]
	if set == nil {
		return
	}
	at := now.UnixNano() / int64(slot)
	c := &set[at%int64(slots)]
	if c.at != at {
		*c = counts{at: at}
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
	Asked        uint64
	Availability float64       // 1 if never asked
	P99          time.Duration // upper bound; 0 while there are fewer than 100 answers to judge by
}

// Summary returns what the last 24 hours say of a dataset.
func (h *Health) Summary(dataset string, now time.Time) Summary {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := Summary{Availability: 1}
	set := h.sets[dataset]
	if set == nil {
		return out
	}
	oldest := now.UnixNano()/int64(slot) - int64(slots)
	var ok, bad uint64
	var seconds [buckets]uint64
	for i := range set {
		c := &set[i]
		if c.at <= oldest {
			continue
		}
		ok, bad = ok+uint64(c.ok), bad+uint64(c.bad)
		for b, n := range c.seconds {
			seconds[b] += uint64(n)
		}
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
