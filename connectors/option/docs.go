package option

import (
	"fmt"
	"reflect"
)

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
