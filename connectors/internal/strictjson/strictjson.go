// Package strictjson reads the JSON that departments send, and refuses what two
// readers could understand differently.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

// ErrRefused says that bytes are not the JSON we take: bad syntax, bad UTF-8, a
// name standing twice in an object, too deep.
var ErrRefused = errors.New("unacceptable JSON")

// maxNumber is how many characters a number may have.
const maxNumber = 64

// Check reads one JSON value strictly: valid UTF-8, no text that cannot be
// written in Unicode (lone surrogates), no name twice in one object, at most
// depth levels, nothing after it. The error never shows the input.
func Check(data []byte, depth int) error {
	if !utf8.Valid(data) {
		return fmt.Errorf("%w: not UTF-8", ErrRefused)
	}
	if err := checkDepth(data, depth); err != nil {
		return err
	}
	if !json.Valid(data) {
		return fmt.Errorf("%w: syntax", ErrRefused)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return checkValue(dec)
}

// checkDepth counts brackets before anything recursive touches the input.
func checkDepth(data []byte, limit int) error {
	depth, inString := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > limit {
				return fmt.Errorf("%w: deeper than %d levels", ErrRefused, limit)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

func checkValue(dec *json.Decoder) error {
	t, err := dec.Token()
	if err != nil {
		return fmt.Errorf("%w: syntax", ErrRefused)
	}
	switch t := t.(type) {
	case string:
		return checkText(t)
	case json.Number:
		// A number that no reader holds is read by each in its own way.
		f, err := t.Float64()
		if err != nil || len(t) > maxNumber || f == 0 && strings.ContainsAny(strings.SplitN(strings.ToLower(string(t)), "e", 2)[0], "123456789") {
			return fmt.Errorf("%w: number out of range", ErrRefused)
		}
	case json.Delim:
		names := map[string]bool{}
		for dec.More() {
			if t == '{' {
				name, err := dec.Token()
				if err != nil {
					return fmt.Errorf("%w: syntax", ErrRefused)
				}
				s, _ := name.(string)
				if err := checkText(s); err != nil {
					return err
				}
				if names[s] {
					return fmt.Errorf("%w: a name stands twice in one object", ErrRefused)
				}
				names[s] = true
			}
			if err := checkValue(dec); err != nil {
				return err
			}
		}
		if _, err := dec.Token(); err != nil {
			return fmt.Errorf("%w: syntax", ErrRefused)
		}
	}
	return nil
}

func checkText(s string) error {
	if strings.ContainsRune(s, utf8.RuneError) {
		return fmt.Errorf("%w: text that is not Unicode", ErrRefused)
	}
	return nil
}

// Member is one name and value of a JSON object.
type Member struct {
	Name   string
	Raw    json.RawMessage
	Cell   connectors.Cell // of a string, number, boolean or null
	Nested bool            // an object or array: Cell is void
}

// Object splits a JSON object that Check has passed. Numbers keep the
// spelling they were sent in.
func Object(data []byte) ([]Member, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("%w: not an object", ErrRefused)
	}
	var members []Member
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, fmt.Errorf("%w: syntax", ErrRefused)
		}
		m := Member{Name: name}
		if err := dec.Decode(&m.Raw); err != nil {
			return nil, fmt.Errorf("%w: syntax", ErrRefused)
		}
		switch m.Raw[0] {
		case '{', '[':
			m.Nested = true
		case '"':
			var s string
			if err := json.Unmarshal(m.Raw, &s); err != nil {
				return nil, fmt.Errorf("%w: syntax", ErrRefused)
			}
			m.Cell = connectors.Text(s)
		case 'n':
			m.Cell = connectors.Cell{State: connectors.Null}
		case 't', 'f':
			m.Cell = connectors.Cell{Text: string(m.Raw), State: connectors.Given, Form: connectors.FormBoolean}
		default:
			m.Cell = connectors.Cell{Text: string(m.Raw), State: connectors.Given, Form: connectors.FormNumber}
		}
		members = append(members, m)
	}
	return members, nil
}
