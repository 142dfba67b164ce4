package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// open dials the gateway from one of the machine's own addresses and sends bytes.
func (w *world) open(t *testing.T, from, request string) net.Conn {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(w.url, "http://"))
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, _ = io.WriteString(conn, request) // the gateway may hang up in the middle
	return conn
}

const slowVerify = "POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n%s\r\n{"

// TestStrangersBodiesAreNotRead holds what shut everybody out: requests without
// a key whose body never comes, from a few addresses. Each is told at once that
// it has no right, those with one are served, and health is answered.
func TestStrangersBodiesAreNotRead(t *testing.T) {
	w := start(t, func(c *gateway.Config) {
		c.Shared.Limits = listener.Limits{Requests: 64, Strangers: 16, StrangersPerAddress: 4, BodyGrace: time.Minute}
	})
	w.person(1, "张**")
	w.ready()
	const at = "/v1/lookup/person.partial/" + zhang
	eventually(t, "the record is there", func() bool { return w.get(at, "key-RS-GLJT", "GLJT").status == 200 })
	var all []net.Conn
	for i := range 180 {
		all = append(all, w.open(t, fmt.Sprintf("127.0.0.%d", 2+i%6), fmt.Sprintf(slowVerify, "")))
	}
	for i, c := range all {
		must(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusTooManyRequests {
			t.Fatalf("stranger %d was answered %v %v", i, resp, err)
		}
	}
	for _, c := range []struct{ path, key, purpose string }{{at, "key-RS-GLJT", "GLJT"}, {"/livez", "", ""}, {"/readyz", "", ""}} {
		if r := w.get(c.path, c.key, c.purpose); r.status != http.StatusOK {
			t.Errorf("%s answered %d meanwhile", c.path, r.status)
		}
	}
	eventually(t, "strangers are in the audit, together", func() bool {
		n, entries := 0, 0
		for _, e := range w.entries() {
			if e.Operation == audit.Stranger && e.Client == "127.0.0.0/24" {
				n, entries = n+e.Count, entries+1
			}
		}
		return n == 180 && entries <= 90
	})
}

// TestOneKeyDoesNotShutOutAnother: bodies that come slowly take places of their
// own key alone, for as long as the least rate allows.
func TestOneKeyDoesNotShutOutAnother(t *testing.T) {
	w := start(t, func(c *gateway.Config) {
		c.Shared.Limits = listener.Limits{Requests: 16, BodyGrace: 500 * time.Millisecond, BodyRate: 1 << 20}
	})
	w.person(1, "张**")
	w.ready()
	const at = "/v1/lookup/person.partial/" + zhang
	eventually(t, "the record is there", func() bool { return w.get(at, "key-RS-GLJT", "GLJT").status == 200 })
	var slow []net.Conn
	for range 30 {
		slow = append(slow, w.open(t, "127.0.0.1", fmt.Sprintf(slowVerify, "Authorization: Bearer key-SP-QYZX\r\nX-Purpose: QYZX\r\n")))
	}
	if r := w.get(at, "key-RS-GLJT", "GLJT"); r.status != http.StatusOK {
		t.Errorf("another's slow bodies: answered %d", r.status)
	}
	got := map[int]int{}
	for _, c := range slow {
		must(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		must(t, err)
		if ct := resp.Header.Get("Content-Type"); ct != "application/problem+json" {
			t.Errorf("%d with %q", resp.StatusCode, ct)
		}
		got[resp.StatusCode]++
	}
	if got[http.StatusRequestTimeout] != 4 || got[http.StatusTooManyRequests] != 26 {
		t.Errorf("answered %v, want 4 times 408 (the share of a key) and else 429", got)
	}
	eventually(t, "each refusal of an application is in the audit", func() bool {
		n := 0
		for _, e := range w.entries() {
			if e.App == "SP-QYZX" && (e.Status == http.StatusRequestTimeout || e.Status == http.StatusTooManyRequests) {
				n++
			}
		}
		return n == 30
	})
	if r := w.get("/v1/lookup/enterprise.public/"+firm, "key-SP-QYZX", "QYZX"); r.status == http.StatusTooManyRequests {
		t.Error("its places do not come back")
	}
}

// TestNothingOfAQueryIsIgnored: a misspelt fields= once gave the whole record.
func TestNothingOfAQueryIsIgnored(t *testing.T) {
	w := start(t)
	w.person(1, "张**")
	w.ready()
	const at = "/v1/lookup/person.partial/" + zhang
	eventually(t, "the record is there", func() bool { return w.get(at, "key-RS-GLJT", "GLJT").status == 200 })
	if r := w.get(at+"?fields=XM", "key-RS-GLJT", "GLJT"); r.status != http.StatusOK {
		t.Errorf("a good query answered %d", r.status)
	}
	for _, c := range []struct{ path, key, name string }{
		{at + "?fields=%zz", "key-RS-GLJT", "fields"},
		{at + "?field=XM", "key-RS-GLJT", "field"},
		{at + "?fields=", "key-RS-GLJT", "fields"},
		{at + "?fields", "key-RS-GLJT", "fields"},
		{at + "?fields=XM&fields=CSRQ", "key-RS-GLJT", "fields"},
		{at + "?fields=XM;CSRQ", "key-RS-GLJT", "fields"},
		{at + "?fields=XM&", "key-RS-GLJT", "query[1]"},
		{"/v1/findings?stat=open", supervisor, "stat"},
		{"/v1/findings?state=", supervisor, "state"},
		{"/v1/findings?limit=5&limit=6", supervisor, "limit"},
		{"/v1/quarantine?limit=%f", supervisor, "limit"},
		{"/v1/flow?x=1", supervisor, "x"},
		{"/v1/catalogue?" + zhang + "=1", supervisor, "query[0]"},
		{"/v1/catalogue/datasets/GA01?full=1", supervisor, "full"},
		{"/v1/me?who=1", supervisor, "who"},
		{"/v1/events?since=1", supervisor, "since"},
		{"/readyz?vebose", "", "vebose"},
		{"/openapi.json?v=3", "", "v"},
	} {
		r := w.get(c.path, c.key, "GLJT")
		list, _ := r.body["errors"].([]any)
		if r.status != http.StatusUnprocessableEntity || r.code() != "YIYUAN-4222" || len(list) == 0 {
			t.Errorf("%s answered %d %.300s", c.path, r.status, r.text)
			continue
		}
		first, _ := list[0].(map[string]any)
		if first["location"] != c.name || strings.Contains(r.text, zhang) {
			t.Errorf("%s names %v, want %s: %s", c.path, first["location"], c.name, r.text)
		}
		if c.key != "" && w.entry(r).App == "" {
			t.Errorf("%s: the refusal is in the audit without its application", c.path)
		}
	}
}

// TestBehindAProxy: a trusted proxy is not one address.
func TestBehindAProxy(t *testing.T) {
	w := start(t, func(c *gateway.Config) {
		proxies, err := listener.ParseProxies([]string{"127.0.0.1"})
		must(t, err)
		c.Shared.TrustedProxies = proxies
		c.Shared.Limits.ConnectionsPerAddress = 3
	})
	w.person(1, "张**")
	w.ready()
	const at = "/v1/lookup/person.partial/" + zhang
	eventually(t, "the record is there", func() bool { return w.get(at, "key-RS-GLJT", "GLJT").status == 200 })
	ask := func(from, header string) (int, string) {
		c := w.open(t, from, "GET "+at+" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer key-RS-GLJT\r\nX-Purpose: GLJT\r\n"+header+"\r\n")
		must(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		must(t, err)
		return resp.StatusCode, resp.Header.Get("X-Request-Id")
	}
	for _, c := range []struct {
		from, header, client string
		status               int
	}{
		{"127.0.0.1", "X-Forwarded-For: 9.9.9.9, 203.0.113.7\r\n", "203.0.113.7", 200},
		{"127.0.0.1", "Forwarded: for=\"[2001:db8::1]:443\";proto=https\r\n", "2001:db8::1", 200},
		{"127.0.0.1", "X-Forwarded-For: 203.0.113.7, 127.0.0.1\r\n", "203.0.113.7", 200},
		{"127.0.0.1", "X-Forwarded-For: <script>\r\n", "127.0.0.1", 200},
		{"127.0.0.1", "", "127.0.0.1", 200},
		{"127.0.0.2", "X-Forwarded-For: 203.0.113.7\r\n", "127.0.0.2", 200},
		{"127.0.0.1", "X-Forwarded-For: 203.0.113.7\r\nForwarded: for=198.51.100.1\r\n", "", 400},
	} {
		status, id := ask(c.from, c.header)
		entries := w.entries()
		i := slices.IndexFunc(entries, func(e audit.Entry) bool { return e.Request == id })
		if status != c.status || status == 200 && (i < 0 || entries[i].Client != c.client) {
			t.Errorf("%s %q: answered %d, in the audit %v", c.from, c.header, status, entries[max(i, 0)])
		}
	}
}
