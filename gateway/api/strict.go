package api

import (
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/yiyuan-bus/yiyuan/gateway/question"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// strictQuery refuses a query that holds what the operation does not describe.
func strictQuery(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	if r.URL.RawQuery != "" {
		var known []string
		for _, p := range ctx.Operation().Parameters {
			if p.In == "query" {
				known = append(known, p.Name)
			}
		}
		if _, wrong := listener.Query(r.URL.RawQuery, known...); len(wrong) > 0 {
			listener.Refuse(w, r, problem.Invalid.Of("", wrong...))
			return
		}
	}
	next(ctx)
}

// strictNames refuses a body whose members are not named as the operation describes
// them, since encoding/json takes a name for another that differs in case alone; and one
// with null where a value belongs, which is else taken for a member that is not there.
func (s *API) strictNames(api huma.API) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		body := ctx.Operation().RequestBody
		if body == nil || body.Content["application/json"] == nil {
			next(ctx)
			return
		}
		s := body.Content["application/json"].Schema
		for s != nil && s.Ref != "" {
			s = api.OpenAPI().Components.Schemas.SchemaFromRef(s.Ref)
		}
		if s == nil {
			next(ctx)
			return
		}
		var wrong []question.FieldError
		for i, m := range members(question.CallOf(r.Context()).Body) {
			switch described := s.Properties[m.name]; {
			case described == nil:
				wrong = append(wrong, problem.At("body.#"+strconv.Itoa(i+1), unknownMember))
			case m.null && !described.Nullable:
				wrong = append(wrong, problem.At("body."+m.name, nullMember))
			}
		}
		if len(wrong) > 0 {
			listener.Refuse(w, r, problem.Invalid.Of("", wrong...))
			return
		}
		next(ctx)
	}
}
