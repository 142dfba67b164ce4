// Package settingstest helps tests of what reads settings.
package settingstest

import (
	"os"
	"strings"
	"testing"
)

// Bare takes every YIYUAN_ variable out of the test's environment: `make test`
// sets some.
func Bare(t *testing.T) {
	t.Helper()
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "YIYUAN_") {
			t.Setenv(name, value) // so that it comes back
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
}
