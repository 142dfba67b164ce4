package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings/settingstest"
	"github.com/yiyuan-bus/yiyuan/connectors/fleet"
	"github.com/yiyuan-bus/yiyuan/schemas/listener/listenertest"
)

// What is read is a source, in commands, paths, labels and texts: a connector is
// the code that reads it. One word an idea.
func TestASourceIsCalledSource(t *testing.T) {
	t.Parallel()
	other := regexp.MustCompile("yiyuan connector|/connectors/\\{|/connectors/[a-z]+-[a-z]+/|\\| connector[ |]|`connector`|连接器")
	for _, page := range append(pages(t), "deploy/yiyuan.yaml", "deploy/compose.yaml", "deploy/prometheus/prometheus.yml") {
		if page == "CHANGELOG.md" || page == "docs/glossary.md" || filepath.Dir(page) == "docs/adr" {
			continue // they say what it was called, or must not be
		}
		b, err := os.ReadFile(filepath.Join(tree, filepath.FromSlash(page)))
		if err != nil {
			t.Fatal(err)
		}
		if found := other.FindString(string(b)); found != "" {
			t.Errorf("%s says %q", page, found)
		}
	}
}

// listening is an operators' listener that keeps who has asked what of it.
type listening struct {
	*httptest.Server
	calls []string // method, path and token
}

func listenHere(t *testing.T, authority *listenertest.Authority, own *listenertest.Signed) *listening {
	t.Helper()
	l := &listening{}
	l.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.calls = append(l.calls, fmt.Sprint(r.Method, " ", r.URL.Path, " ", r.Header.Get("Authorization")))
		_, _ = io.WriteString(w, `{"sources":[]}`)
	}))
	l.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if own == nil {
		l.Start()
	} else { // as a listener with client_ca does
		pair, err := tls.LoadX509KeyPair(own.Write(t, t.TempDir()))
		if err != nil {
			t.Fatal(err)
		}
		l.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: authority.Trust().RootCAs}
		l.StartTLS()
	}
	t.Cleanup(l.Close)
	return l
}

func (l *listening) address() string { return l.Listener.Addr().String() }

// ends runs one command line, and returns what it is ended by.
func ends(t *testing.T, args ...string) (code int, said string) {
	t.Helper()
	root := newRoot()
	root.SetOut(io.Discard)
	root.SetArgs(args)
	return ended(root.ExecuteContext(t.Context()))
}

// everySource is each verb of yiyuan source, as it is given.
var everySource = [][]string{
	{"ls"},
	{"stop", "ga-files"},
	{"start", "ga-files"},
	{"retire", "ga-files"},
	{"accept", "ga-files", "00000001"},
	{"refuse", "ga-files", "00000001"},
	{"resync", "ga-files"},
	{"resync", "ga-files", "--dry-run"},
}

// TestSourceAsksTheBusOfItsConfiguration: whoever names a configuration is heard by the
// process of that configuration, or by none; an address that is given comes first.
func TestSourceAsksTheBusOfItsConfiguration(t *testing.T) {
	settingstest.Bare(t)
	here, other := listenHere(t, nil, nil), listenHere(t, nil, nil)
	dir := t.TempDir()
	token := strings.Repeat("0123456789abcdef", 2)
	tokenFile := filepath.Join(dir, "token")
	listenertest.Put(t, tokenFile, []byte(token))
	config := e2e.Write(t, map[string]any{"admin": map[string]any{"listen": here.address(), "token_file": tokenFile}}, dir, "yiyuan.yaml")
	for _, verb := range everySource {
		asked := func(args ...string) {
			t.Helper()
			here.calls, other.calls = nil, nil
			if code, said := ends(t, slices.Concat([]string{"source"}, verb, []string{"--config", config}, args)...); code != exit.OK {
				t.Errorf("source %v %v ends with %d: %s", verb, args, code, said)
			}
		}
		asked()
		if len(here.calls) != 1 || !strings.HasSuffix(here.calls[0], " Bearer "+token) {
			t.Errorf("source %v: the listener of the configuration is asked %q, want once, with its token", verb, here.calls)
		}
		asked("--gateway", other.URL)
		if len(here.calls) != 0 || len(other.calls) != 1 || strings.Contains(other.calls[0], token) {
			t.Errorf("source %v: with --gateway the configured listener is asked %q, the given one %q, want that one without the token", verb, here.calls, other.calls)
		}
		asked("--key", "mine")
		if len(here.calls) != 1 || !strings.HasSuffix(here.calls[0], " Bearer mine") {
			t.Errorf("source %v: with --key %q", verb, here.calls)
		}
	}
}

// TestSourceTrustsTheListenerOfItsConfiguration: what the listener speaks is of the file,
// and so is whom to believe; a certificate is shown as to every listener.
func TestSourceTrustsTheListenerOfItsConfiguration(t *testing.T) {
	settingstest.Bare(t)
	authority, dir := listenertest.New(t), t.TempDir()
	own := authority.Server(time.Now().Add(time.Hour))
	here := listenHere(t, authority, &own)
	cert, key := own.Write(t, dir)
	mine, mineKey := authority.Client(time.Now().Add(time.Hour), nil, nil).Write(t, t.TempDir())
	config := e2e.Write(t, map[string]any{
		"admin":     map[string]any{"listen": here.address()},
		"listeners": map[string]any{"admin": map[string]any{"tls": map[string]any{"cert": cert, "key": key}}},
	}, dir, "yiyuan.yaml")
	show := []string{"source", "ls", "--config", config, "--cert", mine, "--cert-key", mineKey}
	if code, said := ends(t, show...); code != exit.OK || len(here.calls) != 1 {
		t.Errorf("ends with %d, asked %q: %s", code, here.calls, said)
	}
	another := filepath.Join(dir, "another.pem")
	listenertest.Put(t, another, listenertest.New(t).PEM)
	if code, said := ends(t, append(show, "--ca", another)...); code != exit.Unavailable || !strings.Contains(said, "certificate") {
		t.Errorf("with another's --ca it ends with %d: %s", code, said)
	}
}

// TestSourceRefusesAWrongConfiguration: every verb says what is wrong with the file that
// it is given, and asks nobody.
func TestSourceRefusesAWrongConfiguration(t *testing.T) {
	settingstest.Bare(t)
	here, dir := listenHere(t, nil, nil), t.TempDir()
	for file, wants := range map[string]struct {
		code int
		says string
	}{
		"":                            {exit.Usage, "--config names no file"},
		filepath.Join(dir, "nothere"): {exit.Usage, "没有这个配置文件"},
		e2e.Write(t, map[string]any{"bus": map[string]any{"partitions": 0}}, dir, "wrong.yaml"): {exit.Usage, "bus.partitions"},
	} {
		for _, verb := range everySource {
			for _, more := range [][]string{nil, {"--gateway", here.URL}} {
				if code, said := ends(t, slices.Concat([]string{"source"}, verb, []string{"--config", file}, more)...); code != wants.code || !strings.Contains(said, wants.says) {
					t.Errorf("source %v --config %q %v ends with %d, want %d and %q: %s", verb, file, more, code, wants.code, wants.says, said)
				}
			}
		}
	}
	none := e2e.Write(t, map[string]any{"admin": map[string]any{"listen": ""}}, dir, "none.yaml")
	if code, said := ends(t, "source", "ls", "--config", none); code != exit.Unavailable || !strings.Contains(said, "admin.listen is empty") {
		t.Errorf("without a listener it ends with %d: %s", code, said)
	}
	if here.calls != nil {
		t.Errorf("asked all the same: %q", here.calls)
	}
}

// The commands that a page of sources names carry no configuration; with one the page says
// that they need it.
func TestCommandsNeedTheConfiguration(t *testing.T) {
	const held = `{"sources":[{"name":"ga","state":"held","reason":"r","do":"说是 / say: yiyuan source accept ga 00000001"}]}`
	for _, c := range []struct{ page, config, want string }{
		{held, "", ""},
		{held, "/etc/yiyuan/b.yaml", "add: --config /etc/yiyuan/b.yaml\n"},
		{`{"sources":[{"name":"ga","state":"running"}]}`, "/etc/yiyuan/b.yaml", ""},
	} {
		var out strings.Builder
		var page fleet.Page
		if err := json.Unmarshal([]byte(c.page), &page); err != nil {
			t.Fatal(err)
		}
		if err := (&sourceClient{config: c.config}).writeSources(&out, page); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); c.want == "" && strings.Contains(got, "--config") || !strings.HasSuffix(got, c.want) {
			t.Errorf("with %q it prints\n%s", c.config, got)
		}
	}
}
