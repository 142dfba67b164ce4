// Package quota counts what is asked, before it is answered: reserve, act, give
// back. A grant's quota is records a minute, a verification's budget is how many
// of an application's questions, and of those about one subject, may be answered
// with no in a minute, an hour and a day. Both are counted in a window that
// slides, over all gateways: the counts are kept by a Store that all of them share.
//
// A quota is taken from the store in slices of a twentieth at most, so that few
// questions have to ask for one; what of a slice is not used within a second goes
// back. A budget is exact: a verification is counted before the record is read,
// and taken back if it matches or is not answered.
package quota

import (
	"context"
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
)

// Window is the time that a quota is for.
const Window = time.Minute

// slices is how many slices a quota has.
const slices = 20

// believed is how long a refusal of the store is believed without asking again:
// who asks on and on over a quota costs little.
const believed = 100 * time.Millisecond

// idle is how long a part of a slice is kept that nobody uses.
const idle = time.Second

// Key names a count in the store: a keyed digest of what is counted.
type Key [16]byte

// Take asks a quota for a number of records.
type Take struct {
	Key   Key
	Quota int // records in a Window
	Need  int // without so many there is no answer
	Slice int // so many are taken if they are there
}

// Took is a part of what a reservation took of a quota.
type Took struct {
	Key   Key
	ID    string // of the reservation
	Count int
}

// Limits are how many verifications may be answered with no.
type Limits struct{ Minute, Hour, Day int }

// Try is a verification that is counted before it is made.
type Try struct {
	ID          string // unlike any other's
	Application string
	App, Target Key // of the application, and of it about one subject
	PerApp      Limits
	PerTarget   Limits
}

// Reservation is what a question reserves in the step that reads its records.
// The takes are granted together or not at all.
type Reservation struct {
	ID    string // of the takes, unlike any other's: what is sent twice takes once
	Takes []Take
	Try   *Try

	// What came of it; the store fills it in.
	Made    bool          // the store has decided
	Counts  []int         // of each take; nil = refused
	Retry   time.Duration // when the takes would be granted
	Tried   Verdict
	TryWait time.Duration // when the try would be allowed
}

// Verdict is what a store says of a try.
type Verdict int

// The verdicts. Crowded says that the budget would do if those that are under
// way were answered with yes: ask again.
const (
	Undecided Verdict = iota
	Allowed
	Stopped
	Crowded
)

// Outcome is how a verification ended.
type Outcome int

// The outcomes. What was not answered, and what was answered with yes, is not charged.
const (
	Missed Outcome = iota
	Matched
	Withdrawn
)

// Tally is what an application's verifications came to lately.
type Tally struct {
	Asked, Missed, Stopped int64
}

// Store keeps the counts of all gateways. Reservations are made where records
// are read.
type Store interface {
	// Settle ends a try. It may be called again.
	Settle(ctx context.Context, t *Try, o Outcome) error
	// GiveBack returns what was taken of quotas and not used.
	GiveBack(ctx context.Context, unused []Took) error
	// Tallies returns what verifications came to in the last ten to twenty
	// minutes, by application.
	Tallies(ctx context.Context) (map[string]Tally, error)
}

// Ledger is one gateway's part of the quotas. It is safe for concurrent use.
type Ledger struct {
	key func(meter string) Key

	mu     sync.Mutex
	meters map[string]*meter
}

// meter is what this gateway has taken of one quota and not used.
type meter struct {
	key     Key
	coming  chan struct{} // closed when the slice that is on its way has come; nil = none is
	full    time.Time     // until when the store is not asked again for more than was refused
	most    int           // what was refused
	retry   time.Time     // when it would have been granted
	parcels []parcel
	used    time.Time
}

type parcel struct {
	id    string
	count int
	since time.Time
}

// NewLedger returns a ledger; key makes the name of a count.
func NewLedger(key func(meter string) Key) *Ledger {
	return &Ledger{key: key, meters: map[string]*meter{}}
}

// Hold is what one question has reserved of quotas.
type Hold struct {
	ledger *Ledger
	ways   [][]access.Charge
	n      int

	way     int
	paid    bool
	parts   []part
	slicing []*meter
	retry   time.Duration
}

type part struct {
	m     *meter
	id    string
	count int
}

// Hold begins to pay for n records, in one of several ways; nil if there is
// nothing to pay.
func (l *Ledger) Hold(ways [][]access.Charge, n int, now time.Time) *Hold {
	if len(ways) == 0 {
		return nil
	}
	h := &Hold{ledger: l, ways: ways, n: n}
	l.mu.Lock()
	defer l.mu.Unlock()
	h.payHere(now)
	return h
}

// payHere pays with what this gateway has at hand, if one of the ways can be
// paid so as a whole.
func (h *Hold) payHere(now time.Time) {
	for _, way := range h.ways {
		enough := true
		for _, c := range way {
			enough = enough && h.ledger.meter(c.Meter).held(now) >= h.n
		}
		if !enough {
			continue
		}
		for _, c := range way {
			h.spend(h.ledger.meter(c.Meter), h.n, now)
		}
		h.paid = true
		return
	}
}

func (l *Ledger) meter(name string) *meter {
	m := l.meters[name]
	if m == nil {
		m = &meter{key: l.key(name)}
		l.meters[name] = m
	}
	return m
}

// held is what may still be spent. What has lain for long goes back instead.
func (m *meter) held(now time.Time) int {
	n := 0
	for _, p := range m.parcels {
		if now.Sub(p.since) < idle {
			n += p.count
		}
	}
	return n
}

// spend takes up to n out of the parcels into the hold and returns how many.
func (h *Hold) spend(m *meter, n int, now time.Time) int {
	m.used = now
	spent := 0
	kept := m.parcels[:0]
	for _, p := range m.parcels {
		if take := min(p.count, n-spent); take > 0 && now.Sub(p.since) < idle {
			h.parts = append(h.parts, part{m, p.id, take})
			spent += take
			p.count -= take
		}
		if p.count > 0 {
			kept = append(kept, p)
		}
	}
	m.parcels = kept
	return spent
}

// Takes is what the store has to be asked for; nil if all is paid, or nothing
// can be (see Refused). If somebody else is fetching a slice it is to be waited
// for: then Takes is called again.
func (h *Hold) Takes(now time.Time) (takes []Take, wait <-chan struct{}) {
	if h == nil || h.paid {
		return nil, nil
	}
	l := h.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.payHere(now); h.paid { // somebody else's slice has come meanwhile
		return nil, nil
	}
	for h.way < len(h.ways) && h.refusedLately(now) {
		h.way++
	}
	if h.way == len(h.ways) {
		return nil, nil
	}
	way := h.ways[h.way]
	for _, c := range way {
		if m := l.meter(c.Meter); m.coming != nil && m.held(now) < h.n {
			return nil, m.coming
		}
	}
	takes = make([]Take, len(way))
	for i, c := range way {
		m := l.meter(c.Meter)
		need := h.n - h.spend(m, h.n, now)
		takes[i] = Take{Key: m.key, Quota: c.Quota, Need: need, Slice: need}
		if need > 0 {
			m.coming = make(chan struct{})
			h.slicing = append(h.slicing, m)
			takes[i].Slice = max(need, c.Quota/slices)
		}
	}
	return takes, nil
}

// refusedLately reports whether the store has just refused what the way would
// ask it for.
func (h *Hold) refusedLately(now time.Time) bool {
	for _, c := range h.ways[h.way] {
		m := h.ledger.meter(c.Meter)
		if need := h.n - m.held(now); now.Before(m.full) && need >= m.most {
			h.refused(m.retry.Sub(now))
			return true
		}
	}
	return false
}

func (h *Hold) refused(retry time.Duration) {
	if h.retry == 0 || retry < h.retry {
		h.retry = retry
	}
}

// Took says what came of the takes. It reports whether all is paid; if not, and
// there is another way, the next Takes tries it.
func (h *Hold) Took(r *Reservation, now time.Time) bool {
	l := h.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	h.arrived()
	if r.Counts == nil {
		h.giveBack(now)
		h.refused(r.Retry)
		if len(r.Takes) == 1 { // else nobody knows which refused
			m := l.meter(h.ways[h.way][0].Meter)
			m.full, m.most, m.retry = now.Add(min(r.Retry, believed)), r.Takes[0].Need, now.Add(r.Retry)
		}
		h.way++
		h.payHere(now)
		return h.paid
	}
	for i, c := range h.ways[h.way] {
		m := l.meter(c.Meter)
		if need := r.Takes[i].Need; need > 0 {
			h.parts = append(h.parts, part{m, r.ID, need})
		}
		if more := r.Counts[i] - r.Takes[i].Need; more > 0 {
			m.parcels = append(m.parcels, parcel{r.ID, more, now})
		}
	}
	h.paid = true
	return true
}

// Refused reports whether no way is left, and when to come again.
func (h *Hold) Refused() (time.Duration, bool) {
	if h == nil {
		return 0, false
	}
	return h.retry, !h.paid && h.way >= len(h.ways)
}

// GiveBack undoes a hold whose question was not answered.
func (h *Hold) GiveBack(now time.Time) {
	if h == nil {
		return
	}
	h.ledger.mu.Lock()
	defer h.ledger.mu.Unlock()
	h.arrived()
	h.giveBack(now)
	h.paid = false
}

// Landed says that the read has ended, however: nobody waits for it any more.
func (h *Hold) Landed() {
	if h == nil {
		return
	}
	h.ledger.mu.Lock()
	defer h.ledger.mu.Unlock()
	h.arrived()
}

// arrived says that no slice of this hold is on its way any more.
func (h *Hold) arrived() {
	for _, m := range h.slicing {
		close(m.coming)
		m.coming = nil
	}
	h.slicing = nil
}

func (h *Hold) giveBack(now time.Time) {
	for _, p := range h.parts {
		p.m.parcels = append(p.m.parcels, parcel{p.id, p.count, now})
	}
	h.parts = nil
}

// Idle takes what has lain unused out of the ledger, to be given back to the
// store, and forgets meters that nobody uses.
func (l *Ledger) Idle(now time.Time) []Took {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Took
	for name, m := range l.meters {
		kept := m.parcels[:0]
		for _, p := range m.parcels {
			if now.Sub(p.since) < idle {
				kept = append(kept, p)
			} else if p.count > 0 {
				out = append(out, Took{m.key, p.id, p.count})
			}
		}
		m.parcels = kept
		if len(kept) == 0 && m.coming == nil && now.Sub(m.used) > Window {
			delete(l.meters, name)
		}
	}
	return out
}

// alarming is how many verifications say something about their ratio of misses.
const alarming = 20

// Ratio is the share of the verifications that were answered with no.
func (t Tally) Ratio() float64 {
	if t.Asked == 0 {
		return 0
	}
	return float64(t.Missed) / float64(t.Asked)
}

// Alarm reports whether somebody should look at an application: it was stopped,
// or at least half of no few verifications were answered with no.
func (t Tally) Alarm() bool { return t.Stopped > 0 || t.Asked >= alarming && 2*t.Missed >= t.Asked }
