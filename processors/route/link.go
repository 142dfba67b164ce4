package route

import (
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// link gives a dataset the entities that its rows speak about.
func (s *stage) link(one *dataset, cat *schemas.Catalogue, c *codec.Codec) error {
	d := one.Dataset
	for _, l := range d.Links {
		topic := contract.Claims(l.Entity)
		w, err := c.Writer(s.ctx, topic.Subject(), contract.ClaimLayout)
		if err != nil {
			return err
		}
		one.links = append(one.links, link{role: l.Role, entity: l.Entity, column: l.Index, element: d.Fields[l.Index].Element, inner: innerKey(cat, d, l), finds: slices.Contains(d.FoundBy, l), topic: topic, writer: w})
	}
	return nil
}

// innerKey returns the element of an entity's key where the field that a link
// goes by may hold other numbers too, nil where it holds nothing else.
func innerKey(cat *schemas.Catalogue, d *schemas.Dataset, l schemas.Link) *schemas.Element {
	e, err := cat.Entity(l.Entity)
	if err != nil || e.Key.Element == nil || d.Fields[l.Index].Element.Contains != e.Key.Element.ID {
		return nil
	}
	return e.Key.Element
}

// key returns the key of the entity that a row speaks about, "" for none.
func (l *link) key(row schemas.Record) string {
	if row.IsZero() {
		return ""
	}
	return l.keyOf(element.Normal(l.element, row.Value(l.column)))
}

func (l *link) keyOf(v schemas.Value) string {
	switch v.Kind() {
	case schemas.KindString:
		if l.inner != nil {
			return innerOf(l.inner, v.Str())
		}
		return v.Str()
	case schemas.KindNull:
		return ""
	default:
		return element.Render(l.element, v)
	}
}

// inKey returns the entity that a row's key names, "" for none.
func (l *link) inKey(c *change) string {
	at := slices.Index(c.dataset.KeyIndex, l.column)
	parts, err := schemas.SplitKey(string(c.Key))
	if at < 0 || err != nil || at >= len(parts) {
		return ""
	}
	return l.keyOf(schemas.Text(parts[at]))
}

// was returns the entity that the row's last image speaks about, "" for none.
// Of an image that cannot be read it is known where the link is part of the key.
func (l *link) was(c *change, old schemas.Record, last image) string {
	if !old.IsZero() || !last.live {
		return l.key(old)
	}
	return l.inKey(c)
}

// innerOf returns the entity's key that a text holds, "" if it holds some other
// number: a passport's is nobody's citizen number.
func innerOf(e *schemas.Element, text string) string {
	s, err := element.Normalise(e, text)
	if err != nil {
		return ""
	}
	return s
}
