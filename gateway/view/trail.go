package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// Trail finds in the audit who asked about somebody, or about a row of a dataset. An
// entry keeps the key that was asked by and not what was answered, so an answer about
// somebody under another key is not found: Blind tells where that may be.
type Trail struct {
	digests map[string]bool
	within  string // the dataset whose views alone are meant, "" = all
	owner   string
	known   map[string]bool
	blind   map[string]Blind
}

// Way is how a view may answer about somebody that it was not asked by.
type Way int

// The ways.
const (
	OtherKey Way = iota + 1 // its rows speak about them and are asked by another key
	Others                  // it is asked by such a number and shows others beside
	MadeOf                  // it is of something else, and made of rows that speak about them
	Gone                    // the catalogue does not hold it any more
)

// Blind is what a trail cannot tell of the questions of a view.
type Blind struct {
	Way Way
	Key string   // what the audit keeps of the view's key, by name
	By  []string // the fields, or the datasets, that speak about them

	fields []string // the questions meant are those for one of these, nil = all

	too  []string // further parts of the key that name them
	each int      // how many digests an entry keeps of each key if it keeps those
}

// Follow makes the trail of a key of an entity, or of a row of a dataset. The error is
// ErrKey if it is none and schemas.ErrUnknown if the catalogue has no such owner.
func Follow(c *schemas.Catalogue, keys *keyring.Keyring, owner, raw string) (*Trail, error) {
	t := &Trail{owner: owner, digests: map[string]bool{}, known: map[string]bool{}, blind: map[string]Blind{}}
	for _, v := range c.Views() {
		t.known[v.ID] = true
	}
	e, err := c.Entity(owner)
	if err == nil {
		return t, t.ofEntity(c, e, keys, raw)
	}
	d, err := c.Dataset(owner)
	if err != nil {
		return nil, fmt.Errorf("follow %q: %w", owner, err)
	}
	return t, t.ofRow(c, d, keys, raw)
}

// ofEntity: a number is looked for under the name of each owner that is asked by such a
// number, since it is one number whoever it is called the key of.
func (t *Trail) ofEntity(c *schemas.Catalogue, e *schemas.Entity, keys *keyring.Keyring, raw string) error {
	self := keyedBy(e.ID, entityKey(e))
	key, err := self.Normalise(raw)
	if err != nil {
		return err
	}
	t.digests[self.auditDigests(keys, key)[0]] = true
	for _, v := range c.Views() {
		k := keyOf(v)
		if k.names(e) {
			t.digests[keys.DigestHex(k.auditKey, key)] = true
		}
		for i, p := range k.parts {
			if k.keepsToo(i) && p.of(e) {
				t.digests[keys.DigestHex(p.auditKey(), key)] = true
			}
		}
		if b, ok := k.blind(c, v, e); ok {
			t.blind[v.ID] = b
		}
	}
	return nil
}

func (t *Trail) ofRow(c *schemas.Catalogue, d *schemas.Dataset, keys *keyring.Keyring, raw string) error {
	self := keyedBy(d.ID, datasetKey(d))
	key, err := self.Normalise(raw)
	if err != nil {
		return err
	}
	t.within = d.ID
	t.digests[self.auditDigests(keys, key)[0]] = true
	for _, v := range c.Views() {
		if v.Entity == nil {
			continue
		}
		if fields := drawsOf(v, v.Entity)[d.ID]; len(fields) > 0 {
			k := keyOf(v)
			t.blind[v.ID] = Blind{Way: MadeOf, Key: k.kept(), By: []string{d.ID}, fields: fields}
		}
	}
	return nil
}

// Finds reports whether an entry that keeps a digest of a view's key is on the trail.
func (t *Trail) Finds(view, digest string) bool {
	return t.digests[digest] && (t.within == "" || strings.HasPrefix(view, t.within+"."))
}

// Blind tells why an entry that is not on the trail may yet be of an answer about them:
// one of a view, in which fields were asked for and which keeps so many digests of a key,
// 0 if that is not known. Those of earlier builds keep one of each key.
func (t *Trail) Blind(view string, fields []string, digests int) (Blind, bool) {
	if !t.known[view] {
		return Blind{Way: Gone}, view != "" && !strings.HasPrefix(view, t.owner+".")
	}
	b, ok := t.blind[view]
	if ok && len(b.too) > 0 && digests < b.each {
		b.By = append(slices.Clone(b.By), b.too...)
		return b, true
	}
	return b, ok && len(b.By) > 0 && (b.fields == nil || slices.ContainsFunc(fields, func(f string) bool { return slices.Contains(b.fields, f) }))
}

func keyOf(v *schemas.View) keyed {
	if v.Dataset != nil {
		return keyedBy(v.Owner, datasetKey(v.Dataset))
	}
	return keyedBy(v.Owner, entityKey(v.Entity))
}

// kept names what the audit keeps of a key.
func (k *keyed) kept() string {
	if k.about >= 0 {
		return k.parts[k.about].name
	}
	names := make([]string, len(k.parts))
	for i, p := range k.parts {
		names[i] = p.name
	}
	return strings.Join(names, "|")
}

// names reports whether what the audit keeps of a key is a key of an entity.
func (k *keyed) names(e *schemas.Entity) bool {
	return k.about >= 0 && k.parts[k.about].of(e) || k.about < 0 && len(k.parts) == 1 && k.parts[0].of(e)
}

func (p *part) of(e *schemas.Entity) bool {
	return p.element.ID == e.Key.Element.ID || slices.Contains(p.entities, e.ID)
}

// blind tells how the view may answer about somebody of an entity that it was not asked by.
func (k *keyed) blind(c *schemas.Catalogue, v *schemas.View, e *schemas.Entity) (Blind, bool) {
	b := Blind{Way: OtherKey, Key: k.kept(), each: 1}
	for i, p := range k.parts {
		if k.keepsToo(i) {
			b.each++
			if p.of(e) {
				b.too = append(b.too, p.name)
			}
		}
	}
	switch {
	case !k.names(e) && v.Dataset != nil:
		b.By = slices.DeleteFunc(speaks(v.Dataset, e), func(f string) bool { return slices.Contains(b.too, f) })
	case !k.names(e):
		b.Way = MadeOf
		for dataset, fields := range drawsOf(v, v.Entity) {
			if d, err := c.Dataset(dataset); err == nil && len(speaks(d, e)) > 0 {
				b.By, b.fields = append(b.By, dataset), append(b.fields, fields...)
			}
		}
	default:
		b.Way = Others
		b.By, b.fields = others(v, e, append(b.too, b.Key))
		for i, p := range k.parts {
			if i != max(k.about, 0) && !k.keepsToo(i) && p.of(e) { // named in every question
				b.By, b.fields = append(b.By, p.name), nil
				break
			}
		}
	}
	slices.Sort(b.By)
	b.By = slices.Compact(b.By)
	return b, len(b.By)+len(b.too) > 0
}

// speaks returns the fields of a dataset by which its rows speak about an entity.
func speaks(d *schemas.Dataset, e *schemas.Entity) []string {
	var out []string
	for _, f := range d.Fields {
		linked := slices.ContainsFunc(d.Links, func(l schemas.Link) bool { return l.Entity == e.ID && l.Key == f.Name })
		if linked || f.Element != nil && f.Element.ID == e.Key.Element.ID {
			out = append(out, f.Name)
		}
	}
	return out
}

// others returns the fields of a view that hold keys of an entity and are none of those
// that it is asked by, and the columns that they stand in.
func others(v *schemas.View, e *schemas.Entity, asked []string) (names, columns []string) {
	for _, f := range v.Fields {
		if of, _ := v.Column(f.Name); of != nil && of.ID == e.Key.Element.ID && !slices.Contains(asked, f.Name) {
			names, columns = append(names, f.Name), append(columns, f.Name)
		}
	}
	for _, b := range v.Embed {
		for _, f := range b.Fields {
			if of, _ := b.Dataset.Column(f.Name); of != nil && of.ID == e.Key.Element.ID {
				names, columns = append(names, b.Dataset.ID+"."+f.Name), append(columns, b.Dataset.ID)
			}
		}
	}
	return names, columns
}
