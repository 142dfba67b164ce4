// Package flow measures what goes through and what was put aside: rates of the
// raw topics, counts of questions, and the fold of the topic quarantine.
package flow

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
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

// Quarantine folds the topic quarantine: counts of everything, the last few in full.
type Quarantine struct {
	mu       sync.Mutex
	all      int64
	byReason map[string]int64
	last     []Rejection // newest last
}

const maxQuarantine = 1000

// Rejections is GET /v1/quarantine.
type Rejections struct {
	Entries  []Rejection      `json:"entries"`
	Total    int64            `json:"total"`
	ByReason map[string]int64 `json:"by_reason"`
}

// Rejection is one entry of the quarantine; it holds no value.
type Rejection struct {
	Dataset string      `json:"dataset"`
	Field   string      `json:"field"`
	Reason  string      `json:"reason"`
	Detail  string      `json:"detail"`
	Source  string      `json:"source"`
	At      answer.Time `json:"at" nullable:"false"`
	Locator string      `json:"locator"`
	Digest  string      `json:"digest"`

	DetailEN string `json:"detail_en"`
}

// NewQuarantine returns an empty one.
func NewQuarantine() *Quarantine { return &Quarantine{byReason: map[string]int64{}} }

// Reset forgets everything, before the topic is read again.
func (q *Quarantine) Reset() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.all, q.last = 0, nil
	clear(q.byReason)
}

// Put takes a record of schemas.QuarantineLayout.
func (q *Quarantine) Put(r schemas.Record) {
	text := func(name string) string { return r.Get(name).Str() }
	detail, detailEN := problem.Halves(text("detail"))
	e := Rejection{
		text("dataset"), text("field"), text("reason"), detail, text("source"),
		answer.Time(r.Get("at").Time(schemas.Timestamp)), text("locator"), text("digest"), detailEN,
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.all++
	q.byReason[e.Reason]++
	if len(q.last) == 2*maxQuarantine {
		q.last = append(q.last[:0], q.last[maxQuarantine:]...)
	}
	q.last = append(q.last, e)
}

// Total returns how many rejections there have been.
func (q *Quarantine) Total() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.all
}

// Page returns the newest entries first.
func (q *Quarantine) Page(limit int) Rejections {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := Rejections{Entries: []Rejection{}, Total: q.all, ByReason: map[string]int64{}}
	for reason, n := range q.byReason {
		out.ByReason[reason] = n
	}
	for i := len(q.last) - 1; i >= 0 && len(out.Entries) < limit; i-- {
		out.Entries = append(out.Entries, q.last[i])
	}
	return out
}
