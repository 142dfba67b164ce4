package main

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// asExit reports whether a command ended with an exit code other than 0.
func asExit(err error, into **exec.ExitError) bool { return errors.As(err, into) }

// server is a Redis of the test's own, to be killed, emptied and misconfigured.
type server struct {
	address string
	dir     string
	cmd     *exec.Cmd
}

// startRedis starts a Redis that ends with the test.
func startRedis(t *testing.T) *server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("redis-server is not there: this test must run here")
		}
		t.Skip("redis-server is not there")
	}
	s := &server{address: freePort(t), dir: t.TempDir()}
	s.start(t)
	t.Cleanup(func() { s.kill(t) })
	return s
}

// start starts the server, empty, and waits until it answers.
func (s *server) start(t *testing.T) {
	t.Helper()
	_, port, err := net.SplitHostPort(s.address)
	if err != nil {
		t.Fatal(err)
	}
	s.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction", "--dir", s.dir)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	client := goredis.NewClient(&goredis.Options{Addr: s.address, DisableIdentity: true, Protocol: 2, MaxRetries: -1})
	defer client.Close()
	await(t, "redis", 20*time.Second, func() string {
		if err := client.Ping(t.Context()).Err(); err != nil {
			return err.Error()
		}
		return ""
	})
}

// kill ends it as a power cut would.
func (s *server) kill(t *testing.T) {
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

// say sends one command.
func (s *server) say(t *testing.T, words ...any) {
	t.Helper()
	client := goredis.NewClient(&goredis.Options{Addr: s.address, DisableIdentity: true, Protocol: 2})
	defer client.Close()
	if err := client.Do(t.Context(), words...).Err(); err != nil {
		t.Fatalf("redis %v: %v", words, err)
	}
}

// kills is how many kills the long run makes; a smoke makes a few.
func kills(few int) int {
	if long() {
		return 20
	}
	return few
}

// long says whether this is the long run, make chaos.
func long() bool { return os.Getenv("YIYUAN_TEST_CHAOS") != "" }

// longOnly skips what only the long run does.
func longOnly(t *testing.T) {
	t.Helper()
	if !long() {
		t.Skip("part of make chaos")
	}
}
