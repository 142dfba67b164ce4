package option

import (
	"reflect"
	"time"
)

// Declarer is a struct whose fields are options.
type Declarer interface {
	// Declare adds the options to the list, each with the field that it fills.
	Declare(l *List)
}

// Value is a type of option that reads itself.
type Value interface {
	// Take reads what stands in the configuration, nil included, and reports whether
	// it can be taken.
	Take(given any) bool
	// Kind is the word for it in the documentation, and want what it must be.
	Kind() (kind, zh, en string)
}

// List is the options of one struct.
type List struct{ options []*Option }

// Option is one of them. Its methods narrow what it may be.
type Option struct {
	name, zh, en string
	into         reflect.Value // of the field
	required     bool
	fallback     any
	words        []string
	least, most  string
	musts        []must
}

type must struct {
	holds  func() bool
	zh, en string
}

// names are the options' names, as they are declared.
func names(options []*Option) []string {
	out := make([]string, len(options))
	for i, o := range options {
		out[i] = o.name
	}
	return out
}

// kindOf is the word for a type of option, "" if none has it, and what one must be.
func kindOf(v reflect.Value) (kind, zh, en string) {
	switch t := v.Addr().Interface().(type) {
	case Value:
		return t.Kind()
	case *Secret:
		return "secret", "env:变量名 或 file:路径", "env:NAME or file:PATH"
	case *Size:
		return "size", "大小，如 1048576、512KiB、1MiB", "a size such as 1048576, 512KiB, 1MiB"
	case *time.Duration:
		return "duration", "时长，如 500ms、10s、24h", "a duration such as 500ms, 10s, 24h"
	}
	switch v.Kind() {
	case reflect.String:
		return "text", "文字", "text"
	case reflect.Bool:
		return "true/false", "true 或 false", "true or false"
	case reflect.Int, reflect.Int64:
		return "number", "整数", "a whole number"
	case reflect.Slice:
		return "list", "列表", "a list"
	case reflect.Map:
		return "map", "映射", "a map"
	default: // no option is of the other kinds
		return "", "", ""
	}
}
