package connectors

import (
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// Refusal is a row that was refused though its key is known: what is known of the
// row is older than what its department says, and whoever asks for it is told so.
type Refusal struct {
	Dataset *schemas.Dataset
	Key     string
	Origin  schemas.Origin
	// About are the fields by which the row speaks about somebody, as far as they are
	// sound: name and normal form of each in turn.
	About    []string
	Spelling schemas.Spelling
}

// Refuse notes that a row was refused, behind its rejections, which are the last. A key that
// is not known, "", can be told by quarantine alone.
func (b *Batch) Refuse(keys *keyring.Keyring, d *schemas.Dataset, key string, cells []Cell, origin schemas.Origin, spelling schemas.Spelling) {
	if key == "" {
		return
	}
	for i := len(b.Rejections) - 1; i >= 0 && keys != nil && b.Rejections[i].Digest == b.Rejections[len(b.Rejections)-1].Digest; i-- {
		b.Rejections[i].Name(keys, key, origin.Source, origin.Sequence)
	}
	r := Refusal{Dataset: d, Key: key, Origin: origin, Spelling: spelling}
	for _, l := range d.Links {
		if l.Index >= len(cells) || cells[l.Index].State != Given {
			continue
		}
		if v, bad := value(d.Fields[l.Index], cells[l.Index], false); bad == nil && !v.IsNull() {
			r.About = append(r.About, d.Fields[l.Index].Name, element.RenderNormal(d.Fields[l.Index].Element, v))
		}
	}
	b.Refused = append(b.Refused, r)
}

// about is what About is of a row that is whole.
func about(c *schemas.Change) []string {
	var out []string
	for _, l := range c.Dataset.Links {
		if v := c.Record.Value(l.Index); v.Kind() != schemas.KindNull && v.Kind() != schemas.KindUnavailable {
			out = append(out, c.Dataset.Fields[l.Index].Name, element.RenderNormal(c.Dataset.Fields[l.Index].Element, v))
		}
	}
	return out
}
