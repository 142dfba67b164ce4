package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/gateway/catalog"
	"github.com/yiyuan-bus/yiyuan/gateway/freshness"
	"github.com/yiyuan-bus/yiyuan/gateway/pulse"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

type flowPage struct {
	At       answer.Time  `json:"at" nullable:"false"`
	Datasets []flowSet    `json:"datasets"`
	Totals   flowTotals   `json:"totals"`
	Sources  []flowSource `json:"sources"`
	Away     []flowAway   `json:"away" doc:"没有应答或已被取代的部件，空为没有 / what does not answer, or was replaced; empty: nothing"`
}

// flowAway is a part that does not answer or was replaced, and what that means.
type flowAway struct {
	Part      string       `json:"part" enum:"cache,kafka,audit,catalogue"`
	Since     *answer.Time `json:"since" nullable:"false"`
	Message   string       `json:"message"`
	MessageEN string       `json:"message_en"`
}

// meaning says what it means that a part is away, and what to do.
var meaning = map[pulse.Part]string{
	pulse.PartCache:     "缓存 Redis 没有应答，查询一律答 503；恢复后自行继续，不恢复请管理员看 yiyuan doctor / Redis does not answer, so look-ups are answered 503; it goes on by itself, and yiyuan doctor says why if it does not",
	pulse.PartAudit:     "留痕写不进主题 audit，查询一律答 503；写得进后自行继续，原因请管理员看 yiyuan doctor / the topic audit takes no entries, so look-ups are answered 503; it goes on by itself once it does, and yiyuan doctor says why it does not",
	pulse.PartCatalogue: "生效的目录已不是本网关运行的那一版：新目录中没有或内容不同的视图，查到的标 stale，查不到的答 503；请重新启动网关进程 / another catalogue is in force than this gateway runs: of views that it has not or shows otherwise, who is found is answered as stale and who is not with 503; start the gateway again",
	pulse.PartKafka:     "Kafka 没有应答，数据不再更新；留痕写不进，查询一律答 503；恢复后自行继续，不恢复请管理员看 yiyuan doctor / Kafka does not answer: nothing is renewed, and since no audit entry can be written, look-ups are answered 503; it goes on by itself, and yiyuan doctor says why if it does not",
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
	out := flowPage{At: answer.Time(s.Clock()), Datasets: []flowSet{}, Sources: []flowSource{}, Away: []flowAway{}}
	for _, a := range s.Pulse.Away() {
		zh, en := problem.Halves(meaning[a.Part])
		out.Away = append(out.Away, flowAway{string(a.Part), catalog.Moment(a.Since), zh, en})
	}
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
