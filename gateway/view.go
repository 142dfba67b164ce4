package gateway

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/finding"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
	"github.com/yiyuan-bus/yiyuan/schemas/identifier"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// maxKey bounds a key as it is typed, in bytes.
const maxKey = 512

// errKey says that a key cannot be one of the view. It never holds the key.
var errKey = errors.New("malformed key")

// view is a view of the catalogue, ready to be asked.
type view struct {
	*schemas.View
	topic    bus.Topic
	reader   *codec.Reader
	keys     *keyring.Keyring
	parts    []part                      // of the owner's key
	elements map[string]*schemas.Element // of the fields, for verification
	masked   map[string][]string         // column -> what of it is masked
	columns  map[string]int
	doubts   map[finding.Cell][]string // cell in doubt -> columns that show it
	audience string                    // label of the tokens that are record keys
	cacheKey string                    // label of the digests that are cache keys
}

// part is one part of an owner's key.
type part struct {
	name     string
	title    string
	element  *schemas.Element
	entities []string // whose key this part is
}

func compileViews(p Parts) (map[string]*view, error) {
	out := map[string]*view{}
	add := func(v *schemas.View, parts []part, elements map[string]*schemas.Element) error {
		if len(parts) == 0 {
			return fmt.Errorf("compile view %q: its owner has no key", v.ID)
		}
		c := &view{
			View: v, topic: bus.Shared(v.ID), reader: p.Codec.Reader(v.Layout), keys: p.Keys, parts: parts, elements: elements,
			masked: map[string][]string{}, columns: map[string]int{}, doubts: map[finding.Cell][]string{},
			audience: "key:" + v.ID, cacheKey: "cache:" + v.ID,
		}
		if v.Audience != "" {
			c.audience = "key:" + v.Audience
		}
		for i, column := range v.Layout.Columns {
			c.columns[column.Name] = i
		}
		for _, f := range v.Fields {
			if f.Mask != "" {
				c.masked[f.Name] = append(c.masked[f.Name], f.Name)
			}
		}
		for _, e := range v.Embed {
			for _, f := range e.Fields {
				if f.Mask != "" {
					c.masked[e.Dataset.ID] = append(c.masked[e.Dataset.ID], e.Dataset.ID+"."+f.Name)
				}
			}
		}
		c.compileDoubts()
		out[v.ID] = c
		return nil
	}
	for _, d := range p.Catalogue.Datasets {
		parts, elements := datasetKey(d)
		for _, v := range d.Views {
			if err := add(v, parts, elements); err != nil {
				return nil, err
			}
		}
	}
	for _, e := range p.Catalogue.Entities {
		elements := map[string]*schemas.Element{e.Key.Name: e.Key.Element}
		for _, f := range e.Fields {
			elements[f.Name] = f.Element
		}
		parts := []part{{e.Key.Name, e.Key.Title, e.Key.Element, []string{e.ID}}}
		for _, v := range e.Views {
			if err := add(v, parts, elements); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func datasetKey(d *schemas.Dataset) ([]part, map[string]*schemas.Element) {
	elements := map[string]*schemas.Element{}
	var parts []part
	for _, f := range d.Fields {
		elements[f.Name] = f.Element
	}
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
	return parts, elements
}

// compileDoubts finds which columns show a cell that a finding may rest on: a
// dataset's own field, or the golden field that the dataset is a source of.
func (v *view) compileDoubts() {
	shows := func(c finding.Cell, column string) {
		if _, ok := v.columns[column]; ok && !slices.Contains(v.doubts[c], column) {
			v.doubts[c] = append(v.doubts[c], column)
		}
	}
	if v.Dataset != nil {
		for _, f := range v.Fields {
			shows(finding.Cell{Dataset: v.Dataset.ID, Field: f.Name}, f.Name)
		}
		return
	}
	for _, f := range v.Fields {
		shows(finding.Cell{Dataset: "golden", Field: f.Name}, f.Name)
	}
	for _, table := range v.Entity.Authority {
		for name, candidates := range table.Sources {
			for _, c := range candidates {
				for golden, column := range c.Columns {
					shows(finding.Cell{Dataset: c.Dataset, Field: column}, golden)
				}
				for golden := range c.Constant {
					shows(finding.Cell{Dataset: c.Dataset, Field: golden}, golden)
				}
				shows(finding.Cell{Dataset: c.Dataset, Field: name}, name)
			}
		}
	}
	for _, e := range v.Embed {
		for _, f := range e.Fields {
			shows(finding.Cell{Dataset: e.Dataset.ID, Field: f.Name}, e.Dataset.ID)
		}
	}
}

// normalise turns a key as it was typed into the owner's key.
func (v *view) normalise(raw string) (string, error) {
	if len(raw) > maxKey {
		return "", errKey
	}
	typed := []string{strings.TrimSpace(raw)}
	if len(v.parts) > 1 {
		split, err := schemas.SplitKey(typed[0])
		if err != nil || len(split) != len(v.parts) {
			return "", errKey
		}
		typed = split
	}
	for i, p := range v.parts {
		text, err := normalise(p.element, typed[i])
		if err != nil || text == "" {
			return "", errKey
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

// recordKey returns the key of the shared topic for an owner's key.
func (v *view) recordKey(key string) string {
	if v.KeyMask {
		return v.keys.Token(v.audience, key)
	}
	return key
}

// digest returns the cache key of a record of the shared topic.
func (v *view) digest(recordKey string) (d Digest) {
	copy(d[:], v.keys.Digest(v.cacheKey, recordKey))
	return d
}

// subject is someone a key speaks about.
type subject struct{ entity, key string }

// subjects returns whom a key of the view speaks about.
func (v *view) subjects(key string) []subject {
	typed := []string{key}
	if len(v.parts) > 1 {
		split, err := schemas.SplitKey(key)
		if err != nil || len(split) != len(v.parts) {
			return nil
		}
		typed = split
	}
	var out []subject
	for i, p := range v.parts {
		for _, e := range p.entities {
			out = append(out, subject{e, typed[i]})
		}
	}
	return out
}

// auditDigest returns what the audit keeps of a key: the person or enterprise
// if the key names one, so that one question finds every view they were seen in.
func (v *view) auditDigest(key string) string {
	for _, s := range v.subjects(key) {
		return v.keys.DigestHex("audit:"+s.entity, s.key)
	}
	return v.keys.DigestHex("audit:"+v.Owner, key)
}

// disputed returns the granted columns that show a cell in doubt.
func (v *view) disputed(book *finding.Book, key string, granted []string) []string {
	if book.Open() == 0 {
		return nil
	}
	var out []string
	for _, s := range v.subjects(key) {
		for _, cell := range book.Disputed(v.keys.Token("finding", s.key)) {
			for _, column := range v.doubts[cell] {
				if slices.Contains(granted, column) && !slices.Contains(out, column) {
					out = append(out, column)
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// maskedOf returns what of the granted columns is masked.
func (v *view) maskedOf(granted []string) []string {
	var out []string
	for _, f := range granted {
		out = append(out, v.masked[f]...)
	}
	return out
}

// indexes returns the positions of columns.
func (v *view) indexes(columns []string) []int {
	out := make([]int, 0, len(columns))
	for _, c := range columns {
		if i, ok := v.columns[c]; ok {
			out = append(out, i)
		}
	}
	return out
}
