package listener

import (
	"context"
	"net/http"
	"path"
	"strconv"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/crash"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// maxQuery is how long a query may be.
const maxQuery = 4096

// exchange is all that a Server keeps of a request and its answer, in one piece.
type exchange struct {
	call Call
	seen answered
	id   [1]string // the header X-Request-Id

	known                bool // the place is that of a key and its department
	stranger, key, group string
}

// ServeHTTP implements http.Handler: what every request passes.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{call: Call{ID: s.refusals.ids.next(), refusals: s.refusals}}
	c := &x.call
	on, _ := r.Context().Value(connKey{}).(*conn)
	if on != nil {
		on.begin()
		defer on.end()
		r.TLS, c.Certificate = on.secured()
	}
	h := w.Header()
	x.id[0] = c.ID
	h["X-Request-Id"] = x.id[:]
	for name, value := range everyHeader {
		h[name] = value
	}
	x.seen = answered{ResponseWriter: w, call: c}
	seen := &x.seen
	ctx := context.WithValue(r.Context(), callKey{}, c)
	r = r.WithContext(ctx)
	defer s.finish(seen, r, on)
	if r.ContentLength != 0 && r.Body != nil {
		c.body = &body{ReadCloser: r.Body, limits: s.cfg.Limits, length: r.ContentLength}
		if on != nil {
			c.body.conn = on
		}
		r.Body = c.body
	}
	kept := on != nil && on.kept
	if kept {
		h.Set("Connection", "close")
	}
	if health := s.cfg.Health[r.URL.Path]; health != nil && !changes(r.Method) {
		health(seen, r)
		return
	}
	if kept {
		c.Client, _ = clientOf(r, s.cfg.TrustedProxies) // for the count of those refused: what it says else is not looked at
		Refuse(seen, r, problem.Connections.Of(c.ID))
		return
	}
	p := s.form(r, c, on)
	if p == nil && s.cfg.Admit != nil {
		c.Who, p = s.cfg.Admit(r, c)
	}
	if p == nil {
		p = s.size(r)
	}
	if p != nil {
		Refuse(seen, r, p)
		return
	}
	if p := s.place(x); p != nil {
		Refuse(seen, r, p)
		return
	}
	defer s.leave(x)
	if on != nil && c.Who.Key != "" {
		on.known.Store(true)
	}
	s.next.ServeHTTP(seen, r)
}

// form looks at what a request is, not at what it asks.
func (s *Server) form(r *http.Request, c *Call, on *conn) *problem.Problem {
	var one bool
	if c.Client, one = clientOf(r, s.cfg.TrustedProxies); !one {
		return problem.Headers.Of(c.ID).Says("X-Forwarded-For 与 Forwarded 说的不是同一个客户端", "X-Forwarded-For and Forwarded name different clients")
	}
	for _, name := range []string{"Authorization", "X-Purpose", "Content-Type", "Content-Length", "Content-Encoding", "Idempotency-Key", "Host", "Origin"} {
		if len(r.Header[name]) > 1 {
			return problem.Headers.Of(c.ID, problem.Part{Location: name, Message: "请求头重复", MessageEN: "duplicate header"})
		}
	}
	switch {
	case !s.hostIsOurs(r):
		return problem.HostName.Of(c.ID)
	case s.cfg.SameSite && changes(r.Method) && fromOtherSite(r):
		return problem.CrossSite.Of(c.ID)
	case len(r.URL.RawQuery) > maxQuery, r.RequestURI == "*", r.Method == http.MethodConnect:
		return problem.Request.Of(c.ID)
	case !clean(r.URL.Path):
		return problem.NoPath.Of(c.ID)
	case len(r.TransferEncoding) > 0 && (!s.cfg.Chunked || on != nil && on.ambiguous()):
		if s.cfg.Chunked {
			return problem.Request.Of(c.ID).Says("Transfer-Encoding 与 Content-Length 不可同时出现，分块请求也不可接在别的请求后面一起发", "Transfer-Encoding and Content-Length exclude one another, and a request in chunks is not sent behind another in one go")
		}
		return problem.NoLength.Of(c.ID)
	}
	return nil
}

// size looks at what a body says of itself.
func (s *Server) size(r *http.Request) *problem.Problem {
	switch {
	case r.ContentLength > s.cfg.Limits.BodyBytes:
		return TooLarge(s.cfg.Limits.BodyBytes)
	case r.ContentLength != 0 && !changes(r.Method):
		return problem.Request.Of("").Says("该方法不带请求体", "this method takes no body")
	}
	return nil
}

// TooLarge says how large a body may be.
func TooLarge(limit int64) *problem.Problem {
	n := strconv.FormatInt(limit, 10)
	return problem.TooLarge.Of("").Says("请求体不得超过 "+n+" 字节，请分批", "a body is at most "+n+" bytes: send it in parts")
}

// clean reports whether a path is the shortest name of what it names.
func clean(p string) bool {
	if p == "" || p[0] != '/' {
		return false
	}
	short := path.Clean(p)
	return short == p || short+"/" == p
}

// place takes the places of a request.
func (s *Server) place(x *exchange) *problem.Problem {
	c := &x.call
	if c.Who == (Who{}) {
		x.stranger = share(c.Client)
		if !s.strangers.Take(x.stranger) {
			return problem.Stranger.Of(c.ID)
		}
		return nil
	}
	x.key, x.group = c.Who.Key, c.Who.Department
	if !s.keys.Take(x.key) {
		return problem.Busy.Of(c.ID)
	}
	if !s.groups.Take(x.group) {
		s.keys.Leave(x.key)
		return problem.Busy.Of(c.ID)
	}
	x.known = true
	return nil
}

// leave gives back what place took.
func (s *Server) leave(x *exchange) {
	if !x.known {
		s.strangers.Leave(x.stranger)
		return
	}
	s.groups.Leave(x.group)
	s.keys.Leave(x.key)
}

// UnderWay is how many requests have a place.
func (s *Server) UnderWay() int { return s.keys.Taken() + s.strangers.Taken() }

// finish turns a panic into an answer that says nothing, and does not wait for
// the rest of a body.
func (s *Server) finish(w *answered, r *http.Request, on *conn) {
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler { //nolint:errorlint // the sentinel itself is panicked with
			panic(p)
		}
		e := crash.Of(p)
		if n, ok := s.panics.Tell(e.Place(), time.Now()); ok {
			s.log.Error("request panicked", "listener", s.cfg.Name, "request", w.call.ID, "times", n, "error", e)
		}
		if w.status != 0 {
			panic(http.ErrAbortHandler) // half an answer must not look like a whole one
		}
		s.lost(w, r)
	}
	if b := w.call.body; b != nil && on != nil && !b.whole() {
		// net/http would wait for what was not asked for.
		on.over.Store(true)
		_ = on.SetReadDeadline(time.Now().Add(500 * time.Millisecond)) // the connection is gone if it fails
	}
}

// lost answers a request whose handler panicked. What hears of refusals may panic
// too, and net/http would print what with: the connection is closed instead.
func (s *Server) lost(w *answered, r *http.Request) {
	defer func() {
		if p := recover(); p != nil {
			e := crash.Of(p)
			if n, ok := s.panics.Tell("refused "+e.Place(), time.Now()); ok {
				s.log.Error("request panicked while it was refused", "listener", s.cfg.Name, "request", w.call.ID, "times", n, "error", e)
			}
			panic(http.ErrAbortHandler)
		}
	}()
	Refuse(w, r, problem.Internal.Of(w.call.ID))
}

// answered remembers the status of an answer.
type answered struct {
	http.ResponseWriter
	call   *Call
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *answered) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		if b := w.call.body; b != nil && !b.whole() {
			w.Header().Set("Connection", "close")
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *answered) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *answered) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Status is the status of an answer that a Server's handler writes, 0 before.
func Status(w http.ResponseWriter) int {
	if w, ok := w.(*answered); ok {
		return w.status
	}
	return 0
}
