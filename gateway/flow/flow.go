// Package flow measures what goes through: rates of the raw topics, counts of
// questions.
package flow

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Rates measures how much goes through.
type Rates struct {
	Lookups, Denied atomic.Int64 // questions, and those refused

	mu      sync.Mutex
	samples []sample // the last few seconds, oldest first
}

// sample is where the raw topics ended at a moment.
type sample struct {
	at   time.Time
	ends map[string]int64 // by dataset
}

// rateWindow is how far back a rate looks.
const rateWindow = 10 * time.Second

// NewRates returns rates that have seen nothing.
func NewRates() *Rates { return &Rates{} }

// Take remembers where the raw topics end. Every change is one position of a
// log, and so is the end of every transaction: rates are a little high when
// transactions are small.
func (r *Rates) Take(at time.Time, ends map[contract.Topic]map[int32]int64, datasets []*schemas.Dataset) {
	s := sample{at, make(map[string]int64, len(datasets))}
	for _, d := range datasets {
		for _, end := range ends[contract.Raw(d.ID)] {
			s.ends[d.ID] += end
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples = append(r.samples, s)
	for len(r.samples) > 2 && at.Sub(r.samples[1].at) >= rateWindow {
		r.samples = r.samples[1:]
	}
}

// Of returns, by dataset, how many changes there have been and how many a
// second there are now.
func (r *Rates) Of() (total map[string]int64, perSecond map[string]float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	total, perSecond = map[string]int64{}, map[string]float64{}
	if len(r.samples) == 0 {
		return total, perSecond
	}
	first, last := r.samples[0], r.samples[len(r.samples)-1]
	seconds := last.at.Sub(first.at).Seconds()
	for id, end := range last.ends {
		total[id] = end
		if seconds > 0 {
			perSecond[id] = max(float64(end-first.ends[id])/seconds, 0)
		}
	}
	return total, perSecond
}
