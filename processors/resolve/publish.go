package resolve

import (
	"encoding/binary"
	"fmt"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/authority"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// publish emits the golden record, its explanation and the views, each if it
// differs from what was last emitted; null where there was one and is none now.
func (s *stage) publish(tx processors.Tx, g *authority.Golden) error {
	x := &s.subject
	h := &x.head
	values, story := s.digests(g)
	if values != h.values {
		s.dirty.Golden()
	}
	version := h.version + 1
	if h.version == 0 {
		version = uint64(tx.Now().UnixMilli())
	}
	p := publication{stage: s, tx: tx, version: version}
	if story != h.golden {
		if err := p.emit(bus.Resolved(s.entity.ID), x.key, g.Exists, s.resolvedRecord(g, version), s.resolved.Append); err != nil {
			return err
		}
		h.golden = story
		if s.explain != nil {
			if err := s.publishExplanation(&p, g); err != nil {
				return err
			}
		}
	}
	if values != h.values || x.embeds || x.fresh {
		for i := range s.views {
			if err := s.publishView(&p, i, g); err != nil {
				return err
			}
		}
	}
	if values != h.values || p.emitted {
		h.values, x.changed = values, true
	}
	if p.emitted {
		h.version = version
	}
	return nil
}

// publication is one round of emissions under one version.
type publication struct {
	*stage
	tx      processors.Tx
	version uint64
	headers []bus.Header
	emitted bool
}

func (p *publication) emit(topic bus.Topic, key string, exists bool, rec func() schemas.Record, write func([]byte, schemas.Record) ([]byte, error)) error {
	if p.headers == nil {
		p.headers = p.stage.headers(p.version)
	}
	out := bus.Record{Topic: topic, Partition: -1, Key: []byte(key), Time: p.subject.at, Headers: p.headers}
	if exists {
		var err error
		if p.buffer, err = write(p.buffer[:0], rec()); err != nil {
			return fmt.Errorf("write record of %q: %w", topic, err)
		}
		out.Value = p.arena.copy(p.buffer)
	}
	p.emitted = true
	p.tx.Emit(out)
	return nil
}

func (s *stage) publishView(p *publication, i int, g *authority.Golden) error {
	v, h := &s.views[i], &s.subject.head
	if !g.Exists {
		if h.views[i] == 0 {
			return nil
		}
		h.views[i] = 0
		return p.emit(v.topic, v.projection.Key(s.subject.key), false, nil, nil)
	}
	golden := schemas.NewRecord(s.entity.Layout, g.Values)
	shown, _ := v.projection.Apply(golden, s.subject.at)
	for j := range v.embeds {
		shown = v.projection.WithEmbeds(shown, j, s.embedded(&v.embeds[j]))
	}
	value, err := v.writer.Append(s.buffer[:0], shown)
	if err != nil {
		return fmt.Errorf("write record of %q: %w", v.topic, err)
	}
	s.buffer = value
	s.hash.Reset()
	_, _ = s.hash.Write(value) // a hash cannot fail
	digest := nonzero(s.hash.Sum64())
	if digest == h.views[i] {
		return nil
	}
	h.views[i] = digest
	written := func(dst []byte, _ schemas.Record) ([]byte, error) { return value, nil }
	return p.emit(v.topic, v.projection.Key(s.subject.key), true, func() schemas.Record { return shown }, written)
}

// embedded returns the rows a view shows of a dataset, by row key.
func (s *stage) embedded(e *embed) []schemas.Record {
	rows := s.subject.dossier.Rows(e.dataset, e.role)
	shown := make([]schemas.Record, 0, min(len(rows), e.max))
	for _, r := range rows {
		if len(shown) == e.max {
			break
		}
		if r.Record().IsZero() {
			continue
		}
		one, _ := e.projection.Apply(r.Record(), s.subject.at)
		shown = append(shown, one)
	}
	return shown
}

// digests returns those of the golden record's values and of its whole story, 0
// if there is none.
func (s *stage) digests(g *authority.Golden) (values, story uint64) {
	if !g.Exists {
		return 0, 0
	}
	s.hash.Reset()
	var b [8]byte
	put := func(text string, n int64) {
		binary.LittleEndian.PutUint64(b[:], uint64(len(text)))
		_, _ = s.hash.Write(b[:]) // a hash cannot fail
		_, _ = s.hash.WriteString(text)
		binary.LittleEndian.PutUint64(b[:], uint64(n))
		_, _ = s.hash.Write(b[:])
	}
	for _, v := range g.Values {
		put(v.Str(), v.Int64())
		put("", int64(v.Kind()))
	}
	values = nonzero(s.hash.Sum64())
	for i := range g.Cells {
		c := &g.Cells[i]
		put(c.Dataset.ID, c.At)
		put(c.Row, 0)
		put(c.Rule, 0)
		put(string(c.Reason), int64(len(c.Losers)))
		put(c.Flag, 0)
		for j := range c.Losers {
			l := &c.Losers[j]
			put(l.Dataset.ID, 0)
			put(l.Row, 0)
			put(string(l.Reason), l.Value.Int64())
			put(l.Value.Str(), 0)
		}
	}
	return values, nonzero(s.hash.Sum64())
}

// nonzero keeps 0 for "there is none" and 1 for "unknown".
func nonzero(digest uint64) uint64 { return max(digest, 2) }

// resolvedRecord makes the record of the topic resolved.
func (s *stage) resolvedRecord(g *authority.Golden, version uint64) func() schemas.Record {
	return func() schemas.Record {
		l := s.entity.ResolvedLayout()
		cellLayout := l.Columns[len(l.Columns)-1].Rows
		loserLayout := cellLayout.Columns[len(cellLayout.Columns)-1].Rows
		values := append(make([]schemas.Value, 0, len(l.Columns)), g.Values...)
		cells := make([]schemas.Record, len(g.Cells))
		for i := range g.Cells {
			c := &g.Cells[i]
			losers := make([]schemas.Record, len(c.Losers))
			for j := range c.Losers {
				o := &c.Losers[j]
				losers[j] = schemas.NewRecord(loserLayout, []schemas.Value{
					schemas.Text(o.Dataset.ID), schemas.Text(o.Row), schemas.Text(string(o.Reason)), schemas.Text(element.Render(o.Element, o.Value)),
				})
			}
			cells[i] = schemas.NewRecord(cellLayout, []schemas.Value{
				schemas.Text(c.Field.Name), schemas.Text(c.Dataset.ID), schemas.Text(c.Row), schemas.Text(c.Rule), schemas.Text(string(c.Reason)),
				schemas.Text(c.Flag), schemas.Int(c.At), schemas.Table(losers),
			})
		}
		values = append(values, schemas.Int(int64(version)), schemas.Millis(s.subject.at), schemas.Table(cells))
		return schemas.NewRecord(l, values)
	}
}

// publishExplanation emits why each cell is what it is, masked.
func (s *stage) publishExplanation(p *publication, g *authority.Golden) error {
	h := &s.subject.head
	id := s.entity.ID + "." + schemas.ExplainView
	key := s.keys.Token("key:"+id, s.subject.key)
	if !g.Exists {
		if h.explain == 0 {
			return nil
		}
		h.explain = 0
		return p.emit(bus.Shared(id), key, false, nil, nil)
	}
	value, err := s.explain.Append(s.buffer[:0], s.explanation(id, g))
	if err != nil {
		return fmt.Errorf("write record of %q: %w", id, err)
	}
	s.buffer = value
	s.hash.Reset()
	_, _ = s.hash.Write(value) // a hash cannot fail
	digest := nonzero(s.hash.Sum64())
	if digest == h.explain {
		return nil
	}
	h.explain = digest
	written := func([]byte, schemas.Record) ([]byte, error) { return value, nil }
	return p.emit(bus.Shared(id), key, true, func() schemas.Record { return schemas.Record{} }, written)
}

func (s *stage) explanation(id string, g *authority.Golden) schemas.Record {
	cellLayout := schemas.ExplainCellLayout
	loserLayout := cellLayout.Columns[len(cellLayout.Columns)-1].Rows
	tokens := make(map[string]string, 4)
	token := func(dataset, row string) string {
		name := schemas.JoinKey(dataset, row)
		if tokens[name] == "" {
			tokens[name] = s.keys.Token("row:"+id, name)
		}
		return tokens[name]
	}
	cells := make([]schemas.Record, len(g.Cells))
	for i := range g.Cells {
		c := &g.Cells[i]
		losers := make([]schemas.Record, len(c.Losers))
		for j := range c.Losers {
			o := &c.Losers[j]
			losers[j] = schemas.NewRecord(loserLayout, []schemas.Value{
				schemas.Text(o.Dataset.ID), schemas.Text(o.Dataset.Provider.ID), s.masked(o.Element, o.Value), schemas.Text(string(o.Reason)),
			})
		}
		cells[i] = schemas.NewRecord(cellLayout, []schemas.Value{
			schemas.Text(c.Field.Name), schemas.Text(c.Field.Title), s.masked(c.Field.Element, g.Values[c.Field.Index]), schemas.Text(c.Dataset.ID),
			schemas.Text(c.Dataset.Provider.ID), schemas.Text(token(c.Dataset.ID, c.Row)), schemas.Text(string(c.Reason)), schemas.Text(c.Flag),
			schemas.Int(c.At), schemas.Table(losers),
		})
	}
	return schemas.NewRecord(schemas.ExplainLayout, []schemas.Value{schemas.Table(cells)})
}

func (s *stage) masked(e *schemas.Element, v schemas.Value) schemas.Value {
	text := element.Render(e, v)
	if text == "" {
		return schemas.Null
	}
	return schemas.Text(s.evidence.Mask(e, text))
}
