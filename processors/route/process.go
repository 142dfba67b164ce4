package route

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// remember is how long a deletion is remembered.
const remember = contract.Week

// Process implements processors.Stage.
func (s *stage) Process(tx processors.Tx, batch []bus.Record) error {
	for i := range batch {
		r := &batch[i]
		d := s.datasets[r.Topic]
		if d == nil {
			return fmt.Errorf("route record of topic %q: not one of the step's", r.Topic)
		}
		if said := r.Header(contract.ControlHeader); said != nil {
			if err := s.control(tx, d, r, said); err != nil {
				return err
			}
			continue
		}
		c, err := d.read(r)
		c.today = dayOf(tx.Now())
		switch {
		case err != nil:
		case c.op == schemas.Refused:
			if err = c.rowOf(); err == nil {
				err = s.outdate(tx, &c)
			}
		default:
			err = s.take(tx, &c)
		}
		var why *reject
		if !errors.As(err, &why) {
			if err != nil {
				return err
			}
			continue
		}
		if err := s.refuse(tx, &c, why); err != nil {
			return err
		}
		if why.unnamed || slices.Contains(d.Key, why.field) || c.source == nil || !whole(d, c.Key) {
			continue // nobody knows of which row it was
		}
		if err := s.outdate(tx, &c); err != nil {
			return err
		}
	}
	return nil
}

// refuse tells quarantine of a change that could not be taken.
func (s *stage) refuse(tx processors.Tx, c *change, why *reject) error {
	q, err := s.rejection(c, why)
	if err != nil {
		return err
	}
	tx.Emit(q)
	return nil
}

// Wake implements processors.Stage: the time to remember a deletion is over, or the
// rows before a completion may have been renewed.
func (s *stage) Wake(tx processors.Tx, key []byte) error {
	if isCompletion(key) {
		return s.wakeCompletion(tx, key)
	}
	stored, err := tx.Get(key)
	if err != nil || stored == nil {
		return err
	}
	m, err := parseImage(stored)
	if err != nil {
		return err
	}
	if !m.live && !m.refused.open {
		tx.Delete(key)
	}
	return nil
}

// dayOf counts the days from 1970-01-01 to t's day in Shanghai.
func dayOf(t time.Time) int64 { return (t.Unix() + 8*60*60) / (24 * 60 * 60) }

// take takes one change. A *reject leaves no trace in state or output. What goes
// wrong inside is this record's fault alone: nothing is stored or emitted before
// all of it is made.
func (s *stage) take(tx processors.Tx, c *change) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = s.panicked(crash.Of(p))
		}
	}()
	s.slab.Reset()
	if c.op == schemas.Truncate {
		return s.truncate(tx, c)
	}
	s.key = append(append(s.key[:0], c.dataset.prefix...), c.Key...)
	last, known, err := s.load(tx)
	if err != nil {
		return err
	}
	if known && string(last.source) == string(c.source) && last.sequence.Compare(c.sequence) >= 0 {
		return nil // a duplicate, or older than what is known
	}
	if c.op == schemas.Delete {
		return s.delete(tx, c, last)
	}
	return s.upsert(tx, c, last, known)
}

// panicked rejects the record in hand. The place is the program's, so it may be told.
func (s *stage) panicked(e *crash.Error) error {
	clear(s.out)
	s.out = s.out[:0]
	return &reject{reason: contract.ReasonInternal, detail: "处理失败，请把此处报告给开发方：" + e.Place() + " / the step failed on this record, please report the place: " + e.Place() + ", " + e.Type}
}

// load reads the image under s.key into scratch memory.
func (s *stage) load(tx processors.Tx) (m image, known bool, err error) {
	stored, err := tx.Get(s.key)
	if err != nil || stored == nil {
		return image{}, false, err
	}
	s.last = append(s.last[:0], stored...)
	m, err = parseImage(s.last)
	return m, err == nil, err
}

// next is the version of what this change emits: above all versions of the key
// so far, also of those forgotten, because offsets only grow.
func (m *image) next(offset int64) uint64 { return max(m.version+1, uint64(offset)+1) }

func (s *stage) upsert(tx processors.Tx, c *change, last image, known bool) error {
	next := image{live: true, source: c.source, sequence: c.sequence, version: last.version, at: c.Time.UnixMilli(), edition: s.edition, row: c.Value}
	how := taking{known: known, stale: last.stale() && last.refused.outlives(c)}
	how.prior, how.joins = last.succeed(c, &next)
	return s.put(tx, c, last, next, how)
}

// taking is how a row is taken.
type taking struct {
	known bool   // something was known of its key
	prior []byte // the row's own last content; last's is that of the row in front
	joins bool   // it came beside another row of its key
	stale bool   // a newer version of it was refused
}

// put takes a row: next comes in last's place.
func (s *stage) put(tx processors.Tx, c *change, last, next image, how taking) error {
	known := how.known
	current := known && last.live && bytes.Equal(last.edition, s.edition)
	if current && len(c.Header(contract.Unavailable)) == 0 && bytes.Equal(last.row, c.Value) {
		return s.same(tx, c, last, next, how)
	}
	row, old, err := s.prepare(c, last, &next, how.prior)
	if err != nil {
		return err
	}
	if current && row.Equal(old) {
		return s.same(tx, c, last, next, how)
	}
	next.version = last.next(c.Offset)
	s.out = s.out[:0]
	if last.live && old.IsZero() {
		if err := s.lost(c, last); err != nil {
			return err
		}
	}
	if !current && last.live && processors.SameCatalogue(last.edition, s.edition) && row.Equal(old) {
		next.row = last.row // nothing new but its tokens
	} else if err := s.claims(c, row, old, last, next); err != nil {
		return err
	}
	if err := s.show(c, row, old, last, next); err != nil {
		return err
	}
	if err := s.close(c, last, &next, how); err != nil {
		return err
	}
	s.store(tx, next)
	if known && !last.live {
		tx.WakeAt(s.key, time.Time{})
	}
	s.flush(tx)
	return nil
}

// same takes a row that says what it said before.
func (s *stage) same(tx processors.Tx, c *change, last, next image, how taking) error {
	next.row = last.row
	s.out = s.out[:0]
	if err := s.close(c, last, &next, how); err != nil {
		return err
	}
	s.store(tx, next)
	s.flush(tx)
	return nil
}

// close adds to s.out what taking a row says of its key as a whole.
func (s *stage) close(c *change, last image, next *image, how taking) error {
	if how.joins {
		if err := s.duplicate(c, last); err != nil {
			return err
		}
	}
	return s.settle(c, last, next, how.stale)
}

// prepare decodes and accepts the row and decodes the last one. prior is the row's own
// last content, of which what was not sent is taken.
func (s *stage) prepare(c *change, last image, next *image, prior []byte) (row, old schemas.Record, err error) {
	if last.live {
		if old, err = s.decode(c.dataset, c.Key, last.row); err != nil {
			if !errors.As(err, new(*reject)) {
				return row, old, err
			}
			old = schemas.Record{} // an image of a schema that no longer fits: as if it were new
		}
	}
	if !old.IsZero() && bytes.Equal(c.Value, last.row) {
		row = old
	} else if row, err = s.incoming(c.dataset, c.Value); err != nil {
		return row, old, err
	}
	from := old
	if !bytes.Equal(prior, last.row) {
		if from, err = s.before(c, prior); err != nil {
			return row, old, err
		}
	}
	row, changed, err := c.dataset.accept(&s.slab, c, row, from)
	if err != nil || !changed {
		return row, old, err
	}
	s.buffer, err = c.dataset.writer.Append(s.buffer[:0], row)
	if err != nil {
		return row, old, &reject{reason: contract.ReasonInvalid, detail: "规范化后的行无法写出 / the normalised row cannot be written"}
	}
	next.row = s.arena.copy(s.buffer)
	return row, old, nil
}

// before decodes what a row beside the one in front was; it is zero if that is not known.
func (s *stage) before(c *change, prior []byte) (schemas.Record, error) {
	if len(prior) == 0 {
		return schemas.Record{}, nil
	}
	rec, err := s.decode(c.dataset, c.Key, prior)
	if errors.As(err, new(*reject)) {
		return schemas.Record{}, nil
	}
	return rec, err
}

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

// show adds to s.out what views show of a new content of a row: those whose fields
// changed, all of them where the last image is of another catalogue, and those with
// tokens where it is of another key.
func (s *stage) show(c *change, row, old schemas.Record, last, next image) error {
	d := c.dataset
	all := old.IsZero() || !last.live || !processors.SameCatalogue(last.edition, s.edition)
	rotated := last.live && processors.KeyVersion(last.edition, s.keys) != s.keys.Current()
	var headers []bus.Header
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
			Topic: v.topic, Partition: bus.ByKey, Key: []byte(key), Value: s.arena.copy(s.buffer), Time: c.Time, Headers: headers,
		})
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

// say adds a claim about an entity, a retraction if row is nil.
func (s *stage) say(c *change, l *link, entity string, row []byte) error {
	m := claim.Claim{
		Dataset: c.dataset.ID, Role: l.role, Row: string(c.Key), Retract: row == nil, Source: string(c.source), Sequence: c.sequence,
		At: c.Time, Value: string(row),
	}
	var err error
	if s.buffer, err = l.writer.Append(s.buffer[:0], m.Values(s.claim)); err != nil {
		return &reject{reason: contract.ReasonTooLarge, detail: "行过大, 无法转发 / the row is too large to be passed on"}
	}
	s.out = append(s.out, bus.Record{Topic: l.topic, Partition: bus.ByKey, Key: []byte(entity), Value: s.arena.copy(s.buffer), Time: c.Time})
	return nil
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

// was returns the entity that the row's last image speaks about, "" for none.
// Of an image that cannot be read it is known where the link is part of the key.
func (l *link) was(c *change, old schemas.Record, last image) string {
	if !old.IsZero() || !last.live {
		return l.key(old)
	}
	return l.inKey(c)
}

// lost tells quarantine of an image whose schema is found nowhere: what it said
// about entities that are not part of its key stays said, until its source is read
// again as a whole.
func (s *stage) lost(c *change, last image) error {
	name := hex.EncodeToString(s.keys.Digest(contract.LabelQuarantine, schemas.JoinKey(c.dataset.ID, string(c.Key))))
	r := contract.Rejection{
		Dataset: c.dataset.ID, Reason: contract.ReasonSchema,
		Detail: "本行上一次内容的模式已从注册表丢失，无法撤回它对其他主体的说法；请重新同步该来源 / the schema of the row's last content is lost from the registry, so what it said about other subjects cannot be taken back; re-read the source as a whole",
		Source: string(c.Topic), At: c.Time, Locator: "state/" + name, Digest: hex.EncodeToString(s.keys.Digest(contract.LabelQuarantine, string(last.row))),
	}
	value, err := s.quarantine.Append(nil, r.Record())
	if err != nil {
		return fmt.Errorf("write rejection of %q: %w", r.Locator, err)
	}
	s.out = append(s.out, bus.Record{Topic: contract.Quarantine, Partition: bus.ByKey, Key: []byte(r.Key()), Value: value, Time: c.Time})
	return nil
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

// headers are those of shared records.
func (s *stage) headers(c *change, version uint64) []bus.Header {
	return []bus.Header{
		{Key: contract.Version, Value: contract.AppendVersion(make([]byte, 0, 16), version)},
		{Key: contract.Catalogue, Value: s.version},
		{Key: contract.At, Value: contract.AppendAt(nil, c.Time)},
	}
}

func (s *stage) store(tx processors.Tx, m image) {
	s.buffer = m.append(s.buffer[:0])
	tx.Put(s.key, s.buffer)
}

func (s *stage) flush(tx processors.Tx) {
	for i := range s.out {
		tx.Emit(s.out[i])
	}
	clear(s.out)
	s.out = s.out[:0]
}
