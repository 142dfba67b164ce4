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
	"reflect"
)

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
