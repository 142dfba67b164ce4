package journey

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/schemas/listener/listenertest"
)

// over is a client that speaks TLS so.
func over(config *tls.Config) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	return &http.Client{Transport: transport}
}

// call runs one yiyuan to its end.
func call(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	var b bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "yiyuan", args...)
	cmd.Stdout, cmd.Stderr = &b, &b
	err := cmd.Run()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return b.String(), cmd.ProcessState.ExitCode()
}

// TestTLS: a whole process whose every listener speaks TLS, one of them beyond
// this machine; the commands ask it, an application is known by its certificate,
// the certificates are replaced while it runs, and doctor says how long they last.
func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	authority := listenertest.New(t)
	cert, key := authority.Server(time.Now().Add(90*24*time.Hour)).Write(t, dir)
	ca := filepath.Join(dir, "ca.pem")
	listenertest.Put(t, ca, authority.PEM)
	mine := authority.Client(time.Now().Add(time.Hour), []string{"spiffe://yunling/sj"}, nil)
	myCert, myKey := mine.Write(t, t.TempDir())
	other := authority.Client(time.Now().Add(time.Hour), []string{"spiffe://yunling/nobody"}, nil)
	otherCert, otherKey := other.Write(t, t.TempDir())
	gateway, admin, registry := e2e.FreePort(t), e2e.FreePort(t), e2e.FreePort(t)
	config := e2e.Write(t, map[string]any{
		"bus":       map[string]any{"embedded": map[string]any{"listen": e2e.FreePort(t)}},
		"roles":     []string{e2e.GatewayRole},
		"access":    e2e.Write(t, map[string]any{"applications": []any{map[string]any{"id": "SJ", "title": "监督", "department": "SJ", "certificates": []string{"uri:spiffe://yunling/sj"}, "purposes": []string{"SUPERVISE"}}}}, dir, "access.yaml"),
		"gateway":   map[string]any{"listen": strings.Replace(gateway, "127.0.0.1", "0.0.0.0", 1)},
		"registry":  map[string]any{"listen": registry},
		"admin":     map[string]any{"listen": admin},
		"listeners": map[string]any{"tls": map[string]any{"cert": cert, "key": key}, "gateway": map[string]any{"tls": map[string]any{"client_ca": ca}}},
		"log":       map[string]any{"format": "json"},
	}, dir, "yiyuan.yaml")
	p := e2e.Launch(t, "run", "--config", config)
	trusting := over(authority.Trust())
	ask := func(url string) (int, string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := trusting.Do(req)
		if err != nil {
			return 0, err.Error()
		}
		defer func() { _ = res.Body.Close() }()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			return 0, err.Error()
		}
		return res.StatusCode, string(b)
	}
	for name, url := range map[string]string{"gateway": "https://" + gateway + "/livez", "registry": "https://" + registry + "/subjects", "admin": "https://" + admin + "/livez"} {
		e2e.Await(t, name, func() string {
			p.Alive()
			if status, text := ask(url); status != http.StatusOK {
				return text
			}
			return ""
		})
	}
	if _, metrics := ask("https://" + admin + "/metrics"); !strings.Contains(metrics, `yiyuan_listener_certificate_expiry_timestamp_seconds{listener="registry"}`) {
		t.Error("no metric says when the certificate ends")
	}

	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no CA", []string{"lookup", "person.partial", "x", "--gateway", "https://" + gateway}, e2e.EndUnavailable, "certificate"},
		{"no key", []string{"lookup", "person.partial", "x", "--gateway", "https://" + gateway, "--ca", ca}, e2e.EndDenied, "401"},
		{"a certificate that no application has", []string{"lookup", "person.partial", "x", "--purpose", "SUPERVISE", "--gateway", "https://" + gateway, "--ca", ca, "--cert", otherCert, "--cert-key", otherKey}, e2e.EndDenied, "401"},
		{"a certificate without the grant", []string{"lookup", "person.partial", "x", "--purpose", "SUPERVISE", "--gateway", "https://" + gateway, "--ca", ca, "--cert", myCert, "--cert-key", myKey}, e2e.EndDenied, "403"},
		{"plain text", []string{"lookup", "person.partial", "x", "--gateway", "http://" + gateway}, e2e.EndProblems, "https://"},
		{"the admin listener", []string{"source", "ls", "--gateway", "https://" + admin, "--ca", ca}, e2e.EndNotFound, "404"},
	} {
		if out, code := call(t, c.args...); code != c.code && c.name != "the admin listener" || !strings.Contains(out, c.want) {
			t.Errorf("%s: exit %d, want %d with %q:\n%s", c.name, code, c.code, c.want, out)
		}
	}
	known := over(authority.Trust(mine))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+gateway+"/v1/indicators", nil)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := known.Do(req); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("a page for who is known by a certificate: %v, %v", res, err)
	} else {
		_ = res.Body.Close()
	}

	doctor := func() map[string]string {
		t.Helper()
		out, _ := call(t, "doctor", "--config", config, "-o", "json", "--timeout", "20s")
		var page struct{ Checks []e2e.Check }
		if err := json.Unmarshal([]byte(out[strings.Index(out, "{"):strings.LastIndex(out, "}")+1]), &page); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		said := map[string]string{}
		for _, f := range page.Checks {
			said[f.Check] = f.Grade + " " + f.What
		}
		return said
	}
	if said := doctor(); !strings.HasPrefix(said["tls.gateway"], e2e.Sound) || !strings.HasPrefix(said["registry"], e2e.Sound) || !strings.HasPrefix(said["tls.admin"], e2e.Sound) {
		t.Errorf("doctor says %v", said)
	}

	// Renewed: new connections see the new one.
	next := authority.Server(time.Now().Add(7 * 24 * time.Hour))
	next.Write(t, dir)
	e2e.Await(t, "the new certificate", func() string {
		fresh := over(authority.Trust())
		defer fresh.CloseIdleConnections()
		res, err := fresh.Do(req)
		if err != nil {
			return err.Error()
		}
		_ = res.Body.Close()
		if res.TLS.PeerCertificates[0].SerialNumber.Cmp(next.Leaf.SerialNumber) != 0 {
			return "the old one"
		}
		return ""
	})
	if said := doctor(); !strings.HasPrefix(said["tls.gateway"], e2e.Warned) {
		t.Errorf("doctor of a certificate that ends in a week: %v", said["tls.gateway"])
	}
	// Broken: the running process goes on, and says so.
	if err := os.WriteFile(cert, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	e2e.Await(t, "the alarm", func() string {
		if _, metrics := ask("https://" + admin + "/metrics"); !strings.Contains(metrics, `yiyuan_process_setting_up{setting="listeners.tls (gateway)"} 0`) {
			return "no alarm"
		}
		return ""
	})
	if said := doctor(); !strings.HasPrefix(said["config"], e2e.Ill) || !strings.Contains(said["config"], "listeners.tls") {
		t.Errorf("doctor of a broken certificate: %v", said)
	}
	authority.Server(time.Now().Add(-time.Hour)).Write(t, dir)
	if said := doctor(); !strings.HasPrefix(said["tls.gateway"], e2e.Ill) {
		t.Errorf("doctor of an expired certificate: %v", said)
	}
	p.Alive()
	p.Stop()
}
