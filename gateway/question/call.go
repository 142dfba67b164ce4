package question

import (
	"context"
	"net/http"
	"strings"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// Call is what is known of a request before anybody has looked at it.
type Call struct {
	ID        string
	Client    string
	Bearer    string
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
	c := &Call{ID: from.ID, Purpose: strings.TrimSpace(r.Header.Get("X-Purpose"))}
	if from.Client.IsValid() {
		c.Client = from.Client.String()
	}
	const scheme = "bearer "
	if h := r.Header.Get("Authorization"); len(h) > len(scheme) && len(h) < 1024 && strings.EqualFold(h[:len(scheme)], scheme) {
		c.Bearer = strings.TrimSpace(h[len(scheme):])
	}
	return c
}

// Known says who asks, found by the key of the request.
func (c *Call) Known(who access.Identity, reason access.Reason) {
	c.Who, c.Reason = who, reason
	c.Identified = reason == access.OK
	c.fresh = c.Identified
}
