package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// adminAt runs the operators' listener over a fleet of one source.
func adminAt(t *testing.T, cfg adminConfig) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	reg := prometheus.NewRegistry()
	a := &app{log: slog.New(slog.DiscardHandler), metrics: reg, settings: newSettings(), group: &errgroup.Group{}, cfg: config{Admin: cfg}, shared: listener.Shared{Metrics: listener.NewMetrics(reg)}}
	reg.MustRegister(a.settings)
	door, err := a.adminListener(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cast := &actors{begun: map[string]int{}, onduty: map[string]bool{}}
	f := newFleet(cast.run, a.log, []connectors.Config{{Name: "ga", Kind: "fake"}})
	f.orders = willing()
	ran := make(chan error, 2)
	go func() { ran <- f.Run(ctx) }()
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { ran <- listener.New(door, a.adminRoutes(f)).Serve(ctx, l) }()
	t.Cleanup(func() { stop(); <-ran; <-ran; _ = a.group.Wait() }) // what follows the token ends with ctx
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
	open, locked := adminAt(t, adminConfig{}), adminAt(t, adminConfig{TokenFile: token})
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
	at := adminAt(t, adminConfig{TokenFile: file})
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
	await(t, "the new token is in force", 15*time.Second, func() string {
		if got := answers(second); got != http.StatusOK {
			return fmt.Sprint(got)
		}
		return ""
	})
	if got := answers(first); got != http.StatusUnauthorized {
		t.Errorf("the old token is answered %d", got)
	}
	put("short")
	await(t, "it is said", 15*time.Second, func() string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+second)
		if a := reply(http.DefaultClient.Do(r)); !strings.Contains(a.body, `yiyuan_process_setting_up{setting="admin.token_file"} 0`) {
			return a.body
		}
		return ""
	})
}

// TestAdminBodies: what an operator puts into a body would do nothing, and is refused
// before anything is done.
func TestAdminBodies(t *testing.T) {
	t.Parallel()
	at := adminAt(t, adminConfig{})
	for _, verb := range []string{"stop", "start", "retire", "resync"} {
		for _, body := range []string{`{"accept_deletes":3}`, "dry_run=true", "x"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at+"/sources/ga/"+verb, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set(operatorHeader, "x")
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
