package private_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas/private"
)

func perm(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

// A folder is its owner's alone, whatever the umask, with what was made above it; what was
// there above it stays as it was.
func TestFolder(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	above := t.TempDir()
	if err := os.Chmod(above, 0o755); err != nil { // as a state directory is made
		t.Fatal(err)
	}
	dir := filepath.Join(above, "a", "b")
	if before, err := private.Folder(dir); err != nil || before != 0 {
		t.Errorf("made: %v, %v", before, err)
	}
	for path, want := range map[string]fs.FileMode{dir: 0o700, filepath.Dir(dir): 0o700, above: 0o755} {
		if got := perm(t, path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	for _, was := range []fs.FileMode{0o755, 0o777, 0o750, 0o701} {
		if err := os.Chmod(dir, was); err != nil {
			t.Fatal(err)
		}
		if before, err := private.Folder(dir); err != nil || before != was || perm(t, dir) != 0o700 {
			t.Errorf("%v: before = %v, %v, now %v", was, before, err, perm(t, dir))
		}
	}
	if before, err := private.Folder(dir); err != nil || before != 0 {
		t.Errorf("as it should be: %v, %v", before, err)
	}
	if err := private.Open(filepath.Join(dir, "none")); err != nil {
		t.Errorf("what is not there is open: %v", err)
	}
}

// What cannot be narrowed, or is for everybody, stays as it is: that is said.
func TestFolderOfAnother(t *testing.T) {
	shared := filepath.Join(t.TempDir(), "shared")
	if err := os.Mkdir(shared, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(shared, 0o777|fs.ModeSticky); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"/proc/self/task", shared} { // nobody can change the mode of the one, and all use the other
		if _, err := private.Folder(dir); !errors.Is(err, private.ErrOpen) {
			t.Errorf("%s: error = %v, want %v", dir, err, private.ErrOpen)
		}
	}
	if got := perm(t, shared); got != 0o777 {
		t.Errorf("a folder for everybody is %v now", got)
	}
}

// Others get no right to what is made after Umask; the group keeps what it had.
func TestUmask(t *testing.T) {
	for _, was := range []int{0, 0o022, 0o077} {
		before := syscall.Umask(was)
		private.Umask()
		if got := syscall.Umask(before); got != was|0o007 {
			t.Errorf("umask %#o became %#o", was, got)
		}
	}
}
