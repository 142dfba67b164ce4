package listener_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/yiyuan-bus/yiyuan/schemas/crash"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// shared is a log that several goroutines write and one reads.
type shared struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *shared) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// TestPanicsShowNoValue: what a handler panics with may be somebody's number. The
// client, the log (net/http's own lines too, at its finest) and the metrics are told
// type, place and count.
func TestPanicsShowNoValue(t *testing.T) { // not parallel: the log of panics is the process's
	const number = "539902198503120777"
	var log shared
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	crash.LogTo(logger)
	defer crash.LogTo(nil)
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(crash.Collector())
	cfg := listener.Config{Logger: logger, Shared: listener.Shared{Metrics: listener.NewMetrics(reg)}}
	cfg.Admit = func(r *http.Request, _ *listener.Call) (listener.Who, *problem.Problem) {
		if r.URL.Path == "/admit" {
			panic(number)
		}
		return listener.Who{}, nil
	}
	cfg.Refused = func(r *http.Request, _ *listener.Call, _ *problem.Problem) {
		if r.URL.Path == "/refused" {
			panic(number)
		}
	}
	address := serve(t, cfg, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/text":
			panic(number)
		case "/error":
			panic(fmt.Errorf("take %s: %w", number, io.EOF))
		case "/index":
			n, _ := strconv.Atoi(number)
			_, _ = io.WriteString(w, []string{}[n]) // the runtime's own text tells the index
		case "/half":
			_, _ = io.WriteString(w, strings.Repeat("half an answer ", 1000))
			panic(errors.New(number))
		}
		listener.Refuse(w, r, problem.Request.Of("")) // /refused
	})
	for _, c := range []struct {
		path   string
		status int // 0: the connection is closed
		kind   string
	}{
		{"/text", 500, "panic of type string"},
		{"/error", 500, "panic of type *fmt.wrapError"},
		{"/index", 500, "panic of type runtime.boundsError"},
		{"/half", 200, "panic of type *errors.errorString"},
		{"/admit", 500, "panic of type string"},
		{"/refused", 0, "request panicked while it was refused"},
	} {
		answers := raw(t, address, "GET "+c.path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		switch {
		case c.status == 0 && len(answers) != 0, c.status != 0 && (len(answers) != 1 || answers[0].status != c.status):
			t.Errorf("%s: answered %v, want %d", c.path, answers, c.status)
		case c.status == 500 && !strings.Contains(answers[0].body, problem.Internal.Code):
			t.Errorf("%s: answered %s", c.path, answers[0].body)
		}
		if told := fmt.Sprint(answers); strings.Contains(told, number) {
			t.Errorf("%s: the client is shown %s", c.path, told)
		}
		if !strings.Contains(log.String(), c.kind) {
			t.Errorf("%s: the log does not say %q", c.path, c.kind)
		}
	}
	told := log.String()
	if strings.Contains(told, number) {
		t.Errorf("the log shows what was panicked with:\n%s", told)
	}
	if !strings.Contains(told, "schemas/listener_test/panic_test.go:") {
		t.Errorf("the log does not say where:\n%s", told)
	}
	page := httptest.NewRecorder()
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(page, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	shown := page.Body.String()
	if strings.Contains(shown, number) || !strings.Contains(shown, `yiyuan_process_panics_total{place="schemas/listener_test/panic_test.go:`) ||
		!strings.Contains(shown, `yiyuan_listener_refused_total{code="`+problem.Internal.Code+`",listener="test"} 5`) {
		t.Errorf("metrics: %s", shown)
	}
}
