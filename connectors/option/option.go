// Package option is the one place in which an option of a source is declared: what it
// is called, what it means, what it is when nobody gives it, and what it may be. By that
// one declaration it is read, checked before anything is opened, defaulted, and
// described in docs/reference/sources.md.
//
//	type Options struct {
//		Dir    string
//		Settle time.Duration
//	}
//
//	func (o *Options) Declare(l *option.List) {
//		l.Add(&o.Dir, "dir", "投放目录", "the drop folder").Required()
//		l.Add(&o.Settle, "settle", "静止多久才取", "how long it must lie still").Default("2s").Least("10ms")
//	}
//
// An option is a string, bool, int, time.Duration, Size, Secret or Value; a []string or
// a map[string]string; or a map of structs that declare options of their own.
package option

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"
)

// ErrConfig marks an error that only another configuration can mend.
var ErrConfig = errors.New("configuration error")

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

// Add declares an option: the field that it fills, its name, and what it means in
// Chinese and in English, without a full stop.
func (l *List) Add(field any, name, zh, en string) *Option {
	o := &Option{name: name, zh: zh, en: en, into: reflect.ValueOf(field).Elem()}
	l.options = append(l.options, o)
	return o
}

// Required says that there is no default.
func (o *Option) Required() *Option {
	o.required = true
	return o
}

// Default is what the option is when it is not given, written as a person would: "2s",
// "4GiB", 1000. Without one it is empty, zero, false.
func (o *Option) Default(written any) *Option {
	o.fallback = written
	return o
}

// OneOf lists the words that it may be.
func (o *Option) OneOf(words ...string) *Option {
	o.words = words
	return o
}

// Least is what it must be at least, written as a person would.
func (o *Option) Least(written string) *Option {
	o.least = written
	return o
}

// Most is what it may be at most, written as a person would.
func (o *Option) Most(written string) *Option {
	o.most = written
	return o
}

// Must adds what else must hold, once all options are read: zh and en say what is wanted.
func (o *Option) Must(holds func() bool, zh, en string) *Option {
	o.musts = append(o.musts, must{holds, zh, en})
	return o
}

// declared returns the options of a struct. A declaration that cannot be is a fault of
// the build: it panics, and the first test of the kind tells.
func declared(of Declarer) []*Option {
	l := &List{}
	of.Declare(l)
	for i, o := range l.options {
		if slices.ContainsFunc(l.options[:i], func(p *Option) bool { return p.name == o.name }) {
			panic(fmt.Sprintf("option %q is declared twice", o.name))
		}
		if k, _, _ := kindOf(o.into); k == "" {
			panic(fmt.Sprintf("option %q: no option can be a %s", o.name, o.into.Type()))
		}
		for _, written := range []any{o.fallback, unwritten(o.least, o.into), unwritten(o.most, o.into)} {
			if written == nil || written == "" {
				continue
			}
			if err := (&reader{}).value(written, reflect.New(o.into.Type()).Elem(), o.name); err != nil {
				panic(fmt.Sprintf("option %q is declared with %v: %v", o.name, written, err))
			}
		}
	}
	return l.options
}

// Doc is one option as the documentation shows it.
type Doc struct {
	Name, Kind, Default string
	Required            bool
	Chinese, English    string
	Of                  []Doc // of a map: what each of its values has
}

// Docs describes the options of a struct, in the order in which they are declared.
func Docs(of Declarer) []Doc {
	var out []Doc
	for _, o := range declared(of) {
		kind, _, _ := kindOf(o.into)
		d := Doc{Name: o.name, Kind: kind, Required: o.required, Chinese: o.zh, English: o.en}
		if o.fallback != nil {
			d.Default = fmt.Sprint(o.fallback)
		}
		for _, b := range []struct{ written, zh, en string }{{o.least, "至少 ", "at least "}, {o.most, "至多 ", "at most "}} {
			if b.written != "" {
				d.Chinese += "；" + b.zh + b.written
				d.English += "; " + b.en + b.written
			}
		}
		if o.into.Kind() == reflect.Map {
			if each, ok := reflect.New(o.into.Type().Elem()).Interface().(Declarer); ok {
				d.Of = Docs(each)
			}
		}
		out = append(out, d)
	}
	return out
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
