package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadAnswer(t *testing.T) {
	cases := []struct {
		name, wire, body string
		status           int
		bad              bool
	}{
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 200, false},
		{"lower case", "HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\nX: y\r\n\r\nno", "no", 404, false},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n", "abc0123456789abcdef", 200, false},
		{"neither", "HTTP/1.1 200 OK\r\n\r\nhello", "", 0, true},
		{"cut short", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", "", 0, true},
		{"not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", "", 0, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := bufio.NewReader(strings.NewReader(c.wire))
			status, body, err := readAnswer(in, nil)
			if c.bad {
				if err == nil {
					t.Fatal("readAnswer took it")
				}
				return
			}
			if err != nil || status != c.status || string(body) != c.body {
				t.Errorf("readAnswer = %d, %q, %v, want %d, %q", status, body, err, c.status, c.body)
			}
			if rest, _ := io.ReadAll(in); len(rest) != 0 {
				t.Errorf("%d bytes of the answer were not read", len(rest))
			}
		})
	}
}

// A load must notice a server that answers something else.
func TestLoad(t *testing.T) {
	var asked atomic.Int64
	var broken atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := asked.Add(1); n == broken.Load() {
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write(bytes.Repeat([]byte("answer "), 1000)) // long enough to come in chunks
	}))
	defer server.Close()
	to := target{name: "test", address: server.Listener.Addr().(*net.TCPAddr).String(), expect: []byte("answer"), requests: [][]byte{[]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")}}
	got, err := load(t.Context(), to, 4, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if got.answers == 0 || int64(got.answers) != asked.Load() {
		t.Errorf("load counted %d answers, the server gave %d", got.answers, asked.Load())
	}
	broken.Store(asked.Load() + 20)
	if _, err := load(t.Context(), to, 4, 10*time.Second); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("load over a failing server: %v, want its status", err)
	}
	to.expect = []byte("question")
	if _, err := load(t.Context(), to, 1, time.Second); err == nil {
		t.Error("load took a wrong answer for right")
	}
}

func TestStream(t *testing.T) {
	f := newStream([]string{"a", "b", "c"}, 7) // a: 0 3 6, b: 1 4, c: 2 5
	f.start = time.Now()
	f.reach(f.seen, 0, 0, 2)
	f.reach(f.seen, 1, 0, 9) // more than there are
	var reached []int
	for i := range f.seen {
		if f.seen[i].Load() != 0 {
			reached = append(reached, i)
		}
	}
	if diff := cmp.Diff([]int{0, 1, 3, 4}, reached); diff != "" {
		t.Errorf("changes reached (-want +got):\n%s", diff)
	}
	if _, missing := f.latencies(f.seen, 1); missing != 3 {
		t.Errorf("%d of changes 1 to 6 are missing, want 3", missing)
	}
	for _, masked := range []string{phone(42), "199****0042"} {
		if got := version(masked); got != 42 {
			t.Errorf("version(%q) = %d, want 42", masked, got)
		}
	}
	if got := version("none"); got != -1 {
		t.Errorf("version of no number = %d, want -1", got)
	}
}
