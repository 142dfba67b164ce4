package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/yiyuan-bus/yiyuan/gateway/question"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

type explainAnswer struct {
	Entity     string             `json:"entity"`
	KeyMasked  string             `json:"key_masked"`
	Cells      []explainCell      `json:"cells"`
	Refused    []question.Refused `json:"refused" doc:"部门有更新的行被退回 / a newer row of a department was refused"`
	SourceTime time.Time          `json:"source_time"`
	AsOf       *time.Time         `json:"as_of" doc:"数据源在此之前提交的变更均已包含；null：有数据源还从未完整送达 / everything committed at the sources before it is in; null: a source of it has never come through whole"`
	Stale      bool               `json:"stale"`
	Version    string             `json:"version"`
	RequestID  string             `json:"request_id"`
	AuditID    string             `json:"audit_id"`
	Nonce      string             `json:"nonce"`
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

// explainQuestion is the body of POST /v1/explain/{entity}.
type explainQuestion struct {
	Key    string   `json:"key" doc:"主键；复合主键各部分用 | 连接，部分中的 | 写作 %7C、% 写作 %25 / key; the parts of a composite one are joined by |, in a part | is written %7C and % is written %25" maxLength:"512"`
	Fields []string `json:"fields,omitempty" minItems:"1" maxItems:"512" doc:"字段，缺省为全部授权字段 / fields, all that is granted if absent"`
}

// bindExplain binds what says where a golden record comes from.
func bindExplain(s *API, api huma.API) {
	const tag = "查询 Lookup"
	huma.Register(api, answers(api, asked(operation(http.MethodPost, "/v1/explain/{entity}", "explain_one", tag, "字段来源说明，主键在请求体中 / why each cell is what it is, the key in the body"), problem.Absent), explainAnswer{}),
		func(ctx context.Context, in *struct {
			Entity string `path:"entity" maxLength:"64"`
			Body   explainQuestion
		},
		) (*raw, error) {
			return rawAnswer(s.Desk.Explain(ctx, in.Entity, in.Body.Key, in.Body.Fields))
		})
	huma.Register(api, answers(api, asked(operation(http.MethodGet, "/v1/explain/{entity}/{key}", "explain", tag, "字段来源说明 / why each cell is what it is"), problem.Absent), explainAnswer{}),
		func(ctx context.Context, in *struct {
			Entity string `path:"entity" maxLength:"64"`
			Key    string `path:"key" maxLength:"512"`
		},
		) (*raw, error) {
			return rawAnswer(s.Desk.Explain(ctx, in.Entity, in.Key, nil))
		})
}
