package process

import (
	"context"
	"io"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/yiyuan-bus/yiyuan/connectors/fleet"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// OperatorHeader has to stand in a call that changes something, where there is
// no token: a browser sends it for no other site.
const OperatorHeader = fleet.OperatorHeader

// ServeAdmin opens the operators' listener.
func (a *Process) ServeAdmin(ctx context.Context, f *fleet.Fleet) (string, error) {
	cfg, err := a.adminListener(ctx)
	if err != nil {
		return "", err
	}
	return a.serve(ctx, a.cfg.Admin.Listen, cfg, a.adminRoutes(f))
}

// adminListener is the door of the operators' listener: this machine's own names,
// no other site, and a token or a header that only a program sends.
func (a *Process) adminListener(ctx context.Context) (listener.Config, error) {
	token, err := a.secret(ctx, "admin.token_file", a.cfg.Admin.TokenFile)
	if err != nil {
		return listener.Config{}, err
	}
	strangers := a.countStrangers(ctx, "admin", nil)
	cfg := listener.Config{
		Shared: a.shared, Name: "admin", OwnHost: true, SameSite: true,
		Health: map[string]http.HandlerFunc{"/livez": listener.Strict(listener.Lives), "/readyz": listener.Strict(a.kafka.ready)},
		Admit: func(r *http.Request, c *listener.Call) (listener.Who, *problem.Problem) {
			who := listener.Who{Key: "operator", Department: "operator"}
			if token == nil {
				if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Header.Get(OperatorHeader) == "" {
					return listener.Who{}, problem.NoOperator.Of(c.ID)
				}
				return who, nil
			}
			switch given := bearer(r); {
			case given == "":
				return listener.Who{}, problem.NoKey.Of(c.ID)
			case !token.is(given):
				return listener.Who{}, problem.UnknownKey.Of(c.ID)
			}
			return who, nil
		},
		Refused: func(r *http.Request, c *listener.Call, p *problem.Problem) {
			// Without a token everybody on this machine may read: a web page that an
			// operator has open gets as far, so only who says to be one is an operator.
			if c.Who.Key == "" || token == nil && r.Header.Get(OperatorHeader) == "" {
				strangers.Add(c.Client, p.Code, time.Now())
				return
			}
			a.Log.Warn("admin call refused", "code", p.Code, "client", c.Client.String(), "method", r.Method, "request", c.ID)
		},
	}
	cfg.Limits.WriteTime = 10 * time.Minute // a rebuild, a profile
	return cfg, nil
}

// adminRoutes is what operators see and do: metrics, profiles, sources.
func (a *Process) adminRoutes(f *fleet.Fleet) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", listener.Strict(promhttp.HandlerFor(a.Metrics, promhttp.HandlerOpts{}).ServeHTTP))
	if a.gateway != nil { // POST /rebuild fills the cache again
		mux.HandleFunc("POST /rebuild", listener.Strict(func(w http.ResponseWriter, r *http.Request) {
			if err := a.gateway.Rebuild(r.Context()); err != nil {
				a.Log.Error("cache not rebuilt", "error", err)
				listener.Refuse(w, r, problem.NotRebuilt.Of(""))
				return
			}
			_, _ = io.WriteString(w, "rebuilt\n") // the operator is gone if it fails
		}))
	}
	const seconds, debug, gc = "seconds", "debug", "gc"
	mux.HandleFunc("GET /debug/pprof/", listener.Strict(pprof.Index, debug, seconds, gc))
	mux.HandleFunc("GET /debug/pprof/profile", listener.Strict(pprof.Profile, seconds))
	mux.HandleFunc("GET /debug/pprof/trace", listener.Strict(pprof.Trace, seconds))
	if f != nil {
		f.Routes(mux)
	}
	routes := listener.Routes(mux)
	bare := listener.Bare(routes.ServeHTTP)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern == fleet.BackfillsRoute { // the one that is told something in a body
			routes.ServeHTTP(w, r)
			return
		}
		bare(w, r)
	})
}
