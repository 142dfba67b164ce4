package gateway_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// reply is what the gateway said.
type reply struct {
	status int
	header http.Header
	body   map[string]any
	text   string
}

func (r *reply) code() string { s, _ := r.body["code"].(string); return s }

func (w *world) do(method, path, key, purpose, body string) *reply {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	must(w.t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	if purpose != "" {
		r.Header.Set("X-Purpose", purpose)
	}
	return w.send(r)
}

func (w *world) send(r *http.Request) *reply {
	w.t.Helper()
	resp, err := http.DefaultClient.Do(r)
	must(w.t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	must(w.t, err)
	out := &reply{status: resp.StatusCode, header: resp.Header, text: string(text)}
	if strings.Contains(resp.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(text, &out.body); err != nil {
			w.t.Fatalf("%s %s: answer is not JSON: %v: %s", r.Method, r.URL.Path, err, text)
		}
	}
	return out
}

func (w *world) get(path, key, purpose string) *reply {
	w.t.Helper()
	return w.do(http.MethodGet, path, key, purpose, "")
}

func (w *world) post(path, key, purpose string, body any) *reply {
	w.t.Helper()
	text, err := json.Marshal(body)
	must(w.t, err)
	return w.do(http.MethodPost, path, key, purpose, string(text))
}

// ready waits until every view is loaded.
func (w *world) ready() {
	w.t.Helper()
	eventually(w.t, "ready", func() bool { return w.get("/readyz", "", "").status == http.StatusOK })
}

// knowing waits until it is known of every dataset who is not in it: until then neither a
// "no such record" nor a "no" is given. A supervisor asks, lest it cost others anything.
func (w *world) knowing() {
	w.t.Helper()
	eventually(w.t, "absence is known", func() bool {
		for _, path := range []string{"person.partial/539902198503120099", "enterprise.public/91530100MA6N000000"} {
			if r := w.get("/v1/lookup/"+path, "key-SJ-JDGL", "SUPERVISE"); r.status == http.StatusServiceUnavailable {
				return false
			}
		}
		return true
	})
}

// entries returns the audit as it stands.
func (w *world) entries() []audit.Entry {
	w.t.Helper()
	reader := w.codec.Reader(contract.AuditLayout)
	var out []audit.Entry
	must(w.t, w.bus.Replay(w.t.Context(), contract.Audit, func(r bus.Record) error {
		record, err := reader.Decode(w.t.Context(), r.Value)
		if err != nil {
			return err
		}
		out = append(out, audit.ParseEntry(record))
		return nil
	}))
	return out
}

// entry returns the audit entry of a request.
func (w *world) entry(r *reply) audit.Entry {
	w.t.Helper()
	id := r.header.Get("X-Request-Id")
	for _, e := range w.entries() {
		if e.Request == id {
			return e
		}
	}
	w.t.Fatalf("request %s is not in the audit", id)
	return audit.Entry{}
}
