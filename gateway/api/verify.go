package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/yiyuan-bus/yiyuan/gateway/question"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

type verifyAnswer struct {
	Match     bool               `json:"match"`
	Refused   []question.Refused `json:"refused,omitempty" doc:"一致时：部门有更新的行被退回，核验的是退回前的内容 / with a match: a newer row of a department was refused, so what was known before is what matches"`
	AsOf      *time.Time         `json:"as_of" doc:"数据源在此之前提交的变更均已包含；null：有数据源还从未完整送达 / everything committed at the sources before it is in; null: a source of it has never come through whole"`
	Stale     bool               `json:"stale"`
	RequestID string             `json:"request_id"`
	AuditID   string             `json:"audit_id"`
	Nonce     string             `json:"nonce"`
}

// verifyQuestion is the body of POST /v1/verify.
type verifyQuestion struct {
	View   string            `json:"view" doc:"核验视图，如 person.verify / verification view" maxLength:"128"`
	Key    string            `json:"key" doc:"主键；复合主键各部分用 | 连接，部分中的 | 写作 %7C、% 写作 %25 / key; the parts of a composite one are joined by |, in a part | is written %7C and % is written %25" maxLength:"512"`
	Fields map[string]string `json:"fields" minProperties:"1" maxProperties:"64" doc:"待核验的字段，至少两个 / fields to verify, at least two"`
}

// bindVerify binds what answers yes or no.
func bindVerify(s *API, api huma.API) {
	huma.Register(api, answers(api, asked(operation(http.MethodPost, "/v1/verify", "verify", "查询 Lookup", "核验：只回答是否一致 / verify: yes or no"), problem.Value, problem.Few, problem.Budget), verifyAnswer{}),
		func(ctx context.Context, in *struct {
			Body verifyQuestion
		},
		) (*raw, error) {
			return rawAnswer(s.Desk.Verify(ctx, in.Body.View, in.Body.Key, in.Body.Fields))
		})
}
