// Package listener is the one server of all that listens for HTTP: the gateway,
// push, the registry and the operators' port.
//
// Whoever has shown no key gets no work done: a request is judged by its form
// and its key before a byte of its body is read, and what has no right is
// answered at a constant cost. Whoever has a key has a number of places at a
// time, by key and by department, so that one cannot shut the others out.
// Strangers have places by address. Health is answered before any of this, and when
// all connections are taken on a few more that answer nothing else (Reserve).
//
// A body must come at a least rate; a connection that asks nothing makes room
// when its address opens more than its share. What net/http itself answers (400,
// 408, 417, 431, 501, 505) is a problem like any other.
//
// With TLS (OpenTLS) the handshake is bounded like a request's headers, and who
// shows a certificate of an authority that the listener trusts is known by it
// (Call.Certificate).
//
// Metrics: yiyuan_listener_refused_total{listener,code},
// yiyuan_listener_in_flight{listener}, yiyuan_listener_displaced_total{listener},
// yiyuan_listener_certificate_expiry_timestamp_seconds{listener}.
package listener

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
)

// Server answers on listeners.
type Server struct {
	cfg       Config
	tls       *TLS
	log       *slog.Logger
	next      http.Handler
	keys      *Places
	groups    *Places
	strangers *Places
	refusals  *refusals
	panics    Sparse
}

// New returns a server of a handler.
func New(cfg Config, next http.Handler) *Server {
	own := cfg.Own[cfg.Name]
	cfg.Limits = own.Limits.or(cfg.Limits).withDefaults()
	l := cfg.Limits
	s := &Server{
		cfg: cfg, tls: own.TLS, log: cfg.Logger, next: next,
		refusals: &refusals{ids: newIDs(), count: cfg.Metrics.refusals(cfg.Name), tell: cfg.Refused, write: cfg.Write},
		keys:     NewPlaces(l.Requests, l.RequestsPerKey), groups: NewPlaces(l.Requests, l.RequestsPerDepartment),
		strangers: NewPlaces(l.Strangers, l.StrangersPerAddress),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// Limits returns the limits in force.
func (s *Server) Limits() Limits { return s.cfg.Limits }

// headSlack is what net/http takes beside its limit.
const headSlack = 4096

// Serve answers on a listener until ctx ends, then lets what is under way finish
// for as long as Drain says. It closes the listener.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	limits := s.cfg.Limits
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: limits.HeaderTime, WriteTimeout: limits.WriteTime, IdleTimeout: limits.IdleTime,
		MaxHeaderBytes: max(1, limits.HeaderBytes-headSlack), BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), DisableGeneralOptionsHandler: true,
	}
	s.log.Info("listens", "listener", s.cfg.Name, "address", l.Addr().String())
	done := make(chan error, 1)
	go func() { done <- server.Serve(newDoor(l, &s.cfg, s.tls, s.refusals)) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve %s on %q: %w", s.cfg.Name, l.Addr(), err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), limits.Drain)
	defer cancel()
	err := server.Shutdown(drain)
	if err != nil {
		s.log.Warn("requests cut off at the end", "listener", s.cfg.Name, "error", err)
		err = server.Close()
	}
	<-done //nolint:errcheck // it ended because it was told to
	if err != nil {
		return fmt.Errorf("close %s on %q: %w", s.cfg.Name, l.Addr(), err)
	}
	return ctx.Err()
}
