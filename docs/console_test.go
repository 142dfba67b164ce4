package docs_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// section is a heading of a page with the blocks below it.
type section struct {
	name   string
	blocks []block
}

// block is one fence ```console: what is typed at "$ ", with what the page says it answers.
type block struct {
	line  int  // of the page
	until bool // repeated until it answers so: ```console until
	steps []step
}

// step is one command and the lines that the page shows of its answer. "…" stands for
// any text within a line, and alone for any number of lines.
type step struct {
	line    int
	command string
	shown   []string
}

// parse reads a page. A heading of the second or third level begins a section.
func parse(page string) ([]section, error) {
	var out []section
	var open *block
	for n, line := range strings.Split(page, "\n") {
		n++
		switch {
		case open == nil && (strings.HasPrefix(line, "## ") || strings.HasPrefix(line, "### ")):
			out = append(out, section{name: strings.TrimSpace(strings.TrimLeft(line, "#"))})
		case open == nil && strings.HasPrefix(line, "```console"):
			if len(out) == 0 {
				return nil, fmt.Errorf("line %d: a block before the first heading", n)
			}
			open = &block{line: n, until: strings.TrimPrefix(line, "```console") == " until"}
		case open != nil && line == "```":
			if len(open.steps) == 0 || open.until && len(open.steps) != 1 {
				return nil, fmt.Errorf("line %d: a block has commands, and one that is repeated has one", open.line)
			}
			last := &out[len(out)-1]
			last.blocks, open = append(last.blocks, *open), nil
		case open == nil:
		case strings.HasPrefix(line, "$ "):
			open.steps = append(open.steps, step{line: n, command: line[2:]})
		case len(open.steps) == 0:
			return nil, fmt.Errorf("line %d: an answer before any command", n)
		default:
			s := &open.steps[len(open.steps)-1]
			if (line == ">" || strings.HasPrefix(line, "> ")) && len(s.shown) == 0 {
				s.command += "\n" + strings.TrimPrefix(strings.TrimPrefix(line, ">"), " ")
				continue
			}
			s.shown = append(s.shown, line)
		}
	}
	if open != nil {
		return nil, fmt.Errorf("line %d: a block that does not end", open.line)
	}
	return out, nil
}

// answers reports whether an answer is what the page shows.
func answers(shown []string, answer string) bool {
	var b strings.Builder
	b.WriteString(`\A`)
	for _, line := range shown {
		if strings.TrimSpace(line) == "…" {
			b.WriteString(`(?:[^\n]*\n)*?`)
			continue
		}
		parts := strings.Split(line, "…")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		b.WriteString(strings.Join(parts, `[^\n]*`) + `[ ]*\n`)
	}
	b.WriteString(`\z`)
	if answer != "" && !strings.HasSuffix(answer, "\n") {
		answer += "\n"
	}
	return regexp.MustCompile(b.String()).MatchString(answer)
}

// shell is one bash that the whole page is typed into. What is written in the page as
// somewhere on the operator's machine lies somewhere else in a test.
type shell struct {
	places []string // in the page, in the test, in turn
	in     io.Writer
	out    *bufio.Reader
	cmd    *exec.Cmd
	turn   int
}

// stepLimit is how long one command may take: a broken one, not a slow one, takes longer.
const stepLimit = 6 * time.Minute

// open starts the shell. What it started in the background ends with the test.
func open(t *testing.T, dir string, env []string, places ...string) *shell {
	t.Helper()
	s := &shell{places: places, cmd: exec.CommandContext(context.WithoutCancel(t.Context()), "bash", "--noprofile", "--norc")}
	s.cmd.Dir, s.cmd.Env = dir, append(os.Environ(), env...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := s.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.in, s.out, s.cmd.Stdout, s.cmd.Stderr = in, bufio.NewReader(r), w, w
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	t.Cleanup(func() {
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) // the shell and what it left running
		_ = s.cmd.Wait()                                      // it was killed
		_ = r.Close()
	})
	return s
}

// run types a command and returns what it answered and how it ended.
func (s *shell) run(command string) (answer string, status int, err error) {
	s.turn++
	mark := fmt.Sprintf("--- %d ended with ", s.turn)
	// In braces a command that is no whole one cannot swallow the mark.
	if _, err := fmt.Fprintf(s.in, "{ %s\n} </dev/null\nprintf '\\n%s%%d\\n' $?\n", strings.NewReplacer(s.places...).Replace(command), mark); err != nil {
		return "", 0, err
	}
	late := time.AfterFunc(stepLimit, func() { _ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) })
	defer late.Stop()
	var b strings.Builder
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			return b.String(), 0, fmt.Errorf("the shell ended: %w", err)
		}
		if n, ok := strings.CutPrefix(line, mark); ok {
			_, err := fmt.Sscanf(n, "%d", &status)
			return s.asWritten(strings.TrimSuffix(b.String(), "\n")), status, err
		}
		b.WriteString(line)
	}
}

// asWritten puts the page's places in again.
func (s *shell) asWritten(answer string) string {
	back := make([]string, 0, len(s.places))
	for i := 0; i < len(s.places); i += 2 {
		back = append(back, s.places[i+1], s.places[i])
	}
	return strings.NewReplacer(back...).Replace(answer)
}

// errStep says that the page does not hold.
var errStep = errors.New("the page does not hold")

// follow does what a block says.
func (s *shell) follow(b block) error {
	for _, one := range b.steps {
		for began := time.Now(); ; {
			answer, status, err := s.run(one.command)
			if err != nil {
				return fmt.Errorf("line %d: $ %s: %w\n%s", one.line, one.command, err, answer)
			}
			if status == 0 && answers(one.shown, answer) {
				break
			}
			if !b.until || time.Since(began) > stepLimit {
				return fmt.Errorf("line %d: $ %s\nended with %d and answered\n%s\nthe page shows\n%s\n%w", one.line, one.command, status, answer, strings.Join(one.shown, "\n"), errStep)
			}
			if _, _, err := s.run("read -t 0.2 <> <(:)"); err != nil { // a breath of the shell's, not of the test's
				return err
			}
		}
	}
	return nil
}

// read returns a file of the tree.
func read(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
