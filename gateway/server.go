package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/admission"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/gateway/console"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// routes builds the handler of the API and the console.
func (g *Gateway) routes() *listener.Server {
	mux := http.NewServeMux()
	g.register(mux)
	mux.HandleFunc("GET /v1/lookup/{view}/{key}", listener.Strict(g.lookup, "fields"))
	mux.HandleFunc("GET /v1/events", listener.Strict(g.events))
	mux.Handle(consolePages, console.Handler(nobody))
	g.mux = mux
	return listener.New(listener.Config{
		Shared: g.cfg.Shared, Name: "gateway", Logger: g.log, Admit: g.admit, Refused: g.refused, OwnHost: g.cfg.OpenConsole,
		Health: map[string]http.HandlerFunc{"/livez": listener.Strict(g.livez), "/readyz": listener.Strict(g.readyz, "verbose")},
	}, http.HandlerFunc(g.answer))
}

// nobody answers for what there is not.
func nobody(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/" {
		w.Header().Set("Allow", "GET, HEAD")
		listener.Refuse(w, r, problem.Method.Of(""))
		return
	}
	listener.Refuse(w, r, problem.NoPath.Of(""))
}

// consolePages is the pattern of what is no API.
const consolePages = "/"

// admit finds the application of a request by its key. Whoever has none gets no
// further, but to the pages that are open in a demonstration.
func (g *Gateway) admit(r *http.Request, c *listener.Call) (listener.Who, *problem.Problem) {
	mine := newCall(r, c)
	c.Data = mine
	_, mine.operation = g.mux.Handler(r)
	mine.who, mine.reason = g.parts.Access.Identify(mine.bearer)
	if mine.reason == access.OK {
		mine.identified, mine.fresh = true, true
		return listener.Who{Key: mine.who.ID(), Department: mine.who.Department()}, nil
	}
	if !strings.HasPrefix(r.URL.Path, "/v1/") || !routed(mine.operation) || g.open(r, mine) {
		return listener.Who{}, nil
	}
	return listener.Who{}, reasons[mine.reason].Of(c.ID)
}

// open reports whether a page needs no key here.
func (g *Gateway) open(r *http.Request, c *call) bool {
	if c.operation == "GET /v1/console/apps" {
		return true
	}
	return g.cfg.OpenConsole && c.bearer == "" && (r.Method == http.MethodGet || r.Method == http.MethodHead) && c.operation != "GET /v1/lookup/{view}/{key}"
}

// refused leaves the trace of a refusal that came before any question: one entry
// of an application, one of strangers each minute.
func (g *Gateway) refused(r *http.Request, c *listener.Call, p *problem.Problem) {
	mine, _ := c.Data.(*call)
	reason := p.Code
	if mine != nil && mine.reason != access.OK {
		reason = string(mine.reason)
	}
	g.metrics.denied.WithLabelValues(reason).Inc()
	g.flow.Denied.Add(1)
	if mine == nil || !mine.identified {
		g.strangers.Add(c.Client, reason, g.now())
		return
	}
	a := g.ask(r.Context(), operationID(mine.operation), "")
	a.entry.App, a.entry.Department = mine.who.ID(), mine.who.Department()
	a.entry.Decision, a.entry.Reason, a.entry.Status = audit.Deny, p.Code, p.Status
	if failed := a.append(r.Context()); failed != nil {
		g.log.Warn("refusal without an audit entry", "request", c.ID, "code", p.Code)
	}
}

// operationID names an operation in the audit.
func operationID(pattern string) string {
	if !routed(pattern) {
		return "none"
	}
	return pattern
}

// tellStrangers writes what strangers were refused for in a minute.
func (g *Gateway) tellStrangers(ctx context.Context, r listener.Refusals) {
	g.log.Info("strangers refused", "from", r.Neighbourhood, "count", r.Count, "reasons", r.Reasons)
	if err := g.audit.AppendStrangers(ctx, "gateway", r); err != nil {
		g.metrics.auditFailed.Inc()
		g.log.Error("audit entry of strangers could not be written", "from", r.Neighbourhood, "count", r.Count, "error", err)
	}
}

// answer is what every request passes that may be here.
func (g *Gateway) answer(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	c := callOf(r.Context())
	if strings.HasPrefix(r.URL.Path, "/v1/") {
		h := w.Header()
		for name, value := range apiHeader {
			h[name] = value
		}
	}
	g.metrics.inFlight.Inc()
	defer g.observe(w, c, begin)
	if !routed(c.operation) {
		if allow := listener.Methods(g.mux, r, routed); allow != "" {
			w.Header().Set("Allow", allow)
			listener.Refuse(w, r, problem.Method.Of(""))
			return
		}
	}
	if strings.HasPrefix(c.operation, "GET /openapi") && r.URL.RawQuery != "" {
		_, wrong := listener.Query(r.URL.RawQuery)
		listener.Refuse(w, r, problem.Invalid.Of("", wrong...))
		return
	}
	if err := admission.Inspect(r); err != nil {
		listener.Refuse(w, r, bodyProblem(err))
		return
	}
	if r.Method == http.MethodPost && r.Body != nil {
		c.body, _ = io.ReadAll(r.Body) // it is in memory: Inspect has read it
		r.Body = io.NopCloser(bytes.NewReader(c.body))
	}
	g.mux.ServeHTTP(w, r)
}

func bodyProblem(err error) *problem.Problem {
	if kind := listener.BodyProblem(err); kind != nil {
		return kind.Of("")
	}
	return refusals[err].Of("")
}

// apiHeader are headers of the API's answers. Nobody changes the slices.
var apiHeader = http.Header{
	"Cache-Control": {"no-store"}, "Content-Security-Policy": {"default-src 'none'; frame-ancestors 'none'"},
}

// routed reports whether a pattern is an operation's.
func routed(pattern string) bool { return pattern != consolePages && pattern != "" }

// observe counts a request.
func (g *Gateway) observe(w http.ResponseWriter, c *call, begin time.Time) {
	g.metrics.inFlight.Dec()
	g.metrics.request.WithLabelValues(operationID(c.operation), strconv.Itoa(max(listener.Status(w), http.StatusOK))).Observe(time.Since(begin).Seconds())
}

// serve listens until ctx ends, then lets what is under way finish.
func (g *Gateway) serve(ctx context.Context) error {
	l := g.cfg.Listener
	if l == nil {
		var err error
		if l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", g.cfg.Listen); err != nil {
			return fmt.Errorf("listen on %q: %w", g.cfg.Listen, err)
		}
	}
	return g.server.Serve(ctx, l)
}

// livez says that the process lives; it depends on nothing.
func (g *Gateway) livez(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "ok\n") // the prober has gone
}

// readyz says whether every view can be answered, and with ?verbose which not.
func (g *Gateway) readyz(w http.ResponseWriter, r *http.Request) {
	if !g.answers() {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "cache does not answer\n") // the prober has gone
		return
	}
	progress := *g.progress.Load()
	var missing []string
	for _, id := range g.viewIDs() {
		if !progress[id].Ready {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		_, _ = io.WriteString(w, "ok\n") // the prober has gone
		return
	}
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = fmt.Fprintf(w, "loading: %d of %d views\n", len(missing), len(g.views)) // the prober has gone
	if r.URL.Query().Has("verbose") {
		_, _ = fmt.Fprintln(w, strings.Join(missing, "\n")) // the prober has gone
	}
}
