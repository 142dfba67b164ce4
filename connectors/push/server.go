package push

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// NewServer checks the configuration. The server listens with Serve.
func NewServer(cfg Config) (*Server, error) {
	if cfg.MaxRows == 0 {
		cfg.MaxRows = 1000
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 1 << 20
	}
	if cfg.InFlight == 0 {
		cfg.InFlight = 64
	}
	if cfg.MaxHeld == 0 {
		cfg.MaxHeld = 256
	}
	if cfg.Wait == 0 {
		cfg.Wait = 30 * time.Second
	}
	if cfg.MaxRows < 0 || cfg.MaxRows > 1<<16-1 || cfg.MaxBytes < 0 || cfg.InFlight < 0 || cfg.MaxHeld < 0 || cfg.Wait < 0 {
		return nil, fmt.Errorf("推送的各上限超出范围 / configure push server: limits out of range: %w", connectors.ErrConfig)
	}
	s := &Server{cfg: cfg, log: cfg.Logger, sources: map[string]*source{}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.SetKeys(cfg.Keys); err != nil {
		return nil, err
	}
	s.kit = s.door()
	return s, nil
}

// Handler answers POST /v1/push/{dataset}.
func (s *Server) Handler() http.Handler { return s.kit }

// Serve answers on a listener until ctx ends, then lets requests that wait for
// their commit finish for a short while. It closes the listener.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	if err := s.kit.Serve(ctx, l); err != nil && ctx.Err() == nil {
		return fmt.Errorf("serve push: %w", err)
	}
	return nil
}

// door is the listener in front: the key before the body, the same limits as
// everywhere.
func (s *Server) door() *listener.Server {
	cfg := listener.Config{Shared: s.cfg.Shared, Name: "push", Logger: s.log, Chunked: true, SameSite: true, Admit: s.admit, Refused: s.trace}
	ready := s.cfg.Ready
	if ready == nil {
		ready = listener.Lives
	}
	cfg.Health = map[string]http.HandlerFunc{"/livez": listener.Strict(listener.Lives), "/readyz": listener.Strict(ready)}
	l := &cfg.Limits
	l.BodyBytes = s.cfg.MaxBytes
	l.WriteTime, l.Drain = s.cfg.Wait+20*time.Second, 5*time.Second
	// What is read is held in memory until its commit.
	l.Requests = s.cfg.MaxHeld
	l.RequestsPerDepartment = max(1, s.cfg.MaxHeld/2)
	l.RequestsPerKey = l.RequestsPerDepartment
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/push/{dataset}", listener.Strict(s.push))
	return listener.New(cfg, listener.Routes(mux))
}

// admit finds whose key it is.
func (s *Server) admit(r *http.Request, c *listener.Call) (listener.Who, *problem.Problem) {
	key := bearer(r)
	if key == "" {
		return listener.Who{}, problem.NoKey.Of(c.ID)
	}
	digest := KeyDigest(key)
	departments := (*s.keys.Load())[digest]
	if len(departments) == 0 {
		return listener.Who{}, problem.UnknownKey.Of(c.ID)
	}
	c.Data = departments
	return listener.Who{Key: digest, Department: departments[0]}, nil
}

// trace says of every refusal that it was: in the log, and to whoever keeps the
// audit. What strangers cost in the log is told by the minute.
func (s *Server) trace(r *http.Request, c *listener.Call, p *problem.Problem) {
	departments, _ := c.Data.([]string)
	out := Refusal{Departments: departments, Code: p.Code, Reason: p.Code, Status: p.Status, Request: c.ID, Client: c.Client}
	switch p.Code {
	case problem.NoKey.Code:
		out.Reason = "no_key"
	case problem.UnknownKey.Code:
		out.Reason = "unknown_key"
	}
	if _, known := s.find(r.PathValue("dataset")); known {
		out.Dataset = r.PathValue("dataset")
	}
	if len(departments) > 0 {
		s.log.Warn("push refused", "department", departments[0], "dataset", out.Dataset, "code", p.Code, "request", c.ID, "client", c.Client.String())
	}
	if s.cfg.Refused != nil {
		s.cfg.Refused(r.Context(), out)
	}
}

// bearer returns the key of a request, "" if it has none.
func bearer(r *http.Request) string {
	const scheme = "bearer "
	h := r.Header.Get("Authorization")
	if len(h) <= len(scheme) || len(h) > 1024 || !strings.EqualFold(h[:len(scheme)], scheme) {
		return ""
	}
	return strings.TrimSpace(h[len(scheme):])
}
