// Package editor writes the JSON Schemas by which an editor completes and checks our
// files while they are typed, from the declarations by which they are read. A file names
// its schema in its first line: # yaml-language-server: $schema=PATH
package editor

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
	"github.com/yiyuan-bus/yiyuan/gateway/grants"
	"github.com/yiyuan-bus/yiyuan/schemas/document"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest/format"
)

// Suffix is what the name of a schema ends with.
const Suffix = ".schema.json"

// Schemas returns every schema by the name of its file: each kind of file of a catalogue,
// access.yaml, a source and its kinds, and yiyuan.yaml, whose struct config is, with its
// defaults.
func Schemas(kinds connectors.Kinds, config any) (map[string][]byte, error) {
	all := map[string]map[string]any{"access": grants.Form.JSON(), "yiyuan": section(reflect.ValueOf(config))}
	titles := map[string]string{"access": "应用与授权 / applications and grants", "yiyuan": "进程配置 / process settings", "source": "数据源 / a source"}
	for _, f := range format.Files() {
		all[f.ID], titles[f.ID] = f.Form.JSON(), f.Chinese+" / "+f.English
	}
	var err error
	if all["source"], err = source(kinds); err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if out[name+Suffix], err = document.Write(titles[name], all[name]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// section is the schema of a struct of the configuration.
func section(v reflect.Value) map[string]any {
	properties := map[string]any{}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name := f.Tag.Get("mapstructure")
		if f.Type.Kind() == reflect.Struct {
			properties[name] = section(v.Field(i))
			continue
		}
		s := leaf(v.Field(i))
		if about := f.Tag.Get("about"); about != "" {
			s["description"] = about
		}
		properties[name] = s
	}
	return object(properties)
}

func object(properties map[string]any) map[string]any {
	return map[string]any{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": false}
}

// leaf is the schema of one setting, with its default.
func leaf(v reflect.Value) map[string]any {
	switch value := v.Interface().(type) {
	case time.Duration:
		return map[string]any{"type": []string{"string", "integer", "null"}, "pattern": "^-?(0|([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$", "maximum": 0, "minimum": 0, "default": value.String()}
	case []string:
		return map[string]any{"type": []string{"array", "string", "null"}, "items": map[string]any{"type": "string"}, "default": value}
	case bool:
		return map[string]any{"type": []string{"boolean", "null"}, "default": value}
	case string:
		return map[string]any{"type": []string{"string", "null"}, "default": value}
	default: // whole numbers
		return map[string]any{"type": []string{"integer", "null"}, "default": value}
	}
}

// source is the schema of a source: which options it has hangs on its kind.
func source(kinds connectors.Kinds) (map[string]any, error) {
	s := map[string]any{
		"type": "object", "additionalProperties": false, "required": []string{"source", "kind", "datasets"},
		"properties": map[string]any{
			"source":   map[string]any{"type": "string", "description": "与文件名相同，用过后不改 / the file's name, never changed once it has run"},
			"kind":     map[string]any{"enum": kinds.Names(), "description": "种类 / its kind"},
			"datasets": map[string]any{"type": "array", "items": map[string]any{"type": "string"}, "minItems": 1, "uniqueItems": true, "description": "其中的数据集 / its datasets"},
			"options":  map[string]any{"type": []string{"object", "null"}, "description": "选项，由种类决定 / its options, by kind"},
		},
	}
	var cases []any
	for _, name := range kinds.Names() {
		kind, err := kinds.Find(name)
		if err != nil {
			return nil, err
		}
		cases = append(cases, map[string]any{
			"if":   map[string]any{"properties": map[string]any{"kind": map[string]any{"const": name}}, "required": []string{"kind"}},
			"then": map[string]any{"properties": map[string]any{"options": options(option.Docs(kind.Options()))}},
		})
	}
	s["allOf"] = cases
	return s, nil
}

// options is the schema of what a kind declares. What a value may be beside its type the
// reader says.
func options(docs []option.Doc) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, d := range docs {
		s := map[string]any{"description": d.Chinese + " / " + d.English}
		switch d.Kind {
		case "true/false":
			s["type"] = []string{"boolean", "null"}
		case "number":
			s["type"] = []string{"integer", "null"}
		case "list":
			s["type"] = []string{"array", "null"}
		case "text", "duration", "secret":
			s["type"] = []string{"string", "null"}
		case "map":
			s["type"] = []string{"object", "null"}
			if len(d.Of) > 0 {
				s["additionalProperties"] = options(d.Of)
			}
		default: // a type of its own, of which several forms may be written
		}
		if d.Default != "" && !strings.Contains(d.Default, "[") {
			s["description"] = s["description"].(string) + "（默认 / default " + d.Default + "）"
		}
		properties[d.Name] = s
		if d.Required {
			required = append(required, d.Name)
		}
	}
	s := object(properties)
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}
