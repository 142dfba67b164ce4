package api

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/admission"
	"github.com/yiyuan-bus/yiyuan/gateway/question"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// answer is what every request passes that may be here.
func (s *API) answer(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	c := question.CallOf(r.Context())
	s.metrics.inFlight.Inc()
	defer s.observe(w, c, begin)
	if !routed(c.Operation) {
		if allow := listener.Methods(s.mux, r, routed); allow != "" {
			w.Header().Set("Allow", allow)
			listener.Refuse(w, r, problem.Method.Of(""))
			return
		}
	}
	if strings.HasPrefix(c.Operation, "GET /openapi") && r.URL.RawQuery != "" {
		_, wrong := listener.Query(r.URL.RawQuery)
		listener.Refuse(w, r, problem.Invalid.Of("", wrong...))
		return
	}
	if err := admission.Inspect(r); err != nil {
		listener.Refuse(w, r, bodyProblem(err))
		return
	}
	if r.Method == http.MethodPost && r.Body != nil {
		c.Body, _ = io.ReadAll(r.Body) // it is in memory: Inspect has read it
		r.Body = io.NopCloser(bytes.NewReader(c.Body))
	}
	s.mux.ServeHTTP(w, r)
}

func bodyProblem(err error) *problem.Problem {
	if kind := listener.BodyProblem(err); kind != nil {
		return kind.Of("")
	}
	return refusals[err].Of("")
}

// refusals maps what admission refuses to what callers see.
var refusals = map[error]*problem.Kind{
	admission.ErrRequest: problem.Request, admission.ErrMedia: problem.MediaKind, admission.ErrForm: problem.JSON,
}

// observe counts a request.
func (s *API) observe(w http.ResponseWriter, c *question.Call, begin time.Time) {
	s.metrics.inFlight.Dec()
	s.metrics.request.WithLabelValues(operationID(c.Operation), strconv.Itoa(max(listener.Status(w), http.StatusOK))).Observe(time.Since(begin).Seconds())
}
