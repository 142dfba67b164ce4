package api

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// What may be answered instead of data: by every server, to everybody who needs a key,
// to who sends a body, by what is decided and read.
var (
	ofServer   = []*problem.Kind{problem.Request, problem.TooSlow, problem.Expectation, problem.Invalid, problem.Connections, problem.HeaderLarge, problem.Internal, problem.Coding, problem.Protocol}
	ofForm     = []*problem.Kind{problem.Headers, problem.NoLength, problem.TooLarge, problem.HostName, problem.Busy, problem.Stranger}
	ofKey      = []*problem.Kind{problem.NoKey, problem.UnknownKey, problem.ExpiredKey, problem.SeveralApps, problem.Audit}
	ofBody     = []*problem.Kind{problem.BodyCut, problem.JSON, problem.MediaKind}
	ofQuestion = []*problem.Kind{
		problem.NoPurpose, problem.NoGrant, problem.Purpose, problem.Field, problem.ExpiredGrant, problem.VerifyOnly, problem.NotVerify, problem.PurposeCode,
		problem.View, problem.Key, problem.TooMany, problem.Quota, problem.NotLoaded, problem.Cache, problem.Mixed,
	}
	ofPage = []*problem.Kind{problem.Supervise, problem.ExpiredGrant}
)

// kindsKey is where an operation keeps what else may be answered to it.
const kindsKey = "kinds"

// may says what else may be answered to an operation.
func may(o huma.Operation, kinds ...[]*problem.Kind) huma.Operation {
	o.Metadata = map[string]any{kindsKey: slices.Concat(kinds...)}
	return o
}

// describeRefusals describes, status by status, everything that may be answered instead of
// data, with the codes it may have.
func describeRefusals(o *huma.Operation) {
	delete(o.Responses, "default")
	kinds := slices.Clone(ofServer)
	extra, _ := o.Metadata[kindsKey].([]*problem.Kind)
	kinds = append(kinds, extra...)
	if o.Method == http.MethodPost {
		kinds = append(kinds, ofBody...)
	}
	if strings.Contains(o.Path, "{") { // a name may make another path of it
		kinds = append(kinds, problem.NoPath)
	}
	by := map[int][]*problem.Kind{}
	for _, k := range kinds {
		if !slices.Contains(by[k.Status], k) {
			by[k.Status] = append(by[k.Status], k)
		}
	}
	for _, status := range slices.Sorted(maps.Keys(by)) {
		name := strconv.Itoa(status)
		r := o.Responses[name]
		if r == nil {
			r = &huma.Response{}
			o.Responses[name] = r
		}
		if r.Content == nil {
			r.Content = map[string]*huma.MediaType{}
		}
		codes := make([]string, 0, len(by[status]))
		var says strings.Builder
		for i, k := range by[status] {
			codes = append(codes, k.Code)
			if i > 0 {
				says.WriteString("；")
			}
			says.WriteString(k.Code + " " + k.Title + " / " + k.TitleEN)
		}
		if r.Description == "" {
			r.Description = says.String()
		}
		r.Content[problem.MediaType] = &huma.MediaType{Schema: &huma.Schema{Ref: "#/components/schemas/Problem"}}
		r.Extensions = map[string]any{"x-codes": codes}
	}
	for status, r := range o.Responses {
		describeHeaders(o.OperationID, status, r)
	}
}

// purpose is the parameter by which an application says what it asks for. It is no
// part of what is bound: a question without one is refused, and in the audit.
var purpose = &huma.Param{
	Name: "X-Purpose", In: "header", Required: true, Description: "用途代码，可用的见 /v1/me / purpose code, see /v1/me",
	Schema: &huma.Schema{Type: huma.TypeString, Pattern: `^[!-~]+$`, MaxLength: ptr(128)},
}

func ptr(n int) *int { return &n }
