package draft

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors/probe"
)

// TestReference: what is written of a connection string is where it is, and never the string.
func TestReference(t *testing.T) {
	here := t.TempDir()
	t.Chdir(here)
	for given, want := range map[string]string{"env:GA_DSN": "env:GA_DSN", "file:/run/dsn": "file:/run/dsn", "file:dsn": "file:" + filepath.Join(here, "dsn"), "postgres://u@h/d": "env:GA_PG_DSN", "host=h user=u": "env:GA_PG_DSN"} {
		d := &draft{Options: Options{Name: "ga-pg", Request: probe.Request{DSN: given}}}
		if got := d.reference(); got != want {
			t.Errorf("of %q is written %q, want %q", given, got, want)
		}
	}
}

// TestPasswordIsRefused: a connection string with a password is not taken from the command
// line, and is not told.
func TestPasswordIsRefused(t *testing.T) {
	t.Parallel()
	for given, fine := range map[string]bool{
		"postgres://u:very-secret@h/d": false, "host=h password=very-secret": false, "postgres://u@h/d?password=very-secret": false, "postgres://u:very-secret@h1,h2:99/d": false,
		"postgres://u@h/d": true, "env:X": true, "file:x": true,
	} {
		o := Options{Name: "ga-pg", Catalogue: "c", Out: "o", Request: probe.Request{DSN: given, Sample: 1, Timeout: 1}}
		if err := o.Sound(); (err == nil) != fine || err != nil && strings.Contains(err.Error(), "very-secret") {
			t.Errorf("%q: %v", given, err)
		}
	}
}

// TestDraftIsWrittenWholeOrNot: where one file cannot be written none is left, and none is
// written over.
func TestDraftIsWrittenWholeOrNot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	there := filepath.Join(dir, "sources", "ga-pg.yaml")
	if err := write(file{there, "mine"}); err != nil {
		t.Fatal(err)
	}
	first := filepath.Join(dir, "catalogue", "datasets", "GA02.yaml")
	if err := writeAll([]file{{first, "new"}, {there, "new"}}); err == nil {
		t.Error("a file is written over")
	}
	if _, err := os.Stat(first); err == nil {
		t.Errorf("%s is left", first)
	}
	if text, err := os.ReadFile(there); err != nil || string(text) != "mine" {
		t.Errorf("%s holds %q, %v", there, text, err)
	}
}
