package gateway

import (
	"net/http"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/admission"
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

// FieldError says which part of a question is wrong.
type FieldError = problem.Part

// fault is one kind of problem, as the table has it.
type fault struct{ *problem.Kind }

var (
	faultRequest     = fault{problem.Request}
	faultCursor      = fault{problem.Cursor}
	faultNoKey       = fault{problem.NoKey}
	faultUnknownKey  = fault{problem.UnknownKey}
	faultExpiredKey  = fault{problem.ExpiredKey}
	faultNoPurpose   = fault{problem.NoPurpose}
	faultNoGrant     = fault{problem.NoGrant}
	faultPurpose     = fault{problem.Purpose}
	faultField       = fault{problem.Field}
	faultExpired     = fault{problem.ExpiredGrant}
	faultVerifyOnly  = fault{problem.VerifyOnly}
	faultNotVerify   = fault{problem.NotVerify}
	faultPurposeCode = fault{problem.PurposeCode}
	faultSupervise   = fault{problem.Supervise}
	faultAbsent      = fault{problem.Absent}
	faultView        = fault{problem.View}
	faultUnknown     = fault{problem.Unknown}
	faultLarge       = fault{problem.TooLarge}
	faultMedia       = fault{problem.MediaKind}
	faultKey         = fault{problem.Key}
	faultValue       = fault{problem.Value}
	faultInvalid     = fault{problem.Invalid}
	faultFew         = fault{problem.Few}
	faultTooMany     = fault{problem.TooMany}
	faultQuota       = fault{problem.Quota}
	faultBudget      = fault{problem.Budget}
	faultInternal    = fault{problem.Internal}
	faultAudit       = fault{problem.Audit}
	faultNotLoaded   = fault{problem.NotLoaded}
	faultCache       = fault{problem.Cache}
	faultMixed       = fault{problem.Mixed}
)

// reasons maps the reasons of a refusal to what callers see.
var reasons = map[access.Reason]fault{
	access.NoKey: faultNoKey, access.UnknownKey: faultUnknownKey, access.ExpiredKey: faultExpiredKey,
	access.NoPurpose: faultNoPurpose, access.UnknownPurpose: faultPurposeCode, access.UnknownView: faultView,
	access.NoGrant: faultNoGrant, access.PurposeNotGranted: faultPurpose, access.ExpiredGrant: faultExpired,
	access.FieldNotGranted: faultField, access.OverQuota: faultQuota, access.VerifyOnly: faultVerifyOnly,
	access.NotVerifiable: faultNotVerify, access.OverBudget: faultBudget, access.TooMany: faultTooMany,
}

func fieldErrors(faults []view.Fault) []FieldError {
	out := make([]FieldError, len(faults))
	for i, f := range faults {
		out[i] = problem.At(f.Location, f.Message)
	}
	return out
}

// refusals maps what admission refuses to what callers see.
var refusals = map[error]*problem.Kind{
	admission.ErrRequest: problem.Request, admission.ErrMedia: problem.MediaKind, admission.ErrForm: problem.JSON,
}

// problem returns the fault as an error of one request.
func (f fault) problem(requestID string, errs ...FieldError) *Problem {
	return &Problem{Problem: *f.Of(requestID, errs...)}
}

// write sends the problem.
func (p *Problem) write(w http.ResponseWriter) { p.WriteAs(w, p) }
