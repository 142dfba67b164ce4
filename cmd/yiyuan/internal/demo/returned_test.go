package demo

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic/world"
)

// What the province gives back comes as files: the whole first copy as one, with
// a marker that counts its rows, then each correction. A province that is started
// again goes on where it was and does not send the first copy again.
func TestProvinceSendsFiles(t *testing.T) {
	cat, err := wiring.Catalogue("")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		o := synthetic.Options{Seed: 1, Size: world.Tiny, Correct: true, CorrectAfter: time.Hour, CorrectEvery: time.Minute}
		p, cfg, err := openProvince(t.Context(), cat, o, dir)
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Kind != "file" || len(cfg.Datasets) != 1 || !cfg.Datasets[0].Returned || cfg.Datasets[0].Format != "file" {
			t.Errorf("source %+v takes no returned files", cfg)
		}
		first := rowsOf(t, p.dir, "SW02-000001.csv")
		if len(first) < 300 {
			t.Fatalf("%d rows in the first file", len(first))
		}
		for p.at.Files == 1 {
			if err := p.send(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		second := rowsOf(t, p.dir, "SW02-000002.csv")
		if len(second) == 0 || len(second) > 3 || slices.ContainsFunc(first, func(r string) bool { return r == second[0] }) {
			t.Errorf("the second file is no correction: %d rows", len(second))
		}
		if err := p.system.Close(); err != nil {
			t.Fatal(err)
		}
		again, _, err := openProvince(t.Context(), cat, o, dir)
		if err != nil {
			t.Fatal(err)
		}
		defer again.system.Close()
		if files, err := filepath.Glob(filepath.Join(p.dir, "*.csv")); err != nil || len(files) != 2 || again.at != p.at {
			t.Errorf("started again: %d files, %v, at %v, want %v", len(files), err, again.at, p.at)
		}
	})
}

// rowsOf reads a file that its marker describes.
func rowsOf(t *testing.T, dir, name string) []string {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	marker, err := os.ReadFile(filepath.Join(dir, name+".done"))
	if want := fmt.Sprintf("rows=%d\n", len(lines)-1); err != nil || string(marker) != want {
		t.Errorf("marker of %s: %q, %v, want %q", name, marker, err, want)
	}
	var rows []string
	for _, l := range lines[1:] {
		rows = append(rows, strings.Join(l, ","))
	}
	return rows
}
