package resolve

import (
	"cmp"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/processors/authority"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// publishExplanation emits why each cell is what it is, masked.
func (p *publication) story(g *authority.Golden) error {
	h := &p.of.head
	id := p.entity.ID + "." + schemas.ExplainView
	key, was := p.keys.Token(contract.KeyLabel(id), p.of.key), ""
	var err error
	if p.of.keys != p.keys.Current() {
		if was, err = p.keys.TokenVersion(p.of.keys, contract.KeyLabel(id), p.of.key); err != nil {
			return fmt.Errorf("key of view %q: %w", id, err)
		}
	}
	if !g.Exists {
		if h.explain == 0 {
			return nil
		}
		h.explain = 0
		return p.emit(contract.Shared(id), cmp.Or(was, key), nil)
	}
	if was != "" && h.explain != 0 {
		p.move(contract.Shared(id), was, key)
	}
	if p.buffer, err = p.explain.Append(p.buffer[:0], p.explanation(id, g)); err != nil {
		return fmt.Errorf("write record of %q: %w", id, err)
	}
	digest := recordDigest(p.buffer)
	if digest == h.explain {
		return nil
	}
	h.explain = digest
	return p.emit(contract.Shared(id), key, p.buffer)
}

func (p *publication) explanation(id string, g *authority.Golden) schemas.Record {
	cellLayout := schemas.ExplainCellLayout
	loserLayout := cellLayout.Columns[len(cellLayout.Columns)-1].Rows
	audience := "row:" + id
	clear(p.tokens)
	cells := p.slab.Records(len(g.Cells))
	for i := range g.Cells {
		c := &g.Cells[i]
		losers := p.slab.Records(len(c.Losers))
		for j := range c.Losers {
			o := &c.Losers[j]
			losers[j] = p.row(loserLayout, schemas.Text(o.Dataset.ID), schemas.Text(o.Dataset.Provider.ID), p.shows[claimed{c.Field, o.Element}](o.Value), schemas.Text(string(o.Reason)))
		}
		cells[i] = p.row(cellLayout, schemas.Text(c.Field.Name), schemas.Text(c.Field.Title), p.shows[claimed{c.Field, c.Field.Element}](g.Values[c.Field.Index]),
			schemas.Text(c.Dataset.ID), schemas.Text(c.Dataset.Provider.ID), schemas.Text(p.rowToken(audience, c.Dataset.ID, c.Row)),
			schemas.Text(string(c.Reason)), schemas.Text(c.Flag), schemas.Int(c.At), schemas.Table(losers))
	}
	return p.row(schemas.ExplainLayout, schemas.Table(cells))
}

// rowToken is the token of a row; most cells of an entity come from a few rows.
func (p *publisher) rowToken(audience, dataset, row string) string {
	name := rowName{dataset, row}
	token, ok := p.tokens[name]
	if !ok {
		token = p.keys.Token(audience, schemas.JoinKey(dataset, row))
		p.tokens[name] = token
	}
	return token
}
