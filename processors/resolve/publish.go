package resolve

import (
	"cmp"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/authority"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// publish emits the golden record of an entity, its explanation and the views, each if it
// differs from what was last emitted; null where there was one and is none now. It reports whether
// the golden record's values differ.
func (p *publisher) publish(tx processors.Tx, x *subject, g *authority.Golden) (differs bool, err error) {
	h := &x.head
	values, story := p.golden(g)
	differs = values != h.values
	version := h.version + 1
	if h.version == 0 {
		version = uint64(tx.Now().UnixMilli())
	}
	out := publication{publisher: p, tx: tx, of: x, version: version}
	if story != h.golden {
		if err := out.record(g); err != nil {
			return differs, err
		}
	}
	if p.explain != nil && (story != h.golden || x.keys != p.keys.Current()) {
		if err := out.story(g); err != nil {
			return differs, err
		}
	}
	h.golden = story
	if err := out.withdraw(); err != nil {
		return differs, err
	}
	if differs || x.embeds || x.fresh {
		for i := range p.views {
			if err := out.view(i, g); err != nil {
				return differs, err
			}
		}
	}
	if differs || out.emitted {
		h.values, x.changed = values, true
	}
	if out.emitted {
		h.version = version
	}
	return differs, nil
}

// view emits one view if anything it shows is not what it was. That is
// told by a digest of the clear cells, so that nothing is masked in vain.
func (p *publication) view(i int, g *authority.Golden) error {
	v, h := &p.views[i], &p.of.head
	last := &h.views[i]
	was, err := v.projection.KeyUnder(p.of.keys, p.of.key)
	if err != nil {
		return err
	}
	if !g.Exists {
		if last.record == 0 {
			return nil
		}
		*last = shown{}
		return p.emit(v.topic, cmp.Or(was, v.projection.Key(p.of.key)), nil)
	}
	if was != "" && last.record != 0 {
		p.move(v.topic, was, v.projection.Key(p.of.key))
	}
	digest := p.behind(v, g)
	if digest == last.clear {
		return nil
	}
	last.clear, p.of.changed = digest, true
	rec, _ := v.projection.ApplyInto(&p.slab, schemas.NewRecord(p.entity.Layout, g.Values), p.of.at)
	for j := range v.embeds {
		rec = v.projection.WithEmbeds(rec, j, p.embedded(&v.embeds[j]))
	}
	if p.buffer, err = v.writer.Append(p.buffer[:0], rec); err != nil {
		return fmt.Errorf("write record of %q: %w", v.topic, err)
	}
	if digest = recordDigest(p.buffer); digest == last.record {
		return nil
	}
	last.record = digest
	return p.emit(v.topic, v.projection.Key(p.of.key), p.buffer)
}

// withdraw takes back what stands in views that the catalogue had under which the entity
// was last published, and that this one has not.
func (p *publication) withdraw() error {
	if p.of.under == "" || p.of.head.version == 0 {
		return nil
	}
	for _, v := range p.left.Since(p.of.under) {
		key, err := v.Key(p.of.keys, p.of.key)
		if err != nil {
			return err
		}
		if err := p.emit(v.Topic, key, nil); err != nil {
			return err
		}
	}
	return nil
}

// embedded returns the rows a view shows of a dataset, by row key.
func (p *publication) embedded(e *embed) []schemas.Record {
	rows := p.of.dossier.Rows(e.dataset, e.role)
	shown := p.slab.Records(min(len(rows), e.max))[:0]
	for _, r := range rows {
		if len(shown) == e.max {
			break
		}
		if r.Record().IsZero() {
			continue
		}
		one, _ := e.projection.ApplyInto(&p.slab, r.Record(), p.of.at)
		shown = append(shown, one)
	}
	return shown
}

// record emits the golden record with the story of its cells.
func (p *publication) record(g *authority.Golden) error {
	topic := contract.Resolved(p.entity.ID)
	if !g.Exists {
		return p.emit(topic, p.of.key, nil)
	}
	l := p.resolved.Layout()
	values := append(p.slab.Values(len(l.Columns))[:0], g.Values...)
	values = append(values, schemas.Int(int64(p.version)), schemas.Millis(p.of.at), schemas.Table(p.cells(l, g)))
	var err error
	if p.buffer, err = p.resolved.Append(p.buffer[:0], schemas.NewRecord(l, values)); err != nil {
		return fmt.Errorf("write record of %q: %w", topic, err)
	}
	return p.emit(topic, p.of.key, p.buffer)
}

// cells makes the rows of the column _cells.
func (p *publication) cells(l *schemas.Layout, g *authority.Golden) []schemas.Record {
	cellLayout := l.Columns[len(l.Columns)-1].Rows
	loserLayout := cellLayout.Columns[len(cellLayout.Columns)-1].Rows
	cells := p.slab.Records(len(g.Cells))
	for i := range g.Cells {
		c := &g.Cells[i]
		losers := p.slab.Records(len(c.Losers))
		for j := range c.Losers {
			o := &c.Losers[j]
			losers[j] = p.row(loserLayout, schemas.Text(o.Dataset.ID), schemas.Text(o.Row), schemas.Text(string(o.Reason)), schemas.Text(element.Render(o.Element, o.Value)))
		}
		cells[i] = p.row(cellLayout, schemas.Text(c.Field.Name), schemas.Text(c.Dataset.ID), schemas.Text(c.Row), schemas.Text(c.Rule),
			schemas.Text(string(c.Reason)), schemas.Text(c.Flag), schemas.Int(c.At), schemas.Table(losers))
	}
	return cells
}

// behind is the digest of the clear cells behind a view.
func (p *publication) behind(v *view, g *authority.Golden) uint64 {
	p.hash.Reset()
	for _, at := range v.columns {
		p.value(g.Values[at])
	}
	for j := range v.embeds {
		e, n := &v.embeds[j], 0
		for _, r := range p.of.dossier.Rows(e.dataset, e.role) {
			if n == e.max {
				break
			}
			if r.Record().IsZero() {
				continue
			}
			n++
			for _, at := range e.columns {
				p.value(r.Value(at))
			}
		}
		p.text("", int64(n))
	}
	return p.sum()
}
