package file_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/file"
	"github.com/yiyuan-bus/yiyuan/connectors/sourcetest"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

func dataset(t *testing.T, id string) *schemas.Dataset {
	t.Helper()
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	d, err := cat.Dataset(id)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func keys(t *testing.T) *keyring.Keyring {
	t.Helper()
	k, err := keyring.New(keyring.Intl, map[int][]byte{1: []byte("a key that is long enough for it")}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func config(t *testing.T, dir string, options map[string]any) connectors.Config {
	t.Helper()
	all := map[string]any{"dir": dir, "settle": "30ms", "poll": "20ms", "batch_rows": 3}
	for k, v := range options {
		all[k] = v
	}
	return connectors.Config{Name: "zj-file", Kind: "file", Datasets: []*schemas.Dataset{dataset(t, "ZJ01")}, Options: all, Keys: keys(t)}
}

// drop puts a whole file into the folder, by rename as good senders do.
func drop(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, ".sending"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, ".sending"), filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

const head = "JZWBM,LDZB,CS,BZDZ\n"

func rows(from, to int) string {
	var b strings.Builder
	for i := from; i <= to; i++ {
		fmt.Fprintf(&b, "B%04d,\"102.7,25.0\",%d,云岭路%d号\n", i, i%30+1, i)
	}
	return b.String()
}

func names(from, to int) []string {
	var out []string
	for i := from; i <= to; i++ {
		out = append(out, fmt.Sprintf("B%04d", i))
	}
	return out
}

func gb(t *testing.T, s string) string {
	t.Helper()
	out, err := simplifiedchinese.GB18030.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestConformance reopens the source after every batch, so it is also the test
// of a crash at every batch: rows are read three at a time.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"append", "replace"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			sourcetest.Run(t, sourcetest.Features{Replays: true}, func(t *testing.T) sourcetest.Fixture {
				t.Helper()
				dir := t.TempDir()
				want := names(1, 20)
				if mode == "replace" {
					want = names(8, 20)
				}
				return sourcetest.Fixture{
					Kind: file.Kind, Config: config(t, dir, map[string]any{"mode": mode, "delete_limit": "50%"}), Bursts: 3,
					Redeliver: func(t *testing.T) { // as the message says: out of done/
						t.Helper()
						for _, name := range in(t, dir, "done") {
							if _, original, ok := strings.Cut(name, "-"); ok && (mode == "append" || strings.HasPrefix(original, "c.")) {
								if err := os.Rename(filepath.Join(dir, "done", name), filepath.Join(dir, original)); err != nil {
									t.Fatal(err)
								}
							}
						}
					},
					Write: func(t *testing.T, n int) {
						t.Helper()
						switch n {
						case 0:
							drop(t, dir, "a.csv", head+rows(1, 10)+"bad-secret-row,x\n")
						case 1:
							drop(t, dir, "b.csv", "\xEF\xBB\xBF"+head+rows(5, 15))
						case 2:
							drop(t, dir, "c.jsonl", `{"JZWBM":"B0016","LDZB":"x","CS":"secret-value","BZDZ":"y"}`+"\n"+jsonRows(8, 20))
						}
					},
					Want: map[string][]string{"ZJ01": want}, Secrets: []string{"secret-row", "secret-value", "云岭路", "102.7"},
				}
			})
		})
	}
}

func jsonRows(from, to int) string {
	var b strings.Builder
	for i := from; i <= to; i++ {
		fmt.Fprintf(&b, `{"建筑物编码":"B%04d","LDZB":"102.7,25.0","CS":%d,"BZDZ":"云岭路%d号"}`+"\n", i, i%30+1, i)
	}
	return b.String()
}

// result is what one file led to.
type result struct {
	changes    []schemas.Change
	rejections []contract.Rejection
}

func read(t *testing.T, src connectors.Source, until func(result) bool) result {
	t.Helper()
	var r result
	deadline := time.Now().Add(2 * time.Minute)
	for !until(r) {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long; have %d changes, %d rejections", len(r.changes), len(r.rejections))
		}
		b, err := src.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r.changes = append(r.changes, b.Changes...)
		r.rejections = append(r.rejections, b.Rejections...)
		if err := src.(connectors.Confirmer).Confirm(t.Context(), b.After); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func connectorsOpen(t *testing.T, cfg connectors.Config) (connectors.Source, error) {
	t.Helper()
	return file.Open(t.Context(), cfg, "")
}

func open(t *testing.T, cfg connectors.Config) connectors.Source {
	t.Helper()
	src, err := file.Open(t.Context(), cfg, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = src.Close() })
	return src
}

// settled reports whether every dropped file has left the folder and processing/.
func settled(t *testing.T, dir string) bool {
	t.Helper()
	for _, d := range []string{"", "processing"} {
		entries, err := os.ReadDir(filepath.Join(dir, d))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !e.IsDir() {
				return false
			}
		}
	}
	return true
}

func in(t *testing.T, dir, sub string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, sub))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestGrowingFileIsTakenWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	src := open(t, config(t, dir, map[string]any{"settle": "300ms"}))
	f, err := os.Create(filepath.Join(dir, "slow.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	wrote := make(chan error, 1)
	go func() {
		tick := time.NewTicker(40 * time.Millisecond)
		defer tick.Stop()
		_, err := f.WriteString(head)
		for i := 1; i <= 20 && err == nil; i++ {
			<-tick.C
			row := rows(i, i)
			if _, err = f.WriteString(row[:len(row)/2]); err == nil {
				_, err = f.WriteString(row[len(row)/2:])
			}
		}
		wrote <- err
	}()
	r := read(t, src, func(r result) bool { return len(r.changes) == 20 && settled(t, dir) })
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
	if len(r.rejections) > 0 {
		t.Errorf("a growing file gave %d rejections", len(r.rejections))
	}
}

func TestMarkerMakesAFileReady(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	src := open(t, config(t, dir, map[string]any{"wait": "marker"}))
	drop(t, dir, "wrong.csv", head+rows(3, 4))
	drop(t, dir, "z.csv", head+rows(1, 2))
	drop(t, dir, "wrong.csv.done", "rows=17\n")
	read(t, src, func(r result) bool { return len(r.rejections) == 1 })
	if got := in(t, dir, "rejected"); len(got) != 3 {
		t.Errorf("rejected/ holds %q, want file, marker and reason", got)
	}
	for _, name := range in(t, dir, "rejected") {
		if info, err := os.Stat(filepath.Join(dir, "rejected", name)); err != nil || strings.HasSuffix(name, ".reason") && info.Mode().Perm() != 0o640 {
			t.Errorf("%s has mode %v, want 0640: who may see the folder may see why (%v)", name, info.Mode(), err)
		}
	}
	drop(t, dir, "z.csv.done", "")
	read(t, src, func(r result) bool { return len(r.changes) == 2 && settled(t, dir) })
}

// Rows are as of their delivery: content that was there before is taken again,
// or a value that went from 1 to 0 and back would stay 0, and a file could not
// be delivered again once the reason for its bad rows is mended.
func TestSameContentIsTakenAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	src := open(t, config(t, dir, nil))
	var seen []string
	for i, storeys := range []string{"1", "0x", "2", "1", "1"} {
		name := fmt.Sprintf("%d.csv", i)
		drop(t, dir, name, head+"B0001,x,"+storeys+",y\n")
		r := read(t, src, func(result) bool { return settled(t, dir) })
		for _, c := range r.changes {
			seen = append(seen, fmt.Sprint(c.Record.Value(2).Int64()))
		}
		for range r.rejections {
			seen = append(seen, "bad")
		}
	}
	if got := strings.Join(seen, " "); got != "1 bad 2 1 1" {
		t.Errorf("five deliveries gave %q, want 1 bad 2 1 1", got)
	}
	if err := os.Rename(filepath.Join(dir, "done", "00000001-0.csv"), filepath.Join(dir, "0.csv")); err != nil { // as it was, its time too
		t.Fatal(err)
	}
	if r := read(t, src, func(result) bool { return settled(t, dir) }); len(r.changes) != 1 {
		t.Errorf("a file that was put back from done/ gave %d changes, want 1", len(r.changes))
	}
}

// TestReplaceInfersDeletes walks through tables that shrink, come back, and
// hold a row whose key cannot be read.
func TestReplaceInfersDeletes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	src := open(t, config(t, dir, map[string]any{"mode": "replace", "delete_limit": 100, "empty": "allow"}))
	steps := []struct {
		name, content string
		deletes, bad  int
	}{
		{"1.csv", head + rows(1, 10), 0, 0},
		{"2.csv", head + rows(1, 6), 4, 0},
		{"3.csv", head + rows(1, 10), 0, 0},                             // the same table as the first: not skipped
		{"4.csv", head + rows(1, 3) + "\"oops,1,2,3\n", 0, 2},           // an unreadable key: nothing is deleted
		{"5.csv", head + rows(1, 3) + "B0004,x,not-a-number,y\n", 6, 1}, // a bad row with a good key is there
		{"6.csv", head + rows(1, 4) + rows(30, 31) + "\"oops\n", 0, 2},  // new keys in an incomplete file
		{"7.csv", head + rows(2, 4), 3, 0},                              // 1, 30, 31
		{"8.csv", "JZWBM,LDZB\n", 0, 1},                                 // no table at all
		{"9.csv", head, 3, 0},                                           // an empty table
	}
	for _, s := range steps {
		drop(t, dir, s.name, s.content)
		r := read(t, src, func(result) bool { return settled(t, dir) })
		deletes := 0
		for _, c := range r.changes {
			if c.Op == schemas.Delete {
				deletes++
			}
		}
		if deletes != s.deletes || len(r.rejections) != s.bad {
			t.Errorf("%s: %d deletes, %d rejections, want %d and %d: %v", s.name, deletes, len(r.rejections), s.deletes, s.bad, r.rejections)
		}
	}
}

func TestFilesThatAreNone(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "secret.csv")
	if err := os.WriteFile(outside, []byte(head+rows(1, 5)), 0o600); err != nil {
		t.Fatal(err)
	}
	src := open(t, config(t, dir, nil))
	if err := os.Symlink(outside, filepath.Join(dir, "link.csv")); err != nil {
		t.Fatal(err)
	}
	if err := mkfifo(filepath.Join(dir, "pipe.csv")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.csv"), 0o700); err != nil {
		t.Fatal(err)
	}
	drop(t, dir, "new\nline:..\\"+strings.Repeat("长", 60)+".csv", head+rows(7, 7))
	r := read(t, src, func(r result) bool { return len(r.rejections) == 2 && len(r.changes) == 1 && settled(t, dir) })
	for _, c := range r.rejections {
		if c.Reason != contract.ReasonUnreadable {
			t.Errorf("rejection %+v, want unreadable", c)
		}
	}
	for _, name := range append(in(t, dir, "done"), in(t, dir, "rejected")...) {
		if strings.ContainsAny(name, "\n:\\") {
			t.Errorf("the name %q was kept as it came", name)
		}
	}
	if b, err := os.ReadFile(outside); err != nil || len(b) == 0 {
		t.Errorf("the file outside was touched: %v", err)
	}
}

// TestSwappedProcessingIsRefused makes processing/ itself a way out of the folder.
func TestSwappedProcessingIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Symlink(t.TempDir(), filepath.Join(dir, "processing")); err != nil {
		t.Fatal(err)
	}
	if src, err := file.Open(t.Context(), config(t, dir, nil), ""); err == nil {
		_ = src.Close() // the test has failed already
		t.Error("a drop folder whose processing/ is a link was accepted")
	}
}

func TestChangedInProcessing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg := config(t, dir, nil)
	src := open(t, cfg)
	drop(t, dir, "a.csv", head+rows(1, 10))
	b, err := src.Read(t.Context())
	for err == nil && len(b.Changes) == 0 {
		b, err = src.Read(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	names := in(t, dir, "processing")
	if err := os.WriteFile(filepath.Join(dir, "processing", names[0]), []byte(head+rows(11, 20)), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := file.Open(t.Context(), cfg, b.After)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	r := read(t, again, func(r result) bool { return len(r.rejections) == 1 })
	if len(r.changes) > 0 || !strings.Contains(r.rejections[0].Detail, "changed") {
		t.Errorf("%d changes, rejection %q: want the changed file refused", len(r.changes), r.rejections[0].Detail)
	}
}

func TestMissingOpenFileIsLost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg := config(t, dir, nil)
	src := open(t, cfg)
	drop(t, dir, "a.csv", head+rows(1, 10))
	var at schemas.Position
	for len(in(t, dir, "processing")) == 0 || at == "" || !strings.Contains(string(at), `"open":true`) {
		b, err := src.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		at = b.After
	}
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "processing", in(t, dir, "processing")[0])); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Open(t.Context(), cfg, at); err == nil || !strings.Contains(err.Error(), "position lost") {
		t.Errorf("Open = %v, want ErrPositionLost", err)
	}
}

// logged has a source write its log where a test can read it, once it is closed
// or idle.
func logged(cfg connectors.Config, to *strings.Builder) connectors.Config {
	cfg.Logger = slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return cfg
}
