package push_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/connectors/push"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	l := run(t, b, config(t), push.Config{MaxRows: 10, MaxBytes: 4096})
	const secret = "secret-value"
	many := strings.TrimSuffix(strings.Repeat(row(1)+",", 11), ",")
	bad := func(row string) string {
		return "[" + strings.Join([]string{`{"JZWBM":"B1","LDZB":"x","CS":1,"BZDZ":"y"}`, row}, ",") + "]"
	}
	tests := []struct {
		name, dataset, body string
		header              []string
		key                 string
		status              int
		errors              string
	}{
		{"no key", "ZJ01", row(1), nil, "none", 401, ""},
		{"unknown key", "ZJ01", row(1), nil, "wrong", 401, ""},
		{"two keys", "ZJ01", row(1), []string{"Authorization", "Bearer " + zjKey}, "", 400, ""},
		{"key of another department", "ZJ01", row(1), nil, clKey, 403, ""},
		{"unknown dataset", "XX99", row(1), nil, "", 404, ""},
		{"dataset not pushed", "CL01", row(1), nil, clKey, 404, ""},
		{"path tricks", "..%2fZJ01", row(1), nil, "", 404, ""},
		{"not JSON", "ZJ01", "hello", nil, "", 400, ""},
		{"empty body", "ZJ01", "", nil, "", 400, ""},
		{"cut", "ZJ01", `[{"JZWBM":"B1"`, nil, "", 400, ""},
		{"after the end", "ZJ01", row(1) + row(2), nil, "", 400, ""},
		{"not UTF-8", "ZJ01", "{\"JZWBM\":\"\xff\"}", nil, "", 400, ""},
		{"lone surrogate", "ZJ01", `{"JZWBM":"\ud800"}`, nil, "", 400, ""},
		{"name twice", "ZJ01", `{"JZWBM":"B1","JZWBM":"B2","LDZB":"x","CS":1,"BZDZ":"y"}`, nil, "", 400, ""},
		{"deep", "ZJ01", strings.Repeat("[", 40) + strings.Repeat("]", 40), nil, "", 400, ""},
		{"number beyond all", "ZJ01", `{"JZWBM":"B1","LDZB":"x","CS":1e400000,"BZDZ":"y"}`, nil, "", 400, ""},
		{"number below all", "ZJ01", `{"JZWBM":"B1","LDZB":"x","CS":1e-400000,"BZDZ":"y"}`, nil, "", 400, ""},
		{"bad line", "ZJ01", row(1) + "\n\n{\"JZWBM\":\n", []string{"Content-Type", "application/x-ndjson"}, "", 400, "1@3: unreadable"},
		{"bad field of a line", "ZJ01", row(1) + "\n\n" + `{"JZWBM":"B2","LDZB":"x","BZDZ":"y"}` + "\n", []string{"Content-Type", "application/x-ndjson"}, "", 422, "1@3:CS missing"},
		{"two encodings", "ZJ01", row(1), []string{"Content-Encoding", "identity", "Content-Encoding", "gzip"}, "", 400, ""},
		{"unknown parameter", "ZJ01?dry_run=1", row(1), nil, "", 422, ""},
		{"no rows", "ZJ01", "[]", nil, "", 422, ""},
		{"no lines", "ZJ01", "\n\n", []string{"Content-Type", "application/x-ndjson"}, "", 422, ""},
		{"too many rows", "ZJ01", "[" + many + "]", nil, "", 413, ""},
		{"too many lines", "ZJ01", strings.ReplaceAll(many, "},", "}\n"), []string{"Content-Type", "application/x-ndjson"}, "", 413, ""},
		{"too many bytes", "ZJ01", `"` + strings.Repeat("x", 5000) + `"`, nil, "", 413, ""},
		{"compressed", "ZJ01", row(1), []string{"Content-Encoding", "gzip"}, "", 415, ""},
		{"another type", "ZJ01", row(1), []string{"Content-Type", "text/csv"}, "", 415, ""},
		{"another charset", "ZJ01", row(1), []string{"Content-Type", "application/json; charset=gbk"}, "", 415, ""},
		{"empty idempotency key", "ZJ01", row(1), []string{"Idempotency-Key", ""}, "", 400, ""},
		{"two idempotency keys", "ZJ01", row(1), []string{"Idempotency-Key", "a", "Idempotency-Key", "b"}, "", 400, ""},
		{"long idempotency key", "ZJ01", row(1), []string{"Idempotency-Key", strings.Repeat("k", 201)}, "", 400, ""},
		{"bad time of sending", "ZJ01", row(1), []string{push.SentAt, "yesterday"}, "", 400, ""},
		{"sent tomorrow", "ZJ01", row(1), []string{push.SentAt, time.Now().Add(24 * time.Hour).Format(time.RFC3339)}, "", 400, ""},
		{"unknown field", "ZJ01", bad(`{"JZWBM":"B2","LDZB":"x","CS":1,"BZDZ":"y","` + secret + `":1}`), nil, "", 422, "1: unknown"},
		{"all that is wrong", "ZJ01", bad(`{"JZWBM":"B2","LDZB":{"a":1},"CS":"` + secret + `","` + secret + `":1,"other":2}`), nil, "", 422, "1:LDZB invalid 1: unknown 1: unknown 1:CS invalid 1:BZDZ missing"},
		{"missing field", "ZJ01", bad(`{"JZWBM":"B2","LDZB":"x","BZDZ":"y"}`), nil, "", 422, "1:CS missing"},
		{"null in a required field", "ZJ01", bad(`{"JZWBM":null,"LDZB":"x","CS":1,"BZDZ":"y"}`), nil, "", 422, "1:JZWBM missing"},
		{"bad values", "ZJ01", bad(`{"JZWBM":"B2","LDZB":"` + strings.Repeat(secret, 9) + `","CS":"` + secret + `","BZDZ":"y"}`), nil, "", 422, "1:LDZB invalid 1:CS invalid"},
		{"nested value", "ZJ01", bad(`{"JZWBM":"B2","LDZB":{"a":"` + secret + `"},"CS":1,"BZDZ":"y"}`), nil, "", 422, "1:LDZB invalid"},
		{"row is no object", "ZJ01", bad(`7`), nil, "", 422, "1: unreadable"},
		{"unknown op", "ZJ01", bad(`{"op":"` + secret + `","row":{}}`), nil, "", 422, "1:op invalid"},
		{"delete with a row", "ZJ01", bad(`{"op":"delete","row":` + row(2) + `}`), nil, "", 422, "1: missing"},
		{"delete with more than the key", "ZJ01", bad(`{"op":"delete","key":{"JZWBM":"B2","CS":1}}`), nil, "", 422, "1: unknown"},
		{"delete without the key", "ZJ01", bad(`{"op":"delete","key":{}}`), nil, "", 422, "1:JZWBM missing"},
		{"envelope with more", "ZJ01", bad(`{"op":"delete","key":{"JZWBM":"B2"},"fields":["*"]}`), nil, "", 422, "1: missing"},
	}
	codes := map[string]string{"long idempotency key": "YIYUAN-6001", "bad time of sending": "YIYUAN-6002", "sent tomorrow": "YIYUAN-6003"}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := l.client
			switch tt.key {
			case "none":
				c.key = ""
			case "":
			default:
				c.key = tt.key
			}
			r := c.must(t, tt.dataset, tt.body, tt.header...)
			if r.status != tt.status {
				t.Fatalf("status %d %s, want %d", r.status, r.body, tt.status)
			}
			var p struct {
				Type, Title, Detail, Code string
				DetailEN                  string `json:"detail_en"`
				Status                    int
				RequestID                 string `json:"request_id"`
				Errors                    []push.RowError
			}
			if err := json.Unmarshal([]byte(r.body), &p); err != nil || p.Status != tt.status || p.Code == "" || p.Detail == "" || p.DetailEN == "" || strings.Contains(p.Detail, " / ") || p.Type != "urn:yiyuan:error:"+p.Code || p.RequestID != r.header.Get("X-Request-Id") {
				t.Errorf("problem %s (%v)", r.body, err)
			}
			if !strings.HasPrefix(r.header.Get("Content-Type"), "application/problem+json") || strings.Contains(r.body, secret) {
				t.Errorf("%s %s: want a problem that shows no value", r.header.Get("Content-Type"), r.body)
			}
			var list []string
			if want := codes[tt.name]; want != "" && p.Code != want {
				t.Errorf("code %s, want %s: %s", p.Code, want, r.body)
			}
			for _, e := range p.Errors {
				if e.Reason != "" && (han(e.DetailEN) || !han(e.Detail) || strings.Contains(e.Detail, "/ ")) {
					t.Errorf("two tongues in one place: %q, %q", e.Detail, e.DetailEN)
				}
				if e.Reason == "" {
					continue // the listener's own, about a header or a parameter
				}
				at := fmt.Sprint(e.Index)
				if e.Line > 0 {
					at = fmt.Sprintf("%d@%d", e.Index, e.Line)
				}
				list = append(list, fmt.Sprintf("%s:%s %s", at, e.Field, e.Reason))
			}
			if d := cmp.Diff(tt.errors, strings.Join(list, " ")); d != "" {
				t.Errorf("errors (-want +got):\n%s", d)
			}
		})
	}
	if n := count(t, b); n != 0 {
		t.Errorf("%d rows of refused requests were published", n)
	}
}

// TestRefusalsLeaveATrace: whoever keeps the audit hears of each, a key is one in
// any case of its scheme, and a limit is named.
func TestRefusalsLeaveATrace(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var heard []push.Refusal
	var logged strings.Builder
	l := run(t, newBus(t), config(t), push.Config{
		MaxRows: 10, MaxBytes: 4096, Logger: slog.New(slog.NewTextHandler(&locked{to: &logged, mu: &mu}, nil)),
		Refused: func(_ context.Context, r push.Refusal) {
			mu.Lock()
			defer mu.Unlock()
			heard = append(heard, r)
		},
	})
	mu.Lock()
	heard = nil // of those that waited for the source to open
	mu.Unlock()
	send := func(key string, body string, header ...string) reply {
		return client{l.url, key}.must(t, "ZJ01", body, header...)
	}
	send("", "[]")
	send("wrong", "[]")
	send(clKey, "[]")
	send(zjKey, `{"secret-value":1}`)
	large := send(zjKey, `"`+strings.Repeat("x", 5000)+`"`)
	if !strings.Contains(large.body, "4096") {
		t.Errorf("413 names no limit: %s", large.body)
	}
	if r := send("", row(1), "Authorization", "bearer "+zjKey); r.status != 200 {
		t.Errorf("bearer in lower case: %d %s", r.status, r.body)
	}
	mu.Lock()
	defer mu.Unlock()
	var got []string
	for _, r := range heard {
		got = append(got, fmt.Sprintf("%s %s %s %d", strings.Join(r.Departments, "+"), r.Dataset, r.Reason, r.Status))
		if r.Request == "" || !r.Client.IsLoopback() {
			t.Errorf("%+v lacks request or client", r)
		}
	}
	want := []string{"  no_key 401", "  unknown_key 401", "CL ZJ01 YIYUAN-6030 403", "ZJ ZJ01 YIYUAN-6220 422", "ZJ  YIYUAN-4130 413"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("heard (-want +got):\n%s", d)
	}
	if text := logged.String(); !strings.Contains(text, "push refused") || !strings.Contains(text, "YIYUAN-6220") || strings.Contains(text, "secret-value") {
		t.Errorf("logged:\n%s", text)
	}
}

// locked is a writer that several goroutines use.
type locked struct {
	mu *sync.Mutex
	to *strings.Builder
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(b)
}

func han(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}
