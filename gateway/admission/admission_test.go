package admission_test

import (
	"encoding/json"
	"errors"
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
	} {
		if err := inspect(c.body); !errors.Is(err, c.want) {
			t.Errorf("%.60s: %v, want %v", c.body, err, c.want)
		}
	}
}

// A media type has no case, and a body without a coding may say so: what comes after an
// admitted request knows one spelling.
func TestInspectMedia(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind, coding string
		want         error
	}{
		{"APPLICATION/JSON", "", nil},
		{`Application/Json; Charset="UTF-8"`, "Identity", nil},
		{"application/json; charset=gbk", "", admission.ErrMedia},
		{"text/json", "", admission.ErrMedia},
		{"application/json", "gzip", admission.ErrMedia},
	} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(`{}`))
		r.Header.Set("Content-Type", c.kind)
		r.Header.Set("Content-Encoding", c.coding)
		if err := admission.Inspect(r); !errors.Is(err, c.want) || err == nil && r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %v, then %q", c.kind, c.coding, err, r.Header.Get("Content-Type"))
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
