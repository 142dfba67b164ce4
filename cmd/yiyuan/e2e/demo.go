package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// RegistryKey is what writes to the registry of a RealPath.
const RegistryKey = "made-up-key-of-the-registry"

// writeKey is the file with the registry's key.
func writeKey(t testing.TB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(RegistryKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
