package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// delivered puts a file into the folder that changed after all that lie there.
func delivered(t *testing.T, dir, name, content string) {
	t.Helper()
	var last time.Time
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && !e.IsDir() && changed(info).After(last) {
			last = changed(info)
		}
	}
	for { // clocks of file systems are coarse
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if changed(info).After(last) {
			return
		}
	}
}

// taken are the files that are claimed, one after the other, as of a time.
func taken(t *testing.T, b *inbox, now time.Time) (names []string) {
	t.Helper()
	claims, err := b.claims(processing)
	if err != nil {
		t.Fatal(err)
	}
	for n := uint64(len(claims)) + 1; ; n++ {
		c, ok, err := b.claim(n, now)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return names
		}
		names = append(names, c.original())
	}
}

// TestDeliveriesInOrder: a whole file waits for one that was delivered before it and
// has no marker yet, or that one's old values would come after its new ones.
func TestDeliveriesInOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := testInbox(t, dir)
	// By its name the elder is the later: names do not tell when something was delivered.
	for _, name := range []string{"0.csv", "0.csv.done", "b.csv", "a.csv", "a.csv.done"} {
		delivered(t, dir, name, "")
	}
	start := time.Now()
	later := start.Add(b.options.Settle)
	taken(t, b, start)
	if got := taken(t, b, later); !slices.Equal(got, []string{"0.csv"}) {
		t.Errorf("taken before the marker of b.csv comes: %q", got)
	}
	delivered(t, dir, "b.csv.done", "") // after that of a.csv
	taken(t, b, later)
	if got := taken(t, b, later.Add(b.options.Settle)); !slices.Equal(got, []string{"b.csv", "a.csv"}) {
		t.Errorf("taken when it has come: %q", got)
	}
}

// TestPatience: what a file waits for is said, by a digest of its name, and not waited
// for for ever: it is refused, so that it never comes after.
func TestPatience(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := testInbox(t, dir)
	for _, name := range []string{"张三.csv", "b.csv", "b.csv.done", "c.csv"} {
		delivered(t, dir, name, "")
	}
	s := &source{setting: &setting{cfg: connectors.Config{Name: "s"}, options: b.options, log: b.log, box: b.box, dataset: &schemas.Dataset{ID: "ZJ01"}}, inbox: b, at: position{Epoch: 1}}
	began := time.Now()
	taken(t, b, began)
	for name, was := range b.seen {
		was.since = began.Add(-unmarked)
		b.seen[name] = was
	}
	got, err := s.Read(t.Context())
	if err != nil || !got.CaughtUp.IsZero() {
		t.Fatalf("%+v, %v", got, err)
	}
	digest := fmt.Sprintf("%x", s.cfg.Keyed(contract.LabelFileName, []byte("张三.csv"))[:4])
	for _, part := range []string{"2 个文件", "1 个完整文件", digest, "24h"} {
		if !strings.Contains(got.Held, part) {
			t.Errorf("it says %q, without %q", got.Held, part)
		}
	}
	if strings.Contains(got.Held, "张三") {
		t.Errorf("it says %q", got.Held)
	}
	if got := taken(t, b, began.Add(b.options.Patience-2*unmarked)); len(got) > 0 {
		t.Errorf("taken within its patience: %q", got)
	}
	// c.csv, behind which nobody waits, is left alone.
	if got := taken(t, b, began.Add(b.options.Patience)); !slices.Equal(got, []string{"张三.csv", "b.csv"}) {
		t.Errorf("taken after its patience: %q", got)
	}
	r, err := start(s.setting, s.at, claim{1, "00000001-张三.csv"})
	if err != nil || r.condemned == nil || !strings.Contains(r.condemned.Detail, "标记") {
		t.Errorf("the file without marker: %+v, %v", r, err)
	}
	r.close()
	b.options.Patience = 0
	delivered(t, dir, "d.csv", "")
	delivered(t, dir, "d.csv.done", "")
	taken(t, b, began.Add(1000*time.Hour))
	if got := taken(t, b, began.Add(2000*time.Hour)); len(got) > 0 {
		t.Errorf("taken though patience is for ever: %q", got)
	}
}

// TestRightsDeliverNothing: whoever changes rights, owners or names in the folder delivers
// nothing anew, and a sender's clock decides nothing.
func TestRightsDeliverNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := testInbox(t, dir)
	b.options.Wait = "settle"
	if _, known := made(dir); !known {
		t.Skip("this file system does not tell when a file was made")
	}
	for _, name := range []string{"z.csv", "y.csv", "a.csv"} {
		delivered(t, dir, name, "")
	}
	start := time.Now()
	if err := os.Chtimes(filepath.Join(dir, "y.csv"), time.Time{}, time.Unix(0, 0)); err != nil { // as a sender that keeps its times
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "z.csv"), 0o640); err != nil {
		t.Fatal(err)
	}
	taken(t, b, start)
	if got := taken(t, b, start.Add(b.options.Settle)); !slices.Equal(got, []string{"z.csv", "y.csv", "a.csv"}) {
		t.Errorf("taken in the order %v", got)
	}
}
