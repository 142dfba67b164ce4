package gateway

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// fieldsOf reads the query of a lookup: fields, once, or nothing. What it does
// not understand it refuses: an answer with more than was meant is no answer.
func fieldsOf(r *http.Request) (fields []string, bad []FieldError) {
	if r.URL.RawQuery == "" {
		return nil, nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, []FieldError{problem.At("query", "查询串无法解析，百分号编码有误 / the query cannot be parsed: bad percent-encoding")}
	}
	for name := range query {
		if name != "fields" {
			bad = append(bad, problem.At("query", "只有参数 fields，其他参数不认识 / the only parameter is fields, another one is unknown"))
			break
		}
	}
	switch values := query["fields"]; {
	case len(values) > 1:
		return nil, append(bad, problem.At("query.fields", "fields 只能出现一次，字段以逗号分隔 / fields may be given once, names separated by commas"))
	case len(values) == 1:
		fields = strings.Split(values[0], ",")
		bad = append(bad, checkFields("query.fields", fields)...)
	}
	return fields, bad
}

// checkFields says what is wrong with the names of fields that were asked for;
// nil asks for all.
func checkFields(location string, fields []string) (bad []FieldError) {
	if fields == nil {
		return nil
	}
	if len(fields) == 0 || len(fields) == 1 && fields[0] == "" {
		return []FieldError{problem.At(location, "至少写一个字段；要全部授权字段请不写 fields / name a field at least; leave fields out for all that is granted")}
	}
	seen := make(map[string]bool, len(fields))
	for i, name := range fields {
		at := location + "[" + strconv.Itoa(i) + "]"
		switch {
		case name == "":
			bad = append(bad, problem.At(at, "字段名为空 / an empty name"))
		case seen[name]:
			bad = append(bad, problem.At(at, "字段重复 / duplicate field"))
		}
		seen[name] = true
	}
	return bad
}

// place writes where something is wrong in a body without a name that the caller
// made up: a member that no schema knows is told by its position.
func place(location string, body []byte, known func(name string) bool) string {
	rest, inBody := strings.CutPrefix(location, "body")
	if !inBody {
		head, _, _ := strings.Cut(location, ".")
		if name, ok := strings.CutPrefix(location, head+"."); ok && !known(name) {
			return head
		}
		return location
	}
	out := "body"
	for rest != "" {
		switch rest[0] {
		case '[':
			end := strings.IndexByte(rest, ']')
			index, err := 0, error(nil)
			if end > 0 {
				index, err = strconv.Atoi(rest[1:end])
			}
			if end < 0 || err != nil {
				return out
			}
			out, body, rest = out+rest[:end+1], element(body, index), rest[end+1:]
		case '.':
			name, position, value := member(body, rest[1:])
			if name == "" { // missing, or not to be found
				name, _, _ = strings.Cut(rest[1:], ".")
				name, _, _ = strings.Cut(name, "[")
				if known(name) {
					return out + "." + name
				}
				return out
			}
			if known(name) {
				out += "." + name
			} else {
				out += ".#" + strconv.Itoa(position)
			}
			body, rest = value, rest[1+len(name):]
		default:
			return out
		}
	}
	return out
}

// member finds the member of an object whose name path begins with, the longest
// if there are several, and where it stands, from 1.
func member(object []byte, path string) (name string, position int, value json.RawMessage) {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return "", 0, nil
	}
	for i := 1; d.More(); i++ {
		t, err := d.Token()
		if err != nil {
			return name, position, value
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return name, position, value
		}
		key, _ := t.(string)
		if rest, ok := strings.CutPrefix(path, key); ok && len(key) > len(name) && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			name, position, value = key, i, v
		}
	}
	return name, position, value
}

// memberNames returns the names of an object's members in their order, nil for what
// is no object. There are no more than maxMembers: the rest is not looked at.
func memberNames(object []byte) (names []string) {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	for d.More() && len(names) < maxMembers {
		t, err := d.Token()
		if err != nil {
			return names
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return names
		}
		name, _ := t.(string)
		names = append(names, name)
	}
	return names
}

// maxMembers bounds the members of a body that are looked at: no body has so many
// that are known, so that one at least is told.
const maxMembers = 32

func element(array []byte, index int) json.RawMessage {
	var all []json.RawMessage
	if json.Unmarshal(array, &all) != nil || index < 0 || index >= len(all) {
		return nil
	}
	return all[index]
}
