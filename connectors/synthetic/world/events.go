package world

import (
	"fmt"
	"strconv"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Event is one change of one department, not yet bound to a catalogue. Its slice must not be changed.
type Event struct {
	Table    Table
	Key      string
	Op       schemas.Op
	Values   []schemas.Value // in the order of Table.Columns, nil for a delete
	Sequence schemas.Sequence
	At       int64 // when it was committed, in milliseconds since 1970
	Tx       string
	TxIndex  int
	Again    bool   // the same event was sent before
	Spoilt   Spoilt // not a change at all, or one that the bus must refuse
}

// Spoilt is in which way a row is one that the quarantine must receive.
type Spoilt uint8

// The ways.
const (
	Fine      Spoilt = iota
	Broken           // a row of another schema: the source refuses it
	Malformed        // a change with a value its element does not allow
)

// Table is where such a row comes once in a run; only Broken and Malformed have one.
func (s Spoilt) Table() Table {
	if s == Broken {
		return jy01
	}
	return sw01
}

const (
	millisPerStep = 20 // commit times of one department's changes in a block; departmentCount < 20
	lateShare     = 4  // percent of rows that have an older image sent after the newer one
	againShare    = 2  // percent of events sent twice
	fixMajor      = uint64(1) << 40
	liveMajor     = uint64(1) << 41
)

// Stream is one department's first copy of its rows: the blocks in order, then
// what was held back. A step's events are a pure function of world, department
// and step; it is fastest, not otherwise, if steps are asked for in their order.
// It is not safe for concurrent use.
type Stream struct {
	w     *World
	d     Department
	want  uint32
	cache struct { // the latest step's own events, which the next one needs
		step       int
		soon, late []Event
	}
}

// NewStream is a department's first copy.
func NewStream(w *World, d Department) *Stream {
	s := &Stream{w: w, d: d, want: tablesOf(d)}
	s.cache.step = -1
	return s
}

// Steps is how many steps the first copy has: one a block, and one for what
// the last block held back.
func (s *Stream) Steps() int { return s.w.blocks + 1 }

// Step returns the events of a step in the order in which they are sent.
func (s *Stream) Step(n int) []Event {
	var held []Event
	if n > 0 {
		if held = s.cache.late; s.cache.step != n-1 {
			_, held = s.own(n - 1)
		}
	}
	var out []Event
	if n < s.w.blocks {
		s.cache.soon, s.cache.late = s.own(n)
		s.cache.step = n
		out = append(out, s.cache.soon...)
	}
	out = append(out, held...)
	out = append(out, s.replay(n)...)
	return append(out, s.spoilt(n)...)
}

// Own returns the events of the step's own block, also those that are sent with the next
// step; nothing of the last step, which has no block.
func (s *Stream) Own(n int) []Event {
	if n >= s.w.blocks {
		return nil
	}
	soon, late := s.cache.soon, s.cache.late
	if s.cache.step != n {
		soon, late = s.own(n)
	}
	return append(append([]Event(nil), soon...), late...)
}

// own returns the events of block n: those sent at once, and those sent with
// the next block (older images that come late, and duplicates).
func (s *Stream) own(n int) (soon, late []Event) {
	b := s.w.makeBlock(n, s.want, false)
	c := clock{w: s.w, d: s.d, block: n}
	for i := range b.rows {
		r := &b.rows[i]
		images := c.images(r)
		if c.isLate(r) {
			soon = append(soon, images[len(images)-1])
			late = append(late, images[:len(images)-1]...)
		} else {
			soon = append(soon, images...)
		}
		for _, e := range images {
			if !s.w.calm && s.w.roll(n, "again"+s.label(e.Sequence.Minor))%100 < againShare {
				e.Again = true
				late = append(late, e)
			}
		}
	}
	return soon, late
}

func (s *Stream) label(minor uint32) string {
	return departments[s.d].id + strconv.FormatUint(uint64(minor), 10)
}

// replay is yesterday's batch sent once more: in one step a department repeats
// everything that an earlier run of blocks said, with the same sequences.
func (s *Stream) replay(n int) []Event {
	if s.w.calm || n != s.w.blocks*6/10+int(s.d) {
		return nil
	}
	first := s.w.blocks*3/10 + int(s.d)
	var out []Event
	for b := first; b < first+min(20, max(2, s.w.blocks/100)); b++ {
		soon, late := s.own(b)
		for _, e := range append(soon, late...) {
			e.Again = true
			out = append(out, e)
		}
	}
	return out
}

// spoilt is what cannot be taken: once in a run the schools send a row of
// another schema, and the tax bureau one with a malformed code.
func (s *Stream) spoilt(n int) []Event {
	c := clock{w: s.w, d: s.d, block: n, minor: 1 << 20}
	switch {
	case s.d == jy && n == s.w.blocks/3:
		return []Event{c.event(Broken.Table(), "", schemas.Create, nil, Broken)}
	case s.d == sw && n == s.w.blocks/2:
		b := &block{w: s.w, n: n, want: s.want}
		f := s.w.firm(n, "bad", "91", "MADH", "有限公司", n)
		v := b.taxed(f, f.name, b.person(0).name, "77")
		return []Event{c.event(Malformed.Table(), keyOf(Malformed.Table(), v), schemas.Create, v, Malformed)}
	}
	return nil
}

// clock gives the events of one block their sequences and commit times.
type clock struct {
	w     *World
	d     Department
	block int
	minor uint32
	extra int64 // milliseconds waited so far
}

func (c *clock) event(t Table, key string, op schemas.Op, v []schemas.Value, bad Spoilt) Event {
	span := int64(3_600_000) / int64(c.w.blocks)
	at := midnight(c.w.base) - 7_200_000 + int64(c.block)*span + int64(c.minor%1000)*millisPerStep + int64(c.d) + c.extra
	e := Event{Table: t, Key: key, Op: op, Values: v, Sequence: schemas.Sequence{Major: uint64(c.block) + 1, Minor: c.minor}, At: at, Spoilt: bad}
	c.minor++
	return e
}

// images returns the history of a row, oldest first. A row that nothing
// happened to has an older image now and then, made from the present one.
func (c *clock) images(r *row) []Event {
	old := r.old
	if len(old) == 0 && c.stale(r) {
		v := append([]schemas.Value(nil), r.v...)
		tables[r.t].stale(v)
		old = [][]schemas.Value{v}
	}
	if len(old) == 0 {
		return []Event{c.event(r.t, r.key, schemas.Snapshot, r.v, Fine)}
	}
	var out []Event
	op := schemas.Create
	for i, v := range append(append([][]schemas.Value(nil), old...), r.v) {
		if key := keyOf(r.t, v); i > 0 && key != out[len(out)-1].Key {
			tx := fmt.Sprintf("%s-%d-%d", departments[c.d].id, c.block, c.minor)
			gone := c.event(r.t, out[len(out)-1].Key, schemas.Delete, nil, Fine)
			gone.Tx = tx
			made := c.event(r.t, key, schemas.Create, v, Fine)
			made.Tx, made.TxIndex = tx, 1
			out = append(out, gone, made)
			continue
		}
		if i == len(old) && r.soon {
			c.extra += 1000 - millisPerStep
		}
		out = append(out, c.event(r.t, keyOf(r.t, v), op, v, Fine))
		op = schemas.Update
	}
	return out
}

// stale and isLate are drawn from the row's key, which is unique.
func (c *clock) stale(r *row) bool {
	return !c.w.calm && c.w.roll(c.block, "stale"+tables[r.t].id+r.key)%100 < lateShare+2
}

// isLate: two in three of the rows with an older image get it late. A row whose
// key changed keeps its order: a delete is no image that an older one follows.
func (c *clock) isLate(r *row) bool {
	if c.w.calm {
		return false
	}
	for _, v := range r.old {
		if keyOf(r.t, v) != r.key {
			return false
		}
	}
	return (len(r.old) > 0 || c.stale(r)) && !r.soon && c.w.roll(c.block, "late"+tables[r.t].id+r.key)%3 < 2
}

// Fixes is a department's correction stream: each entry mends one plant.
type Fixes struct {
	w     *World
	d     Department
	parts []fixPart
	Total int // how many there are
}

type fixPart struct {
	kind  *planned
	first int
}

// NewFixes is a department's correction stream.
func NewFixes(w *World, d Department) *Fixes {
	f := &Fixes{w: w, d: d}
	for i := range w.kinds {
		k := &w.kinds[i]
		for _, by := range k.fix {
			if by == d && k.count > 0 {
				f.parts = append(f.parts, fixPart{k, f.Total})
				f.Total += (k.count + 1) / 2
			}
		}
	}
	return f
}

// Fix returns the changes of the n-th correction: what differs between the
// unit as planted and as mended.
func (f *Fixes) Fix(n int) []Event {
	i := 0
	for i+1 < len(f.parts) && f.parts[i+1].first <= n {
		i++
	}
	k, ordinal := f.parts[i].kind, 2*(n-f.parts[i].first)
	at := f.w.block(k, ordinal)
	want := tablesOf(f.d)
	before := f.w.makeUnit(at, k.unit, k.plant(ordinal, false), want)
	after := f.w.makeUnit(at, k.unit, k.plant(ordinal, true), want)
	tx := fmt.Sprintf("%s-fix-%d", departments[f.d].id, n)
	var out []Event
	for _, d := range differ(before.rows, after.rows) {
		e := Event{Table: d.Table, Key: d.Key, Op: d.Op, Values: d.Values, Tx: tx, TxIndex: len(out)}
		e.Sequence = schemas.Sequence{Major: fixMajor + uint64(n), Minor: uint32(len(out))}
		e.At = midnight(f.w.base) - 1_800_000 + int64(n)*millisPerStep + int64(f.d)
		out = append(out, e)
	}
	return out
}

// differ lists what turns the rows before into the rows after: deletes first.
func differ(before, after []row) []Event {
	was := map[string]*row{}
	for i := range before {
		was[tables[before[i].t].id+" "+before[i].key] = &before[i]
	}
	var made []Event
	for i := range after {
		r := &after[i]
		id := tables[r.t].id + " " + r.key
		old, ok := was[id]
		delete(was, id)
		switch {
		case !ok:
			made = append(made, Event{Table: r.t, Key: r.key, Op: schemas.Create, Values: r.v})
		case !same(old.v, r.v):
			made = append(made, Event{Table: r.t, Key: r.key, Op: schemas.Update, Values: r.v})
		}
	}
	var out []Event
	for i := range before { // in order, for the map has none
		if _, left := was[tables[before[i].t].id+" "+before[i].key]; left {
			out = append(out, Event{Table: before[i].t, Key: before[i].key, Op: schemas.Delete})
		}
	}
	return append(out, made...)
}

func same(a, b []schemas.Value) bool {
	for i := range a {
		if !a[i].Equal(b[i]) {
			return false
		}
	}
	return len(a) == len(b)
}
