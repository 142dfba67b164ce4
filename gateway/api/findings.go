package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/gateway/catalog"
	"github.com/yiyuan-bus/yiyuan/gateway/finding"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

type findingsQuery struct {
	State     string `query:"state" enum:"open,closed" doc:"open 或 closed"`
	Rule      string `query:"rule" maxLength:"64"`
	Owner     string `query:"owner" maxLength:"64" doc:"责任部门 / department"`
	Severity  string `query:"severity" enum:"high,medium,low"`
	Certainty string `query:"certainty" enum:"contradiction,to_confirm" doc:"contradiction 矛盾 或 to_confirm 待核实"`
	Subject   string `query:"subject" maxLength:"128" doc:"对象令牌，同一对象的核验结果 / token of a subject: what is found about that one"`
	Limit     int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
	Cursor    string `query:"cursor" maxLength:"256"`
}

type findingsPage struct {
	Findings []findingPage  `json:"findings"`
	Total    int            `json:"total"`
	Next     string         `json:"next" doc:"下一页的 cursor，空为末页 / cursor of the next page, empty at the end"`
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
	Certainty     string         `json:"certainty" enum:"contradiction,to_confirm" doc:"contradiction 矛盾; to_confirm 待核实：可能合法，须核实 / may be lawful, to be confirmed"`
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
	Value   *string      `json:"value" doc:"脱敏后的值，*** 为不予展示 / masked, *** where nothing of it is shown"`
	At      *answer.Time `json:"at"`
}

type waitingCase struct {
	Rule     string   `json:"rule"`
	Case     string   `json:"case"`
	Datasets []string `json:"datasets" doc:"尚无第一份完整数据的数据集 / datasets of which no complete copy has come yet"`
}

// waiting returns the cases that are not judged yet.
func (s *API) waiting() []waitingCase {
	out := []waitingCase{}
	for _, w := range s.Pulse.Waiting() {
		out = append(out, waitingCase(w))
	}
	return out
}

// findings answers GET /v1/findings.
func (s *API) findings(_ context.Context, q *findingsQuery) (findingsPage, error) {
	list, total, next, err := s.Findings.List(finding.Filter{
		State: q.State, Rule: q.Rule, Owner: q.Owner, Severity: q.Severity, Certainty: q.Certainty, Subject: q.Subject, Limit: q.Limit, Cursor: q.Cursor,
	})
	if err != nil {
		return findingsPage{}, err
	}
	out := findingsPage{Findings: []findingPage{}, Total: total, Next: next, ByRule: s.Findings.ByRule(), Waiting: s.waiting()}
	for _, f := range list {
		out.Findings = append(out.Findings, s.finding(f))
	}
	return out, nil
}

func (s *API) finding(f finding.Finding) findingPage {
	out := findingPage{
		ID: f.ID, Rule: f.Rule, Case: f.Case, Title: f.Title, Entity: f.Entity, Subject: f.Subject, SubjectMasked: f.SubjectMasked,
		Severity: f.Severity, Certainty: f.Certainty, State: f.State, Owner: f.Owner, OpenedAt: answer.Time(f.OpenedAt), Due: f.Due.Format(time.DateOnly),
		ClosedAt: catalog.Moment(f.ClosedAt), Reopened: f.Reopened, Evidence: []evidencePage{},
	}
	out.Advice, out.AdviceEN = problem.Halves(f.Advice)
	if d, err := s.Catalogue.Department(f.Owner); err == nil {
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

// bindFindings binds what departments contradict one another in.
func bindFindings(s *API, api huma.API) {
	page(s, api, supervised("/v1/findings", "findings", "核验结果 / findings", problem.Cursor), s.findings)
	page(s, api, supervised("/v1/findings/{id}", "finding", "单个核验结果 / one finding", problem.Unknown),
		func(_ context.Context, in *byID) (findingPage, error) {
			f, ok := s.Findings.Get(in.ID)
			if !ok {
				return findingPage{}, schemas.ErrUnknown
			}
			return s.finding(f), nil
		})
}
