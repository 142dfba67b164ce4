package option_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/connectors/option"
)

type table struct {
	Dataset string
	Columns map[string]string
}

// Declare implements option.Declarer.
func (o *table) Declare(l *option.List) {
	l.Add(&o.Dataset, "dataset", "数据集", "the dataset").Required()
	l.Add(&o.Columns, "columns", "列", "columns")
}

type options struct {
	Dir    string
	Format string
	Settle time.Duration
	Max    option.Size
	Rows   int
	On     bool
	Tags   []string
	Tables map[string]table
	Key    option.Secret
}

// Declare implements option.Declarer.
func (o *options) Declare(l *option.List) {
	l.Add(&o.Dir, "dir", "目录", "the folder").Required()
	l.Add(&o.Format, "format", "格式", "the format").Default("auto").OneOf("auto", "csv")
	l.Add(&o.Settle, "settle", "静止", "how long it lies still").Default("2s").Least("10ms")
	l.Add(&o.Max, "max", "上限", "the largest").Default("1MiB").Most("1GiB")
	l.Add(&o.Rows, "rows", "行数", "rows").Default(3).Least("1")
	l.Add(&o.On, "on", "开", "on")
	l.Add(&o.Tags, "tags", "标签", "tags").Must(func() bool { return len(o.Tags) < 3 }, "至多两个", "two at most")
	l.Add(&o.Tables, "tables", "表", "tables")
	l.Add(&o.Key, "key", "密钥", "the key")
}

func TestRead(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(secret, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	given := map[string]any{
		"dir": "/in", "settle": "1500ms", "max": "2MiB", "rows": uint64(7), "on": true, "tags": []any{"a", "b"},
		"tables": map[string]any{"public.t": map[string]any{"dataset": "GA01", "columns": map[any]any{"a": "XM"}}},
		"key":    "file:" + secret,
	}
	var got options
	if err := option.Read(given, &got); err != nil {
		t.Fatal(err)
	}
	if got.Key.Reveal() != "s3cret" || strings.Contains(fmt.Sprintf("%v %+v %#v %s", got.Key, got, got, got.Key), "s3cret") {
		t.Errorf("the secret was not read, or prints itself")
	}
	got.Key = option.Secret{}
	want := options{
		Dir: "/in", Format: "auto", Settle: 1500 * time.Millisecond, Max: 2 << 20, Rows: 7, On: true, Tags: []string{"a", "b"},
		Tables: map[string]table{"public.t": {Dataset: "GA01", Columns: map[string]string{"a": "XM"}}},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(option.Secret{})); d != "" {
		t.Error(d)
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		options map[string]any
		want    string
	}{
		{"missing", map[string]any{}, `option "dir" is missing`},
		{"unknown", map[string]any{"dir": "x", "setle": "1s"}, `unknown option "setle" (did you mean "settle"?), allowed are dir format settle max rows on tags tables key:`},
		{"unknown, in Chinese", map[string]any{"dir": "x", "setle": "1s"}, `没有选项 setle，可用的有 dir format settle max rows on tags tables key /`},
		{"word", map[string]any{"dir": "x", "format": "csw"}, `选项 format 须为其中之一：auto csv / option "format": want one of auto csv (did you mean "csv"?):`},
		{"too little", map[string]any{"dir": "x", "settle": "9ms"}, `option "settle": want 10ms at least`},
		{"too much", map[string]any{"dir": "x", "max": "2GiB"}, `option "max": want 1GiB at most`},
		{"none", map[string]any{"dir": "x", "rows": 0}, `选项 rows 须为至少 1 / option "rows": want 1 at least`},
		{"what must hold", map[string]any{"dir": "x", "tags": []any{"a", "b", "c"}}, `option "tags": want two at most`},
		{"nested unknown", map[string]any{"dir": "x", "tables": map[string]any{"t": map[string]any{"dataset": "GA01", "colums": 1}}}, `unknown option "tables.t.colums" (did you mean "columns"?), allowed are dataset columns`},
		{"far from any", map[string]any{"dir": "x", "entirely": 1}, `unknown option "entirely", allowed`},
		{"duration", map[string]any{"dir": "x", "settle": 5}, `option "settle": want a duration`},
		{"size", map[string]any{"dir": "x", "max": "12 stones"}, `option "max": want a size`},
		{"literal secret", map[string]any{"dir": "x", "key": "hunter2"}, `env:NAME or file:PATH`},
		{"unset variable", map[string]any{"dir": "x", "key": "env:YIYUAN_NO_SUCH"}, `"YIYUAN_NO_SUCH" is not set`},
		{"nested", map[string]any{"dir": "x", "tables": map[string]any{"t": map[string]any{}}}, `option "tables.t.dataset" is missing`},
		{"list", map[string]any{"dir": "x", "tags": "a"}, `option "tags": want a list`},
		{"bool", map[string]any{"dir": "x", "on": "yes"}, `option "on": want true or false`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var o options
			err := option.Read(tt.options, &o)
			if !errors.Is(err, option.ErrConfig) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Read = %v, want %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

// What is not given is as it is declared, and the same words stand in the documentation.
func TestDefaultsAreDocumented(t *testing.T) {
	t.Parallel()
	var o options
	if err := option.Read(map[string]any{"dir": "/in"}, &o); err != nil {
		t.Fatal(err)
	}
	if o.Format != "auto" || o.Settle != 2*time.Second || o.Max != 1<<20 || o.Rows != 3 {
		t.Errorf("defaults are %+v", o)
	}
	want := []option.Doc{
		{Name: "dir", Kind: "text", Required: true, Chinese: "目录", English: "the folder"},
		{Name: "format", Kind: "text", Default: "auto", Chinese: "格式", English: "the format"},
		{Name: "settle", Kind: "duration", Default: "2s", Chinese: "静止；至少 10ms", English: "how long it lies still; at least 10ms"},
		{Name: "max", Kind: "size", Default: "1MiB", Chinese: "上限；至多 1GiB", English: "the largest; at most 1GiB"},
		{Name: "rows", Kind: "number", Default: "3", Chinese: "行数；至少 1", English: "rows; at least 1"},
		{Name: "on", Kind: "true/false", Chinese: "开", English: "on"},
		{Name: "tags", Kind: "list", Chinese: "标签", English: "tags"},
		{Name: "tables", Kind: "map", Chinese: "表", English: "tables", Of: []option.Doc{
			{Name: "dataset", Kind: "text", Required: true, Chinese: "数据集", English: "the dataset"},
			{Name: "columns", Kind: "map", Chinese: "列", English: "columns"},
		}},
		{Name: "key", Kind: "secret", Chinese: "密钥", English: "the key"},
	}
	if d := cmp.Diff(want, option.Docs(new(options))); d != "" {
		t.Errorf("documentation (-want +got):\n%s", d)
	}
}

// Where a configuration is checked its secrets need not be at hand, but one that stands
// in it is refused.
func TestCheckLeavesSecretsAlone(t *testing.T) {
	t.Parallel()
	if err := option.Check(map[string]any{"dir": "x", "key": "env:YIYUAN_NO_SUCH"}, new(options)); err != nil {
		t.Error(err)
	}
	if err := option.Check(map[string]any{"dir": "x", "key": "hunter2"}, new(options)); !errors.Is(err, option.ErrConfig) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a literal secret: %v", err)
	}
}

// fault is a struct that is declared wrongly.
type fault struct {
	declare func(*fault, *option.List)
	Rows    int
}

// Declare implements option.Declarer.
func (f *fault) Declare(l *option.List) { f.declare(f, l) }

func TestFaultyDeclarationPanics(t *testing.T) {
	t.Parallel()
	for name, declare := range map[string]func(*fault, *option.List){
		"a default that cannot be read": func(f *fault, l *option.List) { l.Add(&f.Rows, "rows", "行", "rows").Default("many") },
		"a bound that cannot be read":   func(f *fault, l *option.List) { l.Add(&f.Rows, "rows", "行", "rows").Least("few") },
		"twice": func(f *fault, l *option.List) {
			l.Add(&f.Rows, "rows", "行", "rows")
			l.Add(&f.Rows, "rows", "行", "rows")
		},
		"a type that no option has": func(f *fault, l *option.List) { l.Add(&f.declare, "rows", "行", "rows") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("it was taken")
				}
			}()
			_ = option.Check(nil, &fault{declare: declare}) // it panics
		})
	}
}

// What is wrong is told apart, each thing with its place.
func TestProblems(t *testing.T) {
	t.Parallel()
	var o options
	err := option.Check(map[string]any{"setle": "1s", "rows": 0, "tables": map[string]any{"public.t": map[string]any{"colums": 1}}}, &o)
	var paths []string
	for _, p := range option.Problems(fmt.Errorf("%w", err)) {
		paths = append(paths, p.Path)
	}
	if d := cmp.Diff([]string{"dir"}, paths); d != "" { // wrapped in words it is one
		t.Error(d)
	}
	paths = nil
	for _, p := range option.Problems(errors.Join(err, errors.New("no place"))) {
		paths = append(paths, p.Path)
	}
	if d := cmp.Diff([]string{"dir", "rows", "tables.public.t.dataset", "tables.public.t.colums", "setle", ""}, paths); d != "" {
		t.Error(d)
	}
}
