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
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// Limits bound what callers may cost. They are declared once for all listeners;
// a zero is the default beside it.
type Limits struct {
	Connections           int           // open at a time, 8,192
	ConnectionsPerAddress int           // of them by one address, 200; a trusted proxy has no share
	HeaderBytes           int           // of a request's line and headers, 16 KiB
	HeaderTime            time.Duration // for a request's headers, and before them the TLS handshake, 5 s
	IdleTime              time.Duration // between requests, 60 s
	WriteTime             time.Duration // from the headers to the end of the answer, 30 s
	Drain                 time.Duration // for requests under way when the process ends, 20 s
	BodyBytes             int64         // of a request, 1 MiB
	BodyRate              int           // bytes a second that a body must come at, 8,192
	BodyGrace             time.Duration // before the rate counts, 5 s
	Requests              int           // under way at a time by those with a key, 1,024
	RequestsPerKey        int           // of them by one key, a quarter
	RequestsPerDepartment int           // of them by one department, a half
	Strangers             int           // under way at a time by those without a key, 256
	StrangersPerAddress   int           // of them by one address, 32
}

func (l Limits) withDefaults() Limits {
	l.Connections = cmp.Or(l.Connections, 8192)
	l.ConnectionsPerAddress = cmp.Or(l.ConnectionsPerAddress, 200)
	l.HeaderBytes = cmp.Or(l.HeaderBytes, 16<<10)
	l.HeaderTime = cmp.Or(l.HeaderTime, 5*time.Second)
	l.IdleTime = cmp.Or(l.IdleTime, time.Minute)
	l.WriteTime = cmp.Or(l.WriteTime, 30*time.Second)
	l.Drain = cmp.Or(l.Drain, 20*time.Second)
	l.BodyBytes = cmp.Or(l.BodyBytes, 1<<20)
	l.BodyRate = cmp.Or(l.BodyRate, 8192)
	l.BodyGrace = cmp.Or(l.BodyGrace, 5*time.Second)
	l.Requests = cmp.Or(l.Requests, 1024)
	l.RequestsPerKey = cmp.Or(l.RequestsPerKey, max(1, l.Requests/4))
	l.RequestsPerDepartment = cmp.Or(l.RequestsPerDepartment, max(1, l.Requests/2))
	l.Strangers = cmp.Or(l.Strangers, 256)
	l.StrangersPerAddress = cmp.Or(l.StrangersPerAddress, 32)
	return l
}

// or returns the limits, and others where there is none.
func (l Limits) or(other Limits) Limits {
	l.Connections = cmp.Or(l.Connections, other.Connections)
	l.ConnectionsPerAddress = cmp.Or(l.ConnectionsPerAddress, other.ConnectionsPerAddress)
	l.HeaderBytes = cmp.Or(l.HeaderBytes, other.HeaderBytes)
	l.HeaderTime = cmp.Or(l.HeaderTime, other.HeaderTime)
	l.IdleTime = cmp.Or(l.IdleTime, other.IdleTime)
	l.WriteTime = cmp.Or(l.WriteTime, other.WriteTime)
	l.Drain = cmp.Or(l.Drain, other.Drain)
	l.BodyBytes = cmp.Or(l.BodyBytes, other.BodyBytes)
	l.BodyRate = cmp.Or(l.BodyRate, other.BodyRate)
	l.BodyGrace = cmp.Or(l.BodyGrace, other.BodyGrace)
	l.Requests = cmp.Or(l.Requests, other.Requests)
	l.RequestsPerKey = cmp.Or(l.RequestsPerKey, other.RequestsPerKey)
	l.RequestsPerDepartment = cmp.Or(l.RequestsPerDepartment, other.RequestsPerDepartment)
	l.Strangers = cmp.Or(l.Strangers, other.Strangers)
	l.StrangersPerAddress = cmp.Or(l.StrangersPerAddress, other.StrangersPerAddress)
	return l
}

// Shared is what all listeners of a process have in common; an operator sets it.
type Shared struct {
	Limits         Limits
	TrustedProxies []netip.Prefix // whose word on where a request comes from is taken
	Hosts          []string       // names that Host may hold; none = see Config.OwnHost
	Metrics        *Metrics       // nil = none
	Own            map[string]Own // by the listener's name: what is not as the others'
}

// Own is what one listener has of its own.
type Own struct {
	Limits Limits // what is not zero goes before all else
	TLS    *TLS   // nil = plain text
}

// Who is who a request comes from. The zero Who is a stranger.
type Who struct {
	Key        string // names the key or the application, never the key itself
	Department string
}

// Config is one listener.
type Config struct {
	Shared
	Name   string // gateway, push, registry, admin
	Logger *slog.Logger

	// Health are paths that are answered before any limit, and on the connections of
	// the reserve.
	Health map[string]http.HandlerFunc
	// Admit finds who asks, at a constant cost and without the body, or says why
	// nothing will be done. Nil = everybody is a stranger and may go on.
	Admit func(r *http.Request, c *Call) (Who, *problem.Problem)
	// Refused hears of every refusal before it is sent. It may be nil.
	Refused func(r *http.Request, c *Call, p *problem.Problem)
	// Write sends a refusal in a form of the listener's own; nil = problem+json.
	Write func(w http.ResponseWriter, p *problem.Problem)
	// Chunked lets bodies come in chunks, without a length.
	Chunked bool
	// OwnHost takes a Host that is neither listed nor this machine's own address
	// for another server's, even when no hosts are listed.
	OwnHost bool
	// SameSite refuses changing calls that a browser makes for another site.
	SameSite bool
}

// Server answers on listeners.
type Server struct {
	cfg       Config
	tls       *TLS
	log       *slog.Logger
	next      http.Handler
	keys      *Places
	groups    *Places
	strangers *Places
	ids       *ids
	refused   func(code string)
	panics    Sparse
}

// New returns a server of a handler.
func New(cfg Config, next http.Handler) *Server {
	own := cfg.Own[cfg.Name]
	cfg.Limits = own.Limits.or(cfg.Limits).withDefaults()
	l := cfg.Limits
	s := &Server{
		cfg: cfg, tls: own.TLS, log: cfg.Logger, next: next, ids: newIDs(), refused: cfg.Metrics.refusals(cfg.Name),
		keys: NewPlaces(l.Requests, l.RequestsPerKey), groups: NewPlaces(l.Requests, l.RequestsPerDepartment),
		strangers: NewPlaces(l.Strangers, l.StrangersPerAddress),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// Limits returns the limits in force.
func (s *Server) Limits() Limits { return s.cfg.Limits }

// Serve answers on a listener until ctx ends, then lets what is under way finish
// for as long as Drain says. It closes the listener.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	limits := s.cfg.Limits
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: limits.HeaderTime, WriteTimeout: limits.WriteTime, IdleTimeout: limits.IdleTime,
		MaxHeaderBytes: limits.HeaderBytes, BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), DisableGeneralOptionsHandler: true,
	}
	s.log.Info("listens", "listener", s.cfg.Name, "address", l.Addr().String())
	done := make(chan error, 1)
	go func() { done <- server.Serve(newDoor(l, s)) }()
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
