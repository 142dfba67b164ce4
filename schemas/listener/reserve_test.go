package listener_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// held is a server whose every ordinary place is taken by a body that does not come.
type held struct {
	t       *testing.T
	address string
	busy    []net.Conn
}

// hold fills a server's places from the addresses given.
func hold(t *testing.T, limits listener.Limits, from ...string) *held {
	t.Helper()
	limits.BodyGrace = time.Minute
	begun := make(chan struct{}, len(from))
	ok := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") }
	h := &held{t: t}
	h.address = serve(t, listener.Config{
		Shared: listener.Shared{Limits: limits}, Health: map[string]http.HandlerFunc{"/livez": ok, "/readyz": ok},
	}, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			begun <- struct{}{}
		}
		echo(w, r)
	})
	for _, address := range from {
		h.busy = append(h.busy, h.dial(address, "POST /lookup HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"))
		<-begun
	}
	t.Cleanup(h.free)
	return h
}

// free ends what holds the places.
func (h *held) free() {
	for _, c := range h.busy {
		_ = c.Close()
	}
}

func (h *held) dial(from, sends string) net.Conn {
	h.t.Helper()
	c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).DialContext(h.t.Context(), "tcp", h.address)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, sends); err != nil {
		h.t.Fatal(err)
	}
	return c
}

// hears is what comes on a connection soon: a status and its problem.
func (h *held) hears(c net.Conn) (status int, code string) {
	h.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	var p problem.Problem
	if b, err := io.ReadAll(resp.Body); err == nil && resp.StatusCode >= 400 {
		_ = json.Unmarshal(b, &p) // the code is then missing
	}
	if !resp.Close {
		return resp.StatusCode, "the connection stays open"
	}
	return resp.StatusCode, p.Code
}

const (
	live   = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
	ready  = "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"
	lookup = "GET /lookup HTTP/1.1\r\nHost: x\r\n\r\n"
)

// TestHealthWhenAllPlacesAreTaken: whoever has all places answering it, of its address
// or of the whole listener, is refused more, but how the process is can be asked.
func TestHealthWhenAllPlacesAreTaken(t *testing.T) {
	t.Parallel()
	const a, b = "127.0.0.1", "127.0.0.2"
	for name, h := range map[string]*held{
		"of an address": hold(t, listener.Limits{ConnectionsPerAddress: 3}, a, a, a),
		"of all":        hold(t, listener.Limits{Connections: 3}, b, b, b),
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 * listener.Reserve {
				for _, path := range []string{live, ready} {
					if status, code := h.hears(h.dial(a, path)); status != http.StatusOK || code != "" {
						t.Fatalf("health is answered %d %s", status, code)
					}
				}
			}
			for _, request := range []string{lookup, "POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{", "GET /livez/ HTTP/1.1\r\nHost: x\r\n\r\n"} {
				if status, code := h.hears(h.dial(a, request)); status != problem.Connections.Status || code != problem.Connections.Code {
					t.Errorf("%.20q is answered %d %s", request, status, code)
				}
			}
			// A body that health does not read keeps no place.
			if status, code := h.hears(h.dial(a, "GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")); status != http.StatusOK || code != "" {
				t.Errorf("health with a body is answered %d %s", status, code)
			}
			h.free()
			until := time.Now().Add(time.Minute)
			for status := 0; status != http.StatusOK; { // the places are free once the server has seen it
				if status, _ = h.hears(h.dial(a, lookup)); time.Now().After(until) {
					t.Fatalf("with free places a lookup is answered %d", status)
				}
			}
		})
	}
}

// TestSilenceKeepsHealthFromNobody: who only holds connections of the reserve loses them
// to who comes later, those of its own address first, and all when their time is over.
func TestSilenceKeepsHealthFromNobody(t *testing.T) {
	t.Parallel()
	const a, b = "127.0.0.1", "127.0.0.2"
	h := hold(t, listener.Limits{Connections: 3, HeaderTime: 3 * time.Second}, b, b, b)
	early := h.dial(a, "GET /livez HTTP/1.1\r\nX: ")
	var silent []net.Conn
	for i := range 3 * listener.Reserve {
		silent = append(silent, h.dial(b, []string{"", "GET /livez HTTP/1.1\r\nX: "}[i%2]))
	}
	if status, code := h.hears(h.dial(b, live)); status != http.StatusOK || code != "" {
		t.Errorf("behind the silent ones health is answered %d %s", status, code)
	}
	if _, err := io.WriteString(early, "y\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if status, code := h.hears(early); status != http.StatusOK || code != "" {
		t.Errorf("another address, which came before them and asks late, is answered %d %s", status, code)
	}
	turned, ended := 0, 0
	for _, c := range silent {
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		switch {
		case err == nil && resp.StatusCode == problem.Connections.Status:
			turned++
		case err == nil && resp.StatusCode == problem.TooSlow.Status, err == io.ErrUnexpectedEOF: //nolint:errorlint // as it is returned
			ended++
		default:
			t.Errorf("a silent connection heard %v %v", resp, err)
		}
		if err == nil {
			_ = resp.Body.Close()
		}
	}
	// One of the places was the early one's and one was made for who asked last.
	if want := len(silent) - listener.Reserve + 2; turned != want || turned+ended != len(silent) {
		t.Errorf("%d of %d silent connections made room, %d ran out of time, want %d to make room", turned, len(silent), ended, want)
	}
}

// TestSlowReadersMakeRoom: who has no key and does not read what it asked for keeps its place
// only until somebody needs it; who has one keeps it for the whole time of an answer.
func TestSlowReadersMakeRoom(t *testing.T) {
	t.Parallel()
	large := make([]byte, 1<<20)
	for name, keyed := range map[string]bool{"without a key": false, "with a key": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := &held{t: t}
			h.address = serve(t, listener.Config{
				Shared: listener.Shared{Limits: listener.Limits{Connections: 4}},
				Admit: func(r *http.Request, _ *listener.Call) (listener.Who, *problem.Problem) {
					return listener.Who{Key: r.Header.Get("Authorization")}, nil
				},
			}, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/large" {
					echo(w, r)
					return
				}
				for range 64 {
					if _, err := w.Write(large); err != nil {
						return
					}
				}
			})
			key := ""
			if keyed {
				key = "Authorization: Bearer k\r\n"
			}
			for _, from := range []string{"127.0.0.2", "127.0.0.2", "127.0.0.3", "127.0.0.4"} {
				c := h.dial(from, "GET /large HTTP/1.1\r\nHost: x\r\n"+key+"\r\n")
				if _, err := io.ReadFull(c, make([]byte, 1000)); err != nil { // it is being answered
					t.Fatal(err)
				}
			}
			until := time.Now().Add(4 * time.Second)
			for {
				status, code := h.hears(h.dial("127.0.0.1", "GET /lookup HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
				switch late := time.Now().After(until); {
				case status == http.StatusOK && !keyed:
					return
				case status == http.StatusOK:
					t.Fatal("an answer to somebody with a key was cut")
				case late && keyed:
					return
				case late:
					t.Fatalf("behind those who do not read it is answered %d %s", status, code)
				}
			}
		})
	}
}
