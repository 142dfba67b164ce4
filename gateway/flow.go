package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/gateway/catalog"
	"github.com/yiyuan-bus/yiyuan/gateway/freshness"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

type flowPage struct {
	At       answer.Time  `json:"at" nullable:"false"`
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

	LastErrorEN string `json:"last_error_en"`
	// Do is what a person does about it, the one command where there is one.
	Do     string           `json:"do,omitempty" doc:"怎么办 / what to do"`
	DoEN   string           `json:"do_en,omitempty"`
	Resync *contract.Resync `json:"resync,omitempty" doc:"从头重读的进度 / how far reading it again has come"`
}

// flowPage answers GET /v1/flow.
func (g *Gateway) flowPage() flowPage {
	out := flowPage{At: answer.Time(g.now()), Datasets: []flowSet{}, Sources: []flowSource{}}
	total, perSecond := g.flow.Of()
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
		why, whyEN := problem.Halves(s.Error)
		do, doEN := problem.Halves(s.Do)
		out.Sources = append(out.Sources, flowSource{s.Name, s.Kind, s.Datasets, s.State, why, catalog.Moment(s.Seen), s.Rows, whyEN, do, doEN, s.Status.Resync})
	}
	out.Totals.Lookups, out.Totals.Denied = g.flow.Lookups.Load(), g.flow.Denied.Load()
	out.Totals.Quarantined, out.Totals.FindingsOpen = g.bad.Total(), g.book.Open()
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
		listener.Refuse(w, r, problem.Busy.Of(""))
		return
	}
	defer g.streams.Add(-1)
	if p := a.shown(ctx, nil); p != nil {
		p.write(w)
		return
	}
	defer a.ended(ctx)
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

// ended puts the end of a stream into the audit. The stream is over whether or
// not it can be written.
func (a *ask) ended(ctx context.Context) {
	last := a.g.ask(ctx, "events", "")
	last.who, last.entry.App, last.entry.Department, last.entry.Purpose = a.who, a.entry.App, a.entry.Department, a.entry.Purpose
	last.entry.Decision, last.entry.Reason, last.entry.Status = audit.Allow, "ended", http.StatusOK
	_ = last.append(ctx) // it logs and counts a failure
}
