package route

import (
	"fmt"
	"slices"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/processors/masking"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// claims adds to s.out what a new content of a row says about entities.
func (s *stage) claims(c *change, row, old schemas.Record, last, next image) error {
	d := c.dataset
	for i := range d.links {
		l := &d.links[i]
		was, is := l.was(c, old, last), l.key(row)
		if was != "" && was != is {
			if err := s.say(c, l, was, nil); err != nil {
				return err
			}
		}
		if is != "" {
			if err := s.say(c, l, is, next.row); err != nil {
				return err
			}
		}
	}
	return nil
}

// say adds a claim about an entity, a retraction if row is nil.
func (s *stage) say(c *change, l *link, entity string, row []byte) error {
	m := claim.Claim{
		Dataset: c.dataset.ID, Role: l.role, Row: string(c.Key), Retract: row == nil, Source: string(c.source), Sequence: c.sequence,
		At: c.Time, Value: string(row),
	}
	var err error
	if s.buffer, err = l.writer.Append(s.buffer[:0], m.Values(s.claim)); err != nil {
		return &reject{reason: contract.ReasonTooLarge, detail: "行过大，无法转发 / the row is too large to be passed on"}
	}
	s.out = append(s.out, bus.Record{Topic: l.topic, Partition: bus.ByKey, Key: []byte(entity), Value: s.arena.Copy(s.buffer), Time: c.Time})
	return nil
}

// show adds to s.out what views show of a new content of a row: those whose fields
// changed, all of them where the last image is of another catalogue, and those with
// tokens where it is of another key.
func (s *stage) show(c *change, row, old schemas.Record, last, next image) error {
	d := c.dataset
	all := old.IsZero() || !last.live || !processors.SameCatalogue(last.edition, s.edition)
	rotated := last.live && processors.KeyVersion(last.edition, s.keys) != s.keys.Current()
	var headers []bus.Header
	if all && last.live && d.left.Any() {
		headers = s.headers(c, next.version)
		if err := s.withdraw(c, d.left, last, headers); err != nil {
			return err
		}
	}
	for i := range d.views {
		v := &d.views[i]
		always := all || rotated && v.projection.Tokens()
		if !always && !v.changed(row, old) {
			continue
		}
		shown, _ := v.projection.ApplyInto(&s.slab, row, c.Time)
		if !always && v.compare {
			if was, _ := v.projection.ApplyInto(&s.slab, old, c.Time); was.Equal(shown) {
				continue // what changed is hidden
			}
		}
		if headers == nil {
			headers = s.headers(c, next.version)
		}
		key := v.projection.Key(string(c.Key))
		if rotated {
			if err := s.move(c, v, last, key, headers); err != nil {
				return err
			}
		}
		var err error
		if s.buffer, err = v.writer.Append(s.buffer[:0], shown); err != nil {
			return fmt.Errorf("write record of %q: %w", v.topic, err)
		}
		s.out = append(s.out, bus.Record{
			Topic: v.topic, Partition: bus.ByKey, Key: []byte(key), Value: s.arena.Copy(s.buffer), Time: c.Time, Headers: headers,
		})
	}
	return nil
}

// withdraw adds to s.out that nothing stands any more of a row in the views that the
// catalogue had under which it was last published, and that this one has not.
func (s *stage) withdraw(c *change, left masking.Withdrawn, last image, headers []bus.Header) error {
	for _, v := range left.Since(processors.CatalogueOf(last.edition)) {
		key, err := v.Key(processors.KeyVersion(last.edition, s.keys), string(c.Key))
		if err != nil {
			return err
		}
		s.out = append(s.out, bus.Record{Topic: v.Topic, Partition: bus.ByKey, Key: []byte(key), Time: c.Time, Headers: headers})
	}
	return nil
}

// move deletes the record of a view that the row's last image stands under another
// key of the ring, and says where it is now.
func (s *stage) move(c *change, v *view, last image, key string, headers []bus.Header) error {
	was, err := v.projection.KeyUnder(processors.KeyVersion(last.edition, s.keys), string(c.Key))
	if err != nil || was == "" {
		return err
	}
	headers = append(slices.Clone(headers), bus.Header{Key: contract.Moved, Value: []byte(key)})
	s.out = append(s.out, bus.Record{Topic: v.topic, Partition: bus.ByKey, Key: []byte(was), Time: c.Time, Headers: headers})
	return nil
}

// headers are those of shared records.
func (s *stage) headers(c *change, version uint64) []bus.Header {
	return []bus.Header{
		{Key: contract.Version, Value: contract.AppendVersion(make([]byte, 0, 16), version)},
		{Key: contract.Catalogue, Value: s.period},
		{Key: contract.At, Value: contract.AppendAt(nil, c.Time)},
	}
}

// changed reports whether a field that the view shows is not what it was.
func (v *view) changed(row, old schemas.Record) bool {
	if old.IsZero() {
		return true
	}
	for _, i := range v.columns {
		if !row.Value(i).Equal(old.Value(i)) {
			return true
		}
	}
	return false
}
