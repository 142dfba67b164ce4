package gateway

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/admission"
	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/gateway/catalog"
	"github.com/yiyuan-bus/yiyuan/gateway/finding"
	"github.com/yiyuan-bus/yiyuan/gateway/flow"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// raw is an answer whose bytes were made, and audited, before it is sent.
type raw struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func rawAnswer(body []byte, p *Problem) (*raw, error) {
	if p != nil {
		return nil, p
	}
	return &raw{"application/json", body}, nil
}

// of is the answer of an operation that carries no personal value.
type of[T any] struct{ Body T }

// lookupAnswer and the types after it describe the answers that are written by
// hand, for the OpenAPI page.
type lookupAnswer struct {
	Data       map[string]any `json:"data" doc:"已授权的字段,缺失为 null；嵌入的数据集至多 max 行（视图定义），满额即可能还有 / granted fields; rows of an embedded dataset up to the max of the view, as many as that mean at least"`
	AsOf       *time.Time     `json:"as_of" doc:"数据源在此之前提交的变更均已包含；null：有数据源还从未完整送达 / everything committed at the sources before it is in; null: a source of it has never come through whole"`
	SourceTime time.Time      `json:"source_time" doc:"该记录在来源的提交时间 / when the source committed it"`
	Stale      bool           `json:"stale" doc:"是否超过更新周期 / older than its cycle allows"`
	Disputed   []string       `json:"disputed" doc:"存在疑义的字段 / fields in doubt"`
	Masked     []string       `json:"masked" doc:"已脱敏的字段，以及其中有证件号、手机号或卡号被遮盖的文本字段 / masked fields, and fields of text in which a number of a person was hidden"`
	Refused    []Refused      `json:"refused" doc:"部门有更新的行被退回，数据仍是退回前的；无则为空 / a newer row of a department was refused and this is what was known before; empty if none"`
	View       string         `json:"view"`
	Version    string         `json:"version"`
	RequestID  string         `json:"request_id"`
	AuditID    string         `json:"audit_id"`
	Nonce      string         `json:"nonce" doc:"随机数：审计条目中的 body 是整个回答的 SHA-256，没有它无法反推 / random: the entry's body is the SHA-256 of the whole answer, which nobody can guess without it"`
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
	Key        string         `json:"key"`
	Found      bool           `json:"found"`
	Error      string         `json:"error,omitempty"`
	Data       map[string]any `json:"data,omitempty"`
	SourceTime time.Time      `json:"source_time,omitempty"`
	Disputed   []string       `json:"disputed,omitempty"`
	Masked     []string       `json:"masked,omitempty" doc:"已脱敏的字段，以及其中有证件号、手机号或卡号被遮盖的文本字段 / masked fields, and fields of text in which a number of a person was hidden"`
	Refused    []Refused      `json:"refused,omitempty" doc:"部门有更新的行被退回，未找到时也会有 / a newer row of a department was refused, also where nothing is found"`
	Version    string         `json:"version,omitempty"`
}

type verifyAnswer struct {
	Match     bool       `json:"match"`
	Refused   []Refused  `json:"refused,omitempty" doc:"一致时：部门有更新的行被退回，核验的是退回前的内容 / with a match: a newer row of a department was refused, so what was known before is what matches"`
	AsOf      *time.Time `json:"as_of" doc:"数据源在此之前提交的变更均已包含；null：有数据源还从未完整送达 / everything committed at the sources before it is in; null: a source of it has never come through whole"`
	Stale     bool       `json:"stale"`
	RequestID string     `json:"request_id"`
	AuditID   string     `json:"audit_id"`
	Nonce     string     `json:"nonce"`
}

type explainAnswer struct {
	Entity     string        `json:"entity"`
	KeyMasked  string        `json:"key_masked"`
	Cells      []explainCell `json:"cells"`
	Refused    []Refused     `json:"refused" doc:"部门有更新的行被退回 / a newer row of a department was refused"`
	SourceTime time.Time     `json:"source_time"`
	AsOf       *time.Time    `json:"as_of" doc:"数据源在此之前提交的变更均已包含；null：有数据源还从未完整送达 / everything committed at the sources before it is in; null: a source of it has never come through whole"`
	Stale      bool          `json:"stale"`
	Version    string        `json:"version"`
	RequestID  string        `json:"request_id"`
	AuditID    string        `json:"audit_id"`
	Nonce      string        `json:"nonce"`
}

type explainCell struct {
	Field      string         `json:"field"`
	Title      string         `json:"title"`
	Dataset    string         `json:"dataset"`
	Department string         `json:"department"`
	Reason     string         `json:"reason"`
	Flag       string         `json:"flag"`
	Value      *string        `json:"value" doc:"脱敏后的值 / masked"`
	RowToken   string         `json:"row_token"`
	At         time.Time      `json:"at"`
	Losers     []explainLoser `json:"losers"`
}

type explainLoser struct {
	Dataset    string  `json:"dataset"`
	Department string  `json:"department"`
	Reason     string  `json:"reason"`
	Value      *string `json:"value"`
}

// register adds the operations that huma binds and describes to the mux.
func (g *Gateway) register(mux *http.ServeMux) {
	config := huma.DefaultConfig("一源 Yiyuan", "1")
	config.Info.Description = "政务数据共享交换总线:查询、核验、目录 / government data exchange: look-up, verification, catalogue"
	config.DocsPath, config.SchemasPath = "", "" // the stock pages load from outside
	config.CreateHooks = nil                     // no $schema links in answers
	config.Transformers = []huma.Transformer{g.transform}
	config.Components = &huma.Components{
		Schemas:         huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
		SecuritySchemes: map[string]*huma.SecurityScheme{"key": {Type: "http", Scheme: "bearer", Description: "应用密钥 / the application's API key"}},
	}
	// Else a moment were described as the struct that it is, and not as the text that it
	// is written as. By a pointer: it is null where it is not known.
	config.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[answer.Time](), reflect.TypeFor[*time.Time]())
	config.Security = []map[string][]string{{"key": {}}}
	api := humago.New(mux, config)
	api.UseMiddleware(strictQuery, g.strictNames(api))
	g.registerAnswers(api)
	g.registerPages(api)
	g.names = names(api.OpenAPI(), g.views)
}

// names returns every name that a question may contain: those of the API's
// schemas and parameters, and of the catalogue's fields.
func names(api *huma.OpenAPI, views map[string]*view.View) map[string]bool {
	out := map[string]bool{}
	for _, s := range api.Components.Schemas.Map() {
		for name := range s.Properties {
			out[name] = true
		}
	}
	for _, path := range api.Paths {
		for _, o := range []*huma.Operation{path.Get, path.Post} {
			if o == nil {
				continue
			}
			for _, p := range o.Parameters {
				out[p.Name] = true
			}
		}
	}
	for _, v := range views {
		for _, name := range access.Fields(v.View) {
			out[name] = true
		}
	}
	return out
}

// named reports whether a name is one of the API's or of the catalogue's.
func (g *Gateway) named(name string) bool { return g.names[name] }

// transform gives the errors that huma itself raises our form. What a caller
// sent is not repeated.
func (g *Gateway) transform(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		if p, is := v.(*Problem); is {
			p.Headers(ctx.SetHeader)
		}
		return v, nil
	}
	f := faultInvalid
	switch m.Status {
	case http.StatusBadRequest:
		f = faultRequest
	case http.StatusRequestEntityTooLarge:
		f = faultLarge
	case http.StatusUnsupportedMediaType:
		f = faultMedia
	case http.StatusInternalServerError:
		f = faultInternal
	}
	p := f.problem(callOf(ctx.Context()).id)
	p.Status = m.Status
	for _, e := range m.Errors {
		p.Errors = append(p.Errors, problem.Part{Location: place(e.Location, callOf(ctx.Context()).body, g.named), Message: chinese(e.Message), MessageEN: e.Message})
	}
	return p, nil
}

// operation describes one operation.
func operation(method, path, id, tag, summary string) huma.Operation {
	return huma.Operation{
		Method: method, Path: path, OperationID: id, Tags: []string{tag}, Summary: summary, MaxBodyBytes: admission.MaxBody,
		Responses: map[string]*huma.Response{"default": {
			Description: "RFC 9457", Content: map[string]*huma.MediaType{problem.MediaType: {Schema: &huma.Schema{Ref: "#/components/schemas/Problem"}}},
		}},
	}
}

// answers adds what a hand-written answer looks like.
func answers(api huma.API, o huma.Operation, example any) huma.Operation {
	r := api.OpenAPI().Components.Schemas
	r.Schema(reflect.TypeFor[Problem](), true, "Problem")
	o.Responses["200"] = &huma.Response{
		Description: "OK", Content: map[string]*huma.MediaType{"application/json": {Schema: r.Schema(reflect.TypeOf(example), true, o.OperationID)}},
	}
	return o
}

type purposeHeader struct {
	Purpose string `header:"X-Purpose" maxLength:"128" doc:"用途代码 / purpose code"`
}

func (g *Gateway) registerAnswers(api huma.API) {
	const tag = "查询 Lookup"
	// The single lookup writes its answer itself; here it is only described.
	o := answers(api, operation(http.MethodGet, "/v1/lookup/{view}/{key}", "lookup", tag, "单条查询 / look one record up"), lookupAnswer{})
	text := &huma.Schema{Type: huma.TypeString}
	o.Parameters = []*huma.Param{
		{Name: "view", In: "path", Required: true, Schema: text},
		{Name: "key", In: "path", Required: true, Schema: text},
		{Name: "fields", In: "query", Schema: text, Description: "逗号分隔 / comma separated"},
		{Name: "X-Purpose", In: "header", Required: true, Schema: text, Description: "用途代码 / purpose code"},
	}
	api.OpenAPI().AddOperation(&o)

	huma.Register(api, answers(api, operation(http.MethodPost, "/v1/lookup/{view}", "lookup_one", tag, "单条查询，主键在请求体中 / look one record up, its key in the body"), lookupAnswer{}),
		func(ctx context.Context, in *struct {
			purposeHeader
			View string `path:"view" maxLength:"128"`
			Body keyQuestion
		},
		) (*raw, error) {
			a := g.ask(ctx, "lookup", in.View)
			body, p := a.lookup(ctx, in.View, in.Body.Key, in.Body.Fields, checkFields("body.fields", in.Body.Fields))
			a.observe(ctx, p)
			return rawAnswer(body, p)
		})
	huma.Register(api, answers(api, operation(http.MethodPost, "/v1/explain/{entity}", "explain_one", tag, "字段来源说明，主键在请求体中 / why each cell is what it is, the key in the body"), explainAnswer{}),
		func(ctx context.Context, in *struct {
			purposeHeader
			Entity string `path:"entity" maxLength:"64"`
			Body   explainQuestion
		},
		) (*raw, error) {
			a := g.ask(ctx, "explain", in.Entity+"."+schemas.ExplainView)
			body, p := a.explain(ctx, in.Entity, in.Body)
			a.observe(ctx, p)
			return rawAnswer(body, p)
		})
	huma.Register(api, answers(api, operation(http.MethodPost, "/v1/lookup", "batch", tag, "批量查询,至多1000条 / look up to 1,000 records up"), batchAnswer{}),
		func(ctx context.Context, in *struct {
			purposeHeader
			Body batchQuestion
		},
		) (*raw, error) {
			a := g.ask(ctx, "batch", in.Body.View)
			body, p := a.batch(ctx, in.Body)
			a.observe(ctx, p)
			return rawAnswer(body, p)
		})
	huma.Register(api, answers(api, operation(http.MethodPost, "/v1/verify", "verify", tag, "核验:只回答是否一致 / verify: yes or no"), verifyAnswer{}),
		func(ctx context.Context, in *struct {
			purposeHeader
			Body verifyQuestion
		},
		) (*raw, error) {
			a := g.ask(ctx, "verify", in.Body.View)
			body, p := a.verify(ctx, in.Body)
			a.observe(ctx, p)
			return rawAnswer(body, p)
		})
	huma.Register(api, answers(api, operation(http.MethodGet, "/v1/explain/{entity}/{key}", "explain", tag, "字段来源说明 / why each cell is what it is"), explainAnswer{}),
		func(ctx context.Context, in *struct {
			purposeHeader
			Entity string `path:"entity" maxLength:"64"`
			Key    string `path:"key" maxLength:"512"`
		},
		) (*raw, error) {
			a := g.ask(ctx, "explain", in.Entity+"."+schemas.ExplainView)
			body, p := a.explain(ctx, in.Entity, explainQuestion{Key: in.Key})
			a.observe(ctx, p)
			return rawAnswer(body, p)
		})
}

// page answers an operation about the exchange itself.
func page[I, O any](g *Gateway, api huma.API, o huma.Operation, answer func(ctx context.Context, in *I) (O, error)) {
	api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	huma.Register(api, o, func(ctx context.Context, in *I) (*of[O], error) {
		a := g.ask(ctx, o.OperationID, "")
		if p := a.supervise(ctx); p != nil {
			return nil, p
		}
		out, err := answer(ctx, in)
		var p *Problem
		if err != nil {
			p = pageProblem(callOf(ctx).id, err)
		}
		if p = a.shown(ctx, p); p != nil {
			return nil, p
		}
		return &of[O]{out}, nil
	})
}

func pageProblem(id string, err error) *Problem {
	switch {
	case errors.Is(err, schemas.ErrUnknown):
		return faultUnknown.problem(id)
	case errors.Is(err, finding.ErrCursor):
		return faultCursor.problem(id)
	}
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	return faultInternal.problem(id)
}

func (g *Gateway) registerPages(api huma.API) {
	const cat, see = "目录 Catalogue", "监督 Supervision"
	type nothing struct{}
	type byID struct {
		ID string `path:"id" maxLength:"128"`
	}
	page(g, api, operation(http.MethodGet, "/v1/catalogue", "catalogue", cat, "数据资源目录 / the catalogue"),
		func(context.Context, *nothing) (catalog.Catalogue, error) { return g.catalog.All(g.live), nil })
	page(g, api, operation(http.MethodGet, "/v1/catalogue/datasets/{id}", "dataset", cat, "数据集 / one dataset"),
		func(_ context.Context, in *byID) (catalog.DatasetDetail, error) {
			return g.catalog.Dataset(in.ID, g.live)
		})
	page(g, api, operation(http.MethodGet, "/v1/catalogue/entities/{id}", "entity", cat, "主体及其数源 / one entity and its sources"),
		func(_ context.Context, in *byID) (catalog.EntityDetail, error) {
			return g.catalog.Entity(in.ID, g.now())
		})
	page(g, api, operation(http.MethodGet, "/v1/findings", "findings", see, "核验疑点 / findings"), g.findings)
	page(g, api, operation(http.MethodGet, "/v1/findings/{id}", "finding", see, "单个疑点 / one finding"),
		func(_ context.Context, in *byID) (findingPage, error) {
			f, ok := g.book.Get(in.ID)
			if !ok {
				return findingPage{}, schemas.ErrUnknown
			}
			return g.finding(f), nil
		})
	page(g, api, operation(http.MethodGet, "/v1/indicators", "indicators", see, "指标 / indicators"),
		func(context.Context, *nothing) (indicatorsPage, error) { return g.indicatorsPage(), nil })
	page(g, api, operation(http.MethodGet, "/v1/flow", "flow", see, "流量与数据源 / flow and sources"),
		func(context.Context, *nothing) (flowPage, error) { return g.flowPage(), nil })
	page(g, api, operation(http.MethodGet, "/v1/quarantine", "quarantine", see, "问题数据 / quarantine"),
		func(_ context.Context, in *struct {
			Limit int `query:"limit" minimum:"1" maximum:"500" default:"100"`
		},
		) (flow.Rejections, error) {
			return g.bad.Page(in.Limit), nil
		})
	page(g, api, operation(http.MethodGet, "/v1/verifications", "verifications", see, "核验的结果与告警 / how applications' verifications end, and alarms"),
		func(context.Context, *nothing) (verificationsPage, error) { return g.verifications(), nil })
	page(g, api, operation(http.MethodGet, "/v1/topology", "topology", see, "处理步骤 / the steps"),
		func(context.Context, *nothing) (Topology, error) { return g.cfg.Topology, nil })
	huma.Register(api, operation(http.MethodGet, "/v1/me", "me", "应用 Application", "本应用及其授权 / this application and its grants"), g.me)
	if g.cfg.DemoApps != nil {
		huma.Register(api, operation(http.MethodGet, "/v1/console/apps", "apps", "应用 Application", "演示应用 / the demonstration's applications"),
			func(context.Context, *nothing) (*of[demoApps], error) {
				return &of[demoApps]{demoApps{g.cfg.DemoApps}}, nil
			})
	}
}

type demoApps struct {
	Apps []DemoApp `json:"apps"`
}

type mePage struct {
	App             string      `json:"app"`
	Title           string      `json:"title"`
	Department      string      `json:"department"`
	DepartmentTitle string      `json:"department_title"`
	Purposes        []mePurpose `json:"purposes"`
	Views           []meView    `json:"views"`
}

type mePurpose struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	English string `json:"english"`
}

type meView struct {
	ID       string       `json:"id"`
	Title    string       `json:"title"`
	Only     string       `json:"only,omitempty"`
	Fields   []meField    `json:"fields"`
	KeyTitle string       `json:"key_title"`
	Purposes []string     `json:"purposes"`
	Until    *answer.Time `json:"until"`
	Quota    int          `json:"quota" doc:"每分钟,0 为不限 / a minute, 0 = no limit"`
}

type meField struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Kind  string `json:"kind"`
}

// me answers GET /v1/me.
func (g *Gateway) me(ctx context.Context, _ *struct{}) (*of[mePage], error) {
	a := g.ask(ctx, "me", "")
	if reason := a.identify(); reason != access.OK {
		return nil, a.refuse(ctx, access.Decision{Reason: reason})
	}
	purposes, grants := g.parts.Access.Grants(a.who)
	out := mePage{App: a.who.ID(), Title: a.who.Title(), Department: a.who.Department(), Purposes: []mePurpose{}, Views: []meView{}}
	if d, err := g.parts.Catalogue.Department(out.Department); err == nil {
		out.DepartmentTitle = d.Title
	}
	for _, id := range purposes {
		line := mePurpose{ID: id, Title: "监督", English: "Supervision"}
		if p, err := g.parts.Catalogue.Purpose(id); err == nil {
			line.Title, line.English = p.Title, p.English
		}
		out.Purposes = append(out.Purposes, line)
	}
	for _, grant := range grants {
		if v := g.views[grant.View]; v != nil {
			out.Views = append(out.Views, forMe(v, grant))
		}
	}
	return &of[mePage]{out}, nil
}

func forMe(v *view.View, grant access.Grant) meView {
	line := meView{
		ID: v.ID, Title: v.Title, Only: v.Only, Fields: []meField{}, KeyTitle: v.KeyTitle(),
		Purposes: grant.Purposes, Until: catalog.Moment(grant.Until), Quota: grant.Quota,
	}
	for _, name := range access.Fields(v.View) {
		if slices.Contains(grant.Fields, name) || slices.Contains(grant.Fields, access.AllFields) {
			title, kind := v.Describe(name)
			line.Fields = append(line.Fields, meField{name, title, kind})
		}
	}
	return line
}
