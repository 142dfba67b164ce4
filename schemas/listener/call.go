package listener

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// Who is who a request comes from. The zero Who is a stranger.
type Who struct {
	Key        string // names the key or the application, never the key itself
	Department string
}

// Call is what is known of a request before anybody has looked at what it asks.
type Call struct {
	ID     string
	Client netip.Addr // as trusted proxies say it
	Who    Who
	Data   any // of the listener's own

	// Certificate is the client's, nil if it showed none. It is of the connection:
	// a proxy that ends TLS shows its own, never its clients'.
	Certificate *Certificate

	refusals *refusals
	body     *body
}

type callKey struct{}

// CallOf returns the call that a request belongs to; an empty one if it came by
// no Server.
func CallOf(ctx context.Context) *Call {
	if c, ok := ctx.Value(callKey{}).(*Call); ok {
		return c
	}
	return &Call{}
}

// refusals is how a listener says no: every refusal is counted, told and written in
// the listener's form, also where no request was read.
type refusals struct {
	ids   *ids
	count func(code string)
	tell  func(r *http.Request, c *Call, p *problem.Problem) // may be nil
	write func(w http.ResponseWriter, p *problem.Problem)    // nil = problem+json
}

// raw is a whole refusal, for a connection that ends with it. It is counted.
func (f *refusals) raw(kind *problem.Kind) []byte { return f.rawOf(kind.Of(f.ids.next())) }

func (f *refusals) rawOf(p *problem.Problem) []byte {
	f.count(p.Code)
	return whole(p, f.write)
}

// Refuse answers a request with a problem: it is counted, told to the listener
// and written in its form. A body that has not been read is not waited for.
func Refuse(w http.ResponseWriter, r *http.Request, p *problem.Problem) { RefuseAs(w, r, p, p) }

// RefuseAs is Refuse with a body that is the problem with members of its own.
func RefuseAs(w http.ResponseWriter, r *http.Request, p *problem.Problem, body any) {
	c := CallOf(r.Context())
	if p.RequestID == "" {
		p.RequestID = c.ID
	}
	how := c.refusals
	if how == nil {
		p.WriteAs(w, body)
		return
	}
	how.count(p.Code)
	if how.tell != nil {
		how.tell(r, c, p)
	}
	if how.write != nil {
		how.write(w, p)
		return
	}
	p.WriteAs(w, body)
}

// ids are unlike any other process's, without a system call each.
type ids struct {
	run   string
	count atomic.Uint64
}

func newIDs() *ids { return &ids{run: "r" + strings.ToLower(rand.Text()[:12]) + "-"} }

func (i *ids) next() string {
	var room [32]byte
	return string(strconv.AppendUint(append(room[:0], i.run...), i.count.Add(1), 36))
}
