package resolve

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/processors/verification"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
)

// remember is how long the version of an entity without claims is remembered.
const remember = contract.Week

// subject is the entity in hand.
type subject struct {
	key     string
	dossier claim.Dossier
	head    head
	at      time.Time // of what is emitted: the latest change, or the wake-up
	golden  bool      // a row was touched that the golden record may read
	embeds  bool      // a row was touched that a view embeds
	fresh   bool      // compute everything
	keys    int       // version of the key under whose tokens it was last published
	changed bool      // the head must be written
	owed    bool      // it was put aside when it was last computed

	crashed *crash.Error // the program has failed over it: it is put aside
	unread  []rowName    // its rows that cannot be read: it is put aside
}

// Process implements processors.Stage. Records of one entity are taken
// together, in their order.
func (s *stage) Process(tx processors.Tx, batch []bus.Record) error {
	s.groups, s.next = s.groups[:0], resize(s.next[:0], len(batch))
	clear(s.byKey)
	clear(s.next)
	s.asked, s.failed = false, nil
	for i := range batch {
		if said := batch[i].Header(contract.ControlHeader); said != nil {
			// Of the entities in this batch all is known that stands before it.
			if err := s.control(tx, &batch[i], said); err != nil {
				return err
			}
			continue
		}
		n, ok := s.byKey[string(batch[i].Key)]
		if !ok {
			key := string(batch[i].Key)
			s.byKey[key] = len(s.groups)
			s.groups = append(s.groups, group{key, i, i})
			continue
		}
		s.next[s.groups[n].last] = i
		s.groups[n].last = i
	}
	// In the order of keys the store is read forwards, from blocks at hand.
	slices.SortFunc(s.groups, func(a, b group) int { return strings.Compare(a.key, b.key) })
	for i := range s.groups {
		if err := s.entityChanged(tx, &s.groups[i], batch); err != nil {
			return err
		}
	}
	return nil
}

// group is the records of a batch about one entity, linked by stage.next.
type group struct {
	key         string
	first, last int
}

// Wake implements processors.Stage: a case's time has come, the head of an entity
// without claims may be forgotten, or a dataset that cases wait for is complete.
func (s *stage) Wake(tx processors.Tx, key []byte) error {
	s.asked, s.failed = false, nil
	if isControl(key, true) {
		return s.settleAwaiting(tx, string(key[1:]))
	}
	if err := s.open(tx, string(key)); err != nil {
		return err
	}
	h := &s.subject.head
	if !h.known {
		return nil
	}
	h.wake, s.subject.changed = 0, true
	if h.forget != 0 && h.forget <= tx.Now().UnixMilli() && s.subject.dossier.Len() == 0 && h.counted == 0 {
		s.key = appendEntity(s.key[:0], prefixDossier, s.subject.key)
		tx.Delete(s.key)
		return s.unawait(tx)
	}
	if s.subject.at = tx.Now(); s.subject.owed {
		s.asOfLatest(tx)
	}
	return s.conclude(tx)
}

func (s *stage) entityChanged(tx processors.Tx, g *group, batch []bus.Record) error {
	if err := s.open(tx, g.key); err != nil {
		return err
	}
	for i, more := g.first, true; more; i, more = s.next[i], i != g.last {
		r := &batch[i]
		if r.Time.After(s.subject.at) {
			s.subject.at = r.Time
		}
		if err := s.take(tx, r); err != nil {
			return err
		}
	}
	return s.conclude(tx)
}

// open loads the head and the dossier of an entity.
func (s *stage) open(tx processors.Tx, key string) error {
	x := &s.subject
	x.key, x.at = key, time.Time{}
	x.golden, x.embeds, x.fresh, x.changed, x.owed, x.keys, x.crashed, x.unread = false, false, false, false, false, s.keys.Current(), nil, x.unread[:0]
	x.dossier.Reset(key)
	s.slab.Reset()
	s.dirty.Reset()
	h := &x.head
	*h = head{views: h.views[:0], sums: h.sums[:0], states: h.states[:0], table: -1, defined: s.aggregated}
	if err := s.load(tx, key); err != nil {
		return fmt.Errorf("open entity: %w", err)
	}
	h.views, h.sums = resize(h.views, len(s.views)), resize(h.sums, len(s.aggregates))
	return s.renew(tx)
}

// renew prepares to compute everything afresh where the head was computed under
// another catalogue, key, authority table or definition of aggregates.
func (s *stage) renew(tx processors.Tx) error {
	x := &s.subject
	h := &x.head
	if !h.current {
		if h.known {
			x.keys = processors.KeyVersion([]byte(h.edition), s.keys)
			x.owed = processors.SameCatalogue([]byte(h.edition), processors.EditionOf(owed, s.keys.Oldest(), s.keys))
		}
		catalogue, rotated := !processors.SameCatalogue([]byte(h.edition), s.edition), x.keys != s.keys.Current()
		if catalogue {
			h.golden = unknown(h.golden)
		}
		h.explain = unknown(h.explain)
		for i := range h.views {
			if catalogue || rotated && s.views[i].tokens {
				h.views[i] = shown{unknown(h.values), unknown(h.values)}
			}
		}
		if rotated {
			for i := range h.states {
				h.states[i].Shown = 0 // its subject is a token
			}
		}
		h.current, h.edition = true, ""
		x.fresh, x.changed = h.known, true
	}
	if table := s.current(tx.Now()); h.table != table {
		h.table = table
		x.fresh, x.changed = h.known, true
	}
	if h.defined != s.aggregated {
		h.defined = s.aggregated
		if err := s.recounted(tx); err != nil {
			return err
		}
		x.fresh, x.changed = true, true
	}
	if x.fresh {
		s.dirty.All()
	}
	return nil
}

// unknown is a digest that no content has, for something that was emitted.
func unknown(digest uint64) uint64 {
	if digest == 0 {
		return 0
	}
	return 1
}

func resize[T any](s []T, n int) []T {
	for len(s) < n {
		var zero T
		s = append(s, zero)
	}
	return s[:n]
}

// load reads head and dossier. Rows are decoded when they are first looked at.
func (s *stage) load(tx processors.Tx, key string) error {
	prefix := appendEntity(s.buffer[:0], prefixDossier, key)
	s.buffer, s.loaded, s.rows = prefix, s.loaded[:0], s.rows[:0]
	return tx.Scan(prefix, func(key, value []byte) error {
		if len(key) == len(prefix) {
			return s.subject.head.parse(value, s.edition, s.names)
		}
		id, role, row, err := s.split(key[len(prefix):])
		if err != nil {
			return err
		}
		d := s.datasets[id]
		if d == nil {
			return nil // the dataset is no longer in the catalogue
		}
		r := s.newRow()
		r.Dataset, r.Role, r.Key = d.Dataset, role, row
		// What was copied before stays where it is if loaded has to grow.
		at := len(s.loaded)
		s.loaded = append(s.loaded, value...)
		if err := claim.ParseStored(s.loaded[at:len(s.loaded):len(s.loaded)], r); err != nil {
			return err
		}
		r.Lazily(d.decode)
		s.subject.dossier.Add(r)
		return nil
	})
}

// newRow takes a row from the slab, which is used again for every entity.
func (s *stage) newRow() *claim.Row {
	if len(s.rows) == cap(s.rows) {
		s.rows = make([]claim.Row, 0, max(16, 2*cap(s.rows))) // rows handed out stay in the old slab
	}
	s.rows = append(s.rows, claim.Row{})
	return &s.rows[len(s.rows)-1]
}

// split reads a claim's name off its state key. Dataset ids and roles are few
// and shared; only the row key is new.
func (s *stage) split(key []byte) (dataset, role, row string, err error) {
	id, rest, ok := bytes.Cut(key, zero)
	part, last, ok2 := bytes.Cut(rest, zero)
	if !ok || !ok2 {
		return "", "", "", fmt.Errorf("split state key: %w", claim.ErrMalformed)
	}
	return s.intern(id), s.intern(part), string(last), nil
}

var zero = []byte{0}

func (s *stage) intern(b []byte) string {
	name, ok := s.names[string(b)]
	if !ok {
		name = string(b)
		s.names[name] = name
	}
	return name
}

// stored makes a row of a stored claim.
func (s *stage) stored(d *dataset, role, row string, value []byte) (*claim.Row, error) {
	r := &claim.Row{Dataset: d.Dataset, Role: role, Key: row}
	if err := claim.ParseStored(bytes.Clone(value), r); err != nil {
		return nil, err
	}
	r.Lazily(d.decode)
	return r, nil
}

// apply takes one claim into state and dossier.
func (s *stage) apply(tx processors.Tx, r *bus.Record) error {
	rec, err := s.claims.DecodeInto(s.ctx, r.Value, &s.slab)
	if err != nil {
		return s.refuse(tx, r, "", err)
	}
	c, err := claim.Parse(rec)
	if err != nil {
		return s.refuse(tx, r, "", fmt.Errorf("%w: %w", codec.ErrMalformed, err))
	}
	d := s.datasets[c.Dataset]
	if d == nil {
		return s.refuse(tx, r, c.Dataset, codec.ErrUnknownSchema)
	}
	kind := byte(prefixDossier)
	if d.groups[c.Role] != nil {
		kind = prefixAggregated
	}
	s.key = claim.AppendKey(appendEntity(s.key[:0], kind, s.subject.key), c.Dataset, c.Role, c.Row)
	old, err := s.last(tx, d, kind, &c)
	if err != nil {
		return err
	}
	if old != nil && old.Supersedes(c.Source, c.Sequence) {
		return nil // older than what is known
	}
	var row *claim.Row
	if !c.Retract {
		content, err := claim.Read(s.ctx, d.Dataset, d.reader, c.Row, c.Value, &s.slab)
		if err != nil {
			return s.refuse(tx, r, c.Dataset, err)
		}
		row = claim.NewRow(c, d.Dataset, content)
	} else if old == nil {
		return nil
	}
	s.touch(d, kind, &c, old, row)
	if c.Retract {
		tx.Delete(s.key)
	} else {
		s.text = claim.AppendStored(s.text[:0], c)
		tx.Put(s.key, s.text)
	}
	if kind == prefixAggregated && old != nil && old.Err() != nil {
		return s.recounted(tx) // what the old row added cannot be taken back by reading it
	}
	return nil
}

// last returns what is known of a claim's row, nil if nothing is.
func (s *stage) last(tx processors.Tx, d *dataset, kind byte, c *claim.Claim) (*claim.Row, error) {
	if kind == prefixDossier {
		return s.subject.dossier.Find(c.Dataset, c.Role, c.Row), nil
	}
	stored, err := tx.Get(s.key)
	if err != nil || stored == nil {
		return nil, err
	}
	r, err := s.stored(d, c.Role, c.Row, stored)
	if err != nil {
		return nil, err
	}
	if r.Record(); r.Err() != nil && !permanent(r.Err()) {
		return nil, fmt.Errorf("read row: %w: %w", bus.ErrLater, r.Err())
	}
	return r, nil
}

// touch takes a row's change into the dossier and marks what depends on it.
func (s *stage) touch(d *dataset, kind byte, c *claim.Claim, old, row *claim.Row) {
	s.subject.changed = true
	switch {
	case kind == prefixAggregated:
		s.count(d, c.Role, old, row)
		return
	case row == nil:
		s.subject.dossier.Remove(c.Dataset, c.Role, c.Row)
	default:
		s.subject.dossier.Put(row)
	}
	s.dirty.Claim(c.Dataset, c.Role)
	if t := s.subject.head.table; t >= 0 && s.tables[t].Reads(c.Dataset, c.Role) {
		s.subject.golden = true
	}
	for i := range s.views {
		for j := range s.views[i].embeds {
			if e := &s.views[i].embeds[j]; e.dataset == c.Dataset && e.role == c.Role {
				s.subject.embeds = true
			}
		}
	}
}

// permanent reports whether a decoding error is the data's fault and not the
// registry's.
func permanent(err error) bool {
	return errors.Is(err, codec.ErrMalformed) || errors.Is(err, codec.ErrUnknownSchema)
}

// refuse sends a claim that cannot be read to quarantine. An error that may
// pass, like an unreachable registry, is returned.
func (s *stage) refuse(tx processors.Tx, r *bus.Record, dataset string, err error) error {
	if !permanent(err) {
		return fmt.Errorf("read claim: %w: %w", bus.ErrLater, err)
	}
	why := contract.Rejection{
		Dataset: dataset, Reason: contract.ReasonUnreadable, Detail: "主张无法解读 / the claim cannot be read", Source: string(r.Topic), At: r.Time,
		Locator: fmt.Sprintf("%s/%d@%d", r.Topic, r.Partition, r.Offset),
	}
	if errors.Is(err, codec.ErrUnknownSchema) {
		why.Reason, why.Detail = contract.ReasonSchema, "主张的模式或数据集未知 / the claim's schema or dataset is unknown"
	}
	if len(r.Value) > 0 {
		why.Digest = hex.EncodeToString(s.keys.Digest(contract.LabelQuarantine, string(r.Value)))
	}
	return s.quarantine(tx, why)
}

// fault tells quarantine that a rule could not be evaluated over an entity.
func (s *stage) fault(tx processors.Tx, f verification.Fault) error {
	return s.quarantine(tx, contract.Rejection{
		Field: f.Case, Reason: contract.ReasonInternal, Detail: "核验规则执行失败, 请检查规则 / the rule could not be evaluated, check it",
		Source: s.name, At: s.subject.at, Locator: f.Case + "/" + s.keys.Token(contract.LabelFinding, s.subject.key),
	})
}

func (s *stage) quarantine(tx processors.Tx, r contract.Rejection) error {
	value, err := s.rejects.Append(nil, r.Record())
	if err != nil {
		return fmt.Errorf("write rejection: %w", err)
	}
	tx.Emit(bus.Record{Topic: contract.Quarantine, Partition: bus.ByKey, Key: []byte(r.Key()), Value: value, Time: r.At})
	return nil
}
