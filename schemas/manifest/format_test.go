package manifest

import (
	"bytes"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/yiyuan-bus/yiyuan/schemas/document"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest/format"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// compiled is the JSON Schema of each kind of file, as editors get it.
func compiled(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	out := map[string]*jsonschema.Schema{}
	for _, f := range format.Files() {
		text, err := document.Schema(f.English, f.Form)
		if err != nil {
			t.Fatal(err)
		}
		root, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource(f.ID+".json", root); err != nil {
			t.Fatal(err)
		}
		if out[f.ID], err = c.Compile(f.ID + ".json"); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// parsed is a file as editors see it: YAML 1.2, as JSON.
func parsed(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return plain(v)
}

func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case uint64:
		return int(v)
	}
	return v
}

func TestCitiesFitTheirSchemas(t *testing.T) {
	t.Parallel()
	schemas := compiled(t)
	for city, files := range map[string]fs.FS{"yunling": yunling.Files(), "small": small(t)} {
		seen := 0
		err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || path.Ext(name) != ".yaml" {
				return err
			}
			kind, ok := format.Of(name)
			if !ok {
				t.Fatalf("%s is a file of no kind", name)
			}
			text, err := fs.ReadFile(files, name)
			if err != nil {
				return err
			}
			seen++
			if err := schemas[kind.ID].Validate(parsed(t, text)); err != nil {
				t.Errorf("%s: %s does not fit its schema: %v", city, name, err)
			}
			return nil
		})
		if err != nil || seen < 10 {
			t.Fatalf("%s: %d files, %v", city, seen, err)
		}
	}
}

// spot is one mapping of a file, with the declaration of its keys.
type spot struct {
	file, path string
	in         map[string]any
	form       *document.Form
}

// spots returns the mappings of a file, the first of each path.
func spots(file string, v any, f *document.Form, at string, found map[string]spot) {
	switch f.Kind {
	case document.Mapping:
		m, ok := v.(map[string]any)
		if !ok {
			return
		}
		p := strings.SplitN(file, "/", 2)[0] + at
		if _, known := found[p]; !known {
			found[p] = spot{file, p, m, f}
		}
		for _, k := range f.Keys {
			if below, ok := m[k.Name]; ok {
				spots(file, below, k.Form, at+"."+k.Name, found)
			}
		}
	case document.List:
		for _, item := range anyList(v) {
			spots(file, item, f.Each, at+"[]", found)
		}
	case document.Map:
		if m, ok := v.(map[string]any); ok {
			for _, k := range slices.Sorted(maps.Keys(m)) {
				spots(file, m[k], f.Each, at+"{}", found)
			}
		}
	case document.Text, document.Number, document.Decimal, document.Flag:
	}
}

func anyList(v any) []any {
	l, _ := v.([]any)
	return l
}

// wrong are values that a form does not take.
func wrong(f *document.Form) map[string]any {
	switch f.Kind {
	case document.Text:
		out := map[string]any{"a mapping": map[string]any{"a": "b"}, "a list": []any{"a"}, "true": true, "a fraction": 1.5}
		if len(f.Words) > 0 || f.Pattern != nil {
			out["another word"], out["nothing"] = "没有这个词!", ""
		}
		return out
	case document.Number:
		return map[string]any{"a text": "many", "too many": f.Most + 1, "too few": f.Least - 1, "a fraction": 1.5}
	case document.Decimal:
		return map[string]any{"a text": "many"}
	case document.Flag:
		return map[string]any{"a text": "yes", "a number": 1}
	case document.List:
		out := map[string]any{"a text": "one", "a mapping": map[string]any{"a": "b"}}
		if f.Some {
			out["nothing"] = []any{}
		}
		for what, v := range wrong(f.Each) {
			out["of "+what] = []any{v}
		}
		return out
	case document.Map:
		out := map[string]any{"a text": "one", "a list": []any{"a"}}
		if f.Pattern != nil {
			out["another name"] = map[string]any{"没有!": map[string]any{}}
		}
		return out
	case document.Mapping:
		return map[string]any{"a text": "one", "a list": []any{"a"}}
	}
	return nil
}

// What the schemas for editors refuse, the reader refuses, key by key of every kind of
// file: so every key that is declared is read, and checked as it is declared.
func TestPlantedMistakesAreRefusedByBoth(t *testing.T) {
	t.Parallel()
	schemas, tried, declared := compiled(t), map[string]bool{}, map[string]bool{}
	base := full(t)
	if _, _, err := Check(base); err != nil {
		t.Fatalf("the city is wrong before anything is planted: %v", err)
	}
	found := map[string]spot{}
	for _, name := range slices.Sorted(maps.Keys(base)) {
		kind, _ := format.Of(name)
		spots(name, parsed(t, base[name].Data), kind.Form, "", found)
	}
	for _, f := range format.Files() {
		everyKey(f.Form, strings.SplitN(f.Pattern, "/", 2)[0], declared)
	}
	for _, p := range slices.Sorted(maps.Keys(found)) {
		s := found[p]
		plant := func(what string, change func(map[string]any)) {
			kind, _ := format.Of(s.file)
			again := map[string]spot{}
			root := parsed(t, base[s.file].Data)
			spots(s.file, root, kind.Form, "", again)
			change(again[p].in)
			if err := schemas[kind.ID].Validate(root); err == nil {
				t.Errorf("%s: %s is taken by the schema", p, what)
			}
			text, err := yaml.Marshal(root)
			if err != nil {
				t.Fatal(err)
			}
			m := maps.Clone(base)
			m[s.file] = &fstest.MapFile{Data: text}
			if _, _, err := Check(m); err == nil {
				t.Errorf("%s: %s is taken by the reader", p, what)
			}
		}
		plant("an unknown key", func(in map[string]any) { in["no_such_key"] = "x" })
		for _, k := range s.form.Keys {
			tried[p+"."+k.Name] = true
			if k.Required {
				plant("without "+k.Name, func(in map[string]any) { delete(in, k.Name) })
			}
			for what, v := range wrong(k.Form) {
				plant(k.Name+" as "+what, func(in map[string]any) { in[k.Name] = v })
			}
		}
	}
	for key := range declared {
		if place := strings.Replace(key, "calendar-YYYY", "calendar-2026", 1); !tried[place] {
			t.Errorf("no file of the city has the place of %s: nothing was planted there", place)
		}
	}
}

func everyKey(f *document.Form, at string, into map[string]bool) {
	switch f.Kind {
	case document.Mapping:
		for _, k := range f.Keys {
			into[at+"."+k.Name] = true
			everyKey(k.Form, at+"."+k.Name, into)
		}
	case document.List:
		everyKey(f.Each, at+"[]", into)
	case document.Map:
		everyKey(f.Each, at+"{}", into)
	case document.Text, document.Number, document.Decimal, document.Flag:
	}
}

// full is the small city with a file of every kind and a mapping at every place.
func full(t *testing.T) fstest.MapFS {
	t.Helper()
	m := small(t)
	m["codes/colour.yaml"] = &fstest.MapFile{Data: []byte(`set: colour
title: 颜色
standard: GA 24.8
version: "2005"
source: made up
complete: true
length: 1
codes:
  - {value: A, title: 白}
`)}
	edit(t, m, "entities/person.yaml", "authority:\n", "  - {name: YS, title: 颜色, element: status, codes: [{value: A, title: 白}]}\nauthority:\n")
	edit(t, m, "entities/person.yaml", "      LXDH: []\n", "      LXDH: []\n      YS: []\n")
	return m
}

// A default is read like what a person writes, or the reference would lie.
func TestDefaultsAreOfTheirForm(t *testing.T) {
	t.Parallel()
	var look func(f *document.Form)
	look = func(f *document.Form) {
		for _, k := range f.Keys {
			switch d := k.Default; {
			case k.Chinese == "" || k.English == "" || strings.HasSuffix(k.English, ".") || strings.HasSuffix(k.Chinese, "。"):
				t.Errorf("%s is described as %q, %q", k.Name, k.Chinese, k.English)
			case d == "":
			case k.Required:
				t.Errorf("%s is required and has a default", k.Name)
			case k.Form.Kind == document.Number:
				if n, err := strconv.Atoi(d); err != nil || n < k.Form.Least || n > k.Form.Most {
					t.Errorf("%s: default %q", k.Name, d)
				}
			case k.Form.Kind == document.Flag:
				if d != "false" && d != "true" {
					t.Errorf("%s: default %q", k.Name, d)
				}
			case len(k.Form.Words) > 0 && !slices.Contains(k.Form.Words, d), k.Form.Pattern != nil && !k.Form.Pattern.Match(d):
				t.Errorf("%s: default %q", k.Name, d)
			}
			look(k.Form)
		}
		if f.Each != nil {
			look(f.Each)
		}
	}
	for _, f := range format.Files() {
		look(f.Form)
	}
}
