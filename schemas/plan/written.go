package plan

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/document"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest/format"
)

// spoken are the declared keys of which a rule of this package tells every change in words
// of its own. All others are told by file and key, whatever else the change does: a key
// that comes to the format is told before anybody has thought of it.
var spoken = map[string]bool{
	"dataset.key": true, "dataset.code": true, "dataset.class": true, "dataset.cycle": true, "dataset.provider": true,
	"dataset.fields[]": true, "dataset.views{}": true, "entity.views{}": true, "entity.fields[]": true, "entity.authority[]": true,
	"departments.departments[]": true, "purposes.purposes[]": true,
	"dataset.views{}.audience": true, "entity.views{}.audience": true,
}

// keys tells every declared key whose value differs.
func (d *difference) keys(old, next *schemas.Catalogue) {
	all := map[string]any{}
	maps.Copy(all, old.Written)
	maps.Copy(all, next.Written)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		f, known := format.Of(name)
		was, had := old.Written[name]
		is, has := next.Written[name]
		switch {
		case !known:
		case had && has:
			w := walk{d: d, file: name}
			w.value(was, is, f.Form, f.ID, "")
		case f.ID != "calendar" && f.ID != "codes": // told as what it defines
		case has:
			d.note(Added, about{of: name, file: name}, "新增文件 %[1]s", "new file %[1]s", name)
		default:
			d.remove(about{of: name, file: name}, "删除文件 %[1]s", "file %[1]s is removed", name)
		}
	}
}

// walk compares what stands in one file by the declaration of its keys.
type walk struct {
	d    *difference
	file string
}

// value compares what stands at a place: the declared key, and the path in this file.
func (w walk) value(old, next any, f *document.Form, key, path string) {
	if reflect.DeepEqual(old, next) {
		return
	}
	switch was := old.(type) {
	case map[string]any:
		if now, ok := next.(map[string]any); ok {
			w.pairs(was, now, f, key, path)
			return
		}
	case []any:
		if now, ok := next.([]any); ok && f.Kind == document.List && f.Each.Kind == document.Mapping {
			w.items(was, now, f.Each, key, path)
			return
		}
	}
	if !spoken[key] {
		w.tell(path, old, next)
	}
}

func (w walk) pairs(old, next map[string]any, f *document.Form, key, path string) {
	all := maps.Clone(old)
	maps.Copy(all, next)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		form, below, at := f.Each, key+"{}", join(path, name)
		if f.Kind == document.Mapping {
			k := f.Key(name)
			if k == nil {
				continue
			}
			form, below = k.Form, key+"."+name
		}
		w.value(old[name], next[name], form, below, at)
	}
}

// items compares lists of mappings by what names each of them, and their order.
func (w walk) items(old, next []any, each *document.Form, key, path string) {
	before, first := named(old, each)
	after, then := named(next, each)
	all := maps.Clone(before)
	maps.Copy(all, after)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		w.value(before[name], after[name], each, key+"[]", path+"["+name+"]")
	}
	kept := func(order []string) []string {
		return slices.DeleteFunc(slices.Clone(order), func(name string) bool { return before[name] == nil || after[name] == nil })
	}
	if a, b := kept(first), kept(then); !slices.Equal(a, b) {
		w.tell(path, strings.Join(a, " "), strings.Join(b, " "))
	}
}

// named returns the items of a list by what their first keys say, as many of them as tell
// the items apart, and the names in the order of the list.
func named(list []any, each *document.Form) (map[string]any, []string) {
	items, order := map[string]any{}, []string{}
	for i, item := range list {
		m, _ := item.(map[string]any)
		var parts []string
		for _, k := range []string{"id", "name", "value", "code", "version", "entity", "dataset", "role"} {
			if v, ok := m[k].(string); ok && each.Key(k) != nil {
				parts = append(parts, v)
				if k != "entity" && k != "dataset" {
					break
				}
			}
		}
		name := cmp.Or(strings.Join(parts, "/"), strconv.Itoa(i+1))
		for n := 2; items[name] != nil; n++ {
			name = strings.Join(parts, "/") + "#" + strconv.Itoa(n)
		}
		items[name] = item
		order = append(order, name)
	}
	return items, order
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func (w walk) tell(path string, old, next any) {
	w.d.note(Changed, about{of: w.file, field: path, file: w.file}, "改动 %[1]s：%[2]s → %[3]s", "changed %[1]s: %[4]s to %[5]s", path, brief(old, "（无）"), brief(next, "（无）"), brief(old, "nothing"), brief(next, "nothing"))
}

// brief writes a value on a line, no longer than a line is read.
func brief(v any, none string) string {
	const most = 60
	if v == nil {
		return none
	}
	text := []rune(strings.ReplaceAll(flat(v), "\n", " "))
	if len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(text)
}

func flat(v any) string {
	switch v := v.(type) {
	case []any:
		all := make([]string, len(v))
		for i := range v {
			all[i] = flat(v[i])
		}
		return "[" + strings.Join(all, " ") + "]"
	case map[string]any:
		var all []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			all = append(all, k+": "+flat(v[k]))
		}
		return "{" + strings.Join(all, ", ") + "}"
	}
	return fmt.Sprint(v)
}
