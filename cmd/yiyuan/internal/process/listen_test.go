package process

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/fleet"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/registry"
)

// adminAt runs the operators' listener over a fleet of one source.
func adminAt(t *testing.T, cfg settings.Admin) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	reg := prometheus.NewRegistry()
	a := &Process{Log: slog.New(slog.DiscardHandler), Metrics: reg, settings: NewSettings(), Group: &errgroup.Group{}, cfg: settings.Config{Admin: cfg}, shared: listener.Shared{Metrics: listener.NewMetrics(reg)}}
	reg.MustRegister(a.settings)
	door, err := a.adminListener(ctx)
	if err != nil {
		t.Fatal(err)
	}
	yes, by := func(context.Context, string) error { return nil }, func(context.Context, string, string) error { return nil }
	f := fleet.New(fleet.Parts{
		Run:  func(ctx context.Context, _ connectors.Config) error { <-ctx.Done(); return nil },
		Stop: by, Start: yes, Retire: by, Logger: a.Log,
	}, []connectors.Config{{Name: "ga", Kind: "fake"}})
	ran := make(chan error, 2)
	go func() { ran <- f.Run(ctx) }()
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { ran <- listener.New(door, a.adminRoutes(f)).Serve(ctx, l) }()
	t.Cleanup(func() { stop(); <-ran; <-ran; _ = a.Group.Wait() }) // what follows the token ends with ctx
	return "http://" + l.Addr().String()
}

// TestAdminDoor holds what once stopped a source from any web page that an
// operator had open: another site's call, or another name for this machine.
func TestAdminDoor(t *testing.T) {
	t.Parallel()
	token := filepath.Join(t.TempDir(), "token")
	const secret = "a-token-that-is-long-enough"
	if err := os.WriteFile(token, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	open, locked := adminAt(t, settings.Admin{}), adminAt(t, settings.Admin{TokenFile: token})
	for _, c := range []struct {
		at, method, path, headers string
		want                      int
		code                      string
	}{
		{open, "POST", "/sources/ga/stop", "Host: evil.example\nOrigin: http://evil.example\nX-Yiyuan-Operator: x", 421, "YIYUAN-4210"},
		{open, "POST", "/sources/ga/stop", "Origin: http://evil.example\nX-Yiyuan-Operator: x", 403, "YIYUAN-4039"},
		{open, "POST", "/sources/ga/stop", "Sec-Fetch-Site: cross-site\nX-Yiyuan-Operator: x", 403, "YIYUAN-4039"},
		{open, "POST", "/sources/ga/stop", "", 403, "YIYUAN-7030"},
		{open, "GET", "/metrics", "Host: evil.example", 421, "YIYUAN-4210"},
		{open, "GET", "/sources/ga/stop", "", 405, "YIYUAN-4050"},
		{open, "POST", "/metrics", "X-Yiyuan-Operator: x", 405, "YIYUAN-4050"},
		{open, "POST", "/debug/pprof/profile", "X-Yiyuan-Operator: x", 405, "YIYUAN-4050"},
		{open, "GET", "/nothing", "", 404, "YIYUAN-4042"},
		{open, "GET", "/sources?all=1", "", 422, "YIYUAN-4222"},
		{open, "POST", "/sources/nobody/stop", "X-Yiyuan-Operator: x", 404, "YIYUAN-4045"},
		{open, "POST", "/sources/ga/stop", "X-Yiyuan-Operator: x", 200, ""},
		{open, "POST", "/sources/ga/start", "X-Yiyuan-Operator: x\nOrigin: " + open, 200, ""},
		{open, "GET", "/metrics", "", 200, ""},
		{locked, "GET", "/livez", "", 200, ""},
		{locked, "GET", "/metrics", "", 401, "YIYUAN-4010"},
		{locked, "GET", "/debug/pprof/", "Authorization: Bearer wrong", 401, "YIYUAN-4011"},
		{locked, "POST", "/sources/ga/stop", "X-Yiyuan-Operator: x", 401, "YIYUAN-4010"},
		{locked, "POST", "/sources/ga/stop", "Authorization: Bearer " + secret + "\nOrigin: http://evil.example", 403, "YIYUAN-4039"},
		{locked, "POST", "/sources/ga/stop", "Authorization: bearer " + secret, 200, ""},
		{locked, "GET", "/metrics", "Authorization: Bearer " + secret, 200, ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, c.at+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(c.headers, "\n") {
			name, value, _ := strings.Cut(line, ": ")
			switch name {
			case "":
			case "Host":
				r.Host = value
			default:
				r.Header.Set(name, value)
			}
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var p struct{ Code string }
		if resp.StatusCode >= 400 {
			if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
				t.Errorf("%s %s: %v", c.method, c.path, err)
			}
		}
		_ = resp.Body.Close()
		if resp.StatusCode != c.want || p.Code != c.code {
			t.Errorf("%s %s with %q: answered %d %s, want %d %s", c.method, c.path, c.headers, resp.StatusCode, p.Code, c.want, c.code)
		}
	}
}

// TestAdminTokenChanges: a token that is taken out of its file lets nobody in any
// more, while the process runs; a file that cannot be used leaves the one before.
func TestAdminTokenChanges(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const first, second = "the-first-token-that-is-long-enough", "the-second-token-that-is-long-enough"
	put(first)
	at := adminAt(t, settings.Admin{TokenFile: file})
	answers := func(token string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at+"/sources", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	put("short")
	put(second)
	e2e.Await(t, "the new token is in force", func() string {
		if got := answers(second); got != http.StatusOK {
			return fmt.Sprint(got)
		}
		return ""
	})
	if got := answers(first); got != http.StatusUnauthorized {
		t.Errorf("the old token is answered %d", got)
	}
	put("short")
	e2e.Await(t, "it is said", func() string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+second)
		if a := e2e.Reply(http.DefaultClient.Do(r)); !strings.Contains(a.Body, `yiyuan_process_setting_up{setting="admin.token_file"} 0`) {
			return a.Body
		}
		return ""
	})
}

// TestRegistryKeyChanges: a write key that is taken out of its file writes no more
// while the process runs, at our own registry; and who writes to another's registry
// comes with the key as the file has it now.
func TestRegistryKeyChanges(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const first, second = "the-first-key-that-is-long-enough", "the-second-key-that-is-long-enough"
	const there = http.StatusForbidden
	put(first)
	ctx, stop := context.WithCancel(t.Context())
	a := &Process{Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), settings: NewSettings(), Group: &errgroup.Group{}, cfg: settings.Config{Registry: settings.Registry{Listen: "127.0.0.1:0", WriteKeyFile: file}}}
	var err error
	if a.schemas, err = registry.Open(ctx, noSchemas{}, "", a.Log); err != nil {
		t.Fatal(err)
	}
	at, err := a.ServeRegistry(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); _ = a.Group.Wait(); a.schemas.Close() })
	// What is not there cannot be deleted, but only who has the key is told so.
	writes := func(key string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, at+"/subjects/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+key)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	other := *a
	key, err := other.registryKey()
	if err != nil || key() != first || writes(first) != there {
		t.Fatalf("the first key: %v, answered %d", err, writes(first))
	}
	put(second)
	if got := key(); got != second {
		t.Error("another's registry gets the old key")
	}
	e2e.Await(t, "the new key is in force", func() string {
		if got := writes(second); got != there {
			return fmt.Sprint(got)
		}
		return ""
	})
	if got := writes(first); got != http.StatusUnauthorized {
		t.Errorf("the old key is answered %d", got)
	}
	put("short")
	if got := key(); got != second {
		t.Error("a file that cannot be used took the key away")
	}
}

// TestAdminBodies: what an operator puts into a body would do nothing, and is refused
// before anything is done.
func TestAdminBodies(t *testing.T) {
	t.Parallel()
	at := adminAt(t, settings.Admin{})
	for _, verb := range []string{"stop", "start", "retire", "resync"} {
		for _, body := range []string{`{"accept_deletes":3}`, "dry_run=true", "x"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at+"/sources/ga/"+verb, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set(OperatorHeader, "x")
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			var p struct{ Code string }
			err = json.NewDecoder(resp.Body).Decode(&p)
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode != http.StatusBadRequest || p.Code != "YIYUAN-4005" {
				t.Errorf("%s with %s: answered %d %s %v", verb, body, resp.StatusCode, p.Code, err)
			}
		}
	}
}

// noSchemas is a registry's log that holds nothing.
type noSchemas struct{}

func (noSchemas) Append(context.Context, []byte, []byte) error { return nil }

func (noSchemas) Replay(context.Context, func(key, value []byte) error) error { return nil }

func (noSchemas) Follow(ctx context.Context, _ func(key, value []byte) error) error {
	<-ctx.Done()
	return ctx.Err()
}

// TestStrangersDoNotFillTheLog: of the calls of strangers that the operators' port and
// the registry refuse the log has one line a minute, with their number and reasons,
// and of who has the key one line each.
func TestStrangersDoNotFillTheLog(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("a-secret-that-is-long-enough\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const many, few = 100, 3
	type call struct{ method, path, headers string }
	for name, c := range map[string]struct {
		cfg       settings.Config
		serve     func(a *Process, ctx context.Context) (string, error)
		strangers []call
		known     call
		reasons   string
	}{
		"admin with a token": {
			settings.Config{Admin: settings.Admin{Listen: "127.0.0.1:0", TokenFile: secret}},
			func(a *Process, ctx context.Context) (string, error) { return a.ServeAdmin(ctx, nil) },
			[]call{{"GET", "/metrics", ""}, {"POST", "/rebuild", "Authorization: Bearer wrong"}, {"GET", "/metrics", "Host: evil.example"}},
			call{"GET", "/nothing", "Authorization: Bearer a-secret-that-is-long-enough"},
			`["YIYUAN-4010","YIYUAN-4011","YIYUAN-4210"]`,
		},
		"admin without one": {
			settings.Config{Admin: settings.Admin{Listen: "127.0.0.1:0"}},
			func(a *Process, ctx context.Context) (string, error) { return a.ServeAdmin(ctx, nil) },
			[]call{{"GET", "/nothing", ""}, {"POST", "/rebuild", ""}, {"POST", "/rebuild", "Origin: http://evil.example\nX-Yiyuan-Operator: x"}},
			call{"POST", "/nothing", "X-Yiyuan-Operator: x"},
			`["YIYUAN-4039","YIYUAN-4042","YIYUAN-7030"]`,
		},
		"registry": {
			settings.Config{Registry: settings.Registry{Listen: "127.0.0.1:0", WriteKeyFile: secret}},
			func(a *Process, ctx context.Context) (string, error) { return a.ServeRegistry(ctx) },
			[]call{{"DELETE", "/subjects/x", ""}, {"GET", "/subjects", "Authorization: Bearer wrong"}, {"PUT", "/nothing", ""}},
			call{"DELETE", "/subjects/x", "Authorization: Bearer a-secret-that-is-long-enough"},
			`["40101","YIYUAN-4011","YIYUAN-4042"]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			var log bytes.Buffer
			a := &Process{Log: slog.New(slog.NewJSONHandler(&log, nil)), Metrics: prometheus.NewRegistry(), settings: NewSettings(), Group: &errgroup.Group{}, cfg: c.cfg}
			var err error
			if a.schemas, err = registry.Open(ctx, noSchemas{}, "", slog.New(slog.DiscardHandler)); err != nil {
				t.Fatal(err)
			}
			defer a.schemas.Close()
			at, err := c.serve(a, ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range c.strangers {
				for range many {
					refusedCall(t, at, one.method, one.path, one.headers)
				}
			}
			for range few {
				refusedCall(t, at, c.known.method, c.known.path, c.known.headers)
			}
			stop()
			if err := a.Group.Wait(); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(log.String(), "call refused"); n != few {
				t.Errorf("%d lines of %d refused calls of who is known\n%.2000s", n, few, log.String())
			}
			want := fmt.Sprintf(`"from":"127.0.0.0/24","count":%d,"reasons":%s`, many*len(c.strangers), c.reasons)
			if n := strings.Count(log.String(), "strangers refused"); n != 1 || !strings.Contains(log.String(), want) {
				t.Errorf("%d lines of %d refused calls of strangers, want one with %s\n%.2000s", n, many*len(c.strangers), want, log.String())
			}
		})
	}
}

// refusedCall makes a call that has to be refused.
func refusedCall(t *testing.T, at, method, path, headers string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, at+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(headers, "\n") {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			r.Host = value
		} else if name != "" {
			r.Header.Set(name, value)
		}
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode < 400 {
		t.Fatalf("%s %s is answered %d", method, path, resp.StatusCode)
	}
}

// A port that another role on this machine has is named, with what to do about it.
func TestTakenPortIsNamed(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a := &Process{Log: slog.New(slog.DiscardHandler), Group: &errgroup.Group{}}
	_, err = a.serve(t.Context(), l.Addr().String(), listener.Config{Name: "registry"}, nil)
	for _, part := range []string{"registry.listen", l.Addr().String(), "YIYUAN_REGISTRY_LISTEN", "已被占用"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("it says %v, without %q", err, part)
		}
	}
}
