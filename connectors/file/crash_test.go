package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// mortal is a folder whose process is killed before its nth change.
type mortal struct {
	folder
	left int
}

var errKilled = errors.New("killed")

func (m *mortal) alive() error {
	if m.left--; m.left < 0 {
		return errKilled
	}
	return nil
}

func (m *mortal) Rename(from, to string) error {
	if err := m.alive(); err != nil {
		return err
	}
	return m.folder.Rename(from, to)
}

func (m *mortal) Remove(name string) error {
	if err := m.alive(); err != nil {
		return err
	}
	return m.folder.Remove(name)
}

func (m *mortal) OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error) {
	if flag&os.O_CREATE != 0 {
		if err := m.alive(); err != nil {
			return nil, err
		}
	}
	return m.folder.OpenFile(name, flag, perm)
}

// defaults are the options of a folder that nobody has said anything about.
func defaults() (o Options) {
	if err := option.Read(map[string]any{"dir": "."}, &o); err != nil {
		panic(err)
	}
	return o
}

func testInbox(t *testing.T, dir string) *inbox {
	t.Helper()
	o := defaults()
	o.Dir, o.Wait = dir, "marker"
	b, err := openInbox(o, connectors.Config{Name: "s"}, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// TestClaimKilledAnywhere kills the process before each change that a claim makes
// to the folder. The next process must find the file with its own marker or
// neither of them moved, and no marker may stay behind for the next file of that
// name; that file, when it comes half written, is not whole.
func TestClaimKilledAnywhere(t *testing.T) {
	t.Parallel()
	killed := true
	for n := 0; killed; n++ {
		if n > 20 {
			t.Fatal("a claim never ends")
		}
		for _, next := range []bool{false, true} { // the sender sends the next file before we are back
			dir := t.TempDir()
			put := func(name, text string) {
				t.Helper()
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			put("a.csv", "first")
			put("a.csv.done", "size=5")
			b := testInbox(t, dir)
			b.options.Settle = 0 // it was still for long
			b.root = &mortal{folder: b.root, left: n}
			_, _, err := b.claim(1, time.Now())
			if killed = errors.Is(err, errKilled); err != nil && !killed {
				t.Fatal(err)
			}
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			_, left := os.Stat(filepath.Join(dir, "a.csv"))
			claimed := errors.Is(left, fs.ErrNotExist)
			if next && claimed {
				put("a.csv", "sec") // half of "second"
			}
			b = testInbox(t, dir)
			b.options.Settle = 0
			claims, err := b.claims(processing)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.resolveAll(claims); err != nil {
				t.Fatal(err)
			}
			if claimed != (len(claims) == 1) {
				t.Fatalf("killed before change %d: claimed %v, processing/ holds %v", n, claimed, claims)
			}
			if !claimed {
				c, ok, err := b.claim(1, time.Now())
				if err != nil || !ok {
					t.Fatalf("killed before change %d: the file is not taken again: %v", n, err)
				}
				claims = append(claims, c)
			}
			text, info, err := b.marker(processing + "/" + claims[0].name + markerSuffix)
			if err != nil || info == nil || string(text) != "size=5" {
				t.Errorf("killed before change %d: the file is without its marker: %q %v", n, text, err)
			}
			if _, err := os.Stat(filepath.Join(dir, "a.csv.done")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("killed before change %d: the marker stayed behind: %v", n, err)
			}
			if _, ok, err := b.claim(2, time.Now()); ok || err != nil {
				t.Errorf("killed before change %d: half of the next file was taken for whole: %v", n, err)
			}
			if left, err := filepath.Glob(filepath.Join(dir, state, "claim-*")); len(left) > 0 || err != nil {
				t.Errorf("killed before change %d: notes are left: %v", n, left)
			}
		}
	}
}

// TestMarkerLeftBehind finds a folder as the first release left it when it was
// killed between two renames: the file claimed, its marker not.
func TestMarkerLeftBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := testInbox(t, dir)
	for name, text := range map[string]string{"processing/00000007-a.csv": "first", "a.csv.done": "size=99"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.resolveAll([]claim{{7, "00000007-a.csv"}}); err != nil {
		t.Fatal(err)
	}
	if text, info, err := b.marker("processing/00000007-a.csv.done"); err != nil || info == nil || string(text) != "size=99" {
		t.Errorf("the marker was not found: %q %v", text, err)
	}
}

// TestMarkerOlderThanItsFile is a marker that another delivery left: the file that
// comes after it is not whole at its first byte.
func TestMarkerOlderThanItsFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := testInbox(t, dir)
	marker := filepath.Join(dir, "a.csv.done")
	if err := os.WriteFile(marker, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	was, err := os.Lstat(marker)
	if err != nil {
		t.Fatal(err)
	}
	for now := was; !changed(now).After(changed(was)); { // clocks of file systems are coarse
		if err := os.WriteFile(filepath.Join(dir, "a.csv"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if now, err = os.Lstat(filepath.Join(dir, "a.csv")); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	if _, ok, err := b.claim(1, start); ok || err != nil {
		t.Fatalf("taken at its first byte: %v", err)
	}
	if _, ok, err := b.claim(1, start.Add(b.options.Settle)); !ok || err != nil {
		t.Errorf("not taken when it lies still: %v", err)
	}
}

// TestMarkerBeingWritten looks at a marker while its sender writes it: it is empty at
// first, which would mean "whole", and says its digest a moment later.
func TestMarkerBeingWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := testInbox(t, dir)
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	for i, step := range []struct{ marker, want string }{{"", ""}, {"size", ""}, {"size=5\n", ""}, {"size=5\n", "size=5\n"}} {
		if i == 0 {
			put("a.csv", "first")
		}
		if step.want == "" {
			put("a.csv.done", step.marker)
		}
		c, ok, err := b.claim(1, start.Add(time.Duration(i)*b.options.Settle))
		if err != nil || ok != (step.want != "") {
			t.Fatalf("look %d: taken %v, %v", i, ok, err)
		}
		if !ok {
			continue
		}
		if text, _, err := b.marker(processing + "/" + c.name + markerSuffix); err != nil || string(text) != step.want {
			t.Errorf("it was taken with a marker that says %q, %v", text, err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.done")); len(left) > 0 || err != nil {
		t.Errorf("the marker stayed behind: %v", left)
	}
}

// TestWithoutItsMarker: a file whose marker does not come is said, after a minute.
func TestWithoutItsMarker(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := testInbox(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "a.csv"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(filepath.Join(dir, "a.csv"))
	if err != nil {
		t.Fatal(err)
	}
	s := &source{setting: &setting{cfg: connectors.Config{Name: "s"}, options: b.options, log: b.log, box: b.box}, inbox: b, at: position{Epoch: 1}}
	for _, lay := range []time.Duration{0, unmarked} {
		b.seen["a.csv"] = sighting{info.Size(), info.ModTime(), time.Now().Add(-lay)}
		got, err := s.Read(t.Context())
		if err != nil || !got.CaughtUp.IsZero() || strings.Contains(got.Held, ".done") != (lay > 0) || strings.Contains(got.Held, "a.csv") {
			t.Errorf("after %v it says %q, %v", lay, got.Held, err)
		}
	}
}

func TestPositionOfTheFirstRelease(t *testing.T) {
	t.Parallel()
	at, err := parsePosition(`{"epoch":1790000000,"file":12,"open":true,"row":300,"digest":"ab","keys":11,"ledger":["cd","ef"]}`)
	want := position{Epoch: 1790000000, File: 12, Open: true, Row: 300, Digest: "ab", Keys: 11}
	if err != nil || at != want {
		t.Errorf("parsePosition = %+v, %v, want %+v", at, err, want)
	}
	if text := string(at.encode()); text[:1] != written {
		t.Errorf("it is stored as %q, without its format", text)
	} else if again, err := parsePosition(at.encode()); err != nil || again != want {
		t.Errorf("it is read back as %+v, %v", again, err)
	}
	for _, bad := range []string{"3{}", "2", "2{}", "x"} {
		if _, err := parsePosition(schemas.Position(bad)); err == nil {
			t.Errorf("position %q was read", bad)
		}
	}
}

// noRoom is a folder on a disk without room.
type noRoom struct{ folder }

func (noRoom) OpenFile(name string, _ int, _ fs.FileMode) (*os.File, error) {
	return nil, &fs.PathError{Op: "openat", Path: name, Err: syscall.ENOSPC}
}

// TestNoRoomToClaim says in words that the disk is full, also where a file is only
// about to be taken; the file stays where it is.
func TestNoRoomToClaim(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := testInbox(t, dir)
	for _, name := range []string{"a.csv", "a.csv.done"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.options.Settle = 0
	b.root = noRoom{b.root}
	s := &source{setting: &setting{cfg: connectors.Config{Name: "s"}, options: b.options, log: b.log, box: b.box}, inbox: b, at: position{Epoch: 1}}
	if _, err := s.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "磁盘已满") || strings.Contains(err.Error(), "a.csv") {
		t.Errorf("no room, and it says %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "a.csv")); err != nil {
		t.Errorf("the file was moved: %v", err)
	}
}

// TestNotesOfAnyName: a name that is no UTF-8 is found again by its note after a crash
// between the file and its marker, whose name no text of JSON can hold.
func TestNotesOfAnyName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const name = "\xff\xfe.csv"
	for suffix, text := range map[string]string{"": "first", ".done": "size=5"} {
		if err := os.WriteFile(filepath.Join(dir, name+suffix), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := testInbox(t, dir)
	b.options.Settle = 0
	whole := b.root
	b.root = &mortal{folder: whole, left: 5} // the marker is copied, the file is moved
	if _, _, err := b.claim(1, time.Now()); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	b.root = whole
	claims, err := b.claims(processing)
	if err != nil || len(claims) != 1 {
		t.Fatalf("claimed %v, %v", claims, err)
	}
	if err := b.resolveAll(claims); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(filepath.Join(dir, name+".done")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the marker stayed behind: %v", err)
	}
}

// stuck is a folder out of which a file cannot be moved.
type stuck struct{ folder }

func (stuck) Rename(from, _ string) error {
	return &os.LinkError{Op: "renameat", Old: from, Err: syscall.EPERM}
}

// TestWhichFileIsStuck says which file the source stands at, and not its name.
func TestWhichFileIsStuck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := testInbox(t, dir)
	b.options.Settle, b.options.Wait = 0, "settle"
	if err := os.WriteFile(filepath.Join(dir, "a.csv"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b.root = stuck{b.root}
	if _, _, err := b.claim(7, time.Now()); err == nil || !strings.Contains(err.Error(), digest(b.cfg, "a.csv")) || !strings.Contains(err.Error(), "00000007") || strings.Contains(err.Error(), "a.csv") {
		t.Errorf("it says %v", err)
	}
}

// TestSettledWhenKilledAnywhere kills the process before each change by which a file that
// mends another is filed: in the end both lie in done/, and nothing is owed.
func TestSettledWhenKilledAnywhere(t *testing.T) {
	t.Parallel()
	killed := true
	for n := 0; killed; n++ {
		dir := t.TempDir()
		b := testInbox(t, dir)
		for _, name := range []string{"rejected/00000002-a.csv", "rejected/00000002-a.csv.done", "rejected/00000002-a.csv.reason", "processing/00000005-00000002-a.csv"} {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		whole := b.root
		b.root = &mortal{folder: whole, left: n}
		err := b.finish(claim{5, "00000005-00000002-a.csv"})
		if killed = errors.Is(err, errKilled); err != nil && !killed {
			t.Fatal(err)
		}
		b.root = whole
		claims, err := b.claims(processing)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range claims { // as recover does
			if err := b.finish(c); err != nil {
				t.Fatal(err)
			}
		}
		refused, err := filepath.Glob(filepath.Join(dir, rejected, "*"))
		if done, also := filepath.Glob(filepath.Join(dir, done, "*")); len(refused) > 0 || len(done) != 4 || err != nil || also != nil {
			t.Errorf("killed before change %d: rejected/ holds %q, done/ %q", n, refused, done)
		}
	}
}
