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
		{"several datasets of one folder", "source: ga\nkind: file\ndatasets: [GA01, GA02]\noptions: {dir: in}\n", folder, 0, 0, "ga.yaml:4:1: options: file 类数据源只送一个数据集"},
		{"a dataset that no table feeds", "source: ga\nkind: postgres\ndatasets: [GA01, GA02]\noptions:\n  dsn: env:NONE\n  tables:\n    ga.t: {dataset: GA01}\n", folder, 0, 0, "ga.yaml:6:3: options: 数据集 GA02 没有对应的表"},
		{"a column for no field", "source: ga\nkind: postgres\ndatasets: [GA01]\noptions:\n  dsn: env:NONE\n  tables:\n    ga.t: {dataset: GA01, columns: {sfzh: GMSFH}}\n", folder, 0, 0, `ga.yaml:7:37: options: 数据集没有这个字段 / option "tables.ga.t.columns": dataset "GA01" has no field "GMSFH" (did you mean "GMSFHM"?)`},
		{"a field that may not lack", "source: ga\nkind: file\ndatasets: [GA01]\noptions:\n  dir: in\n  absent:\n    - GMSFHM\n", folder, 0, 0, "ga.yaml:7:7: options: 必填字段不能缺省"},
		{"an option that is not there", "source: ga\nkind: file\ndatasets: [GA01]\noptions:\n  dir: in\n  mod: replace\n", folder, 0, 0, `ga.yaml:6:3: options: 没有选项 mod`},
		{"a department that makes other data", "source: ga\nkind: synthetic\ndatasets: [GA01, MZ01]\n", folder, 0, 0, "该部门不产生这个数据集"},
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

// Two sources of one drop folder take one another's files, however its path is spelled.
func TestSourcesApart(t *testing.T) {
	t.Parallel()
	cat := catalogueWith(t, "")
	dir, drop := t.TempDir(), t.TempDir()
	if err := os.Symlink(drop, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for name, at := range map[string]string{"a": drop, "b": drop + "/./", "c": filepath.Join(dir, "link"), "d": t.TempDir(), "e": filepath.Join(dir, "not-there"), "f": filepath.Join(dir, "x", "..", "not-there"), "g": filepath.Join(drop, "done"), "h": drop + "-2"} {
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte("source: "+name+"\nkind: file\ndatasets: [GA01]\noptions: {dir: "+at+"}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Bindings(dir, cat)
	if err == nil {
		t.Fatal("eight sources of four folders are taken")
	}
	for _, pair := range []string{"数据源 a 与 b 用", "数据源 a 与 c 用", "数据源 e 与 f 用", "数据源 a 与 g 用"} {
		if !strings.Contains(err.Error(), pair) {
			t.Errorf("%q is not said: %v", pair, err)
		}
	}
	if n := strings.Count(err.Error(), "数据源"); n != 4 {
		t.Errorf("%d pairs are told: %v", n, err)
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
