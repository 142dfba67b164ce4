package gateway

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/gateway/catalog"
	"github.com/yiyuan-bus/yiyuan/gateway/finding"
	"github.com/yiyuan-bus/yiyuan/gateway/freshness"
	"github.com/yiyuan-bus/yiyuan/gateway/indicator"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// live says how a dataset does now.
func (g *Gateway) live(d *schemas.Dataset) catalog.Live {
	s := g.fresh.Dataset(d)
	out := catalog.Live{State: string(s.State), AsOf: catalog.Moment(s.AsOf), Sources: s.Sources}
	rows, newest, known := g.held(d)
	if known {
		out.Rows = &rows
	}
	out.LastUpdate = catalog.Moment(newest)
	return out
}

// held returns what the cache holds of a dataset: its fullest view.
func (g *Gateway) held(d *schemas.Dataset) (rows int64, newest time.Time, known bool) {
	progress := *g.progress.Load()
	for _, v := range d.Views {
		p, ok := progress[v.ID]
		if !ok {
			continue
		}
		known = true
		rows = max(rows, p.Live)
		if p.Newest.After(newest) {
			newest = p.Newest
		}
	}
	return rows, newest, known
}

type findingsQuery struct {
	State     string `query:"state" enum:"open,closed" doc:"open 或 closed"`
	Rule      string `query:"rule" maxLength:"64"`
	Owner     string `query:"owner" maxLength:"64" doc:"责任部门 / department"`
	Severity  string `query:"severity" enum:"high,medium,low"`
	Certainty string `query:"certainty" enum:"contradiction,to_confirm" doc:"contradiction 矛盾 或 to_confirm 待核实"`
	Limit     int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
	Cursor    string `query:"cursor" maxLength:"256"`
}

type findingsPage struct {
	Findings []findingPage  `json:"findings"`
	Total    int            `json:"total"`
	Next     string         `json:"next" doc:"下一页的 cursor,空为末页 / cursor of the next page, empty at the end"`
	ByRule   map[string]int `json:"by_rule" doc:"各规则未关闭数 / open findings by rule"`
	Waiting  []waitingCase  `json:"waiting" doc:"等第一份完整数据、尚未核验的规则情形 / cases of rules that are not judged before the first complete copy"`
}

type findingPage struct {
	ID            string         `json:"id"`
	Rule          string         `json:"rule"`
	Case          string         `json:"case"`
	Title         string         `json:"title"`
	Entity        string         `json:"entity"`
	Subject       string         `json:"subject"`
	SubjectMasked string         `json:"subject_masked"`
	Severity      string         `json:"severity"`
	Certainty     string         `json:"certainty" enum:"contradiction,to_confirm" doc:"contradiction 矛盾; to_confirm 待核实: 可能合法,须核实 / may be lawful, to be confirmed"`
	State         string         `json:"state"`
	Owner         string         `json:"owner"`
	OwnerTitle    string         `json:"owner_title"`
	OpenedAt      answer.Time    `json:"opened_at" nullable:"false"`
	Due           string         `json:"due"`
	ClosedAt      *answer.Time   `json:"closed_at"`
	Reopened      int64          `json:"reopened"`
	Advice        string         `json:"advice"`
	AdviceEN      string         `json:"advice_en"`
	Evidence      []evidencePage `json:"evidence"`
}

type evidencePage struct {
	Dataset string       `json:"dataset"`
	Field   string       `json:"field"`
	Value   *string      `json:"value" doc:"脱敏后的值 / masked"`
	At      *answer.Time `json:"at"`
}

// findings answers GET /v1/findings.
func (g *Gateway) findings(_ context.Context, q *findingsQuery) (findingsPage, error) {
	list, total, next, err := g.book.List(finding.Filter{
		State: q.State, Rule: q.Rule, Owner: q.Owner, Severity: q.Severity, Certainty: q.Certainty, Limit: q.Limit, Cursor: q.Cursor,
	})
	if err != nil {
		return findingsPage{}, err
	}
	out := findingsPage{Findings: []findingPage{}, Total: total, Next: next, ByRule: g.book.ByRule(), Waiting: g.waiting()}
	for _, f := range list {
		out.Findings = append(out.Findings, g.finding(f))
	}
	return out, nil
}

func (g *Gateway) finding(f finding.Finding) findingPage {
	out := findingPage{
		ID: f.ID, Rule: f.Rule, Case: f.Case, Title: f.Title, Entity: f.Entity, Subject: f.Subject, SubjectMasked: f.SubjectMasked,
		Severity: f.Severity, Certainty: f.Certainty, State: f.State, Owner: f.Owner, OpenedAt: answer.Time(f.OpenedAt), Due: f.Due.Format(time.DateOnly),
		ClosedAt: catalog.Moment(f.ClosedAt), Reopened: f.Reopened, Evidence: []evidencePage{},
	}
	out.Advice, out.AdviceEN = problem.Halves(f.Advice)
	if d, err := g.parts.Catalogue.Department(f.Owner); err == nil {
		out.OwnerTitle = d.Title
	}
	for _, e := range f.Evidence {
		line := evidencePage{Dataset: e.Dataset, Field: e.Field, At: catalog.Moment(e.At)}
		if !e.Null {
			line.Value = &e.Value
		}
		out.Evidence = append(out.Evidence, line)
	}
	return out
}

type verificationsPage struct {
	Applications []verificationsLine `json:"applications"`
}

type verificationsLine struct {
	App     string  `json:"app"`
	Asked   int64   `json:"asked" doc:"近十至二十分钟的核验数，各网关合计 / of the last ten to twenty minutes, over all gateways"`
	Missed  int64   `json:"missed" doc:"其中答“不一致”的 / of them answered with no"`
	Stopped int64   `json:"stopped" doc:"因不一致过多而被拒绝的 / refused because too many had been answered with no"`
	Ratio   float64 `json:"ratio" doc:"missed / asked"`
	Alarm   bool    `json:"alarm" doc:"可能在逐个试值，应有人查看 / may be trying values, somebody should look"`
}

// verifications answers GET /v1/verifications.
func (g *Gateway) verifications() verificationsPage {
	out := verificationsPage{Applications: []verificationsLine{}}
	tallies := *g.tallies.Load()
	for _, app := range slices.Sorted(maps.Keys(tallies)) {
		t := tallies[app]
		out.Applications = append(out.Applications, verificationsLine{app, t.Asked, t.Missed, t.Stopped, t.Ratio(), t.Alarm()})
	}
	return out
}

type indicatorsPage struct {
	AsOf       *answer.Time    `json:"as_of" doc:"算出这些数字的时间；null：还没有算过 / when the numbers are of; null: not computed yet"`
	Indicators []indicatorPage `json:"indicators"`
}

type indicatorPage struct {
	ID          string     `json:"id"`
	Title       string     `json:"title"`
	English     string     `json:"english"`
	Value       float64    `json:"value"`
	Target      float64    `json:"target"`
	Met         *bool      `json:"met" doc:"null：尚无结论，观察未满一个时段或没有人查询 / null: not yet known, it was not watched for a whole window or nobody asked"`
	WindowS     *int64     `json:"window_s" doc:"判定所依据的时段，秒；null 为即时数字 / the window it is judged over; null: a number of this moment"`
	ObservedS   *int64     `json:"observed_s" doc:"其中已观察的秒数 / of it, watched so far"`
	Lookups     *uint64    `json:"lookups" doc:"其间有人查询的次数 / how often somebody asked in it"`
	Formula     string     `json:"formula"`
	FormulaEN   string     `json:"formula_en"`
	Numerator   int        `json:"numerator"`
	Denominator int        `json:"denominator"`
	Items       []itemPage `json:"items"`
}

type itemPage struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Counted bool   `json:"counted"`
	Why     string `json:"why"`
	WhyEN   string `json:"why_en"`
}

// indicatorsPage answers GET /v1/indicators.
func (g *Gateway) indicatorsPage() indicatorsPage {
	now := g.indicators.Load()
	out := indicatorsPage{AsOf: catalog.Moment(now.at), Indicators: []indicatorPage{}}
	for _, i := range now.list {
		line := indicatorPage{
			ID: i.ID, Title: i.Title, English: i.English, Value: i.Value, Target: i.Target, Formula: i.Formula,
			FormulaEN: i.FormulaEN, Numerator: i.Numerator, Denominator: i.Denominator, Items: []itemPage{},
		}
		if !i.Unknown {
			line.Met = &i.Met
		}
		if i.Window > 0 {
			window, observed := int64(i.Window.Seconds()), int64(i.Observed.Seconds())
			line.WindowS, line.ObservedS, line.Lookups = &window, &observed, &i.Lookups
		}
		for _, item := range i.Items {
			why, whyEN := problem.Halves(item.Why)
			line.Items = append(line.Items, itemPage{item.ID, item.Title, item.Counted, why, whyEN})
		}
		out.Indicators = append(out.Indicators, line)
	}
	return out
}

// compute brings the indicators up to date.
func (g *Gateway) compute() {
	now := g.now()
	progress := *g.progress.Load()
	list := indicator.Compute(g.parts.Catalogue, g.cfg.Targets, func(d *schemas.Dataset) indicator.Dataset {
		s := g.fresh.Dataset(d)
		if s.AsOf.IsZero() { // unknown is no age at all
			g.metrics.freshness.DeleteLabelValues(d.ID)
		} else {
			g.metrics.freshness.WithLabelValues(d.ID).Set(s.Lag.Seconds())
		}
		out := indicator.Dataset{
			Running: s.State != freshness.Stopped, Known: len(s.Sources) > 0 && !s.AsOf.IsZero(), Lag: s.Lag,
			Within: s.State == freshness.Fresh || s.State == freshness.Due, Published: len(d.Views) > 0,
		}
		g.health.Lag(d.ID, d.Cycle == "realtime" && out.Known && out.Running && out.Within, now)
		out.Health = g.health.Summary(d.ID, now)
		out.Rows, _, _ = g.held(d)
		for _, v := range d.Views {
			out.Published = out.Published && progress[v.ID].Ready
		}
		return out
	})
	g.metrics.realtime.Set(list[0].Value)
	g.metrics.observed.Set(list[0].Observed.Seconds())
	g.metrics.asked.Set(float64(list[0].Lookups))
	g.metrics.waiting.Set(float64(len(g.waiting())))
	g.indicators.Store(&indicators{now, list})
}
