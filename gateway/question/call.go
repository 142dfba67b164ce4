package question

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// Call is what is known of a request before anybody has looked at it.
type Call struct {
	ID        string
	Client    string
	Bearer    string
	Shown     *listener.Certificate // of the client, nil if it has none
	Purpose   string
	Operation string
	Body      []byte // of a POST, to say where in it something is wrong

	Who        access.Identity // of bearer, when the request came
	Reason     access.Reason
	Identified bool
	fresh      bool // nobody has asked for it yet: a stream that asks again looks again
}

// CallOf returns the call that the request belongs to.
func CallOf(ctx context.Context) *Call {
	if c, ok := listener.CallOf(ctx).Data.(*Call); ok {
		return c
	}
	return &Call{}
}

// NewCall reads what a request says of who asks and why.
func NewCall(r *http.Request, from *listener.Call) *Call {
	c := &Call{ID: from.ID, Shown: from.Certificate, Purpose: strings.TrimSpace(r.Header.Get("X-Purpose"))}
	if from.Client.IsValid() {
		c.Client = from.Client.String()
	}
	const scheme = "bearer "
	if h := r.Header.Get("Authorization"); len(h) > len(scheme) && len(h) < 1024 && strings.EqualFold(h[:len(scheme)], scheme) {
		c.Bearer = strings.TrimSpace(h[len(scheme):])
	}
	return c
}

// Identify finds the application whose key a request shows or, without one,
// whose certificate its client has.
func (c *Call) Identify(from *access.Access, now time.Time) (access.Identity, access.Reason) {
	if c.Bearer == "" && c.Shown != nil {
		return from.IdentifyCertificate(c.Shown.Names(now))
	}
	return from.Identify(c.Bearer)
}

// Known says who asks, found by the key of the request.
func (c *Call) Known(who access.Identity, reason access.Reason) {
	c.Who, c.Reason = who, reason
	c.Identified = reason == access.OK
	c.fresh = c.Identified
}
