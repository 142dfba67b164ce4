package main

import (
	"context"
	"os"
	"testing"
	"time"

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
