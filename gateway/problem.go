package gateway

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/admission"
	"github.com/yiyuan-bus/yiyuan/gateway/answer"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
)

// Problem is an error as callers see it, RFC 9457. It never holds a value of a
// record or of the question.
type Problem struct {
	Type      string       `json:"type" doc:"urn:yiyuan:error:<code>"`
	Title     string       `json:"title" doc:"中文标题"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail" doc:"中文 / English"`
	Code      string       `json:"code" example:"YIYUAN-4031"`
	RequestID string       `json:"request_id"`
	Errors    []FieldError `json:"errors,omitempty"`
	AsOf      *answer.Time `json:"as_of,omitempty" doc:"查无此记录时:数据源在此之前提交的变更均已包含 / with 404: everything committed at the sources before it is in"`
	Stale     *bool        `json:"stale,omitempty" doc:"as_of 是否已超过更新周期 / whether as_of is older than the cycle allows"`

	retry time.Duration
}

// FieldError says which part of a question is wrong.
type FieldError struct {
	Location string `json:"location" doc:"字段 / field"`
	Message  string `json:"message"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Code + " " + p.Title }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

// fault is one kind of problem. Its code is status and a digit.
type fault struct {
	status int
	code   string
	title  string
	detail string
}

var (
	faultRequest     = fault{400, "4000", "请求有误", "请求无法读取,请检查格式 / the request cannot be read, check its form"}
	faultHeaders     = fault{400, "4001", "请求头有误", "Authorization、X-Purpose 等请求头只能出现一次 / a header such as Authorization or X-Purpose stands more than once"}
	faultDuplicate   = fault{400, "4002", "JSON 有误", "JSON 中有重复的键、嵌套过深或不是合法的 UTF-8 / duplicate keys, too deep or not valid UTF-8"}
	faultCursor      = fault{400, "4003", "游标有误", "cursor 不是本接口返回的 / the cursor was not made by this API"}
	faultNoKey       = fault{401, "4010", "未提供密钥", "请在 Authorization: Bearer 中提供应用密钥 / send the application's key as Authorization: Bearer"}
	faultUnknownKey  = fault{401, "4011", "密钥无效", "密钥不存在或已撤销 / the key is unknown or revoked"}
	faultExpiredKey  = fault{401, "4012", "密钥已到期", "请向数据局申请新的密钥 / the key has expired, ask for a new one"}
	faultNoPurpose   = fault{403, "4030", "未说明用途", "请在 X-Purpose 中填写用途代码,可用代码见 /v1/me / name the purpose in X-Purpose, see /v1/me"}
	faultNoGrant     = fault{403, "4031", "没有授权", "本应用没有该视图的授权,请申请 / the application has no grant for this view"}
	faultPurpose     = fault{403, "4032", "用途不在授权内", "授权不包括这个用途 / the grant does not cover this purpose"}
	faultField       = fault{403, "4033", "字段不在授权内", "所请求的字段未获授权 / a field asked for is not granted"}
	faultExpired     = fault{403, "4034", "授权已到期", "请申请延期 / the grant has expired"}
	faultVerifyOnly  = fault{403, "4035", "只可核验", "该视图只回答是否一致,请用 POST /v1/verify / this view only answers yes or no, use POST /v1/verify"}
	faultNotVerify   = fault{403, "4036", "不可核验", "该视图不是核验视图 / this view is not for verification"}
	faultPurposeCode = fault{403, "4037", "用途代码未知", "用途代码不在目录中 / the purpose code is unknown"}
	faultSupervise   = fault{403, "4038", "需要监督权限", "该页面需要 SUPERVISE 用途的应用 / this page needs an application with the purpose SUPERVISE"}
	faultAbsent      = fault{404, "4040", "查无此记录", "该视图中没有这个主键的记录 / the view holds no record of this key"}
	faultView        = fault{404, "4041", "视图不存在", "目录中没有这个视图 / the catalogue has no such view"}
	faultPath        = fault{404, "4042", "地址不存在", "没有这个接口 / there is no such address"}
	faultUnknown     = fault{404, "4043", "不存在", "目录中没有这一项 / there is no such item"}
	faultMethod      = fault{405, "4050", "方法不允许", "该地址不支持这个方法 / the method is not allowed here"}
	faultLength      = fault{411, "4110", "需要 Content-Length", "请求体须用 Content-Length 说明长度,不接受分块传输 / bodies need a Content-Length, chunked ones are refused"}
	faultLarge       = fault{413, "4130", "请求过大", "请求体不得超过 1 MiB,批量不得超过 1000 条 / a body is at most 1 MiB, a batch at most 1,000 keys"}
	faultMedia       = fault{415, "4150", "类型不支持", "请求体须为未压缩的 application/json (UTF-8) / bodies must be uncompressed application/json in UTF-8"}
	faultKey         = fault{422, "4220", "主键无效", "主键格式不正确,请检查位数和字符 / the key is malformed, check its length and characters"}
	faultValue       = fault{422, "4221", "字段值无效", "有字段的值格式不正确 / the value of a field is malformed"}
	faultInvalid     = fault{422, "4222", "参数无效", "请求参数未通过校验 / the request does not pass validation"}
	faultFew         = fault{422, "4223", "核验字段太少", "核验须同时给出至少两个字段 / a verification needs at least two fields"}
	faultQuota       = fault{429, "4290", "超过配额", "每分钟的调用配额已用完 / the quota of this minute is used up"}
	faultBusy        = fault{429, "4291", "系统繁忙", "请稍后重试 / too many requests under way, try again"}
	faultBudget      = fault{429, "4292", "核验失败过多", "不一致的核验过多,已暂停并告警 / too many verifications failed, stopped and reported"}
	faultStranger    = fault{429, "4293", "无效请求过多", "未通过身份校验的请求过多 / too many requests without a valid key"}
	faultInternal    = fault{500, "5000", "内部错误", "请将请求编号告知管理员 / tell the operator the request id"}
	faultAudit       = fault{503, "5030", "审计不可用", "审计记录无法写入,因此不予回答 / the audit entry cannot be written, so there is no answer"}
	faultNotLoaded   = fault{503, "5031", "数据正在加载", "该视图正在加载,请稍后重试;这不表示查无此人 / the view is being loaded, try again; this does not mean that there is no record"}
	faultCache       = fault{503, "5032", "缓存不可用", "缓存暂时无法访问 / the cache cannot be reached"}
	faultMixed       = fault{503, "5033", "回答已作废", "缓存的回答与问题不符,已作废并告警 / the cache answered another question, the answer was discarded"}
)

// reasons maps the reasons of a refusal to what callers see.
var reasons = map[access.Reason]fault{
	access.NoKey: faultNoKey, access.UnknownKey: faultUnknownKey, access.ExpiredKey: faultExpiredKey,
	access.NoPurpose: faultNoPurpose, access.UnknownPurpose: faultPurposeCode, access.UnknownView: faultView,
	access.NoGrant: faultNoGrant, access.PurposeNotGranted: faultPurpose, access.ExpiredGrant: faultExpired,
	access.FieldNotGranted: faultField, access.OverQuota: faultQuota, access.VerifyOnly: faultVerifyOnly,
	access.NotVerifiable: faultNotVerify, access.OverBudget: faultBudget,
}

func fieldErrors(faults []view.Fault) []FieldError {
	out := make([]FieldError, len(faults))
	for i, f := range faults {
		out[i] = FieldError(f)
	}
	return out
}

// refusals maps what admission refuses to what callers see.
var refusals = map[error]fault{
	admission.ErrRequest: faultRequest, admission.ErrHeaders: faultHeaders, admission.ErrLength: faultLength,
	admission.ErrLarge: faultLarge, admission.ErrMedia: faultMedia, admission.ErrForm: faultDuplicate,
}

// problem returns the fault as an error of one request.
func (f fault) problem(requestID string, errs ...FieldError) *Problem {
	p := &Problem{
		Type: "urn:yiyuan:error:YIYUAN-" + f.code, Title: f.title, Status: f.status, Detail: f.detail, Code: "YIYUAN-" + f.code,
		RequestID: requestID, Errors: errs,
	}
	if f.status == http.StatusTooManyRequests || f.status == http.StatusServiceUnavailable {
		p.retry = time.Second
	}
	return p
}

// write sends the problem.
func (p *Problem) write(w http.ResponseWriter) {
	body, err := json.Marshal(p)
	if err != nil {
		http.Error(w, p.Code, p.Status)
		return
	}
	h := w.Header()
	h.Set("Content-Type", problemType)
	p.headers(h)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // the client has gone: nothing to be done
}

// headers sets what goes beside the body.
func (p *Problem) headers(h http.Header) {
	if p.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(int((p.retry+time.Second-1)/time.Second)))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="yiyuan"`)
	}
}
