package listener

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// What StrictJSON refuses.
var (
	ErrJSON = errors.New("not JSON")
	// ErrForm says that JSON is legal and not acceptable: names are duplicate, it is
	// too deep, not UTF-8, or more than one document.
	ErrForm = errors.New("unacceptable JSON")
)

// StrictJSON checks what encoding/json lets pass and two readers could
// understand differently. It comes before any reader whose work grows with depth.
func StrictJSON(body []byte, depth int) error {
	if !utf8.Valid(body) {
		return ErrForm
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var objects []map[string]bool // nil for arrays
	key := false                  // the next token of an object is a key
	for first := true; ; first = false {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			if first || len(objects) > 0 {
				return ErrJSON
			}
			return nil
		}
		if err != nil {
			return ErrJSON
		}
		if !first && len(objects) == 0 {
			return ErrForm // a second document
		}
		top := len(objects) - 1
		switch x := t.(type) {
		case json.Delim:
			switch x {
			case '{', '[':
				if len(objects) == depth {
					return ErrForm
				}
				var keys map[string]bool
				if x == '{' {
					keys = map[string]bool{}
				}
				objects = append(objects, keys)
				key = x == '{'
				continue
			}
			objects = objects[:top]
			top--
		case string:
			if key {
				folded := strings.ToLower(strings.ToUpper(x)) // encoding/json matches names in any case: ſ is s, too
				if objects[top][folded] {
					return ErrForm
				}
				objects[top][folded] = true
				key = false
				continue
			}
		}
		key = top >= 0 && objects[top] != nil
	}
}
