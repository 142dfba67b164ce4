package simulation

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// checker is the independent judge: one Python process that reads histories and
// says of each what is broken. It serves one caller at a time.
type checker struct {
	in  io.WriteCloser
	out *bufio.Scanner
	cmd *exec.Cmd
	err *strings.Builder
}

// verdict is what the checker says of one run.
type verdict struct {
	Seed   uint64     `json:"seed"`
	Broken [][]string `json:"broken"`
}

// rules are those that were broken, each once.
func (v verdict) rules() []string {
	var out []string
	for _, b := range v.Broken {
		if !slices.Contains(out, b[0]) {
			out = append(out, b[0])
		}
	}
	return out
}

// String tells what was broken, a few lines of it.
func (v verdict) String() string {
	var b strings.Builder
	for i, one := range v.Broken {
		if i == 6 {
			fmt.Fprintf(&b, "  and %d more\n", len(v.Broken)-i)
			break
		}
		fmt.Fprintf(&b, "  %s: %s\n", one[0], one[1])
	}
	return b.String()
}

// newChecker starts a checker that lives as long as the test.
func newChecker(t testing.TB) *checker {
	t.Helper()
	python := os.Getenv("YIYUAN_TEST_PYTHON")
	if python == "" {
		python = "python3"
	}
	path, err := exec.LookPath(python)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not there: the simulation must be judged here", python)
		}
		t.Skipf("%s is not there", python)
	}
	c := &checker{cmd: exec.CommandContext(t.Context(), path, "-B", "testdata/checker.py"), err: &strings.Builder{}}
	c.cmd.Stderr = c.err
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.out = bufio.NewScanner(out)
	c.out.Buffer(nil, 16<<20)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.in.Close() // it ends then
		_ = c.cmd.Wait() // what it had to say it has said
	})
	return c
}

// judge returns the verdict on a run.
func (c *checker) judge(t testing.TB, o outcome) verdict {
	t.Helper()
	keep(t, o)
	if _, err := fmt.Fprintf(c.in, "%s{\"e\":\"end\",\"seed\":%d}\n", o.lines, o.seed); err != nil {
		t.Fatalf("checker: %v\n%s", err, c.err)
	}
	if !c.out.Scan() {
		t.Fatalf("checker said nothing of seed %d: %v\n%s", o.seed, c.out.Err(), c.err)
	}
	var v verdict
	if err := json.Unmarshal(c.out.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// keep writes a history where YIYUAN_SIM_KEEP says.
func keep(t testing.TB, o outcome) {
	t.Helper()
	dir := os.Getenv("YIYUAN_SIM_KEEP")
	if dir == "" {
		return
	}
	if err := os.WriteFile(fmt.Sprintf("%s/%d.jsonl", dir, o.seed), o.lines, 0o600); err != nil {
		t.Error(err)
	}
}
