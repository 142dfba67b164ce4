package avro

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
)

// Parse reads a schema. The texts of the schemas that it names without defining
// them come before it, each after those that it needs itself. Errors are *Error.
func Parse(text string, size int, before ...string) (*Schema, error) {
	p := parser{names: map[string]*Schema{}}
	for _, other := range before {
		if _, err := p.text(other, size); err != nil {
			return nil, fmt.Errorf("referenced schema: %w", err)
		}
	}
	s, err := p.text(text, size)
	if err != nil {
		return nil, err
	}
	for _, d := range p.defaults { // last: a default may be of a type defined further down
		budget := maxSteps
		if !fits(d.typ, d.value, &budget, 0) {
			return nil, &Error{d.path, "默认值与类型不符", "the default does not fit the type"}
		}
	}
	return s, nil
}

type parser struct {
	names    map[string]*Schema
	types    int
	defaults []preset
}

// preset is a default to be looked at once all names are known.
type preset struct {
	path  string
	typ   *Schema
	value any
}

func (p *parser) text(text string, size int) (*Schema, error) {
	tree, err := Tree(text, size, maxNesting)
	if err != nil {
		return nil, err
	}
	return p.schema(tree, "", "")
}

var word = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// schema reads a type: its name, its object, or the list of a union.
func (p *parser) schema(tree any, path, space string) (*Schema, error) {
	if p.types++; p.types > maxTypes {
		return nil, &Error{path, "类型过多", fmt.Sprintf("more than %d types", maxTypes)}
	}
	switch t := tree.(type) {
	case string:
		return p.byName(t, path, space)
	case []any:
		return p.union(t, path, space)
	case map[string]any:
		switch of := t["type"].(type) {
		case string:
			return p.object(t, of, path, space)
		case map[string]any, []any:
			return p.schema(of, path, space) // {"type": {"type": …}}, which many libraries write
		}
	}
	return nil, &Error{path, "须为类型名、对象或联合", "want the name of a type, an object or a union"}
}

func (p *parser) byName(name, path, space string) (*Schema, error) {
	if primitives[name] {
		return &Schema{Kind: Kind(name)}, nil
	}
	for _, full := range []string{qualify(name, space), name} {
		if s := p.names[full]; s != nil {
			return s, nil
		}
	}
	if len(name) > 80 || !word.MatchString(strings.ReplaceAll(name, ".", "_")) {
		name = "?"
	}
	return nil, &Error{path, "没有定义类型 " + name + "（引用其他模式须列在 references 中）", "type " + name + " is not defined (schemas of others are listed in references)"}
}

func (p *parser) union(branches []any, path, space string) (*Schema, error) {
	u := &Schema{Kind: Union}
	seen := map[string]bool{}
	for i, branch := range branches {
		at := fmt.Sprintf("%s[%d]", path, i)
		s, err := p.schema(branch, at, space)
		if err != nil {
			return nil, err
		}
		id := string(s.Kind) + " " + s.name
		switch {
		case s.Kind == Union:
			return nil, &Error{at, "联合不能直接包含联合", "a union may not hold a union"}
		case seen[id]:
			return nil, &Error{at, "联合中类型重复", "a type stands twice in the union"}
		}
		seen[id] = true
		u.of = append(u.of, s)
	}
	return u, nil
}

func (p *parser) object(t map[string]any, kind, path, space string) (*Schema, error) {
	switch Kind(kind) {
	case Record, "error":
		return p.record(t, path, space)
	case Enum:
		return p.enum(t, path, space)
	case Fixed:
		return p.fixed(t, path, space)
	case Array, Map:
		member := "items"
		if kind == string(Map) {
			member = "values"
		}
		of, err := p.schema(t[member], path+"."+member, space)
		if err != nil {
			return nil, err
		}
		return &Schema{Kind: Kind(kind), of: []*Schema{of}}, nil
	default: // a primitive or the name of a type
	}
	s, err := p.byName(kind, path, space)
	if err == nil && kind == "bytes" {
		s.decimal = decimalOf(t, math.MaxInt32)
	}
	return s, err
}

// define reads the name of a type, and its aliases, and makes it known.
func (p *parser) define(kind Kind, t map[string]any, path, space string) (s *Schema, at, inner string, err error) {
	name, _ := t["name"].(string)
	if own, ok := t["namespace"].(string); ok {
		space = own
	}
	full := qualify(name, space)
	for part := range strings.SplitSeq(full, ".") {
		if !word.MatchString(part) {
			return nil, path, "", &Error{path, "名称只能是字母、数字、下划线，且不以数字开头", "a name is letters, digits and underscores, no digit first"}
		}
	}
	if primitives[full] {
		return nil, path, "", &Error{path, "名称与基本类型相同", "a type cannot be called as a primitive one is"}
	}
	if path == "" {
		path = full
	}
	if p.names[full] != nil {
		return nil, path, "", &Error{path, "类型 " + full + " 重复定义", "type " + full + " is defined twice"}
	}
	if i := strings.LastIndexByte(full, '.'); i >= 0 {
		inner = full[:i]
	}
	s = &Schema{Kind: kind, name: full}
	if s.aliases, err = names(t["aliases"], path); err != nil {
		return nil, path, "", err
	}
	for i, alias := range s.aliases {
		s.aliases[i] = qualify(alias, inner)
	}
	p.names[full] = s
	return s, path, inner, nil
}

func (p *parser) record(t map[string]any, path, space string) (*Schema, error) {
	s, path, space, err := p.define(Record, t, path, space)
	if err != nil {
		return nil, err
	}
	list, ok := t["fields"].([]any)
	if !ok {
		return nil, &Error{path, "记录须有 fields", "a record must have fields"}
	}
	taken := map[string]bool{}
	for i, item := range list {
		object, _ := item.(map[string]any)
		f := field{}
		f.name, _ = object["name"].(string)
		if !word.MatchString(f.name) || taken[f.name] {
			return nil, &Error{fmt.Sprintf("%s[%d]", path, i), "字段名有误或重复", "the name of the field is malformed or stands twice"}
		}
		taken[f.name] = true
		at := path + "." + f.name
		if f.aliases, err = names(object["aliases"], at); err != nil {
			return nil, err
		}
		if order, given := object["order"]; given && order != "ascending" && order != "descending" && order != "ignore" {
			return nil, &Error{at, "order 可为 ascending、descending、ignore", "order is ascending, descending or ignore"}
		}
		if f.typ, err = p.schema(object["type"], at, space); err != nil {
			return nil, err
		}
		var value any
		if value, f.preset = object["default"]; f.preset {
			p.defaults = append(p.defaults, preset{at, f.typ, value})
		}
		s.fields = append(s.fields, f)
	}
	return s, nil
}

func (p *parser) enum(t map[string]any, path, space string) (*Schema, error) {
	s, path, _, err := p.define(Enum, t, path, space)
	if err != nil {
		return nil, err
	}
	if s.symbols, err = names(t["symbols"], path); err != nil {
		return nil, err
	}
	s.known = make(map[string]bool, len(s.symbols))
	for _, symbol := range s.symbols {
		if !word.MatchString(symbol) || s.known[symbol] {
			return nil, &Error{path, "枚举值有误或重复", "a symbol is malformed or stands twice"}
		}
		s.known[symbol] = true
	}
	if value, ok := t["default"]; ok {
		if s.preset, _ = value.(string); !s.known[s.preset] {
			return nil, &Error{path, "枚举的默认值不在其中", "the default is none of the symbols"}
		}
	}
	return s, nil
}

func (p *parser) fixed(t map[string]any, path, space string) (*Schema, error) {
	s, path, _, err := p.define(Fixed, t, path, space)
	if err != nil {
		return nil, err
	}
	size, ok := whole(t["size"])
	if !ok || size < 0 || size > math.MaxInt32 {
		return nil, &Error{path, "fixed 须有非负的 size", "a fixed must have a size that is not negative"}
	}
	s.size = int(size)
	// As many digits as fit into that many bytes.
	s.decimal = decimalOf(t, int64(math.Floor(float64(8*size-1)*math.Log10(2))))
	return s, nil
}

// decimalOf reads the logical type decimal. One that is malformed is no decimal.
func decimalOf(t map[string]any, most int64) *decimal {
	if t["logicalType"] != "decimal" {
		return nil
	}
	precision, ok := whole(t["precision"])
	scale, scaled := whole(t["scale"])
	if t["scale"] == nil {
		scale, scaled = 0, true
	}
	if !ok || !scaled || precision < 1 || precision > most || scale < 0 || scale > precision {
		return nil
	}
	return &decimal{int(precision), int(scale)}
}

// fits reports whether the JSON of a default is a value of a type; of a union it
// may be any branch.
func fits(s *Schema, value any, budget *int, depth int) bool {
	if *budget--; *budget < 0 || depth > maxNesting {
		return false
	}
	switch s.Kind {
	case "null":
		return value == nil
	case "boolean":
		_, ok := value.(bool)
		return ok
	case "int", "long":
		n, ok := whole(value)
		return ok && (s.Kind == "long" || n == int64(int32(n)))
	case "float", "double":
		_, ok := value.(json.Number)
		return ok || value == "NaN" || value == "Infinity" || value == "-Infinity"
	case "string":
		_, ok := value.(string)
		return ok
	case "bytes", Fixed:
		text, ok := value.(string)
		return ok && !strings.ContainsFunc(text, func(r rune) bool { return r > 0xFF }) && (s.Kind == "bytes" || len([]rune(text)) == s.size)
	case Enum:
		text, ok := value.(string)
		return ok && s.known[text]
	case Union:
		return slices.ContainsFunc(s.of, func(branch *Schema) bool { return fits(branch, value, budget, depth+1) })
	case Array:
		list, ok := value.([]any)
		return ok && !slices.ContainsFunc(list, func(item any) bool { return !fits(s.of[0], item, budget, depth+1) })
	case Map, Record: // objects
	}
	object, ok := value.(map[string]any)
	if !ok {
		return false
	}
	if s.Kind == Map {
		for _, item := range object {
			if !fits(s.of[0], item, budget, depth+1) {
				return false
			}
		}
		return true
	}
	for _, f := range s.fields {
		item, there := object[f.name]
		if !there && !f.preset || there && !fits(f.typ, item, budget, depth+1) {
			return false
		}
	}
	return true
}

func qualify(name, space string) string {
	if space == "" || strings.Contains(name, ".") {
		return name
	}
	return space + "." + name
}

// names reads an optional list of texts.
func names(tree any, path string) ([]string, error) {
	if tree == nil {
		return nil, nil
	}
	list, ok := tree.([]any)
	out := make([]string, len(list))
	for i, item := range list {
		if out[i], _ = item.(string); out[i] == "" {
			ok = false
		}
	}
	if !ok {
		return nil, &Error{path, "aliases、symbols 须为文字列表", "aliases and symbols are lists of texts"}
	}
	return out, nil
}

func whole(tree any) (int64, bool) {
	n, ok := tree.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := n.Int64()
	return i, err == nil
}
