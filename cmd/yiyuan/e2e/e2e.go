// Package e2e is what the black-box tests of the program yiyuan share: it builds the program, runs it beside a test, and looks at what it
// did from outside, over HTTP, Kafka, Redis and what it prints. The tests stand in the folders below, packages of similar length that run
// beside one another; the harness knows nothing of the program's inside.
//
// Tests of several packages use one Kafka, PostgreSQL and Redis at once: each test has a prefix for topics and groups (UniquePrefix), a
// schema of its own, and a prefix or a database of its own in Redis; ports come from FreePort.
package e2e

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// Main builds the program, instrumented as the tests are, puts it first on the PATH under its name yiyuan, and runs the tests.
func Main(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "yiyuan-e2e-")
	if err != nil {
		return 0, fmt.Errorf("make a folder for the program: %w", err)
	}
	defer os.RemoveAll(dir) // a temporary folder, the system clears it too
	if err := build(dir); err != nil {
		return 0, err
	}
	if err := os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH")); err != nil {
		return 0, fmt.Errorf("put the program on the PATH: %w", err)
	}
	return m.Run(), nil
}

// build builds the program into a folder. The packages of tests that run beside one another build it once: in one place, one after the
// other, where whoever comes later finds it up to date. What it is made of is looked at, so that go test knows that its result hangs on it.
func build(dir string) error {
	root, err := rootOf()
	if err != nil {
		return err
	}
	source := filepath.Join(root, "cmd", "yiyuan")
	err = filepath.WalkDir(source, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		_, err = os.Stat(path)
		return err
	})
	if err != nil {
		return fmt.Errorf("look at the program's source: %w", err)
	}
	shared := filepath.Join(os.TempDir(), fmt.Sprintf("yiyuan-e2e-%x", sha256.Sum256(fmt.Append(nil, root, instrumented, os.Getuid())))[:24])
	if err := os.MkdirAll(shared, 0o700); err != nil {
		return fmt.Errorf("make a folder for the program: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(shared, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("build yiyuan: %w", err)
	}
	defer lock.Close() // nothing is written
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("build yiyuan: %w", err)
	}
	program := filepath.Join(shared, "yiyuan")
	args := append([]string{"build", "-buildvcs=false", "-o", program}, instrumented...)
	cmd := exec.Command("go", append(args, source)...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build yiyuan: %w\n%s", err, out)
	}
	if err := os.Link(program, filepath.Join(dir, "yiyuan")); err != nil { // its own name: it stays what it is when the source is changed and built again
		return fmt.Errorf("put yiyuan beside the tests: %w", err)
	}
	return nil
}

// rootOf is the folder of the project that the test runs in.
func rootOf() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("where is the test: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no go.mod above the test's folder")
		}
		dir = up
	}
}

// InTree is the path of a file of the project.
func InTree(t testing.TB, path string) string {
	t.Helper()
	root, err := rootOf()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root, filepath.FromSlash(path))
}
