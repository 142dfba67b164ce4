package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/avro"
)

// maxNesting bounds objects and arrays inside one another in a schema's text: a
// record in an array in a union in a field takes five of them, eight times.
const maxNesting = 5*MaxDepth + 8

// readTree reads the JSON of a schema.
func readTree(text string) (any, error) {
	tree, err := avro.Tree(text, MaxSchema, maxNesting)
	if e, ok := errors.AsType[*avro.Error](err); ok {
		return nil, &profileError{e.Path, e.ZH, e.EN}
	}
	return tree, err
}

// docOf reads the optional doc.
func docOf(object map[string]any, path string) (string, error) {
	node, ok := object["doc"]
	if !ok {
		return "", nil
	}
	s, ok := node.(string)
	if !ok {
		return "", &profileError{path, "doc 须为文字", "doc must be a string"}
	}
	return s, nil
}

// aliasesOf reads the optional aliases.
func aliasesOf(object map[string]any, path string) ([]string, error) {
	node, ok := object[attrAliases]
	if !ok {
		return nil, nil
	}
	list, ok := node.([]any)
	out := make([]string, len(list))
	for i, item := range list {
		if out[i], _ = item.(string); out[i] == "" {
			ok = false
		}
	}
	if !ok {
		return nil, &profileError{path, "aliases 须为文字列表", "aliases must be a list of strings"}
	}
	return out, nil
}

// integer reads a whole number; an absent one is 0.
func integer(object map[string]any, name string) (int, bool) {
	node, ok := object[name]
	if !ok {
		return 0, true
	}
	number, ok := node.(json.Number)
	if !ok {
		return 0, false
	}
	n, err := number.Int64()
	return int(n), err == nil
}

// attributes returns the custom properties that are strings.
func attributes(object map[string]any) map[string]string {
	var attrs map[string]string
	for name, node := range object {
		if s, ok := node.(string); ok && !reserved[name] {
			if attrs == nil {
				attrs = map[string]string{}
			}
			attrs[name] = s
		}
	}
	return attrs
}

// setDefault reads the default of a field. That of a nullable field must be of
// the union's first type, as Avro has it.
func (f *field) setDefault(node any, path string) error {
	if f.null == 0 {
		if node != nil {
			return &profileError{path, "可空字段的默认值须为 null", "the default of a union must be of its first type"}
		}
		f.defText = "null"
		return nil
	}
	value, ok := f.defaultValue(node)
	if !ok {
		return &profileError{path, "默认值与类型不符", "the default does not fit the type"}
	}
	f.def, f.defText = value, string(compact(node))
	return nil
}

func (f *field) defaultValue(node any) (schemas.Value, bool) {
	switch f.wire {
	case wireString:
		s, ok := node.(string)
		return schemas.Text(s), ok
	case wireBoolean:
		b, ok := node.(bool)
		return schemas.Bool(b), ok
	case wireInt, wireLong:
		number, _ := node.(json.Number)
		n, err := number.Int64()
		if err != nil || f.wire == wireInt && int64(int32(n)) != n || !inRange(f.typ, n) {
			return schemas.Null, false
		}
		return schemas.Int(n), true
	case wireFloat, wireDouble:
		number, _ := node.(json.Number)
		n, err := number.Float64()
		if f.wire == wireFloat {
			n = float64(float32(n))
		}
		return schemas.Float(n), err == nil && !math.IsInf(n, 0)
	case wireBytes, wireDecimal:
		s, ok := node.(string)
		raw := make([]byte, 0, len(s))
		for _, r := range s {
			if r > 0xFF {
				return schemas.Null, false
			}
			raw = append(raw, byte(r))
		}
		if f.wire == wireBytes {
			return schemas.Binary(string(raw)), ok
		}
		n, fault := unscaled(string(raw), limitOf(f.precision))
		return schemas.Int(n), ok && fault == faultNone
	case wireRows:
		list, ok := node.([]any)
		return schemas.Table(nil), ok && len(list) == 0
	}
	return schemas.Null, false
}

// compact writes a JSON node: names sorted, no spaces, nothing escaped that
// need not be.
func compact(node any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(node) // a tree that was read can be written
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Canonical returns the identity of a schema of the profile: two schemas with
// the same Canonical are the same schema, however they are laid out as text. It
// keeps doc, aliases, defaults, order of fields and all attributes.
func Canonical(schema string) (string, error) {
	if _, err := parse(schema); err != nil {
		return "", err
	}
	tree, err := readTree(schema)
	if err != nil {
		return "", err
	}
	return string(compact(normalise(tree, ""))), nil
}

// normalise brings a schema's tree into one form: full names, primitive types
// by name alone, nothing that says what would hold without it.
func normalise(node any, namespace string) any {
	switch n := node.(type) {
	case string: // a primitive type or the name of a record
		if avroPrimitives[n] {
			return n
		}
		return fullName(namespace, n)
	case []any:
		out := make([]any, len(n))
		for i, item := range n {
			out[i] = normalise(item, namespace)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(n))
		for name, value := range n {
			out[name] = value
		}
		if out["doc"] == "" {
			delete(out, "doc")
		}
		if list, ok := out[attrAliases].([]any); ok && len(list) == 0 {
			delete(out, attrAliases)
		}
		switch n["type"] {
		case "record":
			return normaliseRecord(out, namespace)
		case "array":
			out["items"] = normalise(n["items"], namespace)
		default:
			if len(out) == 1 {
				return out["type"]
			}
		}
		return out
	}
	return node
}

func normaliseRecord(out map[string]any, namespace string) any {
	name, _ := out["name"].(string)
	if ns, _ := out["namespace"].(string); ns != "" {
		namespace = ns
	}
	full := fullName(namespace, name)
	out["name"] = full
	delete(out, "namespace")
	if i := strings.LastIndexByte(full, '.'); i >= 0 {
		namespace = full[:i]
	}
	if list, ok := out[attrAliases].([]any); ok {
		aliases := make([]any, len(list))
		for i, alias := range list {
			aliases[i] = fullName(namespace, alias.(string)) // parse has seen to it
		}
		out[attrAliases] = aliases
	}
	fields := out["fields"].([]any) // likewise
	written := make([]any, len(fields))
	for i, node := range fields {
		field := make(map[string]any)
		for name, value := range node.(map[string]any) {
			field[name] = value
		}
		field["type"] = normalise(field["type"], namespace)
		if field["doc"] == "" {
			delete(field, "doc")
		}
		if list, ok := field[attrAliases].([]any); ok && len(list) == 0 {
			delete(field, attrAliases)
		}
		if field["order"] == "ascending" {
			delete(field, "order")
		}
		written[i] = field
	}
	out["fields"] = written
	return out
}

var avroPrimitives = map[string]bool{
	"null": true, "string": true, "int": true, "long": true, "boolean": true, "float": true, "double": true, "bytes": true,
}
