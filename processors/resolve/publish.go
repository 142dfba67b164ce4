package resolve

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/cespare/xxhash/v2"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/authority"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
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
		if err := s.publishGolden(&p, g); err != nil {
			return err
		}
	}
	if s.explain != nil && (story != h.golden || x.keys != s.keys.Current()) {
		if err := s.publishExplanation(&p, g); err != nil {
			return err
		}
	}
	h.golden = story
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

// emit emits a framed record, a tombstone if value is nil.
func (p *publication) emit(topic contract.Topic, key string, value []byte) error {
	if p.headers == nil {
		p.headers = p.stage.headers(p.version)
	}
	out := bus.Record{Topic: topic, Partition: bus.ByKey, Key: []byte(key), Time: p.subject.at, Headers: p.headers}
	if value != nil {
		out.Value = p.arena.copy(value)
	}
	p.emitted = true
	p.tx.Emit(out)
	return nil
}

// move deletes what stands under a token of another key and says where it stands
// now.
func (p *publication) move(topic contract.Topic, was, now string) {
	headers := append(p.stage.headers(p.version), bus.Header{Key: contract.Moved, Value: []byte(now)})
	p.emitted = true
	p.tx.Emit(bus.Record{Topic: topic, Partition: bus.ByKey, Key: []byte(was), Time: p.subject.at, Headers: headers})
}

// publishView emits one view if anything it shows is not what it was. That is
// told by a digest of the clear cells, so that nothing is masked in vain.
func (s *stage) publishView(p *publication, i int, g *authority.Golden) error {
	v, h := &s.views[i], &s.subject.head
	last := &h.views[i]
	was, err := v.projection.KeyUnder(s.subject.keys, s.subject.key)
	if err != nil {
		return err
	}
	if !g.Exists {
		if last.record == 0 {
			return nil
		}
		*last = shown{}
		return p.emit(v.topic, cmp.Or(was, v.projection.Key(s.subject.key)), nil)
	}
	if was != "" && last.record != 0 {
		p.move(v.topic, was, v.projection.Key(s.subject.key))
	}
	digest := s.behind(v, g)
	if digest == last.clear {
		return nil
	}
	last.clear, s.subject.changed = digest, true
	rec, _ := v.projection.ApplyInto(&s.slab, schemas.NewRecord(s.entity.Layout, g.Values), s.subject.at)
	for j := range v.embeds {
		rec = v.projection.WithEmbeds(rec, j, s.embedded(&v.embeds[j]))
	}
	if s.buffer, err = v.writer.Append(s.buffer[:0], rec); err != nil {
		return fmt.Errorf("write record of %q: %w", v.topic, err)
	}
	if digest = s.digest(s.buffer); digest == last.record {
		return nil
	}
	last.record = digest
	return p.emit(v.topic, v.projection.Key(s.subject.key), s.buffer)
}

func (s *stage) digest(b []byte) uint64 { return nonzero(xxhash.Sum64(b)) }

// behind is the digest of the clear cells behind a view.
func (s *stage) behind(v *view, g *authority.Golden) uint64 {
	s.hash.Reset()
	for _, at := range v.columns {
		s.hashValue(g.Values[at])
	}
	for j := range v.embeds {
		e, n := &v.embeds[j], 0
		for _, r := range s.subject.dossier.Rows(e.dataset, e.role) {
			if n == e.max {
				break
			}
			if r.Record().IsZero() {
				continue
			}
			n++
			for _, at := range e.columns {
				s.hashValue(r.Value(at))
			}
		}
		s.hashText("", int64(n))
	}
	return nonzero(s.hash.Sum64())
}

func (s *stage) hashValue(v schemas.Value) {
	s.hashText(v.Str(), v.Int64()<<3^int64(math.Float64bits(v.Float64()))^int64(v.Kind()))
}

// hashText adds a text, with its length so that texts cannot run into one
// another, and a number.
func (s *stage) hashText(text string, n int64) {
	binary.LittleEndian.PutUint64(s.word[:8], uint64(len(text)))
	binary.LittleEndian.PutUint64(s.word[8:], uint64(n))
	_, _ = s.hash.Write(s.word[:]) // a hash cannot fail
	_, _ = s.hash.WriteString(text)
}

// embedded returns the rows a view shows of a dataset, by row key.
func (s *stage) embedded(e *embed) []schemas.Record {
	rows := s.subject.dossier.Rows(e.dataset, e.role)
	shown := s.slab.Records(min(len(rows), e.max))[:0]
	for _, r := range rows {
		if len(shown) == e.max {
			break
		}
		if r.Record().IsZero() {
			continue
		}
		one, _ := e.projection.ApplyInto(&s.slab, r.Record(), s.subject.at)
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
	for _, v := range g.Values {
		s.hashValue(v)
	}
	values = nonzero(s.hash.Sum64())
	for i := range g.Cells {
		c := &g.Cells[i]
		s.hashText(c.Dataset.ID, c.At)
		s.hashText(c.Row, int64(len(c.Losers)))
		s.hashText(c.Rule, 0)
		s.hashText(string(c.Reason), 0)
		s.hashText(c.Flag, 0)
		for j := range c.Losers {
			l := &c.Losers[j]
			s.hashText(l.Dataset.ID, 0)
			s.hashText(l.Row, 0)
			s.hashText(string(l.Reason), 0)
			s.hashValue(l.Value)
		}
	}
	return values, nonzero(s.hash.Sum64())
}

// nonzero keeps 0 for "there is none" and 1 for "unknown".
func nonzero(digest uint64) uint64 { return max(digest, 2) }

// publishGolden emits the golden record with the story of its cells.
func (s *stage) publishGolden(p *publication, g *authority.Golden) error {
	topic := contract.Resolved(s.entity.ID)
	if !g.Exists {
		return p.emit(topic, s.subject.key, nil)
	}
	l := s.resolved.Layout()
	values := append(s.slab.Values(len(l.Columns))[:0], g.Values...)
	values = append(values, schemas.Int(int64(p.version)), schemas.Millis(s.subject.at), schemas.Table(s.storyOf(l, g)))
	var err error
	if s.buffer, err = s.resolved.Append(s.buffer[:0], schemas.NewRecord(l, values)); err != nil {
		return fmt.Errorf("write record of %q: %w", topic, err)
	}
	return p.emit(topic, s.subject.key, s.buffer)
}

// storyOf makes the rows of the column _cells.
func (s *stage) storyOf(l *schemas.Layout, g *authority.Golden) []schemas.Record {
	cellLayout := l.Columns[len(l.Columns)-1].Rows
	loserLayout := cellLayout.Columns[len(cellLayout.Columns)-1].Rows
	cells := s.slab.Records(len(g.Cells))
	for i := range g.Cells {
		c := &g.Cells[i]
		losers := s.slab.Records(len(c.Losers))
		for j := range c.Losers {
			o := &c.Losers[j]
			losers[j] = s.record(loserLayout, schemas.Text(o.Dataset.ID), schemas.Text(o.Row), schemas.Text(string(o.Reason)), schemas.Text(element.Render(o.Element, o.Value)))
		}
		cells[i] = s.record(cellLayout, schemas.Text(c.Field.Name), schemas.Text(c.Dataset.ID), schemas.Text(c.Row), schemas.Text(c.Rule),
			schemas.Text(string(c.Reason)), schemas.Text(c.Flag), schemas.Int(c.At), schemas.Table(losers))
	}
	return cells
}

// record makes a record that lives as long as the entity is in hand.
func (s *stage) record(l *schemas.Layout, values ...schemas.Value) schemas.Record {
	own := s.slab.Values(len(values))
	copy(own, values)
	return schemas.NewRecord(l, own)
}

// publishExplanation emits why each cell is what it is, masked.
func (s *stage) publishExplanation(p *publication, g *authority.Golden) error {
	h := &s.subject.head
	id := s.entity.ID + "." + schemas.ExplainView
	key, was := s.keys.Token(contract.KeyLabel(id), s.subject.key), ""
	var err error
	if s.subject.keys != s.keys.Current() {
		if was, err = s.keys.TokenVersion(s.subject.keys, contract.KeyLabel(id), s.subject.key); err != nil {
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
	if s.buffer, err = s.explain.Append(s.buffer[:0], s.explanation(id, g)); err != nil {
		return fmt.Errorf("write record of %q: %w", id, err)
	}
	digest := s.digest(s.buffer)
	if digest == h.explain {
		return nil
	}
	h.explain = digest
	return p.emit(contract.Shared(id), key, s.buffer)
}

func (s *stage) explanation(id string, g *authority.Golden) schemas.Record {
	cellLayout := schemas.ExplainCellLayout
	loserLayout := cellLayout.Columns[len(cellLayout.Columns)-1].Rows
	audience := "row:" + id
	clear(s.tokens)
	cells := s.slab.Records(len(g.Cells))
	for i := range g.Cells {
		c := &g.Cells[i]
		losers := s.slab.Records(len(c.Losers))
		for j := range c.Losers {
			o := &c.Losers[j]
			losers[j] = s.record(loserLayout, schemas.Text(o.Dataset.ID), schemas.Text(o.Dataset.Provider.ID), s.shows[claimed{c.Field, o.Element}](o.Value), schemas.Text(string(o.Reason)))
		}
		cells[i] = s.record(cellLayout, schemas.Text(c.Field.Name), schemas.Text(c.Field.Title), s.shows[claimed{c.Field, c.Field.Element}](g.Values[c.Field.Index]),
			schemas.Text(c.Dataset.ID), schemas.Text(c.Dataset.Provider.ID), schemas.Text(s.rowToken(audience, c.Dataset.ID, c.Row)),
			schemas.Text(string(c.Reason)), schemas.Text(c.Flag), schemas.Int(c.At), schemas.Table(losers))
	}
	return s.record(schemas.ExplainLayout, schemas.Table(cells))
}

// rowToken is the token of a row; most cells of an entity come from a few rows.
func (s *stage) rowToken(audience, dataset, row string) string {
	name := rowName{dataset, row}
	token, ok := s.tokens[name]
	if !ok {
		token = s.keys.Token(audience, schemas.JoinKey(dataset, row))
		s.tokens[name] = token
	}
	return token
}
