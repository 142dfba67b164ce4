package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// writeKey is the file with the registry's key.
func writeKey(t testing.TB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("made-up-key-of-the-registry\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
