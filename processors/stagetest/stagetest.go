// Package stagetest runs stages in memory, without a broker: for stories,
// property tests and benchmarks.
//
// A Driver is one partition of one stage with its state and its timers. What a
// call does takes effect when the call succeeds and leaves no trace when it
// fails, as in the engine. A City joins the drivers of route and resolve of a
// whole catalogue, one partition each.
package stagetest

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
)

// Driver runs one stage over one partition.
type Driver struct {
	Stage processors.Stage
	Clock time.Time // what Tx.Now says
	Stale bool      // what it keeps has not been renewed yet

	state  map[string][]byte
	sorted []string // keys of state
	timers map[string]time.Time
	reads  int
	writes int
}

// NewDriver makes a stage of the step and a driver for it, its clock at now.
func NewDriver(t processors.Step, now time.Time) (*Driver, error) {
	s, err := t.Stage()
	if err != nil {
		return nil, err
	}
	return &Driver{Stage: s, Clock: now, state: make(map[string][]byte), timers: make(map[string]time.Time)}, nil
}

// Process gives the stage a batch and returns what it emitted.
func (d *Driver) Process(batch ...bus.Record) ([]bus.Record, error) {
	x := d.begin()
	if err := d.Stage.Process(x, batch); err != nil {
		return nil, err
	}
	return x.commit(), nil
}

// Wake fires, in order of time and key, the timers due at the clock, and returns
// what the stage emitted.
func (d *Driver) Wake() ([]bus.Record, error) {
	var out []bus.Record
	for {
		key, ok := d.due()
		if !ok {
			return out, nil
		}
		x := d.begin()
		x.timers[key] = time.Time{}
		if err := d.Stage.Wake(x, []byte(key)); err != nil {
			return out, err
		}
		out = append(out, x.commit()...)
	}
}

// Renew gives every key of the state to the stage to be renewed, as the engine
// does when its generation has changed, and returns what the stage emitted.
func (d *Driver) Renew() ([]bus.Record, error) {
	r, ok := d.Stage.(processors.Renewer)
	if !ok {
		return nil, nil
	}
	var out []bus.Record
	for _, key := range d.from(string(r.Renewable())) {
		x := d.begin()
		if err := r.Renew(x, []byte(key)); err != nil {
			return out, err
		}
		out = append(out, x.commit()...)
	}
	return out, nil
}

func (d *Driver) due() (string, bool) {
	var keys []string
	for k, at := range d.timers {
		if !at.After(d.Clock) {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return "", false
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(d.timers[a].Compare(d.timers[b]), cmp.Compare(a, b)) })
	return keys[0], true
}

// Next returns when the next timer is due, zero if none is set.
func (d *Driver) Next() time.Time {
	var next time.Time
	for _, at := range d.timers {
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}

// Keys returns how many keys the state holds.
func (d *Driver) Keys() int { return len(d.state) }

// Bytes returns how many bytes the state holds.
func (d *Driver) Bytes() int {
	n := 0
	for k, v := range d.state {
		n += len(k) + len(v)
	}
	return n
}

// Counts returns how many keys were read and written so far.
func (d *Driver) Counts() (reads, writes int) { return d.reads, d.writes }

// Set puts a value into the state behind the stage's back.
func (d *Driver) Set(key string, value []byte) {
	if i, had := slices.BinarySearch(d.sorted, key); !had {
		d.sorted = slices.Insert(d.sorted, i, key)
	}
	d.state[key] = value
}

// State returns a copy of the state, for comparisons.
func (d *Driver) State() map[string]string {
	m := make(map[string]string, len(d.state))
	for k, v := range d.state {
		m[k] = string(v)
	}
	return m
}

// tx is one call's view of the state. It implements processors.Tx.
type tx struct {
	d       *Driver
	overlay map[string][]byte // nil value: deleted
	timers  map[string]time.Time
	out     []bus.Record
	lent    []byte // what Get last returned, spoilt by the next call
}

func (d *Driver) begin() *tx {
	return &tx{d: d, overlay: make(map[string][]byte), timers: make(map[string]time.Time)}
}

func (x *tx) commit() []bus.Record {
	d := x.d
	for k, v := range x.overlay {
		_, had := d.state[k]
		switch {
		case v == nil && had:
			delete(d.state, k)
			i, _ := slices.BinarySearch(d.sorted, k)
			d.sorted = slices.Delete(d.sorted, i, i+1)
		case v != nil:
			if !had {
				i, _ := slices.BinarySearch(d.sorted, k)
				d.sorted = slices.Insert(d.sorted, i, k)
			}
			d.state[k] = v
		}
	}
	for k, at := range x.timers {
		if at.IsZero() {
			delete(d.timers, k)
		} else {
			d.timers[k] = at
		}
	}
	return x.out
}

// spoil overwrites what Get lent, so that a stage that keeps it is found out.
func (x *tx) spoil() {
	for i := range x.lent {
		x.lent[i] = 0xee
	}
	x.lent = nil
}

func (x *tx) Now() time.Time   { return x.d.Clock }
func (x *tx) Partition() int32 { return 0 }

func (x *tx) Renewed() (bool, error) { return !x.d.Stale, nil }

func (x *tx) Get(key []byte) ([]byte, error) {
	x.spoil()
	x.d.reads++
	v, ok := x.overlay[string(key)]
	if !ok {
		v = x.d.state[string(key)]
	}
	if v == nil {
		return nil, nil
	}
	x.lent = bytes.Clone(v)
	return x.lent, nil
}

func (x *tx) Scan(prefix []byte, visit func(key, value []byte) error) error {
	x.spoil()
	p := string(prefix)
	keys := x.d.from(p)
	for k := range x.overlay {
		if _, stored := x.d.state[k]; !stored && len(k) >= len(p) && k[:len(p)] == p {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		v, ok := x.overlay[k]
		if !ok {
			v = x.d.state[k]
		}
		if v == nil {
			continue
		}
		x.d.reads++
		key, value := []byte(k), bytes.Clone(v)
		if err := visit(key, value); err != nil {
			return err
		}
		for i := range value {
			value[i] = 0xee
		}
		for i := range key {
			key[i] = 0xee
		}
	}
	return nil
}

// from returns the stored keys of a prefix.
func (d *Driver) from(prefix string) []string {
	i, _ := slices.BinarySearch(d.sorted, prefix)
	j := i
	for j < len(d.sorted) && len(d.sorted[j]) >= len(prefix) && d.sorted[j][:len(prefix)] == prefix {
		j++
	}
	return slices.Clone(d.sorted[i:j])
}

func (x *tx) Put(key, value []byte) {
	x.spoil()
	x.d.writes++
	x.overlay[string(key)] = append([]byte{}, value...)
}

func (x *tx) Delete(key []byte) {
	x.spoil()
	x.d.writes++
	x.overlay[string(key)] = nil
}

func (x *tx) Emit(r bus.Record) {
	x.spoil()
	x.out = append(x.out, r)
}

func (x *tx) WakeAt(key []byte, at time.Time) {
	x.spoil()
	x.timers[string(key)] = at
}
