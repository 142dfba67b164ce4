package process

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings/settingstest"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
)

// Another's registry that refuses a schema, or that cannot be used, is told on one line
// in both tongues: which, why, what to do.
func TestOutsideRegistryIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status      int // 0: nobody is there
		body        string
		unreachable bool
		want        []string
	}{
		"incompatible": {409, `{"error_code":409,"message":"field XM has another type"}`, false, []string{"不收主题 audit-value 的模式", "does not take the schema of the subject audit-value", "field XM has another type", "yiyuan plan"}},
		"no schema":    {422, `{"error_code":42201,"message":"Invalid schema"}`, false, []string{"不收主题 audit-value 的模式", "Invalid schema"}},
		"wrong key":    {401, `{"error_code":401,"message":"Unauthorized"}`, true, []string{"用不了：status 401: Unauthorized。核对 registry.url 和 registry.write_key_file", "cannot be used: status 401: Unauthorized. Look at registry.url"}},
		"a page":       {404, "<html>\n" + strings.Repeat("no such page\n", 100) + "</html>", true, []string{"status 404: <html> no such page", "…"}},
		"nobody":       {0, "", true, []string{"用不了：dial tcp 127.0.0.1:", "connection refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body) // the client is the test
			}))
			t.Cleanup(server.Close)
			if c.status == 0 {
				server.Close()
			}
			address := strings.Replace(server.URL, "//", "//bus:secret@", 1)
			outside, err := bus.OutsideRegistry(address, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = toldRegistry{outside, shown(address)}.Register(t.Context(), "audit-value", "{}")
			said := (*RegistryError)(nil)
			if !errors.As(err, &said) || errors.As(err, new(*UnreachableError)) != c.unreachable {
				t.Fatalf("Register = %#v", err)
			}
			for _, want := range append(c.want, strings.TrimPrefix(server.URL, "http://")) {
				if !strings.Contains(said.Error(), want) {
					t.Errorf("%q lacks %q", said, want)
				}
			}
			if strings.Contains(said.Error(), "\n") || strings.Contains(said.Error(), "secret") {
				t.Errorf("%q: several lines, or a password", said)
			}
		})
	}
}

// refusing is a registry that refuses every schema.
type refusing struct {
	codec.Registry
	with error
}

func (r refusing) Register(context.Context, string, string) (int, error) { return 0, r.with }

// Our own registry's refusal names subject, version, field, change and what to do.
func TestOwnRegistryIsTold(t *testing.T) {
	t.Parallel()
	const before = `{"type":"record","name":"GA01","namespace":"raw","fields":[{"name":"XM","type":"string"}]}`
	err := codec.Compatible("BACKWARD", strings.Replace(before, `"string"`, `"long"`, 1), []string{before})
	old := (*codec.CompatibilityError)(nil)
	if !errors.As(err, &old) {
		t.Fatal(err)
	}
	old.Version = 3
	_, err = toldRegistry{Registry: refusing{with: err}}.Register(t.Context(), "raw.GA01-value", "")
	for _, want := range []string{
		"主题 raw.GA01-value 的模式登记不了，与已有的版本 3 不相容：raw.GA01.XM: 类型不同", "does not go with version 3 that is there: raw.GA01.XM: string cannot be read as long", "yiyuan plan 列出改动", "yiyuan plan lists how", "yiyuan registry retire raw.GA01-value 3 --yes",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
	if !errors.Is(err, codec.ErrIncompatible) || errors.As(err, new(*UnreachableError)) {
		t.Errorf("Register = %#v", err)
	}
	passes := errors.New("the log does not answer")
	if _, err := (toldRegistry{Registry: refusing{with: passes}}).Register(t.Context(), "raw.GA01-value", ""); !errors.Is(err, passes) || errors.As(err, new(*RegistryError)) {
		t.Errorf("what may pass = %v", err)
	}
}

// A start whose registry does not answer ends with that once, however many steps and
// listeners met it.
func TestRunSaysOnceThatTheRegistryIsNotThere(t *testing.T) {
	settingstest.Bare(t)
	server := httptest.NewServer(nil)
	server.Close()
	cfg := settings.Default()
	cfg.Bus.Embedded.Listen, cfg.Gateway.Listen, cfg.Admin.Listen, cfg.Push.Listen = "127.0.0.1:0", "127.0.0.1:0", "", ""
	cfg.Registry.URL, cfg.Registry.Listen, cfg.Log.Level = server.URL, "", "error"
	err := Run(t.Context(), cfg, "test")
	if said, only := err.(*RegistryError); !only || !errors.As(said, new(*UnreachableError)) || strings.Count(said.Error(), server.URL) != 2 || strings.Contains(said.Error(), "\n") { //nolint:errorlint // nothing stands before it
		t.Errorf("Run = %v", err)
	}
}
