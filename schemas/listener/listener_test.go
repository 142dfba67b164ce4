package listener_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// serve runs a listener in this process and returns its address.
func serve(t *testing.T, cfg listener.Config, next http.HandlerFunc) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Name = "test"
	if cfg.Metrics == nil {
		cfg.Metrics = listener.NewMetrics(prometheus.NewRegistry())
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- listener.New(cfg, next).Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("serve: %v", err)
		}
	})
	return l.Addr().String()
}

type said struct {
	status int
	header http.Header
	body   string
}

// raw sends bytes as they are and returns all answers.
func raw(t *testing.T, address, request string) []said {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	go func() { _, _ = io.WriteString(c, request) }()
	var out []said
	r := bufio.NewReader(c)
	for {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return out
		}
		b, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		out = append(out, said{resp.StatusCode, resp.Header, string(b)})
		if resp.Close {
			return out
		}
	}
}

// echo reads a body and says how long it is.
func echo(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if kind := listener.BodyProblem(err); kind != nil {
		listener.Refuse(w, r, kind.Of(""))
		return
	}
	_, _ = fmt.Fprint(w, len(b))
}

// TestOneAnswer: whoever is too slow with headers is told so once, and then the connection ends.
func TestOneAnswer(t *testing.T) {
	t.Parallel()
	address := serve(t, listener.Config{Shared: listener.Shared{Limits: listener.Limits{HeaderTime: 300 * time.Millisecond}}}, echo)
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX: "); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(c)
	if err != nil || strings.Count(string(all), "HTTP/1.1 ") != 1 || !strings.HasPrefix(string(all), "HTTP/1.1 408 ") {
		t.Errorf("%v: %s", err, all)
	}
}

// TestHeadersAreLimited: the limit of headers is what is set.
func TestHeadersAreLimited(t *testing.T) {
	t.Parallel()
	address := serve(t, listener.Config{Shared: listener.Shared{Limits: listener.Limits{HeaderBytes: 8 << 10}}}, echo)
	for size, status := range map[int]int{7 << 10: http.StatusOK, 9 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		got := raw(t, address, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: "+strings.Repeat("a", size)+"\r\n\r\n")
		if len(got) != 1 || got[0].status != status {
			t.Errorf("%d bytes: %+v, want %d", size, got, status)
		}
	}
}

// TestWhatTheServerSaysByItself: net/http answers some requests before any
// handler, in plain text. They are problems like the others.
func TestWhatTheServerSaysByItself(t *testing.T) {
	t.Parallel()
	address := serve(t, listener.Config{Shared: listener.Shared{Limits: listener.Limits{HeaderTime: 300 * time.Millisecond}}}, echo)
	get := func(headers string) string { return "GET / HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n" }
	for name, c := range map[string]struct {
		request string
		kind    *problem.Kind
	}{
		"no host":          {"GET / HTTP/1.1\r\n\r\n", problem.Request},
		"two hosts":        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", problem.Request},
		"no HTTP":          {"hello\r\n\r\n", problem.Request},
		"bad header":       {get("A B: c\r\n"), problem.Request},
		"two lengths":      {get("Content-Length: 1\r\nContent-Length: 2\r\n"), problem.Request},
		"long header":      {get("X: " + strings.Repeat("a", 100<<10) + "\r\n"), problem.HeaderLarge},
		"strange coding":   {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n", problem.Coding},
		"HTTP/3":           {"GET / HTTP/3.0\r\nHost: x\r\n\r\n", problem.Protocol},
		"expectation":      {get("Expect: 200-ok\r\n"), problem.Expectation},
		"cut headers":      {"GET / HTTP/1.1\r\nX: ", problem.TooSlow},
		"asterisk":         {"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", problem.Request},
		"climbing":         {"GET /a/../b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", problem.NoPath},
		"chunks":           {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", problem.NoLength},
		"too large":        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20971520\r\n\r\n{", problem.TooLarge},
		"body with GET":    {get("Content-Length: 2\r\n") + "{}", problem.Request},
		"two type headers": {"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: a\r\nContent-Type: b\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", problem.Headers},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := raw(t, address, c.request)
			if len(all) != 1 {
				t.Fatalf("%d answers", len(all))
			}
			var p problem.Problem
			if err := json.Unmarshal([]byte(all[0].body), &p); err != nil || all[0].header.Get("Content-Type") != problem.MediaType {
				t.Fatalf("%d %v %s", all[0].status, all[0].header, all[0].body)
			}
			if p.Code != c.kind.Code || all[0].status != c.kind.Status || p.Status != c.kind.Status || p.RequestID == "" || p.RequestID != all[0].header.Get("X-Request-Id") {
				t.Errorf("answered %d %+v, want %s", all[0].status, p, c.kind.Code)
			}
			for name, want := range listener.Headers() {
				if got := all[0].header.Values(name); !slices.Equal(got, want) {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
		})
	}
	if all := raw(t, address, get("")+get("Connection: close\r\n")); len(all) != 2 || all[1].body != "0" {
		t.Errorf("good requests were answered %v", all)
	}
}

// TestChunksAndLength: where bodies may come in chunks, they say no length too.
func TestChunksAndLength(t *testing.T) {
	t.Parallel()
	address := serve(t, listener.Config{Chunked: true}, echo)
	const head, chunks, end = "POST / HTTP/1.1\r\nHost: x\r\n", "5\r\nhello\r\n0\r\n\r\n", "Connection: close\r\n\r\n"
	const te, cl = "Transfer-Encoding: chunked\r\n", "Content-Length: 5\r\n"
	for name, c := range map[string]struct {
		request string
		want    string
	}{
		"chunks":                   {head + te + end + chunks, "200"},
		"a length":                 {head + cl + end + "hello", "200"},
		"both":                     {head + te + cl + "\r\n" + chunks, "400"},
		"both, the other way":      {head + cl + te + "\r\n" + chunks, "400"},
		"both, odd case and space": {head + "cOnTent-LENGTH:5\r\ntransfer-ENCODING: chunked\r\n\r\n" + chunks, "400"},
		"behind a good one":        {head + cl + "\r\nhello" + head + te + cl + "\r\n" + chunks, "200 400"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, a := range raw(t, address, c.request) {
				got = append(got, fmt.Sprint(a.status))
				if a.status == 200 && a.body != "5" || a.status != 200 && a.header.Get("Content-Type") != problem.MediaType {
					t.Errorf("answered %+v", a)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("answered %v, want %s", got, c.want)
			}
		})
	}
}

// TestSlowBody: a body that does not come is not waited for, however it is sent.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	limits := listener.Limits{BodyGrace: 200 * time.Millisecond, BodyRate: 1 << 20}
	address := serve(t, listener.Config{Shared: listener.Shared{Limits: limits}}, echo)
	for _, sent := range []string{"", "{", strings.Repeat("x", 1000)} {
		begin := time.Now()
		all := raw(t, address, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"+sent)
		if len(all) != 1 || all[0].status != http.StatusRequestTimeout || time.Since(begin) > 5*time.Second {
			t.Errorf("%d bytes of 100,000: answered %v after %v", len(sent), all, time.Since(begin))
		}
	}
	cut, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cut.Close() }()
	_, _ = io.WriteString(cut, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n{}")
	_ = cut.(*net.TCPConn).CloseWrite()
	if resp, err := http.ReadResponse(bufio.NewReader(cut), nil); err != nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a cut body: %v %v", resp, err)
	}
	// What comes in time is read, and the connection lives on.
	if all := raw(t, address, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); len(all) != 2 {
		t.Errorf("good requests were answered %v", all)
	}
}

// TestDoors: names, sites and methods.
func TestDoors(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /stop", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /state", listener.Strict(func(http.ResponseWriter, *http.Request) {}, "limit"))
	address := serve(t, listener.Config{OwnHost: true, SameSite: true}, listener.Routes(mux).ServeHTTP)
	for _, c := range []struct {
		request string
		want    int
	}{
		{"GET /state HTTP/1.1\r\nHost: localhost:1\r\n", 200},
		{"GET /state HTTP/1.1\r\nHost: 127.0.0.1\r\n", 200},
		{"GET /state HTTP/1.1\r\nHost: [::1]:80\r\n", 200},
		{"GET /state HTTP/1.1\r\nHost: evil.example\r\n", 421},
		{"GET /state HTTP/1.1\r\nHost: localhost.evil.example\r\n", 421},
		{"GET /state HTTP/1.1\r\nHost: 203.0.113.9\r\n", 421},
		{"GET http://evil.example/state HTTP/1.1\r\nHost: localhost\r\n", 421},
		{"POST /stop HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n", 200},
		{"POST /stop HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Length: 0\r\n", 200},
		{"POST /stop HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\n", 403},
		{"POST /stop HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\nContent-Length: 0\r\n", 403},
		{"POST /stop HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n", 403},
		{"POST /stop HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-site\r\nContent-Length: 0\r\n", 403},
		{"GET /stop HTTP/1.1\r\nHost: localhost\r\n", 405},
		{"GET /none HTTP/1.1\r\nHost: localhost\r\n", 404},
		{"GET /state?limt=1 HTTP/1.1\r\nHost: localhost\r\n", 422},
	} {
		all := raw(t, address, c.request+"Connection: close\r\n\r\n")
		if len(all) != 1 || all[0].status != c.want || c.want >= 400 && all[0].header.Get("Content-Type") != problem.MediaType {
			t.Errorf("%q: answered %v, want %d", c.request, all, c.want)
		}
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	p := listener.NewPlaces(3, 2)
	took := []bool{p.Take("a"), p.Take("a"), p.Take("a"), p.Take("b"), p.Take("b")}
	if !slices.Equal(took, []bool{true, true, false, true, false}) {
		t.Error("the shares are 2 of 3")
	}
	p.Leave("a")
	if !p.Take("b") || p.Taken() != 3 {
		t.Error("a place that was left is free")
	}
}

func TestQuery(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"":                      "",
		"limit=5&state=open":    "",
		"verbose":               "",
		"limit=":                "limit",
		"limit":                 "limit",
		"limit=5&limit=5":       "limit",
		"limit=%zz":             "limit",
		"limi=5":                "limi",
		"539902198503120013=1":  "query[0]",
		"%E5%BC%A0%E4%B8%89=1":  "query[0]",
		"a%00=1":                "query[0]",
		"&":                     "query[0]",
		"limit=5&":              "query[1]",
		"limit=1;state=2":       "limit",
		"limit=5&x1=2&state=%f": "query[1]",
	} {
		_, wrong := listener.Query(query, "limit", "state", "verbose")
		got := ""
		if len(wrong) > 0 {
			got = wrong[0].Location
		}
		if got != want {
			t.Errorf("Query(%q) names %q, want %q", query, got, want)
		}
	}
	if values, _ := listener.Query("fields=XM%2CCSRQ", "fields"); values["fields"] != "XM,CSRQ" {
		t.Errorf("values %v", values)
	}
}

func TestStrangers(t *testing.T) {
	t.Parallel()
	s := listener.NewStrangers()
	now := time.Unix(1_790_000_000, 0)
	for i := range 300 {
		s.Add(netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}), []string{"no_key", "unknown_key"}[i%2], now)
		s.Add(netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i)), "no_key", now)
	}
	for i := range 5000 {
		s.Add(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}), "no_key", now)
	}
	all := s.Take()
	by := map[string]listener.Refusals{}
	total := 0
	for _, r := range all {
		by[r.Neighbourhood], total = r, total+r.Count
	}
	if len(all) > 1025 || total != 5600 || by["203.0.113.0/24"].Count != 300 || by["2001:db8::/64"].Count != 300 || by["*"].Count == 0 {
		t.Errorf("%d lines for %d refusals", len(all), total)
	}
	if got := strings.Join(by["203.0.113.0/24"].Reasons, " "); got != "no_key unknown_key" {
		t.Errorf("reasons %s", got)
	}
	if len(s.Take()) != 0 {
		t.Error("counted twice")
	}
}

// TestSparse: a line that any request can cause is written once a minute, each name
// of its own, and says how often it happened since.
func TestSparse(t *testing.T) {
	t.Parallel()
	var s listener.Sparse
	now := time.Unix(1_790_000_000, 0)
	var lines []string
	for i := range 150 {
		for _, name := range []string{"a", "b"}[:1+i%2] {
			if n, ok := s.Tell(name, now.Add(time.Duration(i)*time.Second)); ok {
				lines = append(lines, fmt.Sprintf("%d%s%d", i, name, n))
			}
		}
	}
	if got := strings.Join(lines, " "); got != "0a1 1b1 60a60 61b30 120a60 121b30" {
		t.Errorf("told %s", got)
	}
}

// TestPanicsDoNotFillTheLog: a request that makes a handler panic can be sent again
// and again.
func TestPanicsDoNotFillTheLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	server := listener.New(listener.Config{Name: "test", Logger: slog.New(slog.NewTextHandler(&log, nil))}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("x") }))
	for range 20 {
		w := httptest.NewRecorder()
		server.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
		if w.Code != http.StatusInternalServerError {
			t.Fatalf("answered %d", w.Code)
		}
	}
	if n := strings.Count(log.String(), "request panicked"); n != 1 {
		t.Errorf("20 requests left %d lines", n)
	}
}
