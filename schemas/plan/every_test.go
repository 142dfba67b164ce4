package plan

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/document"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest/format"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// site is one place of a catalogue that a declared key has.
type site struct {
	key, path string
	form      *document.Form
}

// sites finds a place of every declared key in what a file says, also of those that it
// leaves out.
func sites(v any, f *document.Form, key, path string, found map[string]site) {
	switch f.Kind {
	case document.Mapping:
		m, ok := v.(map[string]any)
		if !ok {
			return
		}
		for i := range f.Keys {
			k := &f.Keys[i]
			at := site{key + "." + k.Name, join(path, k.Name), k.Form}
			if _, known := found[at.key]; !known {
				found[at.key] = at
			}
			if m[k.Name] != nil {
				sites(m[k.Name], k.Form, at.key, at.path, found)
			}
		}
	case document.List:
		if all, ok := v.([]any); ok && f.Each.Kind == document.Mapping {
			items, order := named(all, f.Each)
			for _, name := range order {
				sites(items[name], f.Each, key+"[]", path+"["+name+"]", found)
			}
		}
	case document.Map:
		if m, ok := v.(map[string]any); ok {
			for _, name := range slices.Sorted(maps.Keys(m)) {
				sites(m[name], f.Each, key+"{}", join(path, name), found)
			}
		}
	case document.Text, document.Number, document.Decimal, document.Flag:
	}
}

// put returns v with another value at a path of it.
func put(v any, f *document.Form, path, at string) any {
	if path == at {
		switch was := v.(type) {
		case []any:
			return append(slices.Clone(was), "planted")
		case map[string]any:
			next := maps.Clone(was)
			next["planted"] = "planted"
			return next
		}
		return "planted"
	}
	switch v := v.(type) {
	case map[string]any:
		next := maps.Clone(v)
		for _, name := range namesBelow(v, f) {
			if below := join(path, name); at == below || strings.HasPrefix(at, below+".") || strings.HasPrefix(at, below+"[") {
				form := f.Each
				if f.Kind == document.Mapping {
					form = f.Key(name).Form
				}
				next[name] = put(v[name], form, below, at)
			}
		}
		return next
	case []any:
		next := slices.Clone(v)
		_, order := named(v, f.Each)
		for i, name := range order {
			if below := path + "[" + name + "]"; strings.HasPrefix(at, below) {
				next[i] = put(v[i], f.Each, below, at)
			}
		}
		return next
	}
	return v
}

func namesBelow(m map[string]any, f *document.Form) []string {
	if f.Kind == document.Mapping {
		return f.Names()
	}
	return slices.Sorted(maps.Keys(m))
}

// TestEveryKeyIsTold plants another value at every declared key of the sample city, one
// after the other: not one is silent, and none that a rule does not speak of in words of
// its own goes without file and key, whatever else changes in the same file.
func TestEveryKeyIsTold(t *testing.T) {
	t.Parallel()
	m := files(t, yunling.Files())
	edit(t, m, person, "authority:\n", "  - {name: YS, title: 颜色, element: status, codes: [{value: A, title: 白, english: White}]}\nauthority:\n")
	edit(t, m, person, "views:\n", "      YS: []\nviews:\n")
	cat := load(t, m)
	planted := 0
	declared := map[string]bool{}
	for _, kind := range format.Files() {
		found := map[string]site{}
		where := map[string]string{}
		for _, name := range slices.Sorted(maps.Keys(cat.Written)) {
			if k, _ := format.Of(name); k.ID == kind.ID {
				before := maps.Clone(found)
				sites(cat.Written[name], kind.Form, kind.ID, "", found)
				for key, s := range found {
					if before[key] != s {
						where[key] = name
					}
				}
			}
		}
		everyKey(kind.Form, kind.ID, declared)
		for key, s := range found {
			if holds(s.form) || spoken[key] || spoken[key[:strings.LastIndex(key, ".")]] && naming[key[strings.LastIndex(key, ".")+1:]] {
				delete(declared, key) // what it holds is planted, or TestPlanted plants it
				continue
			}
			planted++
			delete(declared, key)
			name := where[key]
			next := *cat
			next.Version, next.Written = "planted", maps.Clone(cat.Written)
			next.Written[name] = put(cat.Written[name], kind.Form, "", s.path)
			d := &difference{plan: &Plan{}, judge: func(string, *schemas.Layout, *schemas.Layout) error { return nil }}
			d.all(cat, &next)
			if !slices.ContainsFunc(d.plan.Compatible, func(c Change) bool {
				return c.File == name && (strings.HasPrefix(c.Field, s.path) || strings.HasPrefix(s.path, c.Field[:strings.LastIndexAny("["+c.Field, "[")]) && strings.Contains(c.Field, "["))
			}) {
				t.Errorf("%s: nobody is told that %s (%s) differs: %v", name, s.path, key, d.plan.Compatible)
			}
		}
	}
	for key := range declared {
		if !spoken[key] {
			t.Errorf("the sample city has no place for %s: nothing was planted there", key)
		}
	}
	if planted < 100 {
		t.Errorf("only %d keys were planted", planted)
	}
}

// naming are the keys that name an item of a list.
var naming = map[string]bool{"id": true, "name": true, "version": true}

// holds reports whether a value is made of others that are planted one by one.
func holds(f *document.Form) bool {
	return f.Kind == document.Mapping || f.Each != nil && f.Each.Kind == document.Mapping
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
