package main

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

// process is a program that a job has started.
type process struct {
	cmd    *exec.Cmd
	name   string
	stdin  io.Closer // the children of this program end when it is closed
	stdout *bufio.Reader
	began  time.Time
	done   chan struct{}

	mu    sync.Mutex
	seen  map[string]time.Time // when a line with the text was logged
	watch []string
	tail  []string
	warns []string // the first that it logged
	err   error
}

// launch starts a program. watch are texts of its log whose first appearance
// is remembered.
func launch(ctx context.Context, watch []string, program string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, program, args...), name: filepath.Base(program) + " " + args[0], done: make(chan struct{}), seen: map[string]time.Time{}, watch: watch}
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = 15 * time.Second
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	said, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	p.stdin, p.stdout, p.began = in, bufio.NewReaderSize(out, 64<<10), time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	heard := make(chan struct{})
	go func() { defer close(heard); p.listen(said) }()
	go func() {
		<-heard
		err := p.cmd.Wait()
		p.mu.Lock()
		p.err = err
		p.mu.Unlock()
		close(p.done)
	}()
	return p, nil
}

func (p *process) listen(r io.Reader) {
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

// logged waits until a watched text has been logged, and says when.
func (p *process) logged(ctx context.Context, text string) (time.Time, error) {
	var at time.Time
	err := await(ctx, 60*time.Second, 5*time.Millisecond, p.name+" logs "+strconv.Quote(text), func() (bool, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		var ok bool
		at, ok = p.seen[text]
		return ok, p.dead()
	})
	return at, err
}

// warnings are the first that the process logged.
func (p *process) warnings() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.warns)
}

// blame adds the last words of the process to an error of what it was asked.
func (p *process) blame(err error) error {
	if err == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Errorf("%w; the last words of %s:\n%s", err, p.name, strings.Join(p.tail, "\n"))
}

// dead returns why the process ended, nil while it runs. p.mu is held.
func (p *process) dead() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended (%w), its last words:\n%s", p.name, p.err, strings.Join(p.tail, "\n"))
	default:
		return nil
	}
}

func (p *process) alive() error {
	select {
	case <-p.done:
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.dead()
	default:
		return nil
	}
}

// answer decodes one line of JSON from the process's output.
func (p *process) answer(ctx context.Context, limit time.Duration, into any) error {
	type line struct {
		text []byte
		err  error
	}
	got := make(chan line, 1)
	go func() {
		text, err := p.stdout.ReadBytes('\n')
		got <- line{text, err}
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case l := <-got:
		if l.err != nil {
			<-p.done
			return errors.Join(fmt.Errorf("hear from %s: %w", p.name, l.err), p.alive())
		}
		if err := json.Unmarshal(l.text, into); err != nil {
			return fmt.Errorf("understand %s: %w", p.name, err)
		}
		return nil
	case <-timer.C:
		return fmt.Errorf("%s said nothing for %v", p.name, limit)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stop ends the process as an operator would.
func (p *process) stop() error {
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

// usage is what a process has used so far.
type usage struct {
	cpu  time.Duration
	peak int64 // resident bytes at the most
}

// usage reads it from the system; zero where there is no /proc.
func (p *process) usage() usage { return usageOf(p.cmd.Process.Pid) }

func usageOf(pid int) usage {
	var u usage
	dir := "/proc/" + strconv.Itoa(pid)
	if stat, err := os.ReadFile(dir + "/stat"); err == nil {
		// The name in parentheses may hold anything; the numbers come after it.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(fields) > 12 {
			user, _ := strconv.ParseInt(fields[11], 10, 64)   // the kernel's own form
			system, _ := strconv.ParseInt(fields[12], 10, 64) // likewise
			u.cpu = time.Duration(user+system) * 10 * time.Millisecond
		}
	}
	for _, line := range lines(dir + "/status") {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64) // the kernel's own form
			u.peak = kib << 10
		}
	}
	return u
}

// await asks until it is so.
func await(ctx context.Context, limit, every time.Duration, what string, ask func() (bool, error)) error {
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

// self starts this program as one of its children.
func self(ctx context.Context, args ...string) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find myself: %w", err)
	}
	return launch(ctx, nil, program, args...)
}

// untilOrphaned returns a context that ends when the parent closes our input.
func untilOrphaned(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, os.Stdin) // ends either way
	}()
	return ctx, cancel
}

// report prints a line for the parent.
func report(v any) error {
	if err := json.NewEncoder(os.Stdout).Encode(v); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}
