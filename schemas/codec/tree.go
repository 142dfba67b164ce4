package codec

import (
	"bytes"
	"encoding/json"
	"errors"

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

// compact writes a JSON node: names sorted, no spaces, nothing escaped that
// need not be.
func compact(node any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(node) // a tree that was read can be written
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
