package listener

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

type connKey struct{}

// conn is one connection.
type conn struct {
	net.Conn
	raw      net.Conn // what it stands on: the same, but with TLS
	refusals *refusals
	share    string
	most     int    // bytes of the begin of a request that are recorded, 0 = none
	kept     bool   // in the reserve: only health is answered on it
	leave    func() // gives its place back; it may be called again

	busy   atomic.Bool  // a handler answers on it
	asked  atomic.Bool  // a request has been answered on it
	last   atomic.Int64 // when it was opened or last answered, Unix nanoseconds
	unread atomic.Int64 // bytes that have come since then: the begin of a request
	over   atomic.Bool  // nothing more will be answered on it

	state *tls.ConnectionState // once a request has come by TLS
	shown *Certificate

	known   atomic.Bool  // somebody with a key has asked on it
	writing atomic.Int64 // since when its client leaves an answer unread, Unix nanoseconds; 0 = it does not

	mu   sync.Mutex
	head []byte // those bytes, if they are recorded
}

// Read implements net.Conn. Headers that do not come in time are told so.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.busy.Load() {
		return n, err
	}
	if n > 0 {
		c.unread.Add(int64(n))
		if c.most > 0 {
			c.mu.Lock()
			if len(c.head) <= c.most {
				c.head = append(c.head, p[:n]...)
			}
			c.mu.Unlock()
		}
	}
	c.spokePlain(err)
	if err != nil && c.unread.Load() > 0 && !c.over.Load() && errors.Is(err, os.ErrDeadlineExceeded) {
		answer := c.refusals.raw(problem.TooSlow)
		_ = c.SetWriteDeadline(time.Now().Add(time.Second)) // the answer is a courtesy
		_, _ = c.Conn.Write(answer)
		c.over.Store(true) // net/http would say something more
	}
	return n, err
}

// spokePlain answers who asks without TLS where it is spoken.
func (c *conn) spokePlain(err error) {
	record, ok := errors.AsType[tls.RecordHeaderError](err)
	if !ok || record.Conn == nil {
		return
	}
	for _, method := range []string{"GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "DELET", "PATCH", "TRACE", "CONNE"} {
		if string(record.RecordHeader[:]) == method {
			p := problem.Request.Of(c.refusals.ids.next()).Says("此端口只用 TLS，请用 https://", "this port speaks TLS only: use https://")
			_ = record.Conn.SetWriteDeadline(time.Now().Add(time.Second)) // the answer is a courtesy
			_, _ = record.Conn.Write(c.refusals.rawOf(p))
			return
		}
	}
}

// secured returns what TLS knows of a connection, nil if it is plain.
func (c *conn) secured() (*tls.ConnectionState, *Certificate) {
	t, ok := c.Conn.(*tls.Conn)
	if !ok {
		return nil, nil
	}
	if c.state == nil { // one request at a time is answered on a connection
		state := t.ConnectionState()
		c.state, c.shown = &state, certificateOf(&state)
	}
	return c.state, c.shown
}

// begin says that a handler answers a request.
func (c *conn) begin() { c.busy.Store(true) }

// end says that it has.
func (c *conn) end() {
	c.unread.Store(0)
	if c.most > 0 {
		c.mu.Lock()
		c.head = c.head[:0]
		c.mu.Unlock()
	}
	c.asked.Store(true)
	c.last.Store(time.Now().UnixNano())
	c.busy.Store(false)
}

var (
	lengthLine = regexp.MustCompile(`(?i)\ncontent-length[ \t]*:`)
	codingLine = regexp.MustCompile(`(?i)\ntransfer-encoding[ \t]*:`)
)

// ambiguous reports whether a request in chunks also said a length, which
// net/http forgets, or came behind another in one go, so that nobody knows.
func (c *conn) ambiguous() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return lengthLine.Match(c.head) || !codingLine.Match(c.head)
}

// Write implements net.Conn. What net/http says by itself becomes a problem.
func (c *conn) Write(b []byte) (int, error) {
	if kind := own(b); kind != nil {
		if c.over.Load() { // it has been told
			return len(b), nil
		}
		_, err := c.Conn.Write(c.refusals.raw(kind))
		return len(b), err
	}
	c.writing.Store(time.Now().UnixNano())
	n, err := c.Conn.Write(b)
	c.writing.Store(0)
	return n, err
}

// CloseWrite lets net/http end an answer before the client has sent everything.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.leave()
	return c.Conn.Close()
}

// cut ends a connection at once: TLS would say goodbye, and wait for who does not listen.
func (c *conn) cut() {
	c.leave()
	_ = c.raw.Close() // it may be closing by itself
}
