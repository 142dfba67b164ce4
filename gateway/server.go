package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/gateway/admission"
	"github.com/yiyuan-bus/yiyuan/gateway/console"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
)

// routes builds the handler of the API and the console.
func (g *Gateway) routes() http.Handler {
	mux := http.NewServeMux()
	g.register(mux)
	mux.HandleFunc("GET /v1/lookup/{view}/{key}", g.lookup)
	mux.HandleFunc("GET /v1/events", g.events)
	mux.HandleFunc("GET /livez", g.livez)
	mux.HandleFunc("GET /readyz", g.readyz)
	mux.HandleFunc("/v1/", g.noSuchPath)
	mux.Handle("/", console.Handler())
	return g.admit(mux)
}

func (g *Gateway) noSuchPath(w http.ResponseWriter, r *http.Request) {
	faultPath.problem(callOf(r.Context()).id).write(w)
}

// admit is what every request passes: it gets an id, is bounded, and nothing
// hostile in its form goes further.
func (g *Gateway) admit(next *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		c := g.newCall(r)
		_, c.operation = next.Handler(r)
		h := w.Header()
		h.Set("X-Request-Id", c.id)
		for name, value := range everyHeader {
			h[name] = value
		}
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			for name, value := range apiHeader {
				h[name] = value
			}
		}
		seen := &watched{ResponseWriter: w}
		defer g.record(seen, c, begin)
		if g.inFlight.Add(1) > int64(g.cfg.MaxInFlight) {
			g.inFlight.Add(-1)
			faultBusy.problem(c.id).write(seen)
			return
		}
		g.metrics.inFlight.Inc()
		defer func() {
			g.inFlight.Add(-1)
			g.metrics.inFlight.Dec()
		}()
		if err := admission.Inspect(r); err != nil {
			h.Set("Connection", "close")
			refusals[err].problem(c.id).write(seen)
			return
		}
		if !routed(c.operation) {
			if allow := methods(next, r); allow != "" {
				h.Set("Allow", allow)
				faultMethod.problem(c.id).write(seen)
				return
			}
		}
		next.ServeHTTP(seen, r.WithContext(context.WithValue(r.Context(), callKey{}, c)))
	})
}

// Headers of every answer, and of those of the API. Nobody changes the slices.
var (
	everyHeader = http.Header{
		"X-Content-Type-Options": {"nosniff"}, "Referrer-Policy": {"no-referrer"}, "X-Frame-Options": {"DENY"},
		"Cross-Origin-Opener-Policy": {"same-origin"}, "Cross-Origin-Resource-Policy": {"same-origin"},
	}
	apiHeader = http.Header{
		"Cache-Control": {"no-store"}, "Content-Security-Policy": {"default-src 'none'; frame-ancestors 'none'"},
	}
)

// routed reports whether a pattern is more than the answer to a wrong path.
func routed(pattern string) bool { return pattern != "/v1/" && pattern != "" }

// methods returns the methods that the path would take, "" if none.
func methods(mux *http.ServeMux, r *http.Request) string {
	var out []string
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
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

// record counts a request, and turns a panic into an answer that says nothing.
func (g *Gateway) record(w *watched, c *call, begin time.Time) {
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler { //nolint:errorlint // the sentinel itself is panicked with
			panic(p)
		}
		g.log.Error("request panicked", "request", c.id, "operation", c.operation, "error", crash.Of(p))
		if w.status == 0 {
			faultInternal.problem(c.id).write(w)
		}
	}
	operation := c.operation
	if operation == "" {
		operation = "none"
	}
	g.metrics.request.WithLabelValues(operation, strconv.Itoa(max(w.status, http.StatusOK))).Observe(time.Since(begin).Seconds())
}

// watched remembers the status of an answer.
type watched struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *watched) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *watched) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// serve listens until ctx ends, then lets what is under way finish.
func (g *Gateway) serve(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	public, err := listen(ctx, g.cfg.Listener, g.cfg.Listen)
	if err != nil {
		return err
	}
	group.Go(func() error {
		return g.serveOn(ctx, admission.Listen(public, g.cfg.MaxConnections), g.handler, 30*time.Second)
	})
	if g.cfg.Admin != "" || g.cfg.AdminListener != nil {
		admin, err := listen(ctx, g.cfg.AdminListener, g.cfg.Admin)
		if err != nil {
			return errors.Join(err, public.Close())
		}
		group.Go(func() error { return g.serveOn(ctx, admin, g.admin(), 2*time.Minute) })
	}
	return group.Wait()
}

func listen(ctx context.Context, given net.Listener, address string) (net.Listener, error) {
	if given != nil {
		return given, nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", address, err)
	}
	return l, nil
}

func (g *Gateway) serveOn(ctx context.Context, l net.Listener, h http.Handler, write time.Duration) error {
	server := &http.Server{
		Handler: crash.Handler(h), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: write, IdleTimeout: time.Minute,
		MaxHeaderBytes: admission.MaxHeader, BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog: slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
	}
	g.log.Info("gateway listens", "address", l.Addr().String())
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve %q: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	err := server.Shutdown(drain)
	<-done //nolint:errcheck // it ended because it was told to
	if err != nil {
		return fmt.Errorf("close %q: %w", l.Addr(), err)
	}
	return ctx.Err()
}

// admin is what operators see: metrics, profiles, and the rebuild of the cache.
func (g *Gateway) admin() http.Handler {
	mux := http.NewServeMux()
	if g.parts.Gatherer != nil {
		mux.Handle("GET /metrics", promhttp.HandlerFor(g.parts.Gatherer, promhttp.HandlerOpts{}))
	}
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /livez", g.livez)
	mux.HandleFunc("GET /readyz", g.readyz)
	mux.HandleFunc("POST /rebuild", func(w http.ResponseWriter, r *http.Request) {
		if err := g.Rebuild(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "rebuilt\n") // the operator has gone
	})
	return mux
}

// livez says that the process lives; it depends on nothing.
func (g *Gateway) livez(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "ok\n") // the prober has gone
}

// readyz says whether every view can be answered, and with ?verbose which not.
func (g *Gateway) readyz(w http.ResponseWriter, r *http.Request) {
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
