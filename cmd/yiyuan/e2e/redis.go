package e2e

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"testing"

	goredis "github.com/redis/go-redis/v9"
)

// Server is a Redis of the test's own, to be killed, emptied and misconfigured.
type Server struct {
	Address string
	dir     string
	cmd     *exec.Cmd
}

// StartRedis starts a Redis that ends with the test.
func StartRedis(t *testing.T) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("redis-server is not there: this test must run here")
		}
		t.Skip("redis-server is not there")
	}
	s := &Server{Address: FreePort(t), dir: t.TempDir()}
	s.Start(t)
	t.Cleanup(func() { s.Kill(t) })
	return s
}

// Start starts the server, empty, and waits until it answers.
func (s *Server) Start(t *testing.T) {
	t.Helper()
	_, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		t.Fatal(err)
	}
	s.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction", "--dir", s.dir)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	client := goredis.NewClient(&goredis.Options{Addr: s.Address, DisableIdentity: true, Protocol: 2, MaxRetries: -1})
	defer client.Close()
	Await(t, "redis", func() string {
		if err := client.Ping(t.Context()).Err(); err != nil {
			return err.Error()
		}
		return ""
	})
}

// Kill ends it as a power cut would.
func (s *Server) Kill(t *testing.T) {
	t.Helper()
	if s.cmd == nil {
		return
	}
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("kill redis: %v", err)
	}
	_ = s.cmd.Wait() // it was killed
	s.cmd = nil
}

// Say sends one command.
func (s *Server) Say(t *testing.T, words ...any) {
	t.Helper()
	client := goredis.NewClient(&goredis.Options{Addr: s.Address, DisableIdentity: true, Protocol: 2})
	defer client.Close()
	if err := client.Do(t.Context(), words...).Err(); err != nil {
		t.Fatalf("redis %v: %v", words, err)
	}
}
