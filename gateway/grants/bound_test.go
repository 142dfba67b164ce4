package grants_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/grants"
)

// What nests or repeats beyond what an access file can need is refused by its line,
// before the library that would take hours over it sees it.
func TestParseIsBounded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ file, says string }{
		"brackets":      {"applications: " + strings.Repeat("[", 2000), "brackets"},
		"braces":        {"applications:\n  - " + strings.Repeat("{a: ", 2000), "brackets"},
		"lists":         {"applications:\n  " + strings.Repeat("- ", 20000), "lists"},
		"explicit keys": {strings.Repeat("? ", 20000), "lists"},
		"deep":          {"applications:\n" + strings.Repeat(" ", 5000) + "- id: a\n", "indented"},
		"long line":     {"applications:\n  - id: " + strings.Repeat("a", 1<<20), "line"},
		"laughs":        {"a: &a [x, x]\nb: &b [*a, *a]\napplications: []\n", "anchors"},
		"merge":         {"applications:\n  - <<: {id: a}\n", "anchors"},
		"tag":           {"applications: !!binary aaaa\n", "anchors"},
		"block text":    {"applications:\n  - id: |\n      a\n", "anchors"},
		"control":       {"applications:\n  - id: a\x00b\n", "control"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := grants.Parse([]byte(test.file))
			if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), ":1]") {
				t.Errorf("Parse = %v, want it to name a line and to say %q", err, test.says)
			}
			if _, again := grants.ParseTwice(text(), test.file); again == nil {
				t.Error("a running gateway takes it")
			}
		})
	}
	for name, file := range map[string]string{
		"marks in texts":  strings.Replace(text(), "applications:", "# a & b * [[[[ !\napplications:", 1),
		"the example":     example(t),
		"titles with & *": strings.Replace(text(), "title: ", "title: 甲 & 乙 * ", 1),
	} {
		if _, err := grants.Parse([]byte(file)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func example(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "deploy", "access.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// FuzzParse: no file takes longer than its size explains, whatever is in it, or
// makes the parser panic. The time is a bound against hanging, far above what any
// file of that size takes.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		text(), "applications: []", "applications:\n- - - -", "[[[[{{{{", "? ? ? :", "a: &a [*a]", "{a: {b: {c: {d: {e: {f: {g: {h: 1}}}}}}}}",
		"applications:\n  - id: 'a\n    b'\n", "applications:\n  - {id: \"a\", purposes: [a, b]}\n", "---\n---\n", ": : : :", "- ? - ? x", "a:\n b:\n  c:\n   d:\n",
		"\"\\u0000\\x", "'", "{,,,}", "[,", "a: b: c: d", "a:\n- b\n c", "#", "\t", "- \t- x", "key: >-\n  x", "%YAML 1.2\n---\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		if len(file) > 4<<10 {
			t.Skip("larger files only take longer")
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = grants.Parse([]byte(file)) // whatever it says of it
		}()
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Fatalf("Parse hangs over %d bytes", len(file))
		}
	})
}
