package codec

import "strings"

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
