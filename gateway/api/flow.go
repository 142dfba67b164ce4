package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/gateway/catalog"
	"github.com/yiyuan-bus/yiyuan/gateway/freshness"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
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
	State   string   `json:"state" enum:"fresh,due,overdue,stopped,unknown"`
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
func (s *API) flowPage() flowPage {
	out := flowPage{At: answer.Time(s.Clock()), Datasets: []flowSet{}, Sources: []flowSource{}}
	total, perSecond := s.Pulse.Rates.Of()
	for _, d := range s.Catalogue.Datasets {
		s := s.Pulse.Fresh.Dataset(d)
		line := flowSet{ID: d.ID, Changes: perSecond[d.ID], Total: total[d.ID], State: string(s.State)}
		if s.State != freshness.Unknown && !s.AsOf.IsZero() {
			lag := s.Lag.Seconds()
			line.Lag = &lag
		}
		out.Totals.Changes += line.Total
		out.Datasets = append(out.Datasets, line)
	}
	for _, s := range s.Pulse.Fresh.Sources() {
		why, whyEN := problem.Halves(s.Error)
		do, doEN := problem.Halves(s.Do)
		out.Sources = append(out.Sources, flowSource{s.Name, s.Kind, s.Datasets, s.State, why, catalog.Moment(s.Seen), s.Rows, whyEN, do, doEN, s.Status.Resync})
	}
	out.Totals.Lookups, out.Totals.Denied = s.Pulse.Rates.Lookups.Load(), s.Pulse.Rates.Denied.Load()
	out.Totals.Quarantined, out.Totals.FindingsOpen = s.Quarantine.Total(), s.Findings.Open()
	return out
}

// bindFlow binds how things flow.
func bindFlow(s *API, api huma.API) {
	page(s, api, supervised("/v1/flow", "flow", "流量与数据源 / flow and sources"),
		func(context.Context, *nothing) (flowPage, error) { return s.flowPage(), nil })
}
