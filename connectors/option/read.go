package option

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Read fills a struct from what a configuration gives, its defaults first. All that is
// wrong is told together, each an ErrConfig, with what is allowed; no value is shown.
func Read(given map[string]any, into Declarer) error {
	return (&reader{}).options(given, into, "")
}

// Check is Read without what lies beside the configuration: secrets need not be at
// hand where it is checked.
func Check(given map[string]any, into Declarer) error {
	return (&reader{form: true}).options(given, into, "")
}

type reader struct{ form bool } // secrets by their form only

func (r *reader) options(given map[string]any, into Declarer, path string) error {
	var problems []error
	options := declared(into)
	for _, o := range options {
		problems = append(problems, r.option(given, o, path))
	}
	known := names(options)
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(known, name) {
			problems = append(problems, At(path+name, fmt.Errorf("没有选项 %[2]s，可用的有 %[1]s / unknown option %[2]q%[3]s, allowed are %[1]s: %[4]w", strings.Join(known, " "), path+name, Nearest(name, known), ErrConfig)))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	for _, o := range options { // of options that are not sound nothing can be said
		for _, m := range o.musts {
			if !m.holds() {
				problems = append(problems, wrong(path+o.name, m.zh, m.en))
			}
		}
	}
	return errors.Join(problems...)
}

func (r *reader) option(given map[string]any, o *Option, path string) error {
	if o.fallback != nil {
		if err := r.value(o.fallback, o.into, path+o.name); err != nil {
			return err
		}
	}
	value, ok := given[o.name]
	if _, itself := o.into.Addr().Interface().(Value); !ok || value == nil && !itself {
		if o.required {
			return At(path+o.name, fmt.Errorf("缺少选项 %[1]s（%[2]s）/ option %[1]q is missing: %[3]s: %[4]w", path+o.name, o.zh, o.en, ErrConfig))
		}
		return nil
	}
	if err := r.value(value, o.into, path+o.name); err != nil {
		return err
	}
	return r.within(o, path)
}

// within holds a value against the words and bounds of its option.
func (r *reader) within(o *Option, path string) error {
	if len(o.words) > 0 && !slices.Contains(o.words, o.into.String()) {
		return wrong(path+o.name, "其中之一："+strings.Join(o.words, " "), "one of "+strings.Join(o.words, " ")+Nearest(o.into.String(), o.words))
	}
	if o.least != "" && r.compare(o, o.least) < 0 {
		return wrong(path+o.name, "至少 "+o.least, o.least+" at least")
	}
	if o.most != "" && r.compare(o, o.most) > 0 {
		return wrong(path+o.name, "至多 "+o.most, o.most+" at most")
	}
	return nil
}

func (r *reader) compare(o *Option, written string) int {
	bound := reflect.New(o.into.Type()).Elem()
	if err := r.value(unwritten(written, bound), bound, o.name); err != nil {
		panic(err) // declared has read it
	}
	if bound.CanFloat() {
		return cmp.Compare(o.into.Float(), bound.Float())
	}
	return cmp.Compare(o.into.Int(), bound.Int())
}

// unwritten is a bound as a configuration would give it.
func unwritten(written string, v reflect.Value) any {
	if kind, _, _ := kindOf(v); kind == "number" {
		if n, err := strconv.Atoi(written); err == nil {
			return n
		}
	}
	return written
}

func (r *reader) value(given any, v reflect.Value, path string) error {
	if given != nil && reflect.TypeOf(given) == v.Type() && v.Kind() != reflect.Map && v.Kind() != reflect.Slice {
		v.Set(reflect.ValueOf(given)) // by wiring or a test, which have it at hand
		return nil
	}
	_, zh, en := kindOf(v)
	var ok bool
	switch t := v.Addr().Interface().(type) {
	case Value:
		ok = t.Take(given)
	case *Secret:
		return r.secret(given, t, path)
	case *Size:
		*t, ok = parseSize(given)
	case *time.Duration:
		text, is := given.(string)
		d, err := time.ParseDuration(text)
		*t, ok = d, is && err == nil && d >= 0
	default:
		return r.plain(given, v, path)
	}
	if !ok {
		return wrong(path, zh, en)
	}
	return nil
}

func (r *reader) secret(given any, into *Secret, path string) error {
	text, ok := given.(string)
	if !ok || r.form && !strings.HasPrefix(text, "env:") && !strings.HasPrefix(text, "file:") {
		return wrong(path, "env:变量名 或 file:路径，不要直接写口令", "env:NAME or file:PATH, not the secret itself")
	}
	if r.form {
		return nil
	}
	secret, err := ResolveSecret(text)
	if err != nil {
		return fmt.Errorf("option %q: %w", path, err)
	}
	*into = secret
	return nil
}

func (r *reader) plain(given any, v reflect.Value, path string) error {
	_, zh, en := kindOf(v)
	ok := false
	switch v.Kind() {
	case reflect.String:
		var s string
		if s, ok = given.(string); ok {
			v.SetString(s)
		}
	case reflect.Bool:
		var b bool
		if b, ok = given.(bool); ok {
			v.SetBool(b)
		}
	case reflect.Int, reflect.Int64:
		var n int64
		if n, ok = Whole(given); ok {
			v.SetInt(n)
		}
	case reflect.Slice:
		if items, is := Items(given); is {
			return r.slice(items, v, path)
		}
	case reflect.Map:
		if m, is := texts(given); is {
			return r.mapping(m, v, path)
		}
	default: // no option is of the other kinds
	}
	if !ok {
		return wrong(path, zh, en)
	}
	return nil
}

func (r *reader) slice(items []any, v reflect.Value, path string) error {
	out := reflect.MakeSlice(v.Type(), len(items), len(items))
	var problems []error
	for i, item := range items {
		problems = append(problems, r.value(item, out.Index(i), fmt.Sprintf("%s[%d]", path, i)))
	}
	v.Set(out)
	return errors.Join(problems...)
}

func (r *reader) mapping(m map[string]any, v reflect.Value, path string) error {
	out := reflect.MakeMapWithSize(v.Type(), len(m))
	var problems []error
	for _, k := range slices.Sorted(maps.Keys(m)) {
		item := reflect.New(v.Type().Elem())
		if each, ok := item.Interface().(Declarer); ok {
			inner, is := texts(m[k])
			if m[k] != nil && !is {
				problems = append(problems, wrong(path+"."+k, "映射", "a map"))
				continue
			}
			problems = append(problems, r.options(inner, each, path+"."+k+"."))
		} else if m[k] != nil {
			problems = append(problems, r.value(m[k], item.Elem(), path+"."+k))
		}
		out.SetMapIndex(reflect.ValueOf(k), item.Elem())
	}
	v.Set(out)
	return errors.Join(problems...)
}

// wrong is the error of an option that is not what it must be.
func wrong(path, zh, en string) error {
	return At(path, fmt.Errorf("选项 %[1]s 须为%[2]s / option %[1]q: want %[3]s: %[4]w", path, spaced(zh), en, ErrConfig))
}

// spaced puts a blank between Chinese and what is none.
func spaced(zh string) string {
	if zh != "" && zh[0] < 0x80 {
		return " " + zh
	}
	return zh
}

// Items are the items of a list, none of them nil.
func Items(given any) ([]any, bool) {
	v := reflect.ValueOf(given)
	if v.Kind() != reflect.Slice {
		return nil, false
	}
	items := make([]any, v.Len())
	for i := range items {
		items[i] = v.Index(i).Interface()
		if items[i] == nil {
			return nil, false
		}
	}
	return items, true
}

func texts(given any) (map[string]any, bool) {
	v := reflect.ValueOf(given)
	if v.Kind() != reflect.Map {
		return nil, false
	}
	m := make(map[string]any, v.Len())
	for it := v.MapRange(); it.Next(); {
		k, ok := it.Key().Interface().(string)
		if !ok {
			return nil, false
		}
		m[k] = it.Value().Interface()
	}
	return m, true
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
