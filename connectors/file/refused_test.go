package file_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/file"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// idle reads until nothing is left to take, and returns what the source then says.
func idle(t *testing.T, src connectors.Source, dir string) (last connectors.Batch, rejections int) {
	t.Helper()
	for {
		b, err := src.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		rejections += len(b.Rejections)
		if err := src.(connectors.Confirmer).Confirm(t.Context(), b.After); err != nil {
			t.Fatal(err)
		}
		if (!b.CaughtUp.IsZero() || b.Held != "" && b.After == last.After) && settled(t, dir) {
			return b, rejections
		}
		last = b
	}
}

// While the last table was refused, as a whole or from some row on, what is answered is
// of before it: the source stands still and says so, over restarts too, until a later one
// is taken or a person takes the file away.
func TestRefusedDelivery(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]string{
		"another heading": strings.Replace(head, "LDZB", "ZUOBIAO", 1) + rows(1, 5),
		"half of it":      head + rows(1, 4) + "x\nx\nx\n" + rows(5, 6),
		"a wrong marker":  head + rows(1, 5),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cfg := config(t, dir, map[string]any{"max_bad": 3, "mode": "replace"})
			src := open(t, cfg)
			drop(t, dir, "1.csv", head+rows(1, 9))
			if b, _ := idle(t, src, dir); b.Held != "" || b.CaughtUp.IsZero() {
				t.Fatalf("after a good file it says %+v", b)
			}
			if name == "a wrong marker" {
				drop(t, dir, "2.csv.done", "rows=7")
			}
			drop(t, dir, "2.csv", bad)
			b, rejections := idle(t, src, dir)
			if !strings.Contains(b.Held, "00000002") || !b.CaughtUp.IsZero() || rejections == 0 {
				t.Errorf("after a refused file it says %+v, %d rejections", b, rejections)
			}
			if err := src.Close(); err != nil {
				t.Fatal(err)
			}
			again := func(after schemas.Position) connectors.Source {
				src, err := file.Open(t.Context(), cfg, after)
				if err != nil {
					t.Fatal(err)
				}
				return src
			}
			src = again(b.After)
			if b, _ = idle(t, src, dir); !strings.Contains(b.Held, "00000002") {
				t.Errorf("after a restart it says %+v", b)
			}
			drop(t, dir, "3.csv", head+rows(1, 9))
			if b, _ = idle(t, src, dir); b.Held != "" || b.CaughtUp.IsZero() {
				t.Errorf("after another delivery it says %+v", b)
			}
			drop(t, dir, "4.csv", "ZUOBIAO\n1\n")
			if b, _ = idle(t, src, dir); !strings.Contains(b.Held, "00000004") {
				t.Errorf("after another refused file it says %+v", b)
			}
			for _, suffix := range []string{"", ".reason"} {
				if err := os.Remove(filepath.Join(dir, "rejected", "00000004-4.csv"+suffix)); err != nil {
					t.Fatal(err)
				}
			}
			for b.CaughtUp.IsZero() {
				b, _ = idle(t, src, dir)
			}
			_ = src.Close()
		})
	}
}

// A file that lay still is taken; what its sender writes into it afterwards is not read,
// and that is said: it goes to rejected/.
func TestFileGrowsAfterItWasTaken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	src := open(t, config(t, dir, nil))
	sender, err := os.Create(filepath.Join(dir, "1.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	if _, err := sender.WriteString(head + rows(1, 9)); err != nil {
		t.Fatal(err)
	}
	if b, _ := idle(t, src, dir); b.CaughtUp.IsZero() {
		t.Fatalf("it says %+v", b)
	}
	if _, err := sender.WriteString(rows(10, 19)); err != nil {
		t.Fatal(err)
	}
	b, rejections := idle(t, src, dir)
	for b.Held == "" {
		next, more := idle(t, src, dir)
		b, rejections = next, rejections+more
	}
	if rejections != 1 || !strings.Contains(b.Held, "00000001") {
		t.Errorf("it says %+v, %d rejections", b, rejections)
	}
	for _, name := range []string{"00000001-1.csv", "00000001-1.csv.reason"} {
		if _, err := os.Lstat(filepath.Join(dir, "rejected", name)); err != nil {
			t.Error(err)
		}
	}
	drop(t, dir, "00000001-1.csv", head+rows(1, 19))
	if b, _ := idle(t, src, dir); b.Held != "" {
		t.Errorf("after the whole was dropped it says %+v", b)
	}
}
