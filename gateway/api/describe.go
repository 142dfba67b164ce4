package api

import (
	"context"
	"errors"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/admission"
	"github.com/yiyuan-bus/yiyuan/gateway/finding"
	"github.com/yiyuan-bus/yiyuan/gateway/quarantine"
	"github.com/yiyuan-bus/yiyuan/gateway/question"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// raw is an answer whose bytes were made, and audited, before it is sent.
type raw struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func rawAnswer(body []byte, p *question.Problem) (*raw, error) {
	if p != nil {
		return nil, p
	}
	return &raw{"application/json", body}, nil
}

// of is the answer of an operation that carries no personal value.
type of[T any] struct{ Body T }

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
func (s *API) named(name string) bool { return s.names[name] }

// transform gives the errors that huma itself raises our form. What a caller
// sent is not repeated.
func (s *API) transform(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		if p, is := v.(*question.Problem); is {
			p.Headers(ctx.SetHeader)
		}
		return v, nil
	}
	f := problem.Invalid
	switch m.Status {
	case http.StatusBadRequest:
		f = problem.Request
	case http.StatusRequestEntityTooLarge:
		f = problem.TooLarge
	case http.StatusUnsupportedMediaType:
		f = problem.MediaKind
	case http.StatusInternalServerError:
		f = problem.Internal
	}
	p := question.Of(f, question.CallOf(ctx.Context()).ID)
	p.Status = m.Status
	for _, e := range m.Errors {
		p.Errors = append(p.Errors, problem.Part{Location: place(e.Location, question.CallOf(ctx.Context()).Body, s.named), Message: chinese(e.Message), MessageEN: e.Message})
	}
	return p, nil
}

// operation describes one operation that needs a key.
func operation(method, path, id, tag, summary string) huma.Operation {
	return may(huma.Operation{
		Method: method, Path: path, OperationID: id, Tags: []string{tag}, Summary: summary, MaxBodyBytes: admission.MaxBody,
		Responses: map[string]*huma.Response{"default": {}},
	}, ofForm, ofKey)
}

// asked describes an operation that is a question: it is asked for a purpose.
func asked(o huma.Operation, kinds ...*problem.Kind) huma.Operation {
	o = may(o, ofForm, ofKey, ofQuestion, kinds)
	o.Parameters = append(o.Parameters, purpose)
	return o
}

// supervised describes an operation that needs the purpose SUPERVISE.
func supervised(path, id, summary string, kinds ...*problem.Kind) huma.Operation {
	return may(operation(http.MethodGet, path, id, supervision, summary), ofForm, ofKey, ofPage, kinds)
}

// answers adds what a hand-written answer looks like.
func answers(api huma.API, o huma.Operation, example any) huma.Operation {
	r := api.OpenAPI().Components.Schemas
	r.Schema(reflect.TypeFor[question.Problem](), true, "Problem")
	o.Responses["200"] = &huma.Response{
		Description: "OK", Content: map[string]*huma.MediaType{"application/json": {Schema: r.Schema(reflect.TypeOf(example), true, o.OperationID)}},
	}
	return o
}

// page answers an operation about the exchange itself, for supervisors.
func page[I, O any](s *API, api huma.API, o huma.Operation, answer func(ctx context.Context, in *I) (O, error)) {
	looked(s, api, o, func(ctx context.Context, a *question.Ask, in *I) (out O, err error) {
		if p := a.Supervise(ctx); p != nil {
			return out, &refusedError{p}
		}
		return answer(ctx, in)
	})
}

// open answers an operation that every application may ask; to those that supervise it
// tells more.
func open[I, O any](s *API, api huma.API, o huma.Operation, answer func(in *I, supervises bool) (O, error)) {
	looked(s, api, o, func(ctx context.Context, a *question.Ask, in *I) (out O, err error) {
		supervises, p := a.Browse(ctx)
		if p != nil {
			return out, &refusedError{p}
		}
		return answer(in, supervises)
	})
}

// refusedError is a refusal that is in the audit already.
type refusedError struct{ p *question.Problem }

// Error implements error.
func (r *refusedError) Error() string { return r.p.Error() }

func looked[I, O any](s *API, api huma.API, o huma.Operation, answer func(ctx context.Context, a *question.Ask, in *I) (O, error)) {
	api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[question.Problem](), true, "Problem")
	huma.Register(api, o, func(ctx context.Context, in *I) (*of[O], error) {
		a := s.Desk.Page(ctx, o.OperationID)
		out, err := answer(ctx, a, in)
		if r := (*refusedError)(nil); errors.As(err, &r) {
			return nil, r.p
		}
		var p *question.Problem
		if err != nil {
			p = pageProblem(question.CallOf(ctx).ID, err)
		}
		if p = a.Shown(ctx, p); p != nil {
			return nil, p
		}
		return &of[O]{out}, nil
	})
}

func pageProblem(id string, err error) *question.Problem {
	switch {
	case errors.Is(err, schemas.ErrUnknown):
		return question.Of(problem.Unknown, id)
	case errors.Is(err, finding.ErrCursor):
		return question.Of(problem.Cursor, id)
	case errors.Is(err, quarantine.ErrNotLoaded):
		return question.Of(problem.NotLoaded, id)
	}
	var p *question.Problem
	if errors.As(err, &p) {
		return p
	}
	return question.Of(problem.Internal, id)
}

// supervision is the tag of what needs the purpose SUPERVISE.
const supervision = "监督 Supervision"

// nothing is what an operation without parameters is asked with, byID what one about
// a thing is.
type (
	nothing struct{}
	byID    struct {
		ID string `path:"id" maxLength:"128"`
	}
)
