// Package process starts the programs of a benchmark as processes of their own, so that what they use is theirs, hears what they say, and asks
// the system what they have used. A Process is safe for concurrent use, but for Answer.
package process

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a program that a job has started.
type Process struct {
	cmd   *exec.Cmd
	name  string
	stdin io.Closer   // the children of this program end when it is closed
	said  chan []byte // the lines of its output; closed at its end
	Began time.Time
	done  chan struct{}

	mu    sync.Mutex
	seen  map[string]time.Time // when a line with the text was logged
	watch []string
	tail  []string
	warns []string // the first that it logged
	err   error
}

// Launch starts a program. watch are texts of its log whose first appearance
// is remembered.
func Launch(ctx context.Context, watch []string, program string, args ...string) (*Process, error) {
	p := &Process{cmd: exec.CommandContext(ctx, program, args...), name: filepath.Base(program) + " " + args[0], said: make(chan []byte, 64), done: make(chan struct{}), seen: map[string]time.Time{}, watch: watch}
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = 15 * time.Second
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	p.stdin, p.Began = in, time.Now()
	out, logs, err := start(p.cmd)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	go p.hear(out)
	heard := make(chan struct{})
	go func() { defer close(heard); p.listen(logs) }()
	go func() {
		err := p.cmd.Wait()
		<-heard
		p.mu.Lock()
		p.err = err
		p.mu.Unlock()
		close(p.done)
	}()
	return p, nil
}

// start starts a command whose output and log are read through pipes of our own: those of the command are closed as soon as it has ended, and
// with them goes what it said last.
func start(cmd *exec.Cmd) (out, logs *os.File, err error) {
	out, outEnd, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	logs, logsEnd, err := os.Pipe()
	if err != nil {
		return nil, nil, errors.Join(err, out.Close(), outEnd.Close())
	}
	cmd.Stdout, cmd.Stderr = outEnd, logsEnd
	err = cmd.Start()
	_, _ = outEnd.Close(), logsEnd.Close() // the command's own are open
	if err != nil {
		return nil, nil, errors.Join(err, out.Close(), logs.Close())
	}
	return out, logs, nil
}

// hear keeps the lines of the output until they are asked for.
func (p *Process) hear(r io.ReadCloser) {
	defer r.Close() //nolint:errcheck // read to its end
	defer close(p.said)
	for in := bufio.NewReaderSize(r, 64<<10); ; {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		p.said <- line
	}
}

func (p *Process) listen(r io.ReadCloser) {
	defer r.Close() //nolint:errcheck // read to its end
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 64<<10), 1<<20)
	for s.Scan() {
		now, line := time.Now(), s.Text()
		p.mu.Lock()
		for _, text := range p.watch {
			if _, known := p.seen[text]; !known && strings.Contains(line, text) {
				p.seen[text] = now
			}
		}
		if len(p.warns) < 5 && (strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR")) {
			p.warns = append(p.warns, line)
		}
		if p.tail = append(p.tail, line); len(p.tail) > 20 {
			p.tail = p.tail[1:]
		}
		p.mu.Unlock()
	}
}

// Logged waits until a watched text has been logged, and says when.
func (p *Process) Logged(ctx context.Context, text string) (time.Time, error) {
	var at time.Time
	err := Await(ctx, 60*time.Second, 5*time.Millisecond, p.name+" logs "+strconv.Quote(text), func() (bool, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		var ok bool
		at, ok = p.seen[text]
		return ok, p.dead()
	})
	return at, err
}

// Warnings are the first that the process logged.
func (p *Process) Warnings() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.warns)
}

// Blame adds the last words of the process to an error of what it was asked.
func (p *Process) Blame(err error) error {
	if err == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Errorf("%w; the last words of %s:\n%s", err, p.name, strings.Join(p.tail, "\n"))
}

// dead returns why the process ended, nil while it runs. p.mu is held.
func (p *Process) dead() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended (%w), its last words:\n%s", p.name, p.err, strings.Join(p.tail, "\n"))
	default:
		return nil
	}
}

// Alive is an error that says why once the process has ended.
func (p *Process) Alive() error {
	select {
	case <-p.done:
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.dead()
	default:
		return nil
	}
}

// Answer decodes one line of JSON from the process's output.
func (p *Process) Answer(ctx context.Context, limit time.Duration, into any) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case text, more := <-p.said:
		if !more {
			<-p.done
			return errors.Join(fmt.Errorf("hear from %s: %w", p.name, io.EOF), p.Alive())
		}
		if err := json.Unmarshal(text, into); err != nil {
			return fmt.Errorf("understand %s: %w", p.name, err)
		}
		return nil
	case <-timer.C:
		return fmt.Errorf("%s said nothing for %v", p.name, limit)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Stop ends the process as an operator would.
func (p *Process) Stop() error {
	_ = p.stdin.Close() // a program that does not read it does not mind
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	timer := time.NewTimer(30 * time.Second)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
		_ = p.cmd.Process.Kill() // it is told of below
		return fmt.Errorf("stop %s: it did not end in 30 s", p.name)
	}
}

// Usage reads it from the system; zero where there is no /proc.
func (p *Process) Usage() Usage { return UsageOf(p.cmd.Process.Pid) }

// Kill ends the process as a power cut would, and returns when it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // one that is gone already is as well
	<-p.done
}

// Await asks until it is so.
func Await(ctx context.Context, limit, every time.Duration, what string, ask func() (bool, error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	deadline := time.Now().Add(limit)
	for {
		ok, err := ask()
		if err != nil || ok {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("wait until %s: not within %v", what, limit)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// Self starts this program as one of its children.
func Self(ctx context.Context, args ...string) (*Process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find myself: %w", err)
	}
	return Launch(ctx, nil, program, args...)
}

// UntilOrphaned returns a context that ends when the parent closes our input.
func UntilOrphaned(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, os.Stdin) // ends either way
	}()
	return ctx, cancel
}

// Report prints a line for the parent.
func Report(v any) error {
	if err := json.NewEncoder(os.Stdout).Encode(v); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}
