package listener

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

type connKey struct{}

// conn is one connection.
type conn struct {
	net.Conn
	raw    net.Conn // what it stands on: the same, but with TLS
	door   *door
	share  string
	record bool
	kept   bool // in the reserve: only health is answered on it

	busy   atomic.Bool  // a handler answers on it
	asked  atomic.Bool  // a request has been answered on it
	last   atomic.Int64 // when it was opened or last answered, Unix nanoseconds
	unread atomic.Int64 // bytes that have come since then: the begin of a request
	left   sync.Once
	over   atomic.Bool // nothing more will be answered on it

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
		if c.record {
			c.mu.Lock()
			if len(c.head) <= 2*c.door.server.cfg.Limits.HeaderBytes {
				c.head = append(c.head, p[:n]...)
			}
			c.mu.Unlock()
		}
	}
	c.spokePlain(err)
	if err != nil && c.unread.Load() > 0 && !c.over.Load() && errors.Is(err, os.ErrDeadlineExceeded) {
		c.door.server.refused(problem.TooSlow.Code)
		_ = c.SetWriteDeadline(time.Now().Add(time.Second)) // the answer is a courtesy
		_, _ = c.Conn.Write(c.door.server.answer(problem.TooSlow))
	}
	return n, err
}

// spokePlain answers who asks without TLS where it is spoken.
func (c *conn) spokePlain(err error) {
	record, ok := errors.AsType[tls.RecordHeaderError](err)
	if !ok || record.Conn == nil {
		return
	}
	for _, method := range []string{"GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "DELET"} {
		if string(record.RecordHeader[:]) == method {
			c.door.server.refused(problem.Request.Code)
			p := problem.Request.Of(c.door.server.ids.next()).Says("此端口只用 TLS，请用 https://", "this port speaks TLS only: use https://")
			_ = record.Conn.SetWriteDeadline(time.Now().Add(time.Second)) // the answer is a courtesy
			_, _ = record.Conn.Write(c.door.server.whole(p))
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
	if c.record {
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

// ending is how net/http ends the headers of an answer that it gives itself,
// before any handler. No handler's answer looks so: each has a date.
var ending = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")

// Write implements net.Conn. What net/http says by itself becomes a problem.
func (c *conn) Write(b []byte) (int, error) {
	if kind := own(b); kind != nil {
		c.door.server.refused(kind.Code)
		_, err := c.Conn.Write(c.door.server.answer(kind))
		return len(b), err
	}
	c.writing.Store(time.Now().UnixNano())
	n, err := c.Conn.Write(b)
	c.writing.Store(0)
	return n, err
}

var owned = map[string]*problem.Kind{
	"400": problem.Request, "408": problem.TooSlow, "417": problem.Expectation, "431": problem.HeaderLarge, "501": problem.Coding, "505": problem.Protocol,
}

func own(b []byte) *problem.Kind {
	const version = "HTTP/1.1 "
	if len(b) < len(version)+3 || b[len(version)] < '4' || string(b[:len(version)]) != version {
		return nil
	}
	kind := owned[string(b[len(version):len(version)+3])]
	if kind == nil {
		return nil
	}
	if kind == problem.Expectation { // has no body, but a date
		return kind
	}
	line := bytes.Index(b, []byte("\r\n"))
	if line < 0 || !bytes.HasPrefix(b[line:], ending) {
		return nil
	}
	return kind
}

// answer is a whole answer on a connection that ends with it.
func (s *Server) answer(kind *problem.Kind) []byte { return s.whole(kind.Of(s.ids.next())) }

func (s *Server) whole(p *problem.Problem) []byte {
	var out rawAnswer
	if s.cfg.Write != nil {
		s.cfg.Write(&out, p)
	} else {
		text, err := json.Marshal(p)
		if err != nil {
			panic(err) // texts and a number always marshal
		}
		out.Header().Set("Content-Type", problem.MediaType)
		out.Write(text) //nolint:errcheck // into memory
	}
	p.Headers(out.Header().Set)
	h := out.Header()
	h.Set("X-Request-Id", p.RequestID)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Connection", "close")
	h.Set("Content-Length", strconv.Itoa(out.body.Len()))
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", p.Status, http.StatusText(p.Status))
	_ = h.Write(&b) // into memory
	b.WriteString("\r\n")
	b.Write(out.body.Bytes())
	return b.Bytes()
}

// rawAnswer is a ResponseWriter in memory.
type rawAnswer struct {
	header http.Header
	body   bytes.Buffer
}

func (a *rawAnswer) Header() http.Header {
	if a.header == nil {
		a.header = http.Header{}
	}
	return a.header
}
func (a *rawAnswer) Write(b []byte) (int, error) { return a.body.Write(b) }
func (a *rawAnswer) WriteHeader(int)             {}

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

func (c *conn) leave() {
	c.left.Do(func() {
		c.door.mu.Lock()
		c.door.drop(c)
		c.door.mu.Unlock()
		c.door.server.cfg.Metrics.opened(c.door.server.cfg.Name, -1)
	})
}
