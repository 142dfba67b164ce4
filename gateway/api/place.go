package api

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

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

// named is a member of an object.
type named struct {
	name string
	null bool
}

// members returns an object's members in their order, nil for what is no object.
// There are no more than maxMembers: the rest is not looked at.
func members(object []byte) (out []named) {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	for d.More() && len(out) < maxMembers {
		t, err := d.Token()
		if err != nil {
			return out
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return out
		}
		name, _ := t.(string)
		out = append(out, named{name, string(v) == "null"})
	}
	return out
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
