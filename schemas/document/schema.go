package document

import (
	"encoding/json"
	"math"
	"strconv"
)

// Schema writes the JSON Schema (draft 2020-12) of a file whose whole content is of the
// form. It says of each key what Form says and no more: what hangs on other files, or on
// another key, only the reader checks.
func Schema(title string, f *Form) ([]byte, error) { return Write(title, f.JSON()) }

// Write writes a JSON Schema as a file.
func Write(title string, s map[string]any) ([]byte, error) {
	s["$schema"], s["title"] = "https://json-schema.org/draft/2020-12/schema", title
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

// JSON is the schema of a value of the form, which is the caller's to change.
func (f *Form) JSON() map[string]any {
	switch f.Kind {
	case Text:
		return f.text()
	case Number:
		s := map[string]any{"type": "integer", "minimum": f.Least}
		if f.Most < math.MaxInt32 {
			s["maximum"] = f.Most
		}
		return s
	case Decimal:
		return map[string]any{"type": "number"}
	case Flag:
		return map[string]any{"type": "boolean"}
	case List:
		s := map[string]any{"type": "array", "items": f.Each.JSON()}
		if f.Unique {
			s["uniqueItems"] = true
		}
		if f.Some {
			s["minItems"] = 1
		}
		return s
	case Map:
		s := map[string]any{"type": "object", "additionalProperties": f.Each.JSON()}
		if f.Pattern != nil {
			s["propertyNames"] = f.Pattern.schema()
		}
		if f.Some {
			s["minProperties"] = 1
		}
		return s
	case Mapping:
	}
	properties, required := map[string]any{}, []string{}
	for _, k := range f.Keys {
		p := k.Form.JSON()
		p["description"] = k.Chinese + " / " + k.English
		if k.Default != "" {
			p["default"] = k.Form.written(k.Default)
		}
		properties[k.Name] = p
		if k.Required {
			required = append(required, k.Name)
		}
	}
	s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// text is the schema of a text. What YAML reads as a whole number is taken by its digits,
// so that a number is right where the pattern of texts takes digits.
func (f *Form) text() map[string]any {
	if len(f.Words) > 0 {
		return map[string]any{"enum": f.Words}
	}
	if f.Pattern == nil {
		return map[string]any{"type": []string{"string", "integer"}, "minLength": 1}
	}
	s := f.Pattern.schema()
	if f.Pattern.digits() {
		s["type"] = []string{"string", "integer"}
	}
	return s
}

// digits reports whether a bare number can be written so.
func (p *Pattern) digits() bool {
	for n := 1; n <= 20; n++ {
		if p.Match("10000000000000000000"[:n]) {
			return true
		}
	}
	return false
}

func (p *Pattern) schema() map[string]any {
	s := map[string]any{"type": "string", "pattern": "^(?:" + p.Text + ")$"}
	if p.Max > 0 {
		s["maxLength"] = p.Max
	}
	return s
}

// written is a default as JSON has it.
func (f *Form) written(text string) any {
	switch f.Kind {
	case Number:
		if n, err := strconv.Atoi(text); err == nil {
			return n
		}
	case Flag:
		return text == "true"
	case Text, Decimal, List, Map, Mapping:
	}
	return text
}
