package listener

import (
	"io"
	"net/http"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// Routes answers what no pattern of a mux takes by a problem: a wrong method
// with those that the address allows, a wrong path. Patterns end in no slash.
func Routes(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		if allow := Methods(mux, r, func(pattern string) bool { return pattern != "" }); allow != "" {
			w.Header().Set("Allow", allow)
			Refuse(w, r, problem.Method.Of(""))
			return
		}
		Refuse(w, r, problem.NoPath.Of(""))
	})
}

// Methods returns the methods that the path of a request would take, "" if none.
func Methods(mux *http.ServeMux, r *http.Request, routed func(pattern string) bool) string {
	var out []string
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete} {
		if m == r.Method {
			continue
		}
		other := r.Clone(r.Context())
		other.Method = m
		if _, pattern := mux.Handler(other); routed(pattern) {
			out = append(out, m)
		}
	}
	return strings.Join(out, ", ")
}

// Lives answers a prober that all is well: what every /livez says, and /readyz of what
// is ready.
func Lives(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "ok\n") // the prober has gone
}

// Strict refuses a query that holds anything but the known parameters, before
// the handler sees it.
func Strict(next http.HandlerFunc, known ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, wrong := Query(r.URL.RawQuery, known...); len(wrong) > 0 {
			Refuse(w, r, problem.Invalid.Of("", wrong...))
			return
		}
		next(w, r)
	}
}

// Bare refuses a body, before the handler, which would not read it, runs.
func Bare(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			Refuse(w, r, problem.NoBody.Of(""))
			return
		}
		next(w, r)
	}
}
