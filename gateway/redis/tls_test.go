package redis_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	goredis "github.com/redis/go-redis/v9"

	"github.com/yiyuan-bus/yiyuan/gateway/redis"
	"github.com/yiyuan-bus/yiyuan/schemas/listener/listenertest"
)

// startSealed starts a Redis of the test's own that speaks TLS alone, and to nobody
// without a certificate of the authority.
func startSealed(t *testing.T, by *listenertest.Authority) (address string) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("redis-server is not there: this test must run here")
		}
		t.Skip("redis-server is not there")
	}
	dir := t.TempDir()
	cert, key := by.Server(time.Now().Add(time.Hour)).Write(t, dir)
	ca := filepath.Join(dir, "ca.pem")
	listenertest.Put(t, ca, by.PEM)
	port := strconv.Itoa(10_000 + rand.IntN(22_000)) // below those that the system gives to connections
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "redis-server", "--port", "0", "--tls-port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
		"--dir", dir, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", ca, "--tls-auth-clients", "yes")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
		_ = cmd.Wait() // it was killed
	})
	address = net.JoinHostPort("127.0.0.1", port)
	c := goredis.NewClient(&goredis.Options{Addr: address, TLSConfig: by.Trust(by.Client(time.Now().Add(time.Hour), nil, nil)), DisableIdentity: true, MaxRetries: -1})
	defer c.Close()
	eventually(t, func() bool { return c.Ping(t.Context()).Err() == nil })
	return address
}

// TestTLS keeps its records in a Redis that speaks TLS alone and asks for a
// certificate; nothing is said to one that another authority has signed, or without ours.
func TestTLS(t *testing.T) {
	by := listenertest.New(t)
	address := startSealed(t, by)
	ours := by.Client(time.Now().Add(time.Hour), nil, nil)
	s := open(t, redis.Config{Address: address, TLS: by.Trust(ours), ReadTimeout: 5 * time.Second})
	g := current(t, s)
	apply(t, s, g, -1, 0, write("a", 1, "one"))
	seal(t, s, g, 0)
	eventually(t, func() bool {
		got, err := get(t, s, "a")
		return err == nil && string(got.Value) == "one"
	})
	for name, cfg := range map[string]redis.Config{
		"plain":             {Address: address},
		"no certificate":    {Address: address, TLS: by.Trust()},
		"another's server":  {Address: address, TLS: listenertest.New(t).Trust(ours)},
		"another authority": {Address: address, TLS: by.Trust(listenertest.New(t).Client(time.Now().Add(time.Hour), nil, nil))},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			var said lockedLines
			log := slog.New(slog.NewJSONHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug}))
			s, err := redis.Open(ctx, cfg, log, prometheus.NewRegistry())
			if err == nil {
				_ = s.Close()
				t.Fatal("it was opened")
			}
			if errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("it is not refused, but waits: %v", err)
			}
			t.Log(err)
			if name == "another's server" && !said.has("failed to dial") {
				t.Error("what the client library says is not in the log")
			}
		})
	}
}

// lockedLines is a log that may be read while it is written.
type lockedLines struct {
	mu   sync.Mutex
	text []byte
}

func (l *lockedLines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	return len(b), nil
}

func (l *lockedLines) has(words string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Contains(l.text, []byte(words))
}
