package state

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestFolderInUse: of a folder that another process has nothing is judged, however it
// looks while that writes, and nothing is taken away.
func TestFolderInUse(t *testing.T) {
	t.Parallel()
	where := Options{Dir: "state", FS: vfs.NewMem()}
	first, err := Open(where)
	if err != nil {
		t.Fatal(err)
	}
	names, err := where.FS.List(where.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names { // as if half an entry were written
		if len(name) > 8 && name[:8] == "MANIFEST" {
			f, err := where.FS.OpenReadWrite(where.FS.PathJoin(where.Dir, name), vfs.WriteCategoryUnspecified)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteAt([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9}, 0); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := Open(where); !errors.Is(err, ErrInUse) || errors.Is(err, ErrDamaged) {
		t.Errorf("a second one: %v, want ErrInUse", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(where); !errors.Is(err, ErrDamaged) {
		t.Errorf("once nobody has it: %v, want it judged", err)
	}
	if err := Discard(where); err != nil {
		t.Fatal(err)
	}
	again, err := Open(where)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
