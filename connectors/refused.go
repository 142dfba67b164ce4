package connectors

import (
	"context"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
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

// Refuse notes that a row was refused, beside its rejections. A key that is not known,
// "", can be told by quarantine alone.
func (b *Batch) Refuse(d *schemas.Dataset, key string, cells []Cell, origin schemas.Origin, spelling schemas.Spelling) {
	if key == "" {
		return
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

// refusal adds the record of raw.* that says so, in the partition of the row itself.
func (e *encoder) refusal(ctx context.Context, r *Refusal) error {
	topic := contract.Raw(r.Dataset.ID)
	n, ok := e.partitions[topic]
	if !ok {
		var err error
		if n, err = e.bus.Partitions(ctx, topic); err != nil {
			return fmt.Errorf("publish refusal of a row of %q: %w", r.Dataset.ID, err)
		}
		e.partitions[topic] = n
	}
	headers := e.headers(&schemas.Change{Dataset: r.Dataset, Op: schemas.Refused, Origin: r.Origin, Spelling: r.Spelling})
	if len(r.About) > 0 {
		headers = append(headers, bus.Header{Key: contract.About, Value: contract.AppendAbout(nil, r.About)})
	}
	e.records = append(e.records, bus.Record{
		Topic: topic, Partition: bus.PartitionOf([]byte(r.Key), n), Key: contract.AppendRefusedKey(nil, r.Key), Time: r.Origin.At, Headers: headers,
	})
	return nil
}
