package listener

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"

	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// ending is how net/http ends the headers of an answer that it gives itself,
// before any handler. No handler's answer looks so: each has a date.
var ending = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")

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

// whole is a whole answer on a connection that ends with it: a problem, written by
// write or, if that is nil, as problem+json.
func whole(p *problem.Problem, write func(w http.ResponseWriter, p *problem.Problem)) []byte {
	var out rawAnswer
	if write != nil {
		write(&out, p)
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
	maps.Copy(h, everyHeader)
	h.Set("X-Request-Id", p.RequestID)
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

func (a *rawAnswer) WriteHeader(int) {}
