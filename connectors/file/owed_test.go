package file_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/file"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// owes checks that the source, idle, owes just those files, by their ordinals.
func owes(t *testing.T, when string, src connectors.Source, dir string, ordinals ...string) connectors.Batch {
	t.Helper()
	b, _ := idle(t, src, dir)
	if len(ordinals) == 0 {
		if b.Held != "" || b.CaughtUp.IsZero() {
			t.Fatalf("%s it says %+v", when, b)
		}
		return b
	}
	if !strings.Contains(b.Held, "："+strings.Join(ordinals, " ")+"（自 20") || !b.CaughtUp.IsZero() || !strings.Contains(b.Do, "yiyuan source refuse zj-file "+ordinals[0]) {
		t.Fatalf("%s it says %+v, want %v owed", when, b, ordinals)
	}
	return b
}

const noTable = "ZUOBIAO\n1\n"

// In mode append no later file takes the place of one that was refused, not even one of
// its name: they are taken, and the source says all the time that it is owed, over restarts
// too, until it comes again under its name in rejected/, somebody takes it away, or says that it is not wanted.
func TestOwedInAppend(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg := config(t, dir, nil)
	src := open(t, cfg)
	drop(t, dir, "1.csv", head+rows(1, 9))
	owes(t, "after a good file", src, dir)
	drop(t, dir, "monday.csv", noTable)
	owes(t, "after a refused file", src, dir, "00000002")
	drop(t, dir, "tuesday.csv", head+rows(10, 19))
	taken := 0
	for taken < 10 {
		b, err := src.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if taken += len(b.Changes); b.Held == "" {
			t.Fatalf("while it takes a later file it says %+v", b)
		}
	}
	b := owes(t, "after a later file", src, dir, "00000002")
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	src, err := file.Open(t.Context(), cfg, b.After)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = src.Close() })
	owes(t, "after a restart", src, dir, "00000002")
	drop(t, dir, "monday.csv", head+rows(20, 21))
	owes(t, "after another of its name", src, dir, "00000002")
	drop(t, dir, "00000002-monday.csv", noTable)
	owes(t, "after it was mended badly", src, dir, "00000002", "00000005")
	drop(t, dir, "other.csv", noTable)
	owes(t, "after another refused file", src, dir, "00000002", "00000005", "00000006")
	drop(t, dir, "00000005-00000002-monday.csv", head+rows(22, 23))
	owes(t, "after it was mended", src, dir, "00000006")
	for _, name := range []string{"00000002-monday.csv", "00000002-monday.csv.reason", "00000005-00000002-monday.csv"} {
		if !slices.Contains(in(t, dir, "done"), name) {
			t.Errorf("done/ holds %q and not %q", in(t, dir, "done"), name)
		}
	}
	if err := file.Consent(cfg, "00000006", true); !errors.Is(err, connectors.ErrNotHeld) {
		t.Errorf("a refused file was accepted: %v", err)
	}
	if err := file.Consent(cfg, "00000006", false); err != nil {
		t.Fatal(err)
	}
	owes(t, "after it was given up", src, dir)
	drop(t, dir, "9.csv", noTable)
	owes(t, "after one more", src, dir, "00000008")
	if err := os.Remove(filepath.Join(dir, "rejected", "00000008-9.csv")); err != nil {
		t.Fatal(err)
	}
	owes(t, "after it was taken away", src, dir)
}

// What was refused before a folder's first life at this bus, and what a position of before
// passed over, is owed no more; what such a position stood at is. A person who has the
// source read again is told all that lies there.
func TestOwedFromWhen(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		after schemas.Position
		again bool
		owed  []string
	}{
		"a folder of before":              {},
		"read again":                      {again: true, owed: []string{"00000001", "00000002"}},
		"a position of before":            {after: `2{"epoch":1790000000,"file":3,"of":"ZJ01"}`},
		"a position of before that stood": {after: `2{"epoch":1790000000,"file":2,"refused":2,"of":"ZJ01"}`, owed: []string{"00000002"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cfg := config(t, dir, nil)
			cfg.Again = tt.again
			for _, sub := range []string{"rejected", "done", "processing", ".yiyuan"} {
				if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			for _, n := range []string{"1", "2"} {
				drop(t, dir, "rejected/0000000"+n+"-a.csv", noTable)
				drop(t, dir, "rejected/0000000"+n+"-a.csv.reason", "why")
			}
			src, err := file.Open(t.Context(), cfg, tt.after)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = src.Close() })
			drop(t, dir, "b.csv", head+rows(1, 9))
			owes(t, name, src, dir, tt.owed...)
		})
	}
}

// Names that a file system takes and others do not: they are taken, and stop nobody. Beside a name
// of 251 bytes and more no marker can lie.
func TestOddNames(t *testing.T) {
	t.Parallel()
	odd := []string{
		strings.Repeat("x", 247) + ".csv", strings.Repeat("表", 83) + "a.csv", strings.Repeat("x", 251) + ".csv", "-rf.csv", "a\nb.csv", "\xff\xfe.csv", "a.csv", "A.csv", " .csv", "a..csv", "x.csv.DONE.csv",
		"00000001-a.csv", "99999999999999999999-a.csv", "00000099-.csv",
	}
	for _, wait := range []string{"settle", "marker"} {
		dir := t.TempDir()
		src := open(t, config(t, dir, map[string]any{"wait": wait}))
		fit := 0
		for i, name := range odd {
			drop(t, dir, name, head+rows(i+1, i+1))
			if wait == "marker" && len(name) <= 250 {
				fit++
				drop(t, dir, name+".done", "rows=1")
			}
		}
		r := read(t, src, func(result) bool { return settled(t, dir) })
		if wait == "settle" {
			fit = len(odd)
		}
		if len(r.changes) != fit || len(r.rejections) != len(odd)-fit {
			t.Errorf("%s: %d changes, %d rejections of %d files, want %d taken", wait, len(r.changes), len(r.rejections), len(odd), fit)
		}
	}
}

// Two buses with the same source file on one folder: the second takes nothing, says whose
// it is also while the first reads it, and what to do. A folder without such a mark is adopted.
func TestFolderOfAnotherBus(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	said := &strings.Builder{}
	ours := logged(config(t, dir, nil), said)
	src, err := file.Open(t.Context(), ours, "") // as before buses were marked
	if err != nil {
		t.Fatal(err)
	}
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	ours.Bus = "11112222"
	if src, err = file.Open(t.Context(), ours, ""); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), ".yiyuan/bus") {
		t.Errorf("the folder was adopted without a word: %s", said)
	}
	theirs := ours
	theirs.Bus = "33334444"
	drop(t, dir, "1.csv", head+rows(1, 9))
	for _, there := range []bool{true, false} {
		for _, at := range []schemas.Position{"", `2{"epoch":1790000000,"file":1,"of":"ZJ01"}`} {
			_, err := file.Open(t.Context(), theirs, at)
			if !errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), "11112222") || !strings.Contains(err.Error(), "33334444") || !strings.Contains(err.Error(), ".yiyuan/bus") {
				t.Fatalf("the other bus reads it (%v): %v", there, err)
			}
		}
		if err := src.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if settled(t, dir) {
		t.Error("the file is gone")
	}
	if err := os.Remove(filepath.Join(dir, ".yiyuan", "bus")); err != nil {
		t.Fatal(err)
	}
	src = open(t, theirs)
	if r := read(t, src, func(result) bool { return settled(t, dir) }); len(r.changes) != 9 {
		t.Errorf("given to the other bus it takes %d rows", len(r.changes))
	}
}
