package question

import (
	"net/http"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// Problem is an error as callers of the gateway see it.
type Problem struct {
	problem.Problem
	AsOf  *answer.Time `json:"as_of,omitempty" doc:"查无此记录时：数据源在此之前提交的变更均已包含 / with 404: everything committed at the sources before it is in"`
	Stale *bool        `json:"stale,omitempty" doc:"as_of 是否已超过更新周期 / whether as_of is older than the cycle allows"`

	Refused []Refused `json:"refused,omitempty" doc:"查无此记录，但部门报送的行被退回 / with 404 and 503: a row of that key was sent and refused"`
}

// Refused says in an answer that a newer row was refused. It holds no value.
type Refused struct {
	Dataset   string      `json:"dataset" doc:"数据集 / dataset"`
	Since     answer.Time `json:"since" nullable:"false" doc:"第一次被退回的行在来源的提交时间 / when the source committed the first row that was refused"`
	Message   string      `json:"message" doc:"中文说明 / in Chinese"`
	MessageEN string      `json:"message_en" doc:"英文说明 / in English"`
	More      bool        `json:"more,omitempty" doc:"该数据集被退回的行多到不再逐行记录，不能断定是否涉及此处 / so many rows of the dataset were refused that they are not kept one by one: whether this is one of them is not known"`
}

// FieldError says which part of a question is wrong.
type FieldError = problem.Part

// Reasons maps the reasons of a refusal to what callers see.
var Reasons = map[access.Reason]*problem.Kind{
	access.NoKey: problem.NoKey, access.UnknownKey: problem.UnknownKey, access.ExpiredKey: problem.ExpiredKey, access.SeveralApps: problem.SeveralApps,
	access.NoPurpose: problem.NoPurpose, access.UnknownPurpose: problem.PurposeCode, access.UnknownView: problem.View,
	access.NoGrant: problem.NoGrant, access.PurposeNotGranted: problem.Purpose, access.ExpiredGrant: problem.ExpiredGrant,
	access.FieldNotGranted: problem.Field, access.OverQuota: problem.Quota, access.VerifyOnly: problem.VerifyOnly,
	access.NotVerifiable: problem.NotVerify, access.OverBudget: problem.Budget, access.TooMany: problem.TooMany,
}

func fieldErrors(faults []view.Fault) []FieldError {
	out := make([]FieldError, len(faults))
	for i, f := range faults {
		out[i] = problem.At(f.Location, f.Message)
	}
	return out
}

// Of says a kind of problem of one request.
func Of(kind *problem.Kind, requestID string, errs ...FieldError) *Problem {
	return &Problem{Problem: *kind.Of(requestID, errs...)}
}

// Write sends the problem.
func (p *Problem) Write(w http.ResponseWriter) { p.WriteAs(w, p) }
