// Package view is a view of the catalogue, ready to be asked: how its keys are
// read and hidden, what of it is masked, which of its columns show a cell in
// doubt, and what a verification compares.
package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/gateway/finding"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// findingAudience labels the tokens by which findings name their subjects.
const findingAudience = "finding"

// View is a view of the catalogue, ready to be asked.
type View struct {
	*schemas.View
	keyed
	Topic    contract.Topic
	Reader   *codec.Reader
	keys     *keyring.Keyring
	versions []int                 // of the keys
	masked   map[string][]string   // column -> what of it is masked
	screened map[string][]screened // column -> what of it is written by people, and looked into
	columns  map[string]int
	doubts   map[finding.Cell][]string // cell in doubt -> columns that show it
	draws    map[string][]string       // dataset -> fields that are made of it
	audience string                    // label of the tokens that are record keys
	cacheKey string                    // label of the digests that are cache keys
}

// screened is a field of what people write, in which the numbers of persons are hidden.
type screened struct {
	name string
	row  int // its column in the rows that the column holds, -1: it is the column
}

// hides reports whether a number was hidden in the field in a record.
func (s screened) hides(v schemas.Value) bool {
	if s.row < 0 {
		return strings.Contains(v.Str(), schemas.Hidden)
	}
	return slices.ContainsFunc(v.Records(), func(r schemas.Record) bool { return strings.Contains(r.Value(s.row).Str(), schemas.Hidden) })
}

// Compile makes every view of a catalogue ready to be asked.
func Compile(catalogue *schemas.Catalogue, c *codec.Codec, keys *keyring.Keyring) (map[string]*View, error) {
	out := map[string]*View{}
	add := func(v *schemas.View, parts []part) error {
		if len(parts) == 0 {
			return fmt.Errorf("compile view %q: its owner has no key", v.ID)
		}
		ready := &View{
			View: v, keyed: keyedBy(v.Owner, parts), Topic: contract.Shared(v.ID), Reader: c.Reader(v.Layout), keys: keys, versions: keys.Versions(),
			masked: map[string][]string{}, screened: map[string][]screened{}, columns: map[string]int{}, doubts: map[finding.Cell][]string{}, draws: map[string][]string{},
			audience: contract.KeyLabel(v.ID), cacheKey: contract.CacheLabel(v.ID),
		}
		if v.Audience != "" {
			ready.audience = contract.KeyLabel(v.Audience)
		}
		for i, column := range v.Layout.Columns {
			ready.columns[column.Name] = i
		}
		for _, f := range v.Fields {
			if f.Mask != "" {
				ready.masked[f.Name] = append(ready.masked[f.Name], f.Name)
			}
			if f.Screened {
				ready.screened[f.Name] = append(ready.screened[f.Name], screened{f.Name, -1})
			}
		}
		for _, e := range v.Embed {
			for i, f := range e.Fields {
				name := e.Dataset.ID + "." + f.Name
				if f.Mask != "" {
					ready.masked[e.Dataset.ID] = append(ready.masked[e.Dataset.ID], name)
				}
				if f.Screened {
					ready.screened[e.Dataset.ID] = append(ready.screened[e.Dataset.ID], screened{name, i})
				}
			}
		}
		ready.compileDoubts()
		if ready.Dataset == nil {
			ready.draws = drawsOf(v, ready.Entity)
		}
		out[v.ID] = ready
		return nil
	}
	for _, d := range catalogue.Datasets {
		parts := datasetKey(d)
		for _, v := range d.Views {
			if err := add(v, parts); err != nil {
				return nil, err
			}
		}
	}
	for _, e := range catalogue.Entities {
		parts := entityKey(e)
		for _, v := range e.Views {
			if err := add(v, parts); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// compileDoubts finds which columns show a cell that a finding may rest on: a
// dataset's own field, or the golden field that the dataset is a source of.
func (v *View) compileDoubts() {
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
					shows(finding.Cell{Dataset: c.Dataset, Field: golden}, golden)
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

// RecordKeys appends to dst the keys of the shared topic that the record of an
// owner's key may have: one, or its tokens under every key that the ring holds,
// because the steps take a while to bring everybody's record under the current one.
func (v *View) RecordKeys(dst []string, key string) []string {
	if !v.KeyMask {
		return append(dst, key)
	}
	for _, version := range v.versions {
		token, err := v.keys.TokenVersion(version, v.audience, key)
		if err == nil { // the ring holds its own versions
			dst = append(dst, token)
		}
	}
	return dst
}

// Digest returns the cache key of a record of the shared topic.
func (v *View) Digest(recordKey string) (d [16]byte) {
	copy(d[:], v.keys.Digest(v.cacheKey, recordKey))
	return d
}

// subject is someone a key speaks about.
type subject struct{ entity, key string }

// subjects returns whom a key of the view speaks about.
func (v *View) subjects(key string) []subject {
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

// Disputed returns the granted columns that show a cell in doubt.
func (v *View) Disputed(book *finding.Book, key string, granted []string) []string {
	if book.Open() == 0 {
		return nil
	}
	var out []string
	for _, s := range v.subjects(key) {
		for _, version := range v.versions {
			token, err := v.keys.TokenVersion(version, findingAudience, s.key)
			if err != nil {
				continue // the ring holds its own versions
			}
			for _, cell := range book.Disputed(token) {
				for _, column := range v.doubts[cell] {
					if slices.Contains(granted, column) && !slices.Contains(out, column) {
						out = append(out, column)
					}
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// Masked returns what of the granted columns is masked in a record: what the view masks,
// and what people wrote where a number of a person was hidden in it.
func (v *View) Masked(r schemas.Record, granted []string) []string {
	var out []string
	for _, f := range granted {
		out = append(out, v.masked[f]...)
		for _, s := range v.screened[f] {
			if at, ok := v.columns[f]; ok && s.hides(r.Value(at)) {
				out = append(out, s.name)
			}
		}
	}
	return out
}

// Indexes returns the positions of columns.
func (v *View) Indexes(columns []string) []int {
	out := make([]int, 0, len(columns))
	for _, c := range columns {
		if i, ok := v.columns[c]; ok {
			out = append(out, i)
		}
	}
	return out
}

// KeyForm tells a caller what a key of the view looks like.
func (v *View) KeyForm() string {
	form := v.KeyTitle()
	if len(v.parts) > 1 {
		return fmt.Sprintf("主键应为 %s，部分中的 | 写作 %%7C、%% 写作 %%25 / the key is %s, in a part | is written %%7C and %% is written %%25", form, form)
	}
	return fmt.Sprintf("主键应为 %s / the key is %s", form, form)
}

// WithoutKey drops the owner's key where the view has no column of it: it is
// not a field that could be granted, and it is verified by being the key.
func (v *View) WithoutKey(names []string) []string {
	if v == nil {
		return names
	}
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { _, column := v.columns[n]; return !column && v.isKey(n) })
}

func (v *View) isKey(name string) bool {
	return slices.ContainsFunc(v.parts, func(p part) bool { return p.name == name })
}

// Telling counts the fields of a verification whose values the key does not tell
// already: not the key itself or a part of it, not what it contains (a date of
// birth, a division), not the sex that an identity number says. With one field
// beside those an answer would be about that field alone.
func (v *View) Telling(key string, fields map[string]string) int {
	n := 0
	for name, raw := range fields {
		e, _ := v.Column(name)
		if e == nil || v.isKey(name) || slices.ContainsFunc(v.parts, func(p part) bool { return tells(p.element, e) }) {
			continue
		}
		if text, err := normalise(e, raw); err == nil && contains(key, text) {
			continue
		}
		n++
	}
	return n
}

// tells reports whether a key of one element says what a field of another is.
func tells(key, field *schemas.Element) bool {
	return field.PartOf == key.ID || key.Kind == "id_number" && strings.HasPrefix(field.Standard, "GB/T 2261.1")
}

// shortestPart is how long a value must be for its standing in a key to be no chance.
const shortestPart = 4

// contains reports whether a key contains a value, however it is punctuated.
func contains(key, value string) bool {
	bare := strings.Map(func(r rune) rune {
		if r == '-' || r == '/' || r == '.' || r == ' ' {
			return -1
		}
		return r
	}, value)
	return len(bare) >= shortestPart && strings.Contains(key, bare)
}

// MaskKey shows as much of a key as says what sort of key it is: the codes of
// enterprises are public, of everything else the first characters stay, and of
// an identity number the region.
func (v *View) MaskKey(key string) string {
	kind := v.parts[0].element.Kind
	if kind == "uscc" {
		return key
	}
	shown := 2
	if kind == "id_number" {
		shown = 6
	}
	out := []rune(key)
	for i := range out {
		if i >= shown {
			out[i] = '*'
		}
	}
	return string(out)
}

// Has reports whether the view has a column of that name.
func (v *View) Has(column string) bool { _, ok := v.columns[column]; return ok }

// Describe returns how a column is called and what kind of value it holds.
func (v *View) Describe(column string) (title, kind string) {
	title, kind = column, "rows"
	if e, _ := v.Column(column); e != nil {
		title, kind = e.Title, e.Kind
	}
	if i, ok := v.columns[column]; ok && v.Layout.Columns[i].Doc != "" {
		title = v.Layout.Columns[i].Doc
	}
	return title, kind
}

// KeyTitle says what a key of the view is, its parts joined by "|".
func (v *View) KeyTitle() string {
	names := make([]string, len(v.parts))
	for i, p := range v.parts {
		names[i] = cmp.Or(p.title, p.name)
	}
	return strings.Join(names, "|")
}
