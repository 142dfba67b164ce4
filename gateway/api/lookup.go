package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/yiyuan-bus/yiyuan/gateway/question"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// lookupAnswer describes the answer, which is written by hand.
type lookupAnswer struct {
	Data       map[string]any     `json:"data" doc:"已授权的字段，缺失为 null；嵌入的数据集至多 max 行（视图定义），满额即可能还有 / granted fields; rows of an embedded dataset up to the max of the view, as many as that mean at least"`
	AsOf       *time.Time         `json:"as_of" doc:"数据源在此之前提交的变更均已包含；null：有数据源还从未完整送达 / everything committed at the sources before it is in; null: a source of it has never come through whole"`
	SourceTime time.Time          `json:"source_time" doc:"该记录在来源的提交时间 / when the source committed it"`
	Stale      bool               `json:"stale" doc:"是否超过更新周期 / older than its cycle allows"`
	Disputed   []string           `json:"disputed" doc:"存在疑义的字段：查询主键所指主体的核验结果涉及的；按证号等别的主键查的视图看不出 / fields in doubt, by findings about whom the key names: a view that is asked by another key (a certificate's number) cannot tell"`
	Masked     []string           `json:"masked" doc:"已脱敏的字段，以及其中有证件号、手机号或卡号被遮盖的文本字段 / masked fields, and fields of text in which a number of a person was hidden"`
	Refused    []question.Refused `json:"refused" doc:"部门有更新的行被退回，数据仍是退回前的；无则为空 / a newer row of a department was refused and this is what was known before; empty if none"`
	View       string             `json:"view"`
	Version    string             `json:"version"`
	RequestID  string             `json:"request_id"`
	AuditID    string             `json:"audit_id"`
	Nonce      string             `json:"nonce" doc:"随机数：审计条目中的 body 是整个回答的 SHA-256，没有它无法反推 / random: the entry's body is the SHA-256 of the whole answer, which nobody can guess without it"`
}

type batchAnswer struct {
	Results   []batchResult `json:"results"`
	AsOf      *time.Time    `json:"as_of" doc:"数据源在此之前提交的变更均已包含；null：有数据源还从未完整送达 / everything committed at the sources before it is in; null: a source of it has never come through whole"`
	Stale     bool          `json:"stale"`
	View      string        `json:"view"`
	RequestID string        `json:"request_id"`
	AuditID   string        `json:"audit_id"`
	Nonce     string        `json:"nonce"`
}

type batchResult struct {
	Key        string             `json:"key"`
	Found      bool               `json:"found"`
	Error      string             `json:"error,omitempty"`
	Data       map[string]any     `json:"data,omitempty"`
	SourceTime time.Time          `json:"source_time,omitempty"`
	Disputed   []string           `json:"disputed,omitempty"`
	Masked     []string           `json:"masked,omitempty" doc:"已脱敏的字段，以及其中有证件号、手机号或卡号被遮盖的文本字段 / masked fields, and fields of text in which a number of a person was hidden"`
	Refused    []question.Refused `json:"refused,omitempty" doc:"部门有更新的行被退回，未找到时也会有 / a newer row of a department was refused, also where nothing is found"`
	Version    string             `json:"version,omitempty"`
}

// keyQuestion is the body of POST /v1/lookup/{view}.
type keyQuestion struct {
	Key    string   `json:"key" doc:"主键；复合主键各部分用 | 连接，部分中的 | 写作 %7C、% 写作 %25 / key; the parts of a composite one are joined by |, in a part | is written %7C and % is written %25" maxLength:"512"`
	Fields []string `json:"fields,omitempty" minItems:"1" maxItems:"512" doc:"字段，缺省为全部授权字段 / fields, all that is granted if absent"`
}

// batchQuestion is the body of POST /v1/lookup.
type batchQuestion struct {
	View   string   `json:"view" doc:"视图，如 person.partial / view" maxLength:"128"`
	Keys   []string `json:"keys" minItems:"1" maxItems:"1000" doc:"主键，至多1000个 / keys"`
	Fields []string `json:"fields,omitempty" minItems:"1" maxItems:"512" doc:"字段，缺省为全部授权字段 / fields, all that is granted if absent"`
}

// bindLookup binds what answers with records.
func bindLookup(s *API, api huma.API, mux *http.ServeMux) {
	const tag = "查询 Lookup"
	// The single lookup writes its answer itself; here it is only described.
	o := answers(api, asked(operation(http.MethodGet, "/v1/lookup/{view}/{key}", "lookup", tag, "单条查询 / look one record up"), problem.Absent), lookupAnswer{})
	name := func(most int) *huma.Schema {
		return &huma.Schema{Type: huma.TypeString, MinLength: ptr(1), MaxLength: ptr(most)}
	}
	o.Parameters = append(o.Parameters,
		&huma.Param{Name: "view", In: "path", Required: true, Schema: name(128), Description: "视图，如 person.partial / view"},
		&huma.Param{Name: "key", In: "path", Required: true, Schema: name(512), Description: "主键；复合主键各部分用 | 连接，部分中的 | 写作 %7C、% 写作 %25，再整个按 URL 编码 / key; the parts of a composite one are joined by |, in a part | is written %7C and % is written %25, then all of it is encoded for the URL"},
		&huma.Param{Name: "fields", In: "query", Schema: &huma.Schema{Type: huma.TypeString, Pattern: `^[^,]+(,[^,]+)*$`}, Description: "字段名，逗号分隔，缺省为全部授权字段 / names of fields, separated by commas; all that is granted if absent"},
	)
	api.OpenAPI().AddOperation(&o)
	mux.HandleFunc("GET /v1/lookup/{view}/{key}", listener.Strict(s.lookup, "fields"))

	huma.Register(api, answers(api, asked(operation(http.MethodPost, "/v1/lookup/{view}", "lookup_one", tag, "单条查询，主键在请求体中 / look one record up, its key in the body"), problem.Absent), lookupAnswer{}),
		func(ctx context.Context, in *struct {
			View string `path:"view" maxLength:"128"`
			Body keyQuestion
		},
		) (*raw, error) {
			return rawAnswer(s.Desk.Lookup(ctx, in.View, in.Body.Key, in.Body.Fields, question.CheckFields("body.fields", in.Body.Fields)))
		})
	huma.Register(api, answers(api, asked(operation(http.MethodPost, "/v1/lookup", "batch", tag, "批量查询，至多1000条 / look up to 1,000 records up")), batchAnswer{}),
		func(ctx context.Context, in *struct {
			Body batchQuestion
		},
		) (*raw, error) {
			return rawAnswer(s.Desk.Batch(ctx, in.Body.View, in.Body.Keys, in.Body.Fields))
		})
}

// lookup answers GET /v1/lookup/{view}/{key}. It writes the answer itself:
// this is the path that everything hot takes.
func (s *API) lookup(w http.ResponseWriter, r *http.Request) {
	fields, bad := fieldsOf(r)
	body, p := s.Desk.Lookup(r.Context(), r.PathValue("view"), r.PathValue("key"), fields, bad)
	if p != nil {
		p.Write(w)
		return
	}
	h := w.Header()
	h["Content-Type"] = jsonType
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) //nolint:gosec // JSON, and the client has gone: the entry says what it would have got
}

// jsonType is a Content-Type. Nobody changes it.
var jsonType = []string{"application/json"}

// fieldsOf reads the query of a lookup: fields, once, or nothing. What it does
// not understand it refuses: an answer with more than was meant is no answer.
func fieldsOf(r *http.Request) (fields []string, bad []question.FieldError) {
	if r.URL.RawQuery == "" {
		return nil, nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, []question.FieldError{problem.At("query", "查询串无法解析，百分号编码有误 / the query cannot be parsed: bad percent-encoding")}
	}
	for name := range query {
		if name != "fields" {
			bad = append(bad, problem.At("query", "只有参数 fields，其他参数不认识 / the only parameter is fields, another one is unknown"))
			break
		}
	}
	switch values := query["fields"]; {
	case len(values) > 1:
		return nil, append(bad, problem.At("query.fields", "fields 只能出现一次，字段以逗号分隔 / fields may be given once, names separated by commas"))
	case len(values) == 1:
		fields = strings.Split(values[0], ",")
		bad = append(bad, question.CheckFields("query.fields", fields)...)
	}
	return fields, bad
}
