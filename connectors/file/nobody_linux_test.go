package file_test

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// asNobody runs f as a user who may not read everything. Only the rights to files
// of this one thread are given up.
func asNobody(t *testing.T, dir string, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	const nobody = 65534
	for d := dir; len(d) > len(os.TempDir()); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o777); err != nil { // a folder of this test
			t.Fatal(err)
		}
	}
	for _, d := range []string{"processing", "done", "rejected", ".yiyuan"} {
		if err := os.Chmod(filepath.Join(dir, d), 0o777); err != nil { // a folder of this test
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "b.csv"), 0o644); err != nil { // a file of this test
		t.Fatal(err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := syscall.Setfsuid(nobody); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Setfsuid(0) }() // it was 0 before
	f()
}
