package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/editor"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/starter"
)

// editing compiles the schemas as an editor does.
func editing(t *testing.T) (map[string][]byte, func(schema, text string) error) {
	t.Helper()
	texts, err := editor.Schemas(wiring.EveryKind(), settings.Default())
	if err != nil {
		t.Fatal(err)
	}
	compiled := map[string]*jsonschema.Schema{}
	for name, text := range texts {
		root, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource(name, root); err != nil {
			t.Fatal(err)
		}
		if compiled[name], err = c.Compile(name); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return texts, func(schema, text string) error {
		t.Helper()
		inJSON, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(inJSON))
		if err != nil {
			t.Fatal(err)
		}
		return compiled[schema].Validate(v)
	}
}

var modeline = regexp.MustCompile(`^# yaml-language-server: \$schema=(\S+)\n`)

// Every file that init writes names its schema, which is there and which it fits.
func TestInitFilesFitTheirSchemas(t *testing.T) {
	t.Parallel()
	texts, fits := editing(t)
	dir, seen := t.TempDir(), 0
	if err := starter.Write(dir, texts); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" || strings.HasSuffix(path, filepath.Join("secrets", "keys.yaml")) {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		m := modeline.FindSubmatch(text)
		if m == nil {
			t.Errorf("%s names no schema", path)
			return nil
		}
		schema := filepath.Join(filepath.Dir(path), string(m[1]))
		if _, err := os.Stat(schema); err != nil || filepath.Dir(schema) != filepath.Join(dir, ".schema") {
			t.Errorf("%s: %v", path, err)
		} else if err := fits(filepath.Base(schema), string(text)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		seen++
		return nil
	})
	if err != nil || seen != 13 {
		t.Errorf("%d files, %v", seen, err)
	}
}

// The commented references of deploy/ fit too; what is wrong in one is refused by the
// schema and by the reader.
func TestEditorsRefuseWhatReadersRefuse(t *testing.T) {
	t.Parallel()
	_, fits := editing(t)
	cat, err := wiring.Catalogue("")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file, schema string
		wrong        map[string][2]string
		reads        func(path string) error
	}{
		{"deploy/yiyuan.yaml", "yiyuan.schema.json", map[string][2]string{
			"an unknown key": {"  brokers: []", "  brokerz: []"}, "a wrong type": {"  partitions: 4", "  partitions: many"}, "no unit": {"  commit_interval: 100ms", "  commit_interval: 100"},
			"half a number": {"  partitions: 4", "  partitions: 4.5"}, "a number as text": {"  partitions: 4", `  partitions: "4"`}, "no flag": {"  open_console: false", "  open_console: maybe"},
		}, func(path string) error { _, err := settings.Load(path); return err }},
		{"deploy/access.yaml", "access.schema.json", map[string][2]string{
			"an unknown key": {"    title: 低保核对", "    titel: 低保核对"}, "a wrong type": {"quota: 600", "quota: many"}, "half a number": {"quota: 600", "quota: 0.5"}, "a number as text": {"quota: 600", `quota: "600"`}, "no number": {"quota: 600", "quota: null"}, "no digest": {"key_digest: sha256:e2", "key_digest: md5:e2"}, "no day": {`until: "2099-12-31"`, `until: "soon"`},
		}, func(path string) error { _, _, err := process.OpenAccess(path, cat); return err }},
		{"deploy/sources/jy-files.yaml", "source.schema.json", map[string][2]string{
			"an unknown key": {"kind: file", "knd: file"}, "an unknown kind": {"kind: file", "kind: filez"}, "an unknown option": {"  dir: /srv", "  dirr: /srv"}, "a wrong type": {"datasets: [JY01]", "datasets: JY01"},
			"a wrong type of an option": {"  dir: /srv/drop/jy", "  dir: [a]"},
		}, func(path string) error { _, err := wiring.Bindings(filepath.Dir(path), cat); return err }},
	} {
		right := read(t, c.file)
		if err := fits(c.schema, right); err != nil {
			t.Errorf("%s does not fit its schema: %v", c.file, err)
		}
		for what, change := range c.wrong {
			text := strings.Replace(right, change[0], change[1], 1)
			if text == right {
				t.Fatalf("%s has no %q", c.file, change[0])
			}
			path := filepath.Join(t.TempDir(), filepath.Base(c.file))
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if fits(c.schema, text) == nil {
				t.Errorf("%s with %s is taken by the schema", c.file, what)
			}
			if c.reads(path) == nil {
				t.Errorf("%s with %s is taken by the reader", c.file, what)
			}
		}
	}
}
