package masking

import (
	"errors"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// ErrRefused says that a view cannot be compiled: its mask is unknown, does not
// fit the element, or would leave an identifier recoverable.
var ErrRefused = errors.New("mask refused")

// Keys makes keyed tokens and digests; *keyring.Keyring is one.
type Keys interface {
	Token(audience, value string) string
	TokenVersion(version int, audience, value string) (string, error)
	Digest(label, value string) []byte
	// Current is the version of the key that Token works under, Oldest the oldest one held.
	Current() int
	Oldest() int
}

// mask hides one value. false means that it could not and the field is dropped.
// It sees nulls, because present must answer for them.
type mask func(v schemas.Value, now time.Time) (schemas.Value, bool)

// spec is all that a rule may know when it is compiled.
type spec struct {
	element *schemas.Element
	from    schemas.Column // of the clear record
	to      schemas.Column // of the view
	field   string
	view    *schemas.View
	city    schemas.City
	keys    Keys
}

// textual makes a mask of a function on text. Null stays null; "" means that the
// function did not understand the value.
func textual(hide func(string) string) mask {
	return func(v schemas.Value, _ time.Time) (schemas.Value, bool) {
		switch v.Kind() {
		case schemas.KindNull:
			return schemas.Null, true
		case schemas.KindString:
			if out := hide(v.Str()); out != "" {
				return schemas.Text(out), true
			}
		default: // no text
		}
		return schemas.Null, false
	}
}

func audience(v *schemas.View) string {
	if v.Audience != "" {
		return v.Audience
	}
	return v.ID
}
