package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary stand in for the command: every test finds
// "yiyuan" on its PATH, instrumented as the tests are.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"yiyuan": main})
}

// await asks until the condition holds. It fails the test at the deadline, with
// what the condition last said was missing.
func await(t testing.TB, what string, limit time.Duration, missing func() string) {
	t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		last := missing()
		if last == "" {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%s: not after %v: %s", what, limit, last)
		case <-t.Context().Done():
			t.Fatalf("%s: test ended: %s", what, last)
		case <-tick.C:
		}
	}
}

// service returns where a real service listens. Without it the test is skipped,
// but never where everything must run.
func service(t testing.TB, variable string) string {
	t.Helper()
	at := os.Getenv(variable)
	if at == "" {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not set: this test must run here", variable)
		}
		t.Skipf("%s is not set", variable)
	}
	return at
}

// bounded is the test's context with a time limit.
func bounded(t testing.TB, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

// process is one yiyuan beside the test.
type process struct {
	testing.TB
	cmd  *exec.Cmd
	out  lines // standard output
	log  lines // standard error
	done chan struct{}
	err  error
}

// launch starts yiyuan. It is killed at the end of the test if it still runs.
func launch(t testing.TB, args ...string) *process {
	t.Helper()
	return launchBy(t, append([]string{"yiyuan"}, args...))
}

// launchBy starts yiyuan by a command that becomes it.
func launchBy(t testing.TB, command []string) *process {
	t.Helper()
	p := &process{TB: t, cmd: exec.CommandContext(context.WithoutCancel(t.Context()), command[0], command[1:]...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%v said:\n%s", command, p.log.tail(1000))
		}
	})
	return p
}

// running reports whether the process has not ended.
func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// alive fails the test if the process has ended by itself.
func (p *process) alive() {
	p.Helper()
	if !p.running() {
		p.Fatalf("%v ended by itself: %v\n%s", p.cmd.Args, p.err, p.log.tail(4000))
	}
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.Errorf("kill yiyuan: %v", err)
	}
	<-p.done
}

// stop asks the process to end and expects that it does so cleanly.
func (p *process) stop() {
	p.Helper()
	if p.interrupt() && p.err != nil {
		p.Errorf("yiyuan ended with %v:\n%s", p.err, p.log.tail(4000))
	}
}

// interrupt asks the process to end and reports whether it did.
func (p *process) interrupt() bool {
	p.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.Errorf("stop yiyuan: %v", err)
	}
	select {
	case <-p.done:
		return true
	case <-time.After(time.Minute):
		p.Error("yiyuan does not end")
		return false
	}
}

// hold stops the process where it stands, until resume.
func (p *process) hold() {
	p.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		p.Fatal(err)
	}
}

// resume lets the process go on in the belief that nothing happened.
func (p *process) resume() {
	p.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		p.Fatal(err)
	}
}

// lines is what a process has written so far.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.b.Bytes())
}

func (l *lines) tail(n int) string {
	b := l.bytes()
	return string(b[max(0, len(b)-n):])
}

// write makes a YAML file in a folder, which it makes too.
func write(t testing.TB, content any, path ...string) string {
	t.Helper()
	file := filepath.Join(path...)
	b, err := yaml.Marshal(content)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(file), 0o700)
	}
	if err == nil {
		err = os.WriteFile(file+".new", b, 0o600)
	}
	if err == nil {
		err = os.Rename(file+".new", file) // another process may be reading it
	}
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// freePort returns an address nobody listens on, also while who listened there is killed and started again: its port lies below those that the
// system gives to connections (32768 and up), one of which would sooner or later have it in between.
func freePort(t testing.TB) string {
	t.Helper()
	var last error
	for range 100 {
		var lc net.ListenConfig
		l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:"+strconv.Itoa(10_000+rand.IntN(22_000)))
		if err != nil {
			last = err
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return l.Addr().String()
	}
	t.Fatalf("no free port: %v", last)
	return ""
}

// keyFile writes the key ring of the tests.
func keyFile(t testing.TB, dir string) string {
	t.Helper()
	return ringFile(t, dir, 1, testKey)
}

// ringFile writes the key file of a ring of keys, the first of which has version 1.
func ringFile(t testing.TB, dir string, current int, keys ...[]byte) string {
	t.Helper()
	byVersion := map[int]string{}
	for i, key := range keys {
		byVersion[i+1] = base64.StdEncoding.EncodeToString(key)
	}
	return write(t, map[string]any{"suite": "intl", "current": current, "keys": byVersion}, dir, "keys.yaml")
}
