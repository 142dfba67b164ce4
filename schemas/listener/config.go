package listener

import (
	"log/slog"
	"net/http"
	"net/netip"

	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

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
