package format

import (
	"github.com/yiyuan-bus/yiyuan/schemas/document"
)

// How the declarations of the other files are written.

func need(name string, f *document.Form, chinese, english string) document.Key {
	return document.Key{Name: name, Form: f, Required: true, Chinese: chinese, English: english}
}

func may(name string, f *document.Form, chinese, english string) document.Key {
	return document.Key{Name: name, Form: f, Chinese: chinese, English: english}
}

func or(absent string, k document.Key) document.Key {
	k.Default = absent
	return k
}

func mapping(keys ...document.Key) *document.Form {
	return &document.Form{Kind: document.Mapping, Keys: keys}
}

func list(each *document.Form) *document.Form {
	return &document.Form{Kind: document.List, Each: each}
}

func some(each *document.Form) *document.Form {
	return &document.Form{Kind: document.List, Each: each, Some: true}
}

func named(names *document.Pattern, each *document.Form) *document.Form {
	return &document.Form{Kind: document.Map, Pattern: names, Each: each}
}

func words(all ...string) *document.Form { return &document.Form{Kind: document.Text, Words: all} }

func written(p *document.Pattern) *document.Form {
	return &document.Form{Kind: document.Text, Pattern: p}
}

func number(least, most int) *document.Form {
	return &document.Form{Kind: document.Number, Least: least, Most: most}
}

func name(text string, most int) *document.Pattern {
	return document.NewPattern("bad-name", text, most, "名称 %[1]q 不合规则: %[2]s", "name %[1]q must match %[2]s")
}

func value(text, chinese, english string) *document.Pattern {
	return document.NewPattern("bad-value", text, 0, chinese, english)
}

var (
	text    = &document.Form{Kind: document.Text}
	flag    = &document.Form{Kind: document.Flag}
	decimal = &document.Form{Kind: document.Decimal}
	texts   = &document.Form{Kind: document.List, Each: text, Unique: true}
	several = &document.Form{Kind: document.List, Each: text, Unique: true, Some: true}
)
