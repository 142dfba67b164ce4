package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/yiyuan-bus/yiyuan/connectors/fleet"
	"github.com/yiyuan-bus/yiyuan/connectors/push"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
	"github.com/yiyuan-bus/yiyuan/schemas/registry"
)

// serve answers on an address until ctx ends.
func (a *app) serve(ctx context.Context, address string, cfg listener.Config, handler http.Handler) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return "", taken(cfg.Name, address, err)
	}
	if err != nil {
		return "", fmt.Errorf("%s 的端口打不开 / listen for %s: %w", cfg.Name, cfg.Name, err)
	}
	cfg.Logger = a.log
	server := listener.New(cfg, handler)
	a.start(ctx, cfg.Name, func(ctx context.Context) error { return server.Serve(ctx, l) })
	return a.scheme(cfg.Name) + l.Addr().String(), nil
}

// taken says what to do about a port that somebody has: most often another role of ours on
// the same machine.
func taken(name, address string, err error) error {
	env := "YIYUAN_" + strings.ToUpper(name) + "_LISTEN"
	return fmt.Errorf("%[1]s.listen 的端口 %[2]s 已被占用：一台机器上运行几个角色时各要自己的端口，写在配置里或用环境变量 %[3]s（registry 和 admin 写空则不开）"+
		" / the port %[2]s of %[1]s.listen is taken: several roles on one machine need one each, in the configuration or by %[3]s (registry and admin open none if it is empty): %[4]w", name, address, env, err)
}

// operatorHeader has to stand in a call that changes something, where there is
// no token: a browser sends it for no other site.
const operatorHeader = fleet.OperatorHeader

// serveAdmin opens the operators' listener.
func (a *app) serveAdmin(ctx context.Context, f *fleet.Fleet) (string, error) {
	cfg, err := a.adminListener(ctx)
	if err != nil {
		return "", err
	}
	return a.serve(ctx, a.cfg.Admin.Listen, cfg, a.adminRoutes(f))
}

// adminListener is the door of the operators' listener: this machine's own names,
// no other site, and a token or a header that only a program sends.
func (a *app) adminListener(ctx context.Context) (listener.Config, error) {
	token, err := a.secret(ctx, "admin.token_file", a.cfg.Admin.TokenFile)
	if err != nil {
		return listener.Config{}, err
	}
	ok := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") } // the client is gone if it fails
	strangers := a.countStrangers(ctx, "admin", nil)
	cfg := listener.Config{
		Shared: a.shared, Name: "admin", OwnHost: true, SameSite: true,
		Health: map[string]http.HandlerFunc{"/livez": listener.Strict(ok), "/readyz": listener.Strict(ok)},
		Admit: func(r *http.Request, c *listener.Call) (listener.Who, *problem.Problem) {
			who := listener.Who{Key: "operator", Department: "operator"}
			if token == nil {
				if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Header.Get(operatorHeader) == "" {
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
			if c.Who.Key == "" || token == nil && r.Header.Get(operatorHeader) == "" {
				strangers.Add(c.Client, p.Code, time.Now())
				return
			}
			a.log.Warn("admin call refused", "code", p.Code, "client", c.Client.String(), "method", r.Method, "request", c.ID)
		},
	}
	cfg.Limits.WriteTime = 10 * time.Minute // a rebuild, a profile
	return cfg, nil
}

// countStrangers returns where a listener's refusals of strangers are counted: the
// log has one line of them each minute and neighbourhood, however many there are,
// or anybody could fill the disk with it. Also hears of each, too; it may be nil.
func (a *app) countStrangers(ctx context.Context, name string, also func(context.Context, listener.Refusals)) *listener.Strangers {
	strangers := listener.NewStrangers()
	a.start(ctx, name+" strangers", func(ctx context.Context) error {
		strangers.Tell(ctx, time.Minute, func(ctx context.Context, r listener.Refusals) {
			a.log.Info("strangers refused", "listener", name, "from", r.Neighbourhood, "count", r.Count, "reasons", r.Reasons)
			if also != nil {
				also(ctx, r)
			}
		})
		return nil
	})
	return strangers
}

// auditPush returns what writes the push listener's refusals to the audit: one
// entry each of a department's, one a minute and neighbourhood of strangers'.
func (a *app) auditPush(ctx context.Context) func(context.Context, push.Refusal) {
	var mu sync.Mutex
	var entries *audit.Log // opened with the first refusal: registering its layout may have to wait
	open := func(ctx context.Context) (*audit.Log, error) {
		mu.Lock()
		defer mu.Unlock()
		if entries != nil {
			return entries, nil
		}
		var err error
		entries, err = audit.Open(ctx, a.codec, a.bus)
		return entries, err
	}
	strangers := a.countStrangers(ctx, "push", func(ctx context.Context, r listener.Refusals) {
		log, err := open(ctx)
		if err == nil {
			err = log.AppendStrangers(ctx, "push", r)
		}
		if err != nil {
			a.log.Error("audit entry of strangers could not be written", "from", r.Neighbourhood, "count", r.Count, "error", err)
		}
	})
	return func(ctx context.Context, r push.Refusal) {
		if len(r.Departments) == 0 {
			strangers.Add(r.Client, r.Reason, time.Now())
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		log, err := open(ctx)
		if err == nil {
			err = log.Append(ctx, &audit.Entry{
				ID: log.NextID(), Time: time.Now(), Operation: "push", Department: strings.Join(r.Departments, ","), View: r.Dataset,
				Decision: audit.Deny, Reason: r.Code, Status: r.Status, Request: r.Request, Client: r.Client.String(),
			})
		}
		if err != nil {
			a.log.Error("audit entry of a refused push could not be written", "request", r.Request, "error", err)
		}
	}
}

// serveRegistry opens the registry's listener: strangers read, who has the key writes.
func (a *app) serveRegistry(ctx context.Context) (string, error) {
	cfg, may, err := a.registryListener(ctx)
	if err != nil {
		return "", err
	}
	return a.serve(ctx, a.cfg.Registry.Listen, cfg, a.schemas.Handler(may))
}

func (a *app) registryListener(ctx context.Context) (listener.Config, registry.Access, error) {
	may := registry.Access{AllowDelete: a.cfg.Registry.AllowDelete}
	key, err := a.secret(ctx, "registry.write_key_file", a.cfg.Registry.WriteKeyFile)
	if err != nil {
		return listener.Config{}, may, err
	}
	if key != nil {
		may.MayWrite = func(r *http.Request) bool { return listener.CallOf(r.Context()).Who.Key != "" }
	}
	strangers := a.countStrangers(ctx, "registry", nil)
	cfg := listener.Config{
		Shared: a.shared, Name: "registry", SameSite: true, Chunked: true, Write: registry.WriteProblem,
		Admit: func(r *http.Request, c *listener.Call) (listener.Who, *problem.Problem) {
			given := bearer(r)
			if _, password, ok := r.BasicAuth(); ok {
				given = password
			}
			switch {
			case given == "" || key == nil:
				return listener.Who{}, nil
			case !key.is(given):
				return listener.Who{}, problem.UnknownKey.Of(c.ID)
			}
			return listener.Who{Key: "writer", Department: "registry"}, nil
		},
		Refused: func(r *http.Request, c *listener.Call, p *problem.Problem) {
			switch {
			case c.Who.Key != "":
				a.log.Warn("registry call refused", "code", p.Code, "client", c.Client.String(), "method", r.Method, "request", c.ID)
			case p.Code == problem.UnknownKey.Code || r.Method != http.MethodGet: // that something is not there is no news
				strangers.Add(c.Client, p.Code, time.Now())
			}
		},
	}
	return cfg, may, nil
}

// bearer returns the bearer key of a request, "" if it has none.
func bearer(r *http.Request) string {
	const scheme = "bearer "
	h := r.Header.Get("Authorization")
	if len(h) <= len(scheme) || !strings.EqualFold(h[:len(scheme)], scheme) {
		return ""
	}
	return strings.TrimSpace(h[len(scheme):])
}

// adminRoutes is what operators see and do: metrics, profiles, sources.
func (a *app) adminRoutes(f *fleet.Fleet) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", listener.Strict(promhttp.HandlerFor(a.metrics, promhttp.HandlerOpts{}).ServeHTTP))
	if a.gateway != nil { // POST /rebuild fills the cache again
		mux.HandleFunc("POST /rebuild", listener.Strict(func(w http.ResponseWriter, r *http.Request) {
			if err := a.gateway.Rebuild(r.Context()); err != nil {
				a.log.Error("cache not rebuilt", "error", err)
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
	return listener.Bare(listener.Routes(mux).ServeHTTP)
}
