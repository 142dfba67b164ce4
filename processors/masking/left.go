package masking

import (
	"cmp"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Left is a view that an earlier catalogue had and the present one has not: what was
// published of it is taken back, record by record, so that it is not answered one day
// when the view returns. It knows no more than under which keys its records stand.
type Left struct {
	Topic contract.Topic
	keyed Projection
}

// Withdrawn are the views that a catalogue has no more, of one owner: a dataset or an entity.
type Withdrawn struct {
	lineage *schemas.Lineage
	views   map[string]*Left
	owner   string
}

// WithdrawnOf returns the views of an owner that were in force once.
func WithdrawnOf(cat *schemas.Catalogue, owner string, keys Keys) Withdrawn {
	w := Withdrawn{&cat.Lineage, map[string]*Left{}, owner}
	for _, v := range cat.Lineage.Gone() {
		if v.Owner == owner {
			w.views[v.ID] = &Left{contract.Shared(v.ID), Projection{view: v, keys: keys, key: contract.KeyLabel(audience(v))}}
		}
	}
	return w
}

// Any reports whether there are any.
func (w Withdrawn) Any() bool { return len(w.views) > 0 }

// Topics are those of all of them.
func (w Withdrawn) Topics() []contract.Topic {
	out := make([]contract.Topic, 0, len(w.views))
	for _, l := range w.views {
		out = append(out, l.Topic)
	}
	return out
}

// Since returns those that the catalogue of a version had.
func (w Withdrawn) Since(version string) []*Left {
	if !w.Any() {
		return nil
	}
	var out []*Left
	for _, v := range w.lineage.Left(version) {
		if l := w.views[v.ID]; l != nil {
			out = append(out, l)
		}
	}
	return out
}

// Key returns under which key a record of an owner stands that was published under a
// version of the key ring.
func (l *Left) Key(version int, owner string) (string, error) {
	was, err := l.keyed.KeyUnder(version, owner)
	if err != nil {
		return "", err
	}
	return cmp.Or(was, l.keyed.Key(owner)), nil
}
