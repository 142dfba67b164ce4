package admission_test

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yiyuan-bus/yiyuan/gateway/admission"
)

func inspect(body string) error {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json; charset=UTF-8")
	return admission.Inspect(r)
}

func TestInspectBodies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		body string
		want error
	}{
		{`{"a":1,"b":[{"a":1},{"a":2}],"c":{"a":"x"}}`, nil},
		{`[]`, nil},
		{` "text" `, nil},
		{`{"a":1,"a":2}`, admission.ErrForm},
		{`{"a":1,"A":2}`, admission.ErrForm},
		{`{"a":{"b":1},"c":[1,{"d":1}],"a":2}`, admission.ErrForm},
		{`{"x":{"a":1,"b":{"c":1}},"y":{"a":1,"a":1}}`, admission.ErrForm},
		{`{} {}`, admission.ErrForm},
		{"{\"a\":\"\xff\"}", admission.ErrForm},
		{strings.Repeat("[", 32) + strings.Repeat("]", 32), nil},
		{strings.Repeat("[", 33) + strings.Repeat("]", 33), admission.ErrForm},
		{`{"a":`, admission.ErrRequest},
		{`{"a":01}`, admission.ErrRequest},
		{`nul`, admission.ErrRequest},
		{`{"a":1}}`, admission.ErrRequest},
		{strings.Repeat(" ", admission.MaxBody+1), admission.ErrLarge},
	} {
		if err := inspect(c.body); !errors.Is(err, c.want) {
			t.Errorf("%.60s: %v, want %v", c.body, err, c.want)
		}
	}
}

func FuzzInspect(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":null}]}`, `{"a":1,"a":2}`, `[[[`, `"\ud800"`, `{"a":1}x`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if body == "" {
			return
		}
		if err := inspect(body); err == nil && (!json.Valid([]byte(body)) || !utf8.ValidString(body)) {
			t.Errorf("let through what is no JSON")
		}
	})
}

func TestListen(t *testing.T) {
	t.Parallel()
	inner, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := admission.Listen(inner, 2)
	t.Cleanup(func() { _ = l.Close() })
	accepted := make(chan net.Conn, 8)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	dial := func() net.Conn {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	dial()
	dial()
	first, _ := <-accepted, <-accepted
	if _, err := dial().Read(make([]byte, 1)); !errors.Is(err, io.EOF) && err == nil {
		t.Error("a third connection was taken")
	}
	// Closing twice gives one place back, not two.
	_, _ = first.Close(), first.Close()
	dial()
	<-accepted
	if _, err := dial().Read(make([]byte, 1)); err == nil {
		t.Error("a place was given twice")
	}
}
