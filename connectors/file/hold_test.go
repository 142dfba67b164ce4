package file_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/file"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

func deletes(r result) int {
	n := 0
	for _, c := range r.changes {
		if c.Op == schemas.Delete {
			n++
		}
	}
	return n
}

// heldBatch reads until the source says that it stands still; nothing may be
// published before.
func heldBatch(t *testing.T, src connectors.Source) string {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); {
		b, err := src.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Changes)+len(b.Rejections) > 0 {
			t.Fatalf("%d changes, %v were published before anybody was asked", len(b.Changes), b.Rejections)
		}
		if b.Held != "" {
			if !b.CaughtUp.IsZero() {
				t.Error("it stands still and says that it has caught up")
			}
			return b.Held
		}
	}
	t.Fatal("it does not stand still")
	return ""
}

// TestTooManyDeletes holds a whole table that would delete more than the limit: it
// names one command, waits over a restart, and does as it is told.
func TestTooManyDeletes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, answer  string
		deletes, left int
	}{
		{"accepted by command", "+00000002", 3, 7}, {"refused by command", "-00000002", 0, 10}, {"accepted by number", "00000002.accept", 3, 7}, {"accepted by name", "510104199001011234.csv.accept", 3, 7}, {"refused", "00000002.refuse", 0, 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cfg := config(t, dir, map[string]any{"mode": "replace"})
			src := open(t, cfg)
			number := strings.TrimLeft(tt.answer, "+-")
			command := number != tt.answer
			if command {
				if err := file.Consent(cfg, number, true); !errors.Is(err, connectors.ErrNotHeld) {
					t.Errorf("an answer before anybody was asked: %v", err)
				}
			} else if err := os.WriteFile(filepath.Join(dir, tt.answer), nil, 0o600); err != nil { // before anybody was asked: of no use
				t.Fatal(err)
			}
			drop(t, dir, "1.csv", head+rows(1, 10))
			all := read(t, src, func(r result) bool { return len(r.changes) == 10 && len(in(t, dir, "done")) == 1 }).changes
			b, err := src.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			drop(t, dir, "510104199001011234.csv", head+rows(4, 10))
			for range 2 {
				why := heldBatch(t, src)
				if !strings.Contains(why, "3/10") || !strings.Contains(why, "touch "+dir+"/00000002.accept") || strings.Contains(why, "510104199001011234") {
					t.Fatalf("it stands still and says %q", why)
				}
				if err := src.Close(); err != nil {
					t.Fatal(err)
				}
				if src, err = file.Open(t.Context(), cfg, b.After); err != nil {
					t.Fatal(err)
				}
			}
			t.Cleanup(func() { _ = src.Close() })
			if !command {
				touch(t, dir, tt.answer)
			} else {
				if err := file.Consent(cfg, "00000001", true); !errors.Is(err, connectors.ErrNotHeld) {
					t.Errorf("an answer about a file that is not held: %v", err)
				}
				for _, accept := range []bool{tt.deletes == 0, tt.deletes != 0} { // the last word counts
					if err := file.Consent(cfg, number, accept); err != nil {
						t.Fatal(err)
					}
				}
			}
			drop(t, dir, "3.csv", head+rows(1, 10)) // it goes on behind it
			r := read(t, src, func(r result) bool {
				return len(in(t, dir, "done"))+len(in(t, dir, "rejected"))/2 == 3 && settled(t, dir)
			})
			if n := deletes(r); n != tt.deletes || len(in(t, dir, "rejected")) != map[bool]int{true: 2}[tt.deletes == 0] {
				t.Errorf("%d deletes, rejected/ %q, want %d", n, in(t, dir, "rejected"), tt.deletes)
			}
			_ = all
		})
	}
}

// TestHeldInAnotherFolder swaps the folder under a file that waits for a person: the
// answer would be put where nobody looks, so that is said; with the right folder
// back it waits as before, and obeys.
func TestHeldInAnotherFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "drop")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	cfg := config(t, dir, map[string]any{"mode": "replace"})
	src := open(t, cfg)
	drop(t, dir, "1.csv", head+rows(1, 10))
	read(t, src, func(r result) bool { return len(r.changes) == 10 && settled(t, dir) })
	b, err := src.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	drop(t, dir, "2.csv", head+rows(1, 2))
	heldBatch(t, src)
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	for _, there := range []bool{false, true} {
		if there {
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			touch(t, dir, "00000002.accept")
		}
		if _, err := src.Read(t.Context()); err == nil || !strings.Contains(err.Error(), "投递目录") {
			t.Errorf("the folder is another (%v), and it says %v", there, err)
		}
	}
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	if src, err = file.Open(t.Context(), cfg, b.After); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = src.Close() })
	heldBatch(t, src)
	touch(t, dir, "00000002.accept")
	if n := deletes(read(t, src, func(r result) bool { return settled(t, dir) })); n != 8 {
		t.Errorf("%d deletes, want 8", n)
	}
}

// touch makes the file newer than what waits for it.
func touch(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestEmptyTable is a heading without rows, an empty JSONL and blank rows in mode
// replace: the whole table is not deleted for that, unless it was declared.
func TestEmptyTable(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"a.csv": head, "b.jsonl": "", "c.csv": head + ",,,\n , ,,\n", "d.json": "[]", "e.jsonl": "\n \n"} {
		for _, allow := range []bool{false, true} {
			t.Run(fmt.Sprint(name, allow), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				options := map[string]any{"mode": "replace"}
				if allow {
					options["empty"] = "allow"
				}
				src := open(t, config(t, dir, options))
				drop(t, dir, "1.csv", head+rows(1, 2))
				read(t, src, func(r result) bool { return len(r.changes) == 2 && settled(t, dir) })
				drop(t, dir, name, content)
				r := read(t, src, func(result) bool { return settled(t, dir) })
				if want := map[bool]int{true: 2}[allow]; deletes(r) != want || allow == (len(r.rejections) > 0) {
					t.Errorf("%d deletes, rejections %v, want %d", deletes(r), r.rejections, want)
				}
			})
		}
	}
}

// TestRowsOfMarker counts rows and not lines: one less is told, though the heading
// would make up for it.
func TestRowsOfMarker(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	src := open(t, config(t, dir, map[string]any{"wait": "marker", "marker": ".ok", "mode": "replace"}))
	content := head + "B0001,\"x\ny\n\",3,z\n" + rows(2, 3) + ",,,\n"
	for i, marker := range []string{"rows=3", "rows=4", "rows=2", "rows=5"} {
		drop(t, dir, fmt.Sprintf("%d.csv", i), content)
		drop(t, dir, fmt.Sprintf("%d.csv.ok", i), marker)
	}
	r := read(t, src, func(r result) bool { return len(r.rejections) == 3 && settled(t, dir) })
	if len(r.changes) != 3 || deletes(r) != 0 || len(in(t, dir, "done")) != 2 {
		t.Errorf("%d changes, done/ %q, want the first file only", len(r.changes), in(t, dir, "done"))
	}
}

// TestKeysOfATable tells rows of one key in a whole table, and passes over those
// that say the same.
func TestKeysOfATable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	src := open(t, config(t, dir, map[string]any{"mode": "replace"}))
	drop(t, dir, "a.csv", head+rows(1, 3)+rows(2, 2)+"B0003,x,9,y\n"+rows(4, 4))
	r := read(t, src, func(result) bool { return settled(t, dir) && len(in(t, dir, "done")) == 1 })
	if len(r.changes) != 4 || len(r.rejections) != 1 || place(r.rejections[0]) != "6: invalid" {
		t.Errorf("%d changes, rejections %v, want four and line 6", len(r.changes), r.rejections)
	}
}

// TestNamesStaySecret drops files whose names hold an identity number: neither
// quarantine nor logs nor the state say it, and the file is found by its ordinal.
func TestNamesStaySecret(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	said := &strings.Builder{}
	cfg := logged(config(t, dir, map[string]any{"keep_done": "1ms", "charset": "utf-8"}), said)
	src := open(t, cfg)
	const secret = "510104199001011234"
	drop(t, dir, secret+".csv", head+"B0009,x,many,y\n"+rows(1, 1))
	r := read(t, src, func(r result) bool { return len(r.changes) == 1 && settled(t, dir) })
	drop(t, dir, secret+".csv", "no table\n")
	r2 := read(t, src, func(r result) bool { return len(r.rejections) == 1 && settled(t, dir) })
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, secret+".lnk.csv")); err != nil {
		t.Fatal(err)
	}
	r3 := read(t, src, func(r result) bool { return len(r.rejections) == 1 && settled(t, dir) })
	for _, x := range append(append(r.rejections, r2.rejections...), r3.rejections...) {
		if strings.Contains(x.Locator, secret) || !strings.HasPrefix(x.Locator, "0000000") {
			t.Errorf("the locator is %q", x.Locator)
		}
	}
	if strings.Contains(said.String(), secret) {
		t.Errorf("a log holds the name: %s", said)
	}
	read(t, src, func(result) bool { return len(in(t, dir, "done")) == 0 })
	if got := in(t, dir, "rejected"); len(got) != 4 {
		t.Errorf("rejected/ holds %q: what was refused stays", got)
	}
}

// TestOtherFolder takes the file system away under a source: an empty folder in
// its place is not "nothing new".
func TestOtherFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "drop")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	cfg := config(t, dir, nil)
	src := open(t, cfg)
	b, err := src.Read(t.Context())
	if err != nil || b.CaughtUp.IsZero() {
		t.Fatalf("at first: %v", err)
	}
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	unmounted := func(err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "投递目录") || strings.Contains(err.Error(), connectors.ErrConfig.Error()) {
			t.Errorf("the folder is away and it says %v", err)
		}
	}
	_, err = src.Read(t.Context())
	unmounted(err)
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = file.Open(t.Context(), cfg, b.After)
	unmounted(err)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err = file.Open(t.Context(), cfg, b.After)
	unmounted(err)
	if left := in(t, dir, ""); len(left) > 0 {
		t.Errorf("it made %q in a folder that is not its own", left)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	src, err = file.Open(t.Context(), cfg, b.After)
	if err != nil {
		t.Fatalf("the folder is back: %v", err)
	}
	defer src.Close()
	if _, err := file.Open(t.Context(), cfg, b.After); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a second process took the folder: %v", err)
	}
	cfg.Name = "other"
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Open(t.Context(), cfg, ""); err == nil || !strings.Contains(err.Error(), `"zj-file"`) {
		t.Errorf("another source took the folder: %v", err)
	}
}

// TestNoRightToRead puts a file aside that the process may not read; those after
// it are taken.
func TestNoRightToRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	src := open(t, config(t, dir, nil))
	drop(t, dir, "a.csv", head+rows(1, 1))
	if err := os.Chmod(filepath.Join(dir, "a.csv"), 0); err != nil {
		t.Fatal(err)
	}
	drop(t, dir, "b.csv", head+rows(2, 2))
	var r result
	asNobody(t, dir, func() {
		r = read(t, src, func(r result) bool { return len(r.changes) == 1 && len(in(t, dir, "processing")) == 0 })
	})
	if len(r.rejections) != 1 || !strings.Contains(r.rejections[0].Detail, "权限") || len(in(t, dir, "rejected")) != 2 {
		t.Errorf("rejections %v, rejected/ %q", r.rejections, in(t, dir, "rejected"))
	}
}

// TestNamesThatAreNoData lies beside data and is left alone.
func TestNamesThatAreNoData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	said := &strings.Builder{}
	src := open(t, logged(config(t, dir, map[string]any{"ignore_names": []any{"*.XLSX"}}), said))
	none := []string{"a.csv.ok", "Thumbs.db", "desktop.ini", ".DS_Store", "~$a.csv", "a.csv.tmp", "a.csv.part", "a.csv.filepart", "a.csv.sha256", "说明.xlsx"}
	for _, name := range none {
		drop(t, dir, name, "x")
	}
	drop(t, dir, "a.csv", head+rows(1, 1))
	r := read(t, src, func(r result) bool { return len(r.changes) == 1 && len(in(t, dir, "done")) == 1 })
	if len(r.rejections) > 0 || len(in(t, dir, "")) != len(none)+4 {
		t.Errorf("rejections %v, the folder holds %q", r.rejections, in(t, dir, ""))
	}
	if strings.Count(said.String(), "*.XLSX") != 1 {
		t.Errorf("it was not said that names are left alone: %s", said)
	}
}

// TestAbsentMembers leaves a nullable member out of a JSON row: what is known of
// it stays, unless null was declared; null said is null.
func TestAbsentMembers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		absent any
		kind   schemas.Kind
	}{"default": {"", schemas.KindUnavailable}, "keep": {"keep", schemas.KindUnavailable}, "null": {"null", schemas.KindNull}, "null of YAML": {nil, schemas.KindNull}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cfg := config(t, dir, map[string]any{"absent": tt.absent})
			if tt.absent == "" {
				delete(cfg.Options, "absent")
			}
			cfg.Datasets = []*schemas.Dataset{dataset(t, "GA02")}
			src := open(t, cfg)
			row := `{"GMSFHM":"539902198503120013","DJH":"R1","JZDXZQHDM":"539903","JZDZ":"云岭市岭西区","QSRQ":"2026-01-02"`
			drop(t, dir, "a.jsonl", row+"}\n"+row+`,"LXDH":null}`+"\n")
			r := read(t, src, func(r result) bool { return settled(t, dir) && len(in(t, dir, "done")) == 1 })
			if len(r.changes) != 2 {
				t.Fatalf("%d changes, %v", len(r.changes), r.rejections)
			}
			if a, b := r.changes[0].Record.Get("LXDH").Kind(), r.changes[1].Record.Get("LXDH").Kind(); a != tt.kind || b != schemas.KindNull {
				t.Errorf("absent is %v, null is %v, want %v and null", a, b, tt.kind)
			}
		})
	}
}
