package e2e

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// Runs runs a command to its end and returns what it said.
func Runs(t testing.TB, code int, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(Bounded(t), "yiyuan", args...).CombinedOutput()
	var ended *exec.ExitError
	got := 0
	if errors.As(err, &ended) {
		got = ended.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if got != code {
		t.Fatalf("yiyuan %s ends with %d, want %d:\n%s", strings.Join(args, " "), got, code, out)
	}
	return string(out)
}
