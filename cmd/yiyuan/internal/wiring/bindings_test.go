package wiring

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// A file of a source that goes with an edited catalogue folder stops no start: it waits. A
// mistake is one by either catalogue.
func TestBindingsInForce(t *testing.T) {
	t.Parallel()
	inForce := catalogueWith(t, "")
	folder := catalogueWith(t, "dataset: GA92\ntitle: 访客登记\nenglish: Visitors\nsummary: 访客\nprovider: GA\ncode: 101010002/000092\nclass: B\ncycle: realtime\nkey: [DJH]\nfields:\n"+
		"  - {name: DJH, title: 登记号, english: Registration number, element: certificate}\nviews:\n  partial: {title: 访客登记}\n")
	for _, c := range []struct {
		name, text  string
		folder      *schemas.Catalogue
		ready, wait int
		want        string // of the error, or of why it waits
	}{
		{"good by both", "source: ga\nkind: file\ndatasets: [GA01]\noptions: {dir: in}\n", folder, 1, 0, ""},
		{"a dataset of the folder", "source: ga\nkind: file\ndatasets: [GA92]\noptions: {dir: in}\n", folder, 0, 1, "目录文件夹尚未生效，它要用其中的改动（数据集 GA92） / "},
		{"beside one in force, of which nothing may be lost", "source: ga\nkind: push\ndatasets: [GA01, GA92]\n", folder, 0, 1, "（数据集 GA92）"},
		{"the same, with the folder in force", "source: ga\nkind: file\ndatasets: [GA92]\noptions: {dir: in}\n", inForce, 0, 0, `"GA92"`},
		{"options that are wrong by both", "source: ga\nkind: file\ndatasets: [GA92]\noptions: {no: in}\n", folder, 0, 0, "options"},
		{"a dataset of neither", "source: ga\nkind: file\ndatasets: [GA1]\noptions: {dir: in}\n", folder, 0, 0, `did you mean "GA01"`},
		{"a number that is another in YAML", "source: ga\nkind: file\ndatasets: [GA01]\noptions: {dir: in, max_failures: 010}\n", folder, 0, 0, "ga.yaml:4:34: "},
		{"while the folder is wrong", "source: ga\nkind: file\ndatasets: [GA92]\noptions: {dir: in}\n", nil, 0, 1, "目录文件夹有误"},
		{"no file of a source", "nothing: {", nil, 0, 0, "ga.yaml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "ga.yaml"), []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			ready, waits, err := BindingsInForce(dir, inForce, c.folder)
			if len(ready) != c.ready || len(waits) != c.wait || (err != nil) != (c.ready+c.wait == 0) {
				t.Fatalf("%d ready, %d wait, %v; want %d and %d", len(ready), len(waits), err, c.ready, c.wait)
			}
			said := ""
			if err != nil {
				said = err.Error()
			} else if len(waits) > 0 {
				said = waits[0].Why
			}
			if !strings.Contains(said, c.want) {
				t.Errorf("says %q, want %q", said, c.want)
			}
		})
	}
}

// catalogueWith is the sample city with another dataset.
func catalogueWith(t *testing.T, dataset string) *schemas.Catalogue {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, yunling.Files()); err != nil {
		t.Fatal(err)
	}
	if dataset != "" {
		if err := os.WriteFile(filepath.Join(dir, "datasets", "GA92.yaml"), []byte(dataset), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cat, err := Catalogue(dir)
	if err != nil {
		t.Fatal(err)
	}
	return cat
}
