package listener_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/listener/listenertest"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// names answers who the client's certificate says it is.
func names(w http.ResponseWriter, r *http.Request) {
	c := listener.CallOf(r.Context())
	_, _ = fmt.Fprint(w, r.TLS != nil, c.Certificate.Names(time.Now()))
}

type secured struct {
	authority *listenertest.Authority
	dir       string
	files     listener.Files
	tls       *listener.TLS
	address   string
}

// secure runs a listener with TLS whose certificate lasts for an hour.
func secure(t *testing.T, limits listener.Limits) *secured {
	t.Helper()
	s := &secured{authority: listenertest.New(t), dir: t.TempDir()}
	s.files.Cert, s.files.Key = s.authority.Server(time.Now().Add(time.Hour)).Write(t, s.dir)
	s.files.ClientCA = filepath.Join(s.dir, "clients.pem")
	listenertest.Put(t, s.files.ClientCA, s.authority.PEM)
	var err error
	if s.tls, err = listener.OpenTLS(s.files); err != nil {
		t.Fatal(err)
	}
	s.address = serve(t, listener.Config{
		Shared: listener.Shared{Own: map[string]listener.Own{"test": {Limits: limits, TLS: s.tls}}},
		Health: map[string]http.HandlerFunc{"/livez": func(http.ResponseWriter, *http.Request) {}},
	}, names)
	return s
}

// client asks with a TLS configuration, on connections of its own.
func client(t *testing.T, config *tls.Config) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

func get(t *testing.T, c *http.Client, url string) (string, *http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return string(b), res, err
}

// TestTLS: who has no certificate is nobody, who has one is known by its names,
// one of another authority gets no connection, and nor does an old protocol.
func TestTLS(t *testing.T) {
	t.Parallel()
	s := secure(t, listener.Limits{})
	url := "https://" + s.address + "/"
	if text, res, err := get(t, client(t, s.authority.Trust()), url); err != nil || text != "true []" || res.ProtoMajor != 1 || res.TLS.Version != tls.VersionTLS13 {
		t.Errorf("without a certificate: %q, %v", text, err)
	}
	mine := s.authority.Client(time.Now().Add(time.Hour), []string{"spiffe://yunling/edu"}, []string{"edu.example"})
	text, _, err := get(t, client(t, s.authority.Trust(mine)), url)
	if err != nil || !strings.HasPrefix(text, "true [sha256:") || !strings.HasSuffix(text, " uri:spiffe://yunling/edu dns:edu.example]") {
		t.Errorf("with a certificate: %q, %v", text, err)
	}
	other := listenertest.New(t).Client(time.Now().Add(time.Hour), []string{"spiffe://yunling/edu"}, nil)
	if text, _, err := get(t, client(t, s.authority.Trust(other)), url); err == nil {
		t.Errorf("with a certificate of another authority: %q", text)
	}
	gone := s.authority.Client(time.Now().Add(-time.Minute), []string{"spiffe://yunling/edu"}, nil)
	if text, _, err := get(t, client(t, s.authority.Trust(gone)), url); err == nil {
		t.Errorf("with a certificate that has expired: %q", text)
	}
	old := s.authority.Trust()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	if text, _, err := get(t, client(t, old), url); err == nil {
		t.Errorf("with TLS 1.1: %q", text)
	}
	h2 := s.authority.Trust()
	h2.NextProtos = []string{"h2", "http/1.1"}
	if text, res, err := get(t, client(t, h2), url); err != nil || res.ProtoMajor != 1 {
		t.Errorf("with HTTP/2 on offer: %q, %v", text, err)
	}
}

// TestExpiresWhileConnected: a connection outlives the certificate it was made
// with, the name it gave does not.
func TestExpiresWhileConnected(t *testing.T) {
	t.Parallel()
	var shown *listener.Certificate
	authority := listenertest.New(t)
	cert, key := authority.Server(time.Now().Add(time.Hour)).Write(t, t.TempDir())
	ca := filepath.Join(t.TempDir(), "ca.pem")
	listenertest.Put(t, ca, authority.PEM)
	own, err := listener.OpenTLS(listener.Files{Cert: cert, Key: key, ClientCA: ca})
	if err != nil {
		t.Fatal(err)
	}
	address := serve(t, listener.Config{Shared: listener.Shared{Own: map[string]listener.Own{"test": {TLS: own}}}}, func(_ http.ResponseWriter, r *http.Request) {
		shown = listener.CallOf(r.Context()).Certificate
	})
	mine := authority.Client(time.Now().Add(time.Minute), nil, []string{"edu.example"})
	if _, _, err := get(t, client(t, authority.Trust(mine)), "https://"+address); err != nil {
		t.Fatal(err)
	}
	if n := shown.Names(time.Now()); len(n) != 2 {
		t.Errorf("names = %q, want fingerprint and host name", n)
	}
	if n := shown.Names(time.Now().Add(2 * time.Minute)); len(n) != 0 {
		t.Errorf("names = %q of a certificate that has expired", n)
	}
}

// TestReload: new files are in force for new connections, the old ones go on; files
// that cannot be used change nothing and are told.
func TestReload(t *testing.T) {
	t.Parallel()
	s := secure(t, listener.Limits{})
	told, used := make(chan error, 16), make(chan struct{}, 16)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.tls.Follow(ctx, func() { used <- struct{}{} }, func(err error) { told <- err })
	}()
	defer func() { stop(); <-done }()
	url := "https://" + s.address + "/"
	kept := client(t, s.authority.Trust())
	serial := func(c *http.Client) string {
		t.Helper()
		_, res, err := get(t, c, url)
		if err != nil {
			t.Fatal(err)
		}
		return res.TLS.PeerCertificates[0].SerialNumber.String()
	}
	before := serial(kept)
	first := before

	expect := func(part string) {
		t.Helper()
		for patience := time.After(2 * time.Minute); ; { // between two files that are written there may be more to tell
			select {
			case err := <-told:
				if part == "" && err != nil || part != "" && (err == nil || !strings.Contains(err.Error(), part)) {
					continue
				}
			case <-patience:
				t.Fatalf("not told: %q", part)
			}
			break
		}
		if got := serial(client(t, s.authority.Trust())); part != "" && got != before {
			t.Fatalf("after %q: certificate %s, want %s still", part, got, before)
		}
	}
	hour := time.Now().Add(time.Hour)
	below, gone := s.authority.Below(hour), s.authority.Below(time.Now().Add(-time.Minute))
	sound, another := s.authority.Server(hour), s.authority.Server(hour)
	for _, c := range []struct { // none of which is sound while its key has come and its certificate has not
		files listenertest.Signed
		want  string
	}{
		{listenertest.Signed{Cert: []byte("garbage"), Key: sound.Key}, "no PEM"},
		{listenertest.Signed{Cert: sound.Cert, Key: s.authority.Server(hour).Key}, "no pair"},
		{listenertest.Signed{Cert: another.Cert[:len(another.Cert)/2], Key: another.Key}, "half written"},
		{s.authority.Server(hour).With(below), "signs no certificate before it"},
		{below.Server(hour).With(s.authority.Below(hour), below), "out of order"},
		{s.authority.Server(time.Now().Add(-time.Minute)), "expired"},
		{gone.Server(hour).With(gone), "block 2"},
	} {
		c.files.Write(t, s.dir)
		expect(c.want)
	}
	if err := os.Remove(s.files.Key); err != nil {
		t.Fatal(err)
	}
	expect("look at file")
	inForce := func(of listenertest.Signed) {
		t.Helper()
		of.Write(t, s.dir)
		for patience := time.After(2 * time.Minute); !s.tls.Leaf().Equal(of.Leaf); {
			select {
			case <-used:
			case <-patience:
				t.Fatal("the new files are not in force")
			}
		}
	}
	inForce(sound)
	expect("")
	before = sound.Leaf.SerialNumber.String()
	mine := s.authority.Client(hour, nil, []string{"edu.example"})
	for _, half := range [][]byte{s.authority.PEM[:len(s.authority.PEM)/2], append(bytes.Clone(s.authority.PEM), s.authority.PEM[:99]...)} {
		listenertest.Put(t, s.files.ClientCA, half)
		expect("client_ca")
		if text, _, err := get(t, client(t, s.authority.Trust(mine)), url); err != nil || !strings.Contains(text, "dns:edu.example") {
			t.Errorf("with half a file of authorities a client is %q, %v", text, err)
		}
	}
	listenertest.Put(t, s.files.ClientCA, s.authority.PEM)

	next := below.Server(time.Now().Add(3 * time.Hour)).With(below) // clients of the authority alone need both
	inForce(next)
	if got := serial(client(t, s.authority.Trust())); got != next.Leaf.SerialNumber.String() {
		t.Errorf("certificate %s, want the new one", got)
	}
	if got := serial(kept); got != first {
		t.Errorf("a connection that was there shows certificate %s, want %s", got, first)
	}
	if got, want := s.tls.Expires(), hour; got.Sub(want).Abs() > time.Minute {
		t.Errorf("expires %v, want with the intermediate, %v", got, want)
	}
}

func TestOpenTLSRefuses(t *testing.T) {
	t.Parallel()
	a := listenertest.New(t)
	cert, key := a.Server(time.Now().Add(time.Hour)).Write(t, t.TempDir())
	_, foreign := a.Server(time.Now().Add(time.Hour)).Write(t, t.TempDir())
	half := filepath.Join(t.TempDir(), "half.pem")
	listenertest.Put(t, half, append(bytes.Clone(a.PEM), a.PEM[:len(a.PEM)/2]...))
	astray, itsKey := a.Server(time.Now().Add(time.Hour)).With(a.Below(time.Now().Add(time.Hour))).Write(t, t.TempDir())
	for _, c := range []struct {
		files listener.Files
		want  []string
	}{
		{listener.Files{Cert: cert, Key: foreign}, []string{"cert: ", cert, "no pair"}},
		{listener.Files{Cert: key, Key: key}, []string{"cert: ", key, "no certificate"}},
		{listener.Files{Cert: cert, Key: key, ClientCA: key}, []string{"client_ca: ", key, "private key"}},
		{listener.Files{Cert: cert, Key: key, ClientCA: half}, []string{"client_ca: ", half, "block 2"}},
		{listener.Files{Cert: half, Key: key}, []string{"cert: ", half, "block 2"}},
		{listener.Files{Cert: astray, Key: itsKey}, []string{"cert: ", astray, "block 2", "signs no certificate"}},
		{listener.Files{Cert: cert, Key: key + "x"}, []string{"key: ", key + "x"}},
		{listener.Files{}, []string{"cert: "}},
	} {
		_, err := listener.OpenTLS(c.files)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v, want %q", c.files, err, want)
			}
		}
	}
	gone, key := a.Server(time.Now().Add(-time.Hour)).Write(t, t.TempDir())
	if own, err := listener.OpenTLS(listener.Files{Cert: gone, Key: key}); err != nil || own.Expires().After(time.Now()) || len(own.Notes(time.Now())) != 1 {
		t.Errorf("an expired certificate at the start: %v", err)
	}
	below := a.Below(time.Now().Add(-time.Hour))
	chain, key := below.Server(time.Now().Add(time.Hour)).With(below).Write(t, t.TempDir())
	own, err := listener.OpenTLS(listener.Files{Cert: chain, Key: key, ClientCA: gone})
	if err != nil || own.Expires().After(time.Now()) {
		t.Fatalf("an expired intermediate at the start: %v", err)
	}
	if n := own.Notes(time.Now()); len(n) != 2 || !n[0].Void || !strings.HasPrefix(n[0].Text, "cert: ") || !strings.Contains(n[0].Text, "block 2") || !strings.HasPrefix(n[1].Text, "client_ca: ") {
		t.Errorf("notes %v, want the intermediate and the authority", n)
	}
}

// TestHostileHandshakes: who does not shake hands is cut off like who sends no
// headers, holds up nobody, and who speaks plain HTTP is told.
func TestHostileHandshakes(t *testing.T) {
	t.Parallel()
	s := secure(t, listener.Limits{HeaderTime: 300 * time.Millisecond, ConnectionsPerAddress: 4})
	all := raw(t, s.address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	var p problem.Problem
	if len(all) != 1 || json.Unmarshal([]byte(all[0].body), &p) != nil || all[0].status != 400 || !strings.Contains(p.DetailEN, "https://") {
		t.Errorf("plain HTTP was answered %v", all)
	}
	var silent []net.Conn
	for range 12 { // three times its share
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		_, _ = io.WriteString(c, "\x16\x03\x01") // the begin of a greeting
		silent = append(silent, c)
	}
	if _, res, err := get(t, client(t, s.authority.Trust()), "https://"+s.address+"/livez"); err != nil || res.StatusCode != 200 {
		t.Errorf("health beside them: %v", err)
	}
	for i, c := range silent {
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		_, err := io.Copy(io.Discard, c)
		if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
			t.Errorf("connection %d that says nothing is still open", i)
		}
	}
}

// TestDemandedCertificate: where one is demanded nobody gets in without a certificate of
// the authorities, health or not.
func TestDemandedCertificate(t *testing.T) {
	t.Parallel()
	a, dir := listenertest.New(t), t.TempDir()
	cert, key := a.Server(time.Now().Add(time.Hour)).Write(t, dir)
	ca := filepath.Join(dir, "clients.pem")
	listenertest.Put(t, ca, a.PEM)
	own, err := listener.OpenTLS(listener.Files{Cert: cert, Key: key, ClientCA: ca, Demand: true})
	if err != nil {
		t.Fatal(err)
	}
	address := serve(t, listener.Config{
		Shared: listener.Shared{Own: map[string]listener.Own{"test": {TLS: own}}},
		Health: map[string]http.HandlerFunc{"/livez": func(http.ResponseWriter, *http.Request) {}},
	}, names)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(a.PEM)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/livez"} {
		if _, res, err := get(t, client(t, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}), "https://"+address+path); err == nil {
			t.Errorf("%s without a certificate is answered %d", path, res.StatusCode)
		}
		if _, _, err := get(t, client(t, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}), "https://"+address+path); err != nil {
			t.Errorf("%s with a certificate: %v", path, err)
		}
	}
}
