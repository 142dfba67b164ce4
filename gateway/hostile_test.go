package gateway_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway"
)

// exchange sends bytes as they are and returns the statuses of the answers.
func (w *world) exchange(t *testing.T, request string) []int {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(w.url, "http://"))
	must(t, err)
	defer func() { _ = conn.Close() }()
	must(t, conn.SetDeadline(time.Now().Add(3*time.Second)))
	go func() { _, _ = io.WriteString(conn, request) }() // the gateway may hang up in the middle
	var out []int
	r := bufio.NewReader(conn)
	for {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return out
		}
		body, _ := io.ReadAll(resp.Body) // what could be read of it is looked at
		_ = resp.Body.Close()
		if bytes.Contains(body, []byte("张**")) && resp.StatusCode != http.StatusOK {
			t.Error("data left with an error")
		}
		out = append(out, resp.StatusCode)
		if resp.Close {
			return out
		}
	}
}

// TestHostileHTTP sends what no client library would. Nothing may be answered
// with data but the two good requests, nothing may take the server down.
func TestHostileHTTP(t *testing.T) {
	w := start(t)
	w.person(1, "张**")
	w.ready()
	const (
		at   = "/v1/lookup/person.partial/" + zhang
		auth = "Authorization: Bearer key-RS-GLJT\r\nX-Purpose: GLJT\r\n"
		body = `{"view":"person.partial","keys":["` + zhang + `"]}`
	)
	eventually(t, "the record is there", func() bool { return w.get(at, "key-RS-GLJT", "GLJT").status == 200 })
	get := func(path, headers string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "Connection: close\r\n\r\n"
	}
	post := func(headers, body string) string {
		return "POST /v1/lookup HTTP/1.1\r\nHost: x\r\n" + auth + headers + "Connection: close\r\n\r\n" + body
	}
	length := fmt.Sprintf("Content-Length: %d\r\n", len(body))
	const kind = "Content-Type: application/json\r\n"
	chunked := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	for _, c := range []struct {
		name, request string
		want          []int // any of these first; 0 = closed without an answer
	}{
		{"good", get(at, auth), []int{200}},
		{"good batch", post(kind+length, body), []int{200}},
		{"length and chunks", post(kind+length+"Transfer-Encoding: chunked\r\n", chunked), []int{400, 411}},
		{"chunks and length", post(kind+"Transfer-Encoding: chunked\r\n"+length, chunked), []int{400, 411}},
		{"chunks", post(kind+"Transfer-Encoding: chunked\r\n", chunked), []int{411}},
		{"chunks never ending", post(kind+"Transfer-Encoding: chunked\r\n", "ffffff\r\n"+strings.Repeat("x", 4096)), []int{411}},
		{"chunks twice", post(kind+"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", chunked), []int{400, 411, 501}},
		{"strange coding", post(kind+"Transfer-Encoding: xchunked\r\n", chunked), []int{400, 501}},
		{"chunked with a tab", post(kind+"Transfer-Encoding:\tchunked\r\n", chunked), []int{400, 411}},
		{"space before the colon", post(kind+"Content-Length : 5\r\n", body), []int{400}},
		{"two lengths", post(kind+length+"Content-Length: 1\r\n", body), []int{400}},
		{"same length twice", post(kind+length+length, body), []int{400, 200}},
		{"negative length", post(kind+"Content-Length: -1\r\n", body), []int{400}},
		{"signed length", post(kind+"Content-Length: +1\r\n", body), []int{400}},
		{"huge length", post(kind+"Content-Length: 99999999999999999999\r\n", body), []int{400}},
		{"body larger than allowed", post(kind+"Content-Length: 20971520\r\n", "{"), []int{413}},
		{"body shorter than said", post(kind+"Content-Length: 5000\r\n", body), []int{0, 400}},
		{"gzip", post(kind+"Content-Encoding: gzip\r\n"+length, body), []int{415}},
		{"other charset", post("Content-Type: application/json; charset=gbk\r\n"+length, body), []int{415}},
		{"form", post("Content-Type: application/x-www-form-urlencoded\r\n"+length, body), []int{415}},
		{"no type", post(length, body), []int{415}},
		{"two keys", get(at, auth+"Authorization: Bearer other\r\n"), []int{400}},
		{"two purposes", get(at, auth+"X-Purpose: DBHD\r\n"), []int{400}},
		{"body with GET", "GET " + at + " HTTP/1.1\r\nHost: x\r\n" + auth + kind + length + "Connection: close\r\n\r\n" + body, []int{400}},
		{"100 KiB header", get(at, auth+"X-Long: "+strings.Repeat("a", 100<<10)+"\r\n"), []int{431, 0}},
		{"5,000 headers", get(at, auth+strings.Repeat("X-Many: a\r\n", 5000)), []int{431, 0}},
		{"100 KiB path", get("/"+strings.Repeat("a", 100<<10), auth), []int{431, 414, 0}},
		{"long query", get(at+"?fields="+strings.Repeat("a", 5000), auth), []int{400}},
		{"folded header", get(at, "Authorization: Bearer\r\n guess\r\nX-Purpose: GLJT\r\n"), []int{400, 401}},
		{"line feed in a header", get(at, "Authorization: Bearer key-RS-GLJT\nX-Purpose: GLJT\r\n"), []int{200, 400}},
		{"carriage return in a header", get(at, "Authorization: Bearer key\rX-Purpose: GLJT\r\n"), []int{400, 401}},
		{"NUL in a header", get(at, "X-Bad: a\x00b\r\n"+auth), []int{400}},
		{"NUL in the path", get("/v1/lookup/person.partial/%00", auth), []int{422, 400}},
		{"climbing path", get("/v1/lookup/..%2f..%2fetc/passwd", auth), []int{404}},
		{"climbing path in clear", get("/v1/../../etc/passwd", auth), []int{301, 307, 404, 200}},
		{"overlong UTF-8", get("/v1/lookup/person.partial/%c0%af", auth), []int{422}},
		{"template text", get("/v1/lookup/person.partial/%7B%7B7*7%7D%7D", auth), []int{422}},
		{"redis text", get("/v1/lookup/person.partial/*%0d%0aFLUSHALL%0d%0a", auth), []int{422}},
		{"spoofed identity", get("/v1/me", "X-Forwarded-User: SJ-JDGL\r\nX-Bus-App: SJ-JDGL\r\n"), []int{401}},
		{"HTTP/1.0", "GET " + at + " HTTP/1.0\r\n" + auth + "\r\n", []int{200}},
		{"no host", "GET " + at + " HTTP/1.1\r\n" + auth + "\r\n", []int{400}},
		{"two hosts", "GET " + at + " HTTP/1.1\r\nHost: a\r\nHost: b\r\n" + auth + "\r\n", []int{400}},
		{"h2c upgrade", get(at, auth+"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"), []int{200}},
		{"strange method", "LOOKUP " + at + " HTTP/1.1\r\nHost: x\r\n" + auth + "Connection: close\r\n\r\n", []int{405}},
		{"TRACE", "TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", []int{405}},
		{"CONNECT", "CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\nConnection: close\r\n\r\n", []int{400, 404, 405}},
		{"ranges", get(at, auth+"Range: bytes=0-"+strings.Repeat(",0-", 500)+"\r\n"), []int{200}},
		{"not HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", []int{400, 0}},
		{"smuggled request", post(kind+"Content-Length: 5\r\n", "{}   GET "+at+" HTTP/1.1\r\nHost: x\r\n"+auth+"\r\n"), []int{422}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := w.exchange(t, c.request)
			first := 0
			if len(got) > 0 {
				first = got[0]
			}
			ok := false
			for _, want := range c.want {
				ok = ok || first == want
			}
			if !ok || len(got) > 1 {
				t.Errorf("answered %v, want one of %v", got, c.want)
			}
		})
	}
	t.Run("1,000 in one pipeline", func(t *testing.T) {
		one := "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
		got := w.exchange(t, strings.Repeat(one, 999)+get("/livez", ""))
		if len(got) != 1000 {
			t.Errorf("%d answers", len(got))
		}
	})
	if r := w.get(at, "key-RS-GLJT", "GLJT"); r.status != 200 {
		t.Errorf("afterwards answered %d", r.status)
	}
	for _, e := range w.entries() {
		if strings.Contains(fmt.Sprintf("%+v", e), "FLUSHALL") {
			t.Error("the audit repeats what was typed")
		}
	}
}

func TestSlowClientsAreBounded(t *testing.T) {
	w := start(t, func(c *gateway.Config) {
		c.Shared.Limits.ConnectionsPerAddress, c.Shared.Limits.HeaderTime = 20, time.Hour // none of them leaves by itself
	})
	w.ready()
	address := strings.TrimPrefix(w.url, "http://")
	http.DefaultClient.CloseIdleConnections()
	var slow []net.Conn
	for range 40 {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		must(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nX: ") // the older ones make room
		slow = append(slow, conn)
	}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	must(t, err)
	defer func() { _ = conn.Close() }()
	must(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	_, _ = io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
	if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("whoever asks is shut out by those who do not: %v", err)
	}
	hungUp := 0
	for _, c := range slow {
		must(t, c.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			hungUp++
		}
	}
	if hungUp != 21 {
		t.Errorf("%d of 41 connections made room, the share is 20", hungUp)
	}
}

// TestHealthBesideSlowBodies: an application that has all connections of its address
// answered, by bodies that come byte by byte, does not make the gateway look dead.
func TestHealthBesideSlowBodies(t *testing.T) {
	const places = 4
	w := start(t, func(c *gateway.Config) {
		c.Shared.Limits.ConnectionsPerAddress, c.Shared.Limits.BodyGrace = places, time.Hour // none of them ends by itself
	})
	w.ready()
	http.DefaultClient.CloseIdleConnections()
	ask := func(path string) (int, string) {
		c := w.open(t, "127.0.0.1", "GET "+path+" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer key-RS-GLJT\r\nX-Purpose: GLJT\r\n\r\n")
		must(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		must(t, err)
		defer func() { _ = resp.Body.Close() }()
		b, err := io.ReadAll(resp.Body)
		must(t, err)
		return resp.StatusCode, string(b)
	}
	// One that is not being answered yet makes room, so more are sent than there are places.
	eventually(t, "all places are taken", func() bool {
		w.open(t, "127.0.0.1", fmt.Sprintf(slowVerify, "Authorization: Bearer key-RS-GLJT\r\nX-Purpose: GLJT\r\n"))
		status, _ := ask("/v1/lookup/person.partial/" + zhang)
		return status == http.StatusTooManyRequests
	})
	if status, body := ask("/v1/lookup/person.partial/" + zhang); status != http.StatusTooManyRequests || !strings.Contains(body, "YIYUAN-4294") {
		t.Errorf("a lookup beyond the places is answered %d %s", status, body)
	}
	for _, path := range []string{"/livez", "/readyz"} {
		if status, body := ask(path); status != http.StatusOK {
			t.Errorf("%s is answered %d %s", path, status, body)
		}
	}
}

func FuzzKeys(f *testing.F) {
	for _, s := range []string{zhang, "*", ":", "{}", "a\r\nb", "\x00", "５３９９０２", strings.Repeat("9", 600), "%7C", "a|b|c", "|"} {
		f.Add(s)
	}
	w := start(f)
	w.ready()
	before := w.shape()
	f.Fuzz(func(t *testing.T, key string) {
		inside := *w
		inside.t = t
		r := inside.post("/v1/lookup", "key-RS-GLJT", "GLJT", map[string]any{"view": "person.partial", "keys": []string{key}})
		if r.status != http.StatusOK {
			t.Fatalf("answered %d for a key", r.status)
		}
		if after := inside.shape(); after != before {
			t.Fatalf("a key changed what is in the cache: %s", after)
		}
	})
}

// shape is how many keys the cache has.
func (w *world) shape() string {
	w.t.Helper()
	n, err := w.raw.DBSize(w.t.Context()).Result()
	must(w.t, err)
	return fmt.Sprint(n)
}
