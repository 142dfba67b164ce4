package e2e

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

// patience is how long a test waits for what will come: a machine that does much else
// takes minutes for what takes it a second alone. It says how soon a test that fails says
// so, and nothing about the product.
const patience = 10 * time.Minute

// Await asks until the condition holds. It fails the test when patience has ended, with
// what the condition last said was missing.
func Await(t testing.TB, what string, missing func() string) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		last := missing()
		if last == "" {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%s: not after %v: %s", what, patience, last)
		case <-t.Context().Done():
			t.Fatalf("%s: test ended: %s", what, last)
		case <-tick.C:
		}
	}
}

// Service returns where a real service listens. Without it the test is skipped,
// but never where everything must run.
func Service(t testing.TB, variable string) string {
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

// Bounded is the test's context until patience ends.
func Bounded(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// Process is one yiyuan beside the test.
type Process struct {
	testing.TB
	Cmd    *exec.Cmd
	Stdout lines // standard output
	Stderr lines // standard error
	Done   chan struct{}
	Err    error
}

// Launch starts yiyuan. It is killed at the end of the test if it still runs.
func Launch(t testing.TB, args ...string) *Process {
	t.Helper()
	return LaunchBy(t, append([]string{"yiyuan"}, args...))
}

// LaunchBy starts yiyuan by a command that becomes it.
func LaunchBy(t testing.TB, command []string) *Process {
	t.Helper()
	p := &Process{TB: t, Cmd: exec.CommandContext(context.WithoutCancel(t.Context()), command[0], command[1:]...), Done: make(chan struct{})}
	p.Cmd.Stdout, p.Cmd.Stderr = &p.Stdout, &p.Stderr
	if err := p.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.Err = p.Cmd.Wait()
		close(p.Done)
	}()
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("%v said:\n%s", command, p.Stderr.Tail(1000))
		}
	})
	return p
}

// Running reports whether the process has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.Done:
		return false
	default:
		return true
	}
}

// Alive fails the test if the process has ended by itself.
func (p *Process) Alive() {
	p.Helper()
	if !p.Running() {
		p.Fatalf("%v ended by itself: %v\n%s", p.Cmd.Args, p.Err, p.Stderr.Tail(4000))
	}
}

// Kill ends the process as a power cut would.
func (p *Process) Kill() {
	if err := p.Cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.Errorf("kill yiyuan: %v", err)
	}
	<-p.Done
}

// Stop asks the process to end and expects that it does so cleanly.
func (p *Process) Stop() {
	p.Helper()
	if p.Interrupt() && p.Err != nil {
		p.Errorf("yiyuan ended with %v:\n%s", p.Err, p.Stderr.Tail(4000))
	}
}

// Interrupt asks the process to end and reports whether it did.
func (p *Process) Interrupt() bool {
	p.Helper()
	if err := p.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.Errorf("stop yiyuan: %v", err)
	}
	select {
	case <-p.Done:
		return true
	case <-time.After(time.Minute):
		p.Error("yiyuan does not end")
		return false
	}
}

// Hold stops the process where it stands, until resume.
func (p *Process) Hold() {
	p.Helper()
	if err := p.Cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		p.Fatal(err)
	}
}

// Resume lets the process go on in the belief that nothing happened.
func (p *Process) Resume() {
	p.Helper()
	if err := p.Cmd.Process.Signal(syscall.SIGCONT); err != nil {
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

func (l *lines) Bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.b.Bytes())
}

func (l *lines) Tail(n int) string {
	b := l.Bytes()
	return string(b[max(0, len(b)-n):])
}

// Write makes a YAML file in a folder, which it makes too.
func Write(t testing.TB, content any, path ...string) string {
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
