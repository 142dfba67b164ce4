package manifest

import (
	"slices"
	"strconv"

	"github.com/goccy/go-yaml/ast"

	"github.com/yiyuan-bus/yiyuan/schemas/document"
)

// mapping is a YAML mapping, with what is declared of its keys. What is read of it is
// checked by the declaration; a key that is read and not declared is a fault of the build.
type mapping struct {
	node
	form   *document.Form
	names  []string // in order of the file
	keys   map[string]node
	values map[string]node
}

// entries reads a mapping, whatever its keys are.
func (n node) entries(form *document.Form) (mapping, bool) {
	m := mapping{node: n, form: form, keys: map[string]node{}, values: map[string]node{}}
	var pairs []*ast.MappingValueNode
	switch v := n.n.(type) {
	case *ast.MappingNode:
		pairs = v.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{v}
	default:
		return m, n.problem("shape", "这里应是 键：值 的映射", "expected a mapping (key: value)")
	}
	for _, p := range pairs {
		key := p.Key.GetToken().Value
		if _, twice := m.keys[key]; twice {
			n.with(p.Key).problem("duplicate-key", "键 %[1]q 重复", "key %[1]q stands twice", key)
			continue
		}
		m.names = append(m.names, key)
		m.keys[key], m.values[key] = n.with(p.Key), n.with(p.Value)
	}
	return m, true
}

// fields reads a mapping that may have only the declared keys.
func (n node) fields(form *document.Form) (mapping, bool) {
	m, ok := n.entries(form)
	if !ok {
		return m, false
	}
	for _, name := range m.names {
		if form.Key(name) == nil {
			m.keys[name].notAmong("unknown-key", "键", "key", name, form.Names())
		}
	}
	return m, true
}

// key is the declaration of a key.
func (m mapping) key(name string) document.Key {
	if m.form.Kind == document.Map {
		return document.Key{Name: name, Form: m.form.Each, Required: true}
	}
	if k := m.form.Key(name); k != nil {
		return *k
	}
	panic("no key is declared as " + name)
}

func (m mapping) has(key string) bool { return m.values[key].exists() }

// at returns the value of a key, or the mapping itself if the key is absent, so
// that a message always has a place.
func (m mapping) at(key string) node {
	if v, ok := m.values[key]; ok {
		return v
	}
	return m.node
}

// value returns what stands behind a key; false if nothing does, after saying so if it
// must.
func (m mapping) value(key string) (node, document.Key, bool) {
	k := m.key(key)
	v, ok := m.values[key]
	if !ok && k.Required {
		m.problem("missing-key", "缺少 %[1]s（%[2]s）", "%[1]s is missing: %[3]s", key, k.Chinese, k.English)
	}
	return v, k, ok
}

// text returns a text, its default if it is absent.
func (m mapping) text(key string) string {
	s, _ := m.sound(key)
	return s
}

// sound is text, and reports whether it is as it is declared.
func (m mapping) sound(key string) (string, bool) {
	v, k, ok := m.value(key)
	if !ok {
		return k.Default, !k.Required
	}
	s, ok := v.text()
	if !ok {
		return "", false
	}
	switch f := k.Form; {
	case s == "" && (k.Required || len(f.Words) > 0 || f.Pattern != nil):
		return s, v.problem("missing-key", "%[1]s 不能为空", "%[1]s must not be empty", key)
	case len(f.Words) > 0 && !slices.Contains(f.Words, s):
		v.notAmong("bad-value", key+" 的值", "value of "+key, s, f.Words)
		return s, false
	case f.Pattern != nil && !f.Pattern.Match(s):
		return s, v.problem(f.Pattern.Rule, f.Pattern.Chinese, f.Pattern.English, s, f.Pattern.Text)
	}
	return s, true
}

// word returns a text whose words the reader judges itself, because it says more of them.
func (m mapping) word(key string) string {
	v, k, ok := m.value(key)
	if !ok {
		return k.Default
	}
	s, ok := v.text()
	if ok && s == "" {
		v.problem("missing-key", "%[1]s 不能为空", "%[1]s must not be empty", key)
	}
	return s
}

func (m mapping) flag(key string) bool {
	v, k, ok := m.value(key)
	if !ok {
		return k.Default == "true"
	}
	b, ok := v.n.(*ast.BoolNode)
	if !ok {
		return v.problem("bad-value", "%[1]s 只能是 true 或 false", "%[1]s must be true or false", key)
	}
	return b.Value
}

// number returns a whole number, its default if it is absent.
func (m mapping) number(key string) int {
	n, _ := strconv.Atoi(m.key(key).Default) // a test reads every default
	return m.numberOr(key, n)
}

// numberOr is number where the default depends on something else.
func (m mapping) numberOr(key string, absent int) int {
	v, k, ok := m.value(key)
	if !ok {
		return absent
	}
	if n, whole := document.Whole(v.n); whole && n >= k.Form.Least && n <= k.Form.Most {
		return n
	}
	v.problem("bad-value", "%[1]s 应是 %[2]d 到 %[3]d 的整数，只用数字书写", "%[1]s must be a whole number of %[2]d to %[3]d, in plain digits", key, k.Form.Least, k.Form.Most)
	return absent
}

func (m mapping) float(key string) *float64 {
	v, _, ok := m.value(key)
	if !ok {
		return nil
	}
	if f, ok := document.Fraction(v.n); ok {
		return &f
	}
	v.problem("bad-value", "%[1]s 应是数字，只用十进制书写", "%[1]s must be a number, in decimal digits", key)
	return nil
}

// list returns the items of a list, none if it is absent.
func (m mapping) list(key string) []node {
	v, k, ok := m.value(key)
	if !ok {
		return nil
	}
	items, ok := v.items()
	if ok && len(items) == 0 && k.Form.Some {
		v.problem("missing-key", "%[1]s 不能为空", "%[1]s must not be empty", key)
	}
	return items
}

// each returns the items of a list of mappings, those that are mappings.
func (m mapping) each(key string) []mapping {
	var all []mapping
	for _, item := range m.list(key) {
		if one, ok := item.fields(m.key(key).Form.Each); ok {
			all = append(all, one)
		}
	}
	return all
}

// texts returns a list of texts, each once.
func (m mapping) texts(key string) (names []string, at []node) {
	for _, item := range m.list(key) {
		s, ok := item.text()
		if !ok {
			continue
		}
		if slices.Contains(names, s) {
			item.problem("duplicate", "%[1]q 重复", "%[1]q stands twice", s)
			continue
		}
		names, at = append(names, s), append(at, item)
	}
	return names, at
}

// part returns the mapping behind a key; false if there is none.
func (m mapping) part(key string) (mapping, bool) {
	v, k, ok := m.value(key)
	if !ok {
		return mapping{}, false
	}
	return v.fields(k.Form)
}

// table returns the mapping behind a key whose keys are names that the file gives:
// those that are written as declared. It is empty if there is none.
func (m mapping) table(key string) mapping {
	v, k, ok := m.value(key)
	if !ok {
		return mapping{form: k.Form}
	}
	t, _ := v.entries(k.Form)
	p := k.Form.Pattern
	t.names = slices.DeleteFunc(t.names, func(name string) bool {
		return p != nil && !p.Match(name) && !t.keys[name].problem(p.Rule, p.Chinese, p.English, name, p.Text)
	})
	return t
}
