package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/gateway/catalog"
	"github.com/yiyuan-bus/yiyuan/gateway/freshness"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// flow measures how much goes through.
type flow struct {
	lookups, denied atomic.Int64

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

func newFlow() *flow { return &flow{} }

// take remembers where the raw topics end. Every change is one position of a
// log, and so is the end of every transaction: rates are a little high when
// transactions are small.
func (f *flow) take(at time.Time, ends map[bus.Topic]map[int32]int64, datasets []*schemas.Dataset) {
	s := sample{at, make(map[string]int64, len(datasets))}
	for _, d := range datasets {
		for _, end := range ends[bus.Raw(d.ID)] {
			s.ends[d.ID] += end
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.samples = append(f.samples, s)
	for len(f.samples) > 2 && at.Sub(f.samples[1].at) >= rateWindow {
		f.samples = f.samples[1:]
	}
}

// rates returns, by dataset, how many changes there have been and how many a
// second there are now.
func (f *flow) rates() (total map[string]int64, perSecond map[string]float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	total, perSecond = map[string]int64{}, map[string]float64{}
	if len(f.samples) == 0 {
		return total, perSecond
	}
	first, last := f.samples[0], f.samples[len(f.samples)-1]
	seconds := last.at.Sub(first.at).Seconds()
	for id, end := range last.ends {
		total[id] = end
		if seconds > 0 {
			perSecond[id] = max(float64(end-first.ends[id])/seconds, 0)
		}
	}
	return total, perSecond
}

type flowPage struct {
	At       answer.Time  `json:"at"`
	Datasets []flowSet    `json:"datasets"`
	Totals   flowTotals   `json:"totals"`
	Sources  []flowSource `json:"sources"`
}

type flowSet struct {
	ID      string   `json:"id"`
	Changes float64  `json:"changes_per_s"`
	Total   int64    `json:"total"`
	Lag     *float64 `json:"lag_s" doc:"null 为未知 / null if unknown"`
	State   string   `json:"state"`
}

type flowTotals struct {
	Changes      int64 `json:"changes"`
	Lookups      int64 `json:"lookups"`
	Denied       int64 `json:"denied"`
	Quarantined  int64 `json:"quarantined"`
	FindingsOpen int   `json:"findings_open"`
}

type flowSource struct {
	Name      string       `json:"name"`
	Kind      string       `json:"kind"`
	Datasets  []string     `json:"datasets"`
	State     string       `json:"state"`
	LastError string       `json:"last_error"`
	LastSeen  *answer.Time `json:"last_seen"`
	Rows      int64        `json:"rows"`
}

// flowPage answers GET /v1/flow.
func (g *Gateway) flowPage() flowPage {
	out := flowPage{At: answer.Time(g.now()), Datasets: []flowSet{}, Sources: []flowSource{}}
	total, perSecond := g.flow.rates()
	for _, d := range g.parts.Catalogue.Datasets {
		s := g.fresh.Dataset(d)
		line := flowSet{ID: d.ID, Changes: perSecond[d.ID], Total: total[d.ID], State: string(s.State)}
		if s.State != freshness.Unknown && !s.AsOf.IsZero() {
			lag := s.Lag.Seconds()
			line.Lag = &lag
		}
		out.Totals.Changes += line.Total
		out.Datasets = append(out.Datasets, line)
	}
	for _, s := range g.fresh.Sources() {
		out.Sources = append(out.Sources, flowSource{s.Name, s.Kind, s.Datasets, s.State, s.Error, catalog.Moment(s.Seen), s.Rows})
	}
	out.Totals.Lookups, out.Totals.Denied = g.flow.lookups.Load(), g.flow.denied.Load()
	out.Totals.Quarantined, out.Totals.FindingsOpen = g.bad.total(), g.book.Open()
	return out
}

// eventInterval is how often /v1/events says how things flow.
const eventInterval = 2 * time.Second

// events answers GET /v1/events: the flow page again and again, as server-sent
// events, until the client hangs up.
func (g *Gateway) events(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	a := g.ask(ctx, "events", "")
	if p := a.supervise(ctx); p != nil {
		p.write(w)
		return
	}
	if g.streams.Add(1) > int64(g.cfg.MaxStreams) {
		g.streams.Add(-1)
		faultBusy.problem(a.call.id).write(w)
		return
	}
	defer g.streams.Add(-1)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	control := http.NewResponseController(w)
	tick := time.NewTicker(eventInterval)
	defer tick.Stop()
	for n := 1; ; n++ {
		// A stream outlives the server's write timeout: each event has its own.
		// The deadlines of a test recorder are not there, and not needed.
		_ = control.SetReadDeadline(time.Time{})
		_ = control.SetWriteDeadline(time.Now().Add(10 * time.Second))
		data, err := json.Marshal(g.flowPage())
		if err != nil {
			g.log.Error("flow could not be written", "error", err)
			return
		}
		if _, err := fmt.Fprintf(w, "id: %d\nevent: flow\ndata: %s\n\n", n, data); err != nil {
			return
		}
		if err := control.Flush(); err != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if p := a.supervise(ctx); p != nil {
			return // the right to look has been taken back
		}
	}
}

// quarantine folds the topic quarantine: counts of everything, the last few in full.
type quarantine struct {
	mu       sync.Mutex
	all      int64
	byReason map[string]int64
	last     []quarantineEntry // newest last
}

const maxQuarantine = 1000

type quarantinePage struct {
	Entries  []quarantineEntry `json:"entries"`
	Total    int64             `json:"total"`
	ByReason map[string]int64  `json:"by_reason"`
}

type quarantineEntry struct {
	Dataset string      `json:"dataset"`
	Field   string      `json:"field"`
	Reason  string      `json:"reason"`
	Detail  string      `json:"detail"`
	Source  string      `json:"source"`
	At      answer.Time `json:"at"`
	Locator string      `json:"locator"`
	Digest  string      `json:"digest"`
}

func newQuarantine() *quarantine { return &quarantine{byReason: map[string]int64{}} }

// reset forgets everything, before the topic is read again.
func (q *quarantine) reset() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.all, q.last = 0, nil
	clear(q.byReason)
}

func (q *quarantine) put(r schemas.Record) {
	text := func(name string) string { return r.Get(name).Str() }
	e := quarantineEntry{
		text("dataset"), text("field"), text("reason"), text("detail"), text("source"),
		answer.Time(r.Get("at").Time(schemas.Timestamp)), text("locator"), text("digest"),
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

func (q *quarantine) total() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.all
}

// page returns the newest entries first.
func (q *quarantine) page(limit int) quarantinePage {
	q.mu.Lock()
	defer q.mu.Unlock()
	out := quarantinePage{Entries: []quarantineEntry{}, Total: q.all, ByReason: map[string]int64{}}
	for reason, n := range q.byReason {
		out.ByReason[reason] = n
	}
	for i := len(q.last) - 1; i >= 0 && len(out.Entries) < limit; i-- {
		out.Entries = append(out.Entries, q.last[i])
	}
	return out
}
