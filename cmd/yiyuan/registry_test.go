package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings/settingstest"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/registry"
)

// TestForeignSchemaIsRetired: a schema that somebody registered under a subject of the bus,
// with a build that took it, stops the start; what the refusal says to do heals it.
func TestForeignSchemaIsRetired(t *testing.T) {
	e2e.InTurn(t)
	settingstest.Bare(t)
	h := newHall(t)
	a, err := h.comes("", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	const subject = "raw.GA01-value"
	key := fmt.Appendf(nil, `{"keytype":"SCHEMA","subject":%q,"version":1,"magic":1}`, subject)
	value := fmt.Appendf(nil, `{"subject":%q,"version":1,"id":1,"schema":%q,"deleted":false}`, subject, `{"type":"record","name":"R","fields":[{"name":"zz","type":"int"}]}`)
	level := fmt.Appendf(nil, `{"keytype":"CONFIG","subject":%q,"magic":0}`, subject)
	for _, record := range [][2][]byte{{key, value}, {level, []byte(`{"compatibilityLevel":"NONE"}`)}} {
		if err := a.Bus.SchemaLog().Append(t.Context(), record[0], record[1]); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	config := e2e.Write(t, map[string]any{
		"keys":     map[string]any{"file": e2e.KeyFile(t, dir)},
		"bus":      map[string]any{"brokers": h.broker.Addrs(), "partitions": 1, "transaction_timeout": "2s", "session_timeout": "4s"},
		"registry": map[string]any{"listen": ""}, "admin": map[string]any{"listen": ""},
	}, dir, "yiyuan.yaml")
	run := []string{"run", "--role", "processors", "--config", config}

	said := e2e.Runs(t, 1, run...)
	remedy := regexp.MustCompile(`run yiyuan (registry retire ` + subject + ` 1 --yes)`).FindStringSubmatch(said)
	if remedy == nil || !strings.Contains(said, "主题 "+subject+" 的模式登记不了，与已有的版本 1 不相容") {
		t.Fatalf("the refusal does not say which version and what to do:\n%s", said)
	}
	e2e.Runs(t, 4, "registry", "retire", subject, "2", "--yes", "--config", config)
	e2e.Runs(t, 4, "registry", "retire", "theirs-value", "1", "--yes", "--config", config)
	e2e.Runs(t, 0, append(strings.Fields(remedy[1]), "--config", config)...)

	p := e2e.Launch(t, run...)
	reg, err := registry.Open(t.Context(), a.Bus.SchemaLog(), "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reg.Close)
	e2e.Await(t, "the bus has registered its own", func() string {
		if !p.Running() {
			t.Fatalf("the start ended: %v", p.Err)
		}
		res := httptest.NewRecorder()
		reg.Handler(registry.Access{}).ServeHTTP(res, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/subjects/"+subject+"/versions", nil))
		if got := strings.TrimSpace(res.Body.String()); got != "[2]" {
			return got
		}
		return ""
	})

	// What the bus registers itself stays in use: while it runs, and when it does not.
	subjects := func() (out []string) {
		t.Helper()
		res := httptest.NewRecorder()
		reg.Handler(registry.Access{}).ServeHTTP(res, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/subjects", nil))
		if err := json.Unmarshal(res.Body.Bytes(), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	if said := e2e.Runs(t, 1, "registry", "retire", subject, "2", "--yes", "--config", config); !strings.Contains(said, "stop all processes") || !strings.Contains(said, "先停下所有进程") {
		t.Errorf("while processes run: %s", said)
	}
	p.Stop()
	if said := e2e.Runs(t, 1, "registry", "retire", subject, "2", "--yes", "--config", config); !strings.Contains(said, "stays in use") || !strings.Contains(said, "不停用") {
		t.Errorf("what the bus registered: %s", said)
	}
	for _, topic := range []contract.Topic{contract.Audit, contract.Refused} { // as gateway and connectors do
		layout := map[contract.Topic]*schemas.Layout{contract.Audit: contract.AuditLayout, contract.Refused: contract.RefusedLayout}[topic]
		if _, err := reg.Register(t.Context(), topic.Subject(), codec.Schema(layout)); err != nil {
			t.Fatal(err)
		}
	}
	again := h.must("")
	all := subjects()
	if len(all) < 20 {
		t.Fatalf("the bus has registered %q alone", all)
	}
	for _, s := range all {
		version := 1
		if s == subject {
			version = 2
		}
		if err := again.Retire(t.Context(), s, version); !errors.Is(err, registry.ErrInUse) {
			t.Errorf("%s is taken out of use: %v", s, err)
		}
		// Of what it writes there it knows: what does not go with it is retired.
		foreign := fmt.Appendf(nil, `{"subject":%q,"version":9,"id":900,"schema":%q,"deleted":false}`, s, `{"type":"record","name":"R","fields":[{"name":"zz","type":"int"}]}`)
		if err := again.Bus.SchemaLog().Append(t.Context(), fmt.Appendf(nil, `{"keytype":"SCHEMA","subject":%q,"version":9,"magic":1}`, s), foreign); err != nil {
			t.Fatal(err)
		}
	}
	third := h.must("")
	for _, s := range all {
		if err := third.Retire(t.Context(), s, 9); err != nil {
			t.Errorf("another's schema of %s is not taken out of use: %v", s, err)
		}
	}
}
