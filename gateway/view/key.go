package view

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
	"github.com/yiyuan-bus/yiyuan/schemas/identifier"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// maxKey bounds a key as it is typed, in bytes.
const maxKey = 512

// ErrKey says that a key cannot be one of the view. It never holds the key.
var ErrKey = errors.New("malformed key")

// keyed is how the keys of an owner's views are read, and what of them the audit keeps.
type keyed struct {
	owner    string
	parts    []part
	about    int    // the first part of the key that the audit keeps, -1 = all of it
	auditKey string // label of the digest that the audit keeps of that
}

// part is one part of an owner's key.
type part struct {
	name     string
	title    string
	element  *schemas.Element
	entities []string // whose key this part is
}

func keyedBy(owner string, parts []part) keyed {
	k := keyed{owner: owner, parts: parts, auditKey: contract.AuditLabel(owner), about: slices.IndexFunc(parts, func(p part) bool { return len(p.entities) > 0 })}
	if k.about >= 0 {
		k.auditKey = parts[k.about].auditKey()
	}
	return k
}

func entityKey(e *schemas.Entity) []part {
	return []part{{e.Key.Name, e.Key.Title, e.Key.Element, []string{e.ID}}}
}

func datasetKey(d *schemas.Dataset) []part {
	var parts []part
	for _, i := range d.KeyIndex {
		f := d.Fields[i]
		p := part{name: f.Name, title: f.Title, element: f.Element}
		for _, l := range d.Links {
			if l.Key == f.Name {
				p.entities = append(p.entities, l.Entity)
			}
		}
		parts = append(parts, p)
	}
	return parts
}

// Normalise turns a key as it was typed into the owner's key.
func (k *keyed) Normalise(raw string) (string, error) {
	if len(raw) > maxKey {
		return "", ErrKey
	}
	typed := []string{strings.TrimSpace(raw)}
	if len(k.parts) > 1 {
		split, err := schemas.SplitKey(typed[0])
		if err != nil || len(split) != len(k.parts) {
			return "", ErrKey
		}
		typed = split
	}
	for i, p := range k.parts {
		text, err := normalise(p.element, typed[i])
		if err != nil || text == "" {
			return "", ErrKey
		}
		typed[i] = text
	}
	return schemas.JoinKey(typed...), nil
}

// normalise turns a typed value into the text that digests are made of. The
// old identity number of 15 digits becomes the one of 18.
func normalise(e *schemas.Element, raw string) (string, error) {
	value, err := element.Parse(e, raw)
	if err != nil && e.Kind == "id_number" {
		if upgraded, ok := upgrade(raw); ok {
			value, err = element.Parse(e, upgraded)
		}
	}
	if err != nil {
		return "", fmt.Errorf("normalise %q: %w", e.ID, err)
	}
	return element.Render(e, value), nil
}

func upgrade(raw string) (string, bool) {
	digits := strings.Map(func(r rune) rune {
		switch {
		case r >= '０' && r <= '９':
			return r - '０' + '0'
		case r == ' ' || r == '\u3000':
			return -1
		}
		return r
	}, raw)
	if len(digits) != 15 {
		return "", false
	}
	full, err := identifier.UpgradeCitizen(digits)
	return full, err == nil
}

// AuditDigest returns what the audit keeps of a key: the person or enterprise
// if the key names one, so that one question finds every view they were seen in
// under that key. Trail knows of which views it does not.
func (v *View) AuditDigest(key string) string { return v.auditDigests(v.keys, key)[0] }

// AuditDigests is AuditDigest and, of a key that names somebody in further parts (an
// employee and the employer), theirs behind it: as many of every key of the view.
func (v *View) AuditDigests(key string) []string { return v.auditDigests(v.keys, key) }

func (k *keyed) auditDigests(keys *keyring.Keyring, key string) []string {
	if k.about < 0 {
		return []string{keys.DigestHex(k.auditKey, key)}
	}
	split := []string{key}
	if len(k.parts) > 1 {
		var err error
		if split, err = schemas.SplitKey(key); err != nil || len(split) != len(k.parts) {
			return []string{keys.DigestHex(contract.AuditLabel(k.owner), key)}
		}
	}
	out := []string{keys.DigestHex(k.auditKey, split[k.about])}
	for i, p := range k.parts {
		if k.keepsToo(i) {
			out = append(out, keys.DigestHex(p.auditKey(), split[i]))
		}
	}
	return out
}

// keepsToo reports whether the audit keeps a part of the key beside the first.
func (k *keyed) keepsToo(i int) bool {
	return k.about >= 0 && i > k.about && len(k.parts[i].entities) > 0
}

// auditKey is the label of the digests that the audit keeps of a part that names somebody.
func (p *part) auditKey() string { return contract.AuditLabel(p.entities[0]) }
