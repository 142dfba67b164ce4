package crash

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

const canary = "539902198503120777"

type secret struct{ number string }

func (s secret) Error() string { return s.number }

func inner(what any) { panic(what) }

func caught(what func()) (e *Error) {
	defer func() {
		if p := recover(); p != nil {
			e = Of(p)
		}
	}()
	what()
	return nil
}

// A panic is told by type and place, whatever it is made of.
func TestOf(t *testing.T) {
	var list []string
	for _, tt := range []struct {
		name, want string
		what       func()
	}{
		{"text", "string", func() { inner(canary) }},
		{"error", "crash.secret", func() { inner(secret{canary}) }},
		{"pointer", "*crash.secret", func() { inner(&secret{canary}) }},
		{"wrapped", "*fmt.wrapError", func() { inner(fmt.Errorf("read %s: %w", canary, io.EOF)) }},
		{"index", "runtime.boundsError", func() { _ = list[len(os.Args)+1] }},
		{"nil map", "runtime.plainError", func() { m := map[string]map[string]int{}; m[canary][canary] = 1 }},
		{"conversion", "*runtime.TypeAssertionError", func() { var v any = canary; _ = v.(error) }},
		{"again", "string", func() {
			defer func() {
				_ = recover()
				inner(canary)
			}()
			inner(errors.New(canary))
		}},
	} {
		e := caught(tt.what)
		if e == nil || e.Type != tt.want && !strings.HasSuffix(e.Type, strings.TrimPrefix(tt.want, "runtime.")) && tt.name != "nil map" {
			t.Errorf("%s: %v, want type %q", tt.name, e, tt.want)
			continue
		}
		text := fmt.Sprintf("%v %+v %#v %s", e, e, e, e.Frames)
		if strings.Contains(text, canary) || !strings.HasPrefix(e.Place(), "schemas/crash/crash_test.go:") {
			t.Errorf("%s: told as %s", tt.name, text)
		}
	}
	if got := testutil.CollectAndCount(Collector()); got == 0 {
		t.Error("no panic is counted")
	}
}

// Every recover of the tree tells through this package, or says nothing at all.
func TestOneRule(t *testing.T) {
	caught := regexp.MustCompile(`\brecover\(\)|debug\.(Print)?Stack`)
	silent := []string{"schemas/crash/crash.go", "schemas/manifest/yaml.go"} // the second says a problem by file and line
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(filepath.ToSlash(path), "../../")
		code := regexp.MustCompile(`(?m)//.*$|\w\.recover\(\)|func \(.*\) recover\(\)`).ReplaceAllString(string(text), "")
		if caught.MatchString(code) && !slices.Contains(silent, name) && !strings.Contains(code, "crash.Of(") {
			t.Errorf("%s catches a panic and does not tell it by crash.Of", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
