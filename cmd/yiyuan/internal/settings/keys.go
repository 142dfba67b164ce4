package settings

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas/document"
)

// Nearest returns the known name most like the one given, as a question to put
// behind an error; "" if none is like it.
func Nearest(name string, known []string) string {
	best, distance := "", max(3, len(name)/4)
	for _, k := range known {
		if d := document.Distance(strings.ToLower(name), strings.ToLower(k)); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("，是不是 / did you mean %q?", best)
}

// AllKeys lists every leaf of config, dotted, in the order of the structs.
func AllKeys() []string {
	var keys []string
	eachLeaf(reflect.TypeFor[Config](), "", func(key string, _ reflect.Type) { keys = append(keys, key) })
	return keys
}

// leaves is the type of every leaf.
func leaves() map[string]reflect.Type {
	leaves := map[string]reflect.Type{}
	eachLeaf(reflect.TypeFor[Config](), "", func(key string, t reflect.Type) { leaves[key] = t })
	return leaves
}

func eachLeaf(t reflect.Type, prefix string, visit func(key string, t reflect.Type)) {
	for i := range t.NumField() {
		f := t.Field(i)
		name := prefix + f.Tag.Get("mapstructure")
		if f.Type.Kind() == reflect.Struct {
			eachLeaf(f.Type, name+".", visit)
			continue
		}
		visit(name, f.Type)
	}
}

// Leaf finds a dotted key in the configuration, with what its tag says of it.
func Leaf(v reflect.Value, key string) (value reflect.Value, about string) {
	name, rest, more := strings.Cut(key, ".")
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		if tag.Get("mapstructure") != name {
			continue
		}
		if more {
			return Leaf(v.Field(i), rest)
		}
		return v.Field(i), tag.Get("about")
	}
	panic("no such key: " + key) // keys come from the same type
}
