package file_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/file"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// lived opens a source at a position, reads until what was dropped is done, and closes it.
func lived(t *testing.T, cfg connectors.Config, at schemas.Position) (result, schemas.Position) {
	t.Helper()
	src, err := file.Open(t.Context(), cfg, at)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	dir := cfg.Options["dir"].(string)
	all := read(t, src, func(result) bool { return settled(t, dir) })
	b, err := src.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all, b.After
}

// standsStill opens a source at a position: it says why it takes nothing, again after a
// restart, and leaves the folder alone. Where nothing was taken it goes on.
func standsStill(t *testing.T, cfg connectors.Config, at schemas.Position, says ...string) {
	t.Helper()
	dir := cfg.Options["dir"].(string)
	drop(t, dir, "waits.csv", head+rows(1, 9))
	for range 2 {
		src, err := file.Open(t.Context(), cfg, at)
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		for range 2 {
			b, err := src.Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if b.Held == "" || !b.CaughtUp.IsZero() || len(b.Changes)+len(b.Rejections) > 0 || b.Do != "yiyuan source resync "+cfg.Name {
				t.Fatalf("it should stand still, and says %+v", b)
			}
			for _, word := range append(says, dir, " / ") {
				if !strings.Contains(b.Held, word) {
					t.Errorf("it lacks %q: %s", word, b.Held)
				}
			}
			at = b.After
		}
		if err := src.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if settled(t, dir) {
		t.Error("it took a file")
	}
}

// unnoted is a position as a release before wrote it, which noted neither.
func unnoted(at schemas.Position) schemas.Position {
	return schemas.Position(regexp.MustCompile(`,"(of|loose)":"[^"]*"`).ReplaceAllString(string(at), ""))
}

// Rows of which no keys are kept cannot be deleted by a table that lacks them: a source
// that has taken some in mode append stands still in mode replace, whatever was between,
// also at a position of before this was noted. Back in append it goes on; read again it
// takes the table.
func TestReplaceAfterAppend(t *testing.T) {
	t.Parallel()
	for _, noted := range []bool{true, false} {
		dir := t.TempDir()
		add, whole := config(t, dir, map[string]any{"mode": "append"}), config(t, dir, map[string]any{"mode": "replace"})
		drop(t, dir, "1.csv", head+rows(1, 10))
		_, at := lived(t, add, "")
		if !noted {
			at = unnoted(at)
		}
		standsStill(t, whole, at, "append", "replace")
		if all, _ := lived(t, add, at); len(all.changes) != 9 {
			t.Errorf("back in append it took %d rows, want 9", len(all.changes))
		}
		drop(t, dir, "3.csv", head+rows(1, 8))
		whole.Again = true
		all, at := lived(t, whole, "")
		if len(all.changes) != 8 {
			t.Errorf("read again it took %d rows, want 8", len(all.changes))
		}
		whole.Again = false
		drop(t, dir, "4.csv", head+rows(1, 7))
		if all, at = lived(t, whole, at); deletes(all) != 1 {
			t.Errorf("%d deletes, want 1", deletes(all))
		}
		drop(t, dir, "5.csv", head+rows(11, 11))
		_, at = lived(t, add, at)
		standsStill(t, whole, at, "append", "replace")
	}
}

// A position of before this was noted that keeps keys, or was never given a row, fits.
func TestUnnotedFits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	whole := config(t, dir, map[string]any{"mode": "replace"})
	drop(t, dir, "0.csv", "no table\n")
	_, at := lived(t, whole, "")
	drop(t, dir, "1.csv", head+rows(1, 10))
	_, at = lived(t, whole, unnoted(at))
	drop(t, dir, "2.csv", head+rows(1, 9))
	if all, _ := lived(t, whole, unnoted(at)); deletes(all) != 1 {
		t.Errorf("%d deletes, want 1", deletes(all))
	}
}

// What was taken of one dataset says nothing of another: neither that it was delivered
// nor what of it is gone.
func TestAnotherDataset(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"append", "replace"} {
		dir := t.TempDir()
		cfg := config(t, dir, map[string]any{"mode": mode})
		drop(t, dir, "1.csv", head+rows(1, 10))
		_, at := lived(t, cfg, "")
		other := cfg
		other.Datasets = []*schemas.Dataset{dataset(t, "GA02")}
		standsStill(t, other, at, "ZJ01", "GA02")
		src, err := file.Open(t.Context(), other, at)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := src.Read(t.Context()); err != nil || !slices.Equal(b.Awaited, []string{"GA02"}) {
			t.Errorf("%s: awaited %v, %v", mode, b.Awaited, err)
		}
		if err := src.Close(); err != nil {
			t.Fatal(err)
		}
		if all, _ := lived(t, cfg, at); len(all.changes) != 9+map[string]int{"replace": 1}[mode] {
			t.Errorf("%s: with its own dataset it took %d rows", mode, len(all.changes))
		}
	}
}

// A table that is changed while the process is down, some of its rows published: their
// keys are not known any more, so later tables cannot delete them.
func TestTableChangedBetweenLives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg := config(t, dir, map[string]any{"mode": "replace"})
	drop(t, dir, "1.csv", head+rows(1, 10))
	src, err := file.Open(t.Context(), cfg, "")
	if err != nil {
		t.Fatal(err)
	}
	at := schemas.Position("")
	for at == "" {
		b, err := src.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Changes) > 0 {
			at = b.After
		}
	}
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "processing", in(t, dir, "processing")[0]), []byte(head+rows(5, 14)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, at = lived(t, cfg, at)
	standsStill(t, cfg, at, "主键", "keys")
}

// Files of mode append need not be the whole table: a source that is read again says which
// it has read, where the whole table goes, and how it is read once more.
func TestReadAgainMayBeAPart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	add := config(t, dir, nil)
	drop(t, dir, "1.csv", head+rows(1, 10))
	_, at := lived(t, add, "")
	zh, en := file.Kind.Reread.Part(add, at)
	for _, text := range []string{zh, en} {
		for _, word := range []string{"00000001", "append", dir, "yiyuan source resync zj-file"} {
			if !strings.Contains(text, word) {
				t.Errorf("it lacks %q: %s", word, text)
			}
		}
	}
	if zh, en := file.Kind.Reread.Part(config(t, dir, map[string]any{"mode": "replace"}), at); zh+en != "" {
		t.Errorf("of a whole table it says %q / %q", zh, en)
	}
}
