// Package admission bounds what a request may be before anybody looks at what
// it asks: its size, its depth, its form, and how many connections a client has.
package admission

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"unicode/utf8"
)

// Limits of a request.
const (
	MaxHeader = 16 << 10
	MaxBody   = 1 << 20
	maxDepth  = 32
	maxQuery  = 4096
)

// What Inspect refuses.
var (
	ErrRequest = errors.New("request cannot be read")
	ErrHeaders = errors.New("header stands more than once")
	ErrLength  = errors.New("body without a length")
	ErrLarge   = errors.New("body is too large")
	ErrMedia   = errors.New("body is not plain json")
	// ErrForm says that JSON is legal and not acceptable: keys stand twice, it is
	// too deep, or not UTF-8.
	ErrForm = errors.New("unacceptable json")
)

// Inspect refuses what no honest client sends and reads a JSON body in whole,
// so that what comes after it sees only bounded, well-formed input.
func Inspect(r *http.Request) error {
	for _, name := range []string{"Authorization", "X-Purpose", "Content-Type", "Content-Length", "Host"} {
		if len(r.Header.Values(name)) > 1 {
			return ErrHeaders
		}
	}
	if len(r.TransferEncoding) > 0 {
		// Also what is left of a request that had a length and chunks at once.
		return ErrLength
	}
	if len(r.URL.RawQuery) > maxQuery {
		return ErrRequest
	}
	if r.ContentLength == 0 || r.Body == nil {
		return nil
	}
	if r.ContentLength > MaxBody {
		return ErrLarge
	}
	if r.Method != http.MethodPost {
		return ErrRequest
	}
	if r.Header.Get("Content-Encoding") != "" || !isJSON(r.Header.Get("Content-Type")) {
		return ErrMedia
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	if err != nil || int64(len(body)) != r.ContentLength {
		return ErrRequest
	}
	if err := wellFormed(body); err != nil {
		if errors.Is(err, ErrForm) {
			return ErrForm
		}
		return ErrRequest
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}

func isJSON(contentType string) bool {
	kind, rest, _ := strings.Cut(strings.ToLower(contentType), ";")
	rest = strings.ReplaceAll(strings.TrimSpace(rest), `"`, "")
	return strings.TrimSpace(kind) == "application/json" && (rest == "" || rest == "charset=utf-8")
}

// wellFormed checks what encoding/json lets pass.
func wellFormed(body []byte) error {
	if !utf8.Valid(body) {
		return ErrForm
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var objects []map[string]bool // nil for arrays
	key := false                  // the next token of an object is a key
	for first := true; ; first = false {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			if first || len(objects) > 0 {
				return io.ErrUnexpectedEOF
			}
			return nil
		}
		if err != nil {
			return err
		}
		if !first && len(objects) == 0 {
			return ErrForm // a second document
		}
		top := len(objects) - 1
		switch x := t.(type) {
		case json.Delim:
			switch x {
			case '{', '[':
				if len(objects) == maxDepth {
					return ErrForm
				}
				var keys map[string]bool
				if x == '{' {
					keys = map[string]bool{}
				}
				objects = append(objects, keys)
				key = x == '{'
				continue
			}
			objects = objects[:top]
			top--
		case string:
			if key {
				folded := strings.ToLower(x) // encoding/json matches names in any case
				if objects[top][folded] {
					return ErrForm
				}
				objects[top][folded] = true
				key = false
				continue
			}
		}
		key = top >= 0 && objects[top] != nil
	}
}

// Listen gives each client address a number of connections.
func Listen(l net.Listener, connections int) net.Listener {
	return &bounded{Listener: l, max: connections, open: map[string]int{}}
}

type bounded struct {
	net.Listener
	max  int
	mu   sync.Mutex
	open map[string]int
}

// Accept implements net.Listener.
func (b *bounded) Accept() (net.Conn, error) {
	for {
		c, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		host, _, err := net.SplitHostPort(c.RemoteAddr().String())
		if err != nil {
			host = c.RemoteAddr().String()
		}
		b.mu.Lock()
		full := b.open[host] >= b.max
		if !full {
			b.open[host]++
		}
		b.mu.Unlock()
		if !full {
			return &counted{Conn: c, leave: sync.OnceFunc(func() { b.leave(host) })}, nil
		}
		_ = c.Close() // the address has had its share
	}
}

func (b *bounded) leave(host string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open[host]--; b.open[host] <= 0 {
		delete(b.open, host)
	}
}

type counted struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *counted) Close() error {
	c.leave()
	return c.Conn.Close()
}
