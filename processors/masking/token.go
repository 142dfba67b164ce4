package masking

import (
	"fmt"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// maskToken is the id of the rule token.
const maskToken = "token"

// makeToken is the rule token: a keyed pseudonym by which one audience can join
// its own views and no two audiences can join theirs.
func makeToken(s spec) (mask, error) {
	if s.keys == nil {
		return nil, fmt.Errorf("mask %q has no key ring: %w", maskToken, ErrRefused)
	}
	label, keys, e := audience(s.view), s.keys, s.element
	return func(v schemas.Value, _ time.Time) (schemas.Value, bool) {
		if v.IsNull() {
			return schemas.Null, true
		}
		clear := element.RenderNormal(e, v)
		if clear == "" {
			return schemas.Null, false
		}
		return schemas.Text(keys.Token(label, clear)), true
	}, nil
}

// makeDigest is the rule digest: sixteen keyed bytes that answer "is it this?"
// and nothing else. The label binds them to one field of one view.
func makeDigest(s spec) (mask, error) {
	if s.keys == nil {
		return nil, fmt.Errorf("mask \"digest\" has no key ring: %w", ErrRefused)
	}
	label, keys, e := contract.VerifyLabel(s.view.ID, s.field), s.keys, s.element
	return func(v schemas.Value, _ time.Time) (schemas.Value, bool) {
		if v.IsNull() {
			return schemas.Null, true
		}
		clear := element.RenderNormal(e, v)
		if clear == "" {
			return schemas.Null, false
		}
		return schemas.Binary(string(keys.Digest(label, clear))), true
	}, nil
}
