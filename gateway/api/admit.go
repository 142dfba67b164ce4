package api

import (
	"net/http"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/question"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// admit finds the application of a request by its key. Whoever has none gets no
// further, but to the pages that are open in a demonstration.
func (s *API) admit(r *http.Request, c *listener.Call) (listener.Who, *problem.Problem) {
	mine := question.NewCall(r, c)
	c.Data = mine
	_, mine.Operation = s.mux.Handler(r)
	mine.Known(mine.Identify(s.Access, s.Clock()))
	if mine.Reason == access.OK {
		return listener.Who{Key: mine.Who.ID(), Department: mine.Who.Department()}, nil
	}
	if !strings.HasPrefix(r.URL.Path, "/v1/") || !routed(mine.Operation) || s.open(r, mine) {
		return listener.Who{}, nil
	}
	return listener.Who{}, question.Reasons[mine.Reason].Of(c.ID)
}

// open reports whether a page needs no key here.
func (s *API) open(r *http.Request, c *question.Call) bool {
	if c.Operation == "GET /v1/console/apps" {
		return true
	}
	return s.Open && c.Bearer == "" && (r.Method == http.MethodGet || r.Method == http.MethodHead) && c.Operation != "GET /v1/lookup/{view}/{key}"
}

// refused leaves the trace of a refusal that came before any question: one entry
// of an application, one of strangers each minute.
func (s *API) refused(r *http.Request, c *listener.Call, p *problem.Problem) {
	mine, _ := c.Data.(*question.Call)
	reason := p.Code
	if mine != nil && mine.Reason != access.OK {
		reason = string(mine.Reason)
	}
	s.Desk.Denied(reason)
	if mine == nil || !mine.Identified {
		s.Strangers.Add(c.Client, reason, s.Clock())
		return
	}
	if !s.Desk.Trace(r.Context(), operationID(mine.Operation), p) {
		if n, ok := s.told.Tell("trace", time.Now()); ok {
			s.Logger.Warn("refusal without an audit entry", "request", c.ID, "code", p.Code, "times", n)
		}
	}
}
