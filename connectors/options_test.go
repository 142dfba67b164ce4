package connectors_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

type table struct {
	Dataset string            `option:"dataset,required"`
	Columns map[string]string `option:"columns"`
}

type options struct {
	Dir    string            `option:"dir,required"`
	Settle time.Duration     `option:"settle"`
	Max    connectors.Size   `option:"max"`
	Rows   int               `option:"rows"`
	On     bool              `option:"on"`
	Tags   []string          `option:"tags"`
	Tables map[string]table  `option:"tables"`
	Key    connectors.Secret `option:"key"`
}

func TestDecode(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(secret, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := connectors.Config{Name: "x", Options: map[string]any{
		"dir": "/in", "settle": "1500ms", "max": "2MiB", "rows": uint64(7), "on": true, "tags": []any{"a", "b"},
		"tables": map[string]any{"public.t": map[string]any{"dataset": "GA01", "columns": map[any]any{"a": "XM"}}},
		"key":    "file:" + secret,
	}}
	got := options{Settle: time.Second, Rows: 1}
	if err := cfg.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Key.Reveal() != "s3cret" || strings.Contains(fmt.Sprintf("%v %+v %#v %s", got.Key, got, got, got.Key), "s3cret") {
		t.Errorf("the secret was not read, or prints itself")
	}
	got.Key = connectors.Secret{}
	want := options{
		Dir: "/in", Settle: 1500 * time.Millisecond, Max: 2 << 20, Rows: 7, On: true, Tags: []string{"a", "b"},
		Tables: map[string]table{"public.t": {Dataset: "GA01", Columns: map[string]string{"a": "XM"}}},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(connectors.Secret{})); d != "" {
		t.Error(d)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		options map[string]any
		want    string
	}{
		{"missing", map[string]any{}, `option "dir" is missing`},
		{"unknown", map[string]any{"dir": "x", "setle": "1s"}, `unknown option "setle" (did you mean "settle"?)`},
		{"far from any", map[string]any{"dir": "x", "entirely": 1}, `unknown option "entirely":`},
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
			err := connectors.Config{Name: "x", Options: tt.options}.Decode(&o)
			if !errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Decode = %v, want %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}
