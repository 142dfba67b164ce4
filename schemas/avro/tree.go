package avro

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Tree reads the JSON of a schema of at most size bytes: objects as
// map[string]any, numbers as json.Number. Unlike encoding/json it refuses names
// that stand twice in an object, of which two readers could take different ones,
// and what is nested deeper than told. Its errors are *Error.
func Tree(text string, size, nesting int) (any, error) {
	if len(text) > size {
		return nil, &Error{ZH: "模式过大", EN: fmt.Sprintf("larger than %d bytes", size)}
	}
	if !utf8.ValidString(text) {
		return nil, &Error{ZH: "不是 UTF-8 文本", EN: "not UTF-8"}
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	tree, err := node(d, nesting, 0)
	if err != nil {
		if _, ok := errors.AsType[*Error](err); ok {
			return nil, err
		}
		return nil, &Error{ZH: "不是合法的 JSON", EN: fmt.Sprintf("not valid JSON at byte %d", d.InputOffset())}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, &Error{ZH: "模式之后还有内容", EN: fmt.Sprintf("more text after the schema at byte %d", d.InputOffset())}
	}
	return tree, nil
}

func node(d *json.Decoder, nesting, depth int) (any, error) {
	if depth > nesting {
		return nil, &Error{ZH: "嵌套过深", EN: fmt.Sprintf("JSON nested more than %d deep", nesting)}
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		object := map[string]any{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			name := key.(string) // the decoder lets nothing else stand here
			if _, twice := object[name]; twice {
				return nil, &Error{ZH: "对象中有重复的名称", EN: fmt.Sprintf("a name stands twice in an object at byte %d", d.InputOffset())}
			}
			if object[name], err = node(d, nesting, depth+1); err != nil {
				return nil, err
			}
		}
		_, err := d.Token()
		return object, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			item, err := node(d, nesting, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		_, err := d.Token()
		return list, err
	}
	return token, nil
}
