package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/gateway/quarantine"
	"github.com/yiyuan-bus/yiyuan/gateway/question"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

type quarantineQuery struct {
	Dataset string `query:"dataset" maxLength:"64"`
	Source  string `query:"source" maxLength:"128" doc:"送来该行的数据源 / the source that sent the row"`
	Reason  string `query:"reason" enum:"unreadable,schema,missing,invalid,unknown,duplicate,too_large,internal"`
	State   string `query:"state" enum:"open,settled" doc:"open 未了结 或 settled 已了结"`
	Limit   int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
	Cursor  string `query:"cursor" maxLength:"256"`
}

// rejections is GET /v1/quarantine.
type rejections struct {
	Entries  []rejection    `json:"entries"`
	Total    int            `json:"total" doc:"符合条件的条数 / how many match"`
	Open     int            `json:"open" doc:"其中未了结的 / how many of them are open"`
	ByReason map[string]int `json:"by_reason" doc:"不论原因、其余条件都符合的条数 / how many match whatever their reason"`
	Next     string         `json:"next" doc:"下一页的 cursor，空为末页 / cursor of the next page, empty at the end"`
	Beyond   int            `json:"beyond" doc:"条数过多，未能列出的最早的条数 / the earliest, which are too many to be listed"`
}

// rejection is one entry; it holds no value but, for who may see it, the row's key.
type rejection struct {
	ID      string      `json:"id"`
	Dataset string      `json:"dataset"`
	Field   string      `json:"field"`
	Reason  string      `json:"reason"`
	Detail  string      `json:"detail"`
	Source  string      `json:"source" doc:"从哪里读到：数据源或主题 / where it was read: a source or a topic"`
	From    string      `json:"from" doc:"送来该行的数据源，空为不知 / the source that sent the row, empty if not known"`
	At      answer.Time `json:"at" nullable:"false" doc:"来源提交时间 / the source's commit time"`
	Arrived answer.Time `json:"arrived_at" nullable:"false" doc:"进入问题数据的时间，列表按它排序 / when it came into quarantine, by which the list is ordered"`
	Locator string      `json:"locator"`
	Digest  string      `json:"digest"`

	DetailEN string `json:"detail_en"`

	Row        string        `json:"row" doc:"行的令牌，同一行相同，空为不知是哪一行 / token of the row, the same for the same row; empty: not known which"`
	RowKey     []rowKeyField `json:"row_key,omitempty" doc:"行的主键：有授权能看到该数据集的明文主键，且以 X-Purpose 说明其用途的，才有 / the row's key, for who has a grant that shows the dataset's key in clear and names its purpose in X-Purpose"`
	Department string        `json:"department" doc:"负责更正的部门 / the department that mends it"`
	State      string        `json:"state" enum:"open,settled"`
	Settled    *settledPage  `json:"settled,omitempty" doc:"何时、由什么了结 / when it was settled, and by what"`
	Do         string        `json:"do,omitempty" doc:"怎样了结 / how it is settled"`
	DoEN       string        `json:"do_en,omitempty"`
}

type rowKeyField struct {
	Field string `json:"field"`
	Value string `json:"value"`
}

type settleBody struct {
	ID string `json:"id" maxLength:"64" doc:"条目的编号 / the entry's id"`
}

type settledPage struct {
	At      answer.Time `json:"at" nullable:"false"`
	How     string      `json:"how" enum:"accepted,deleted,emptied,gone,superseded,person" doc:"accepted 后来的版本已接收 / a later version was accepted; deleted 该行已删除 / the row was deleted; emptied 整表已清空 / its table was emptied; gone 数据集已撤下 / its dataset has left; superseded 另一数据源又送来该行，也未能接收 / another source sent it, and it was refused again; person 由人办结 / by a person"`
	By      string      `json:"by" doc:"数据源，或办结的应用 / the source, or the application that settled it"`
	Locator string      `json:"locator,omitempty" doc:"接收的那条记录 / the record that was taken"`
}

// How an entry is settled.
const (
	doRow    = "请部门更正该行后重新报送；接收后自动了结，无须在此操作 / have the department mend the row and send it again: the entry is settled by itself once that is taken"
	doPerson = "不知是哪一行，不会自动了结：按位置找到并处理后，由人办结（yiyuan quarantine settle %s） / it is not known which row it is, so nothing settles it by itself: find it by its place, and once that is done say so (yiyuan quarantine settle %s)"
)

// quarantined are the entries that somebody may see: all to supervisors, to a department
// those of its own datasets.
func (s *API) quarantined(ctx context.Context, a *question.Ask) (among func(dataset string) bool, err error) {
	supervises, p := a.Browse(ctx)
	if p != nil {
		return nil, &refusedError{p}
	}
	if supervises {
		return nil, nil
	}
	return func(id string) bool {
		d, err := s.Catalogue.Dataset(id)
		return err == nil && d.Provider.ID == a.Department()
	}, nil
}

func (s *API) quarantine(ctx context.Context, a *question.Ask, q *quarantineQuery) (rejections, error) {
	among, err := s.quarantined(ctx, a)
	if err != nil {
		return rejections{}, err
	}
	page, err := s.Quarantine.List(quarantine.Filter{Dataset: q.Dataset, Source: q.Source, Reason: q.Reason, State: q.State, Among: among, Limit: q.Limit, Cursor: q.Cursor})
	if err != nil {
		return rejections{}, err
	}
	out := rejections{Entries: make([]rejection, len(page.Entries)), Total: page.Total, Open: page.Open, ByReason: page.ByReason, Next: page.Next}
	if among == nil {
		out.Beyond = page.Beyond
	}
	for i := range page.Entries {
		out.Entries[i] = s.rejection(a, &page.Entries[i], true)
	}
	return out, nil
}

// rejection is an entry as it is answered; keyed, with the row's key for who may see it.
func (s *API) rejection(a *question.Ask, e *quarantine.Entry, keyed bool) rejection {
	out := rejection{
		ID: e.ID(), Dataset: e.Dataset, Field: e.Field, Reason: e.Reason, Source: e.Source, From: e.From, At: answer.Time(e.At), Arrived: answer.Time(e.Taken),
		Locator: e.Locator, Digest: e.Digest, Row: e.Row, State: quarantine.Open,
	}
	out.Detail, out.DetailEN = problem.Halves(e.Detail)
	if d, err := s.Catalogue.Dataset(e.Dataset); err == nil {
		out.Department = d.Provider.ID
		if keyed {
			out.RowKey = rowKey(d, a.RowKey(d, e.RowKey))
		}
	}
	switch {
	case e.Settled != nil:
		out.State, out.Settled = quarantine.Closed, &settledPage{answer.Time(e.Settled.At), e.Settled.How, e.Settled.By, e.Settled.Locator}
	case e.Row != "":
		out.Do, out.DoEN = problem.Halves(doRow)
	default:
		out.Do, out.DoEN = problem.Halves(strings.ReplaceAll(doPerson, "%s", out.ID))
	}
	return out
}

func rowKey(d *schemas.Dataset, key string) (out []rowKeyField) {
	parts, err := schemas.SplitKey(key)
	if err != nil || key == "" || len(parts) != len(d.Key) {
		return nil
	}
	for i, value := range parts {
		out = append(out, rowKeyField{d.Key[i], value})
	}
	return out
}

// settle writes that a person has settled an entry. That it was asked is in the audit
// before; an entry that is settled stays as it is.
func (s *API) settle(ctx context.Context, in *struct{ Body settleBody }) (*of[rejection], error) {
	a := s.Desk.Page(ctx, "settle")
	id := question.CallOf(ctx).ID
	among, err := s.quarantined(ctx, a)
	if r := (*refusedError)(nil); errors.As(err, &r) {
		return nil, r.p
	}
	e, err := s.Quarantine.Get(in.Body.ID)
	if err == nil && among != nil && !among(e.Dataset) {
		err = schemas.ErrUnknown
	}
	var p *question.Problem
	if err != nil {
		p = pageProblem(id, err)
	}
	if p = a.Shown(ctx, p); p != nil {
		return nil, p
	}
	if e.Settled == nil {
		said := contract.Settlement{Entry: e.ID(), How: contract.SettledByPerson, By: a.App()}
		if err := s.Settle(ctx, said); err != nil {
			s.Logger.Warn("what settles an entry of quarantine cannot be written", "entry", e.ID(), "error", err)
			return nil, question.Of(problem.NotSettled, id)
		}
		e.Settled = &quarantine.Settled{At: s.Clock(), How: said.How, By: said.By}
	}
	return &of[rejection]{s.rejection(a, &e, false)}, nil
}

// bindQuarantine binds what was put aside.
func bindQuarantine(s *API, api huma.API) {
	looked(s, api, may(operation(http.MethodGet, "/v1/quarantine", "quarantine", supervision, "问题数据：待办清单，最近的在前；部门只见自己的 / quarantine: what is to be mended, newest first; a department sees its own"),
		ofForm, ofKey, []*problem.Kind{problem.Cursor, problem.NotLoaded}), s.quarantine)
	huma.Register(api, may(operation(http.MethodPost, "/v1/quarantine/settle", "settle", supervision, "由人办结一条问题数据 / an entry of quarantine is settled by a person"),
		ofForm, ofKey, []*problem.Kind{problem.Unknown, problem.NotLoaded, problem.NotSettled}), s.settle)
}
