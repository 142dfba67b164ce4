package simulation

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// row is one row of a department's table, and the last thing that was said of it.
type row struct {
	saying
	gone bool
}

// table is what the log comes to, by dataset and key, in the order of the sequence and
// not of arrival. mu is held.
func (d *department) table() map[string]row {
	out := map[string]row{}
	for _, x := range d.log {
		s := x.saying
		if s.dataset == nil {
			continue
		}
		if s.op == schemas.Truncate {
			for name, r := range out {
				if strings.HasPrefix(name, s.dataset.ID) && r.sequence < s.sequence {
					out[name] = row{saying: s, gone: true}
				}
			}
			continue
		}
		name := s.dataset.ID + s.key
		before, known := out[name]
		if known && s.sequence <= before.sequence {
			continue
		}
		if s.op == schemas.Delete {
			out[name] = row{saying: s, gone: true}
			continue
		}
		if s = d.whole(s, before, known); s.dataset != nil {
			out[name] = row{saying: s}
		}
	}
	return out
}

// whole is a saying with what it left out, and as of when its content was first said;
// zero if there was nothing to take it from.
func (d *department) whole(s saying, before row, known bool) saying {
	there := known && !before.gone
	if len(s.unavailable) > 0 && !there {
		return saying{}
	}
	fields := clone(s.fields)
	for _, name := range s.unavailable {
		if value, ok := before.fields[name]; ok {
			fields[name] = value
		}
	}
	s.fields, s.unavailable = fields, nil
	if there && maps.Equal(fields, before.fields) {
		s.at = before.at
	}
	return s
}

// copy makes a copy of the table, as a source reads it that begins anew. mu is held.
func (d *department) copy() place {
	var all []delivery
	table := d.table()
	told := [][]any{}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		r := table[name]
		if r.gone {
			continue
		}
		c := schemas.Change{Dataset: r.dataset, Key: r.key, Op: schemas.Snapshot, Record: record(r.dataset, r.fields, nil)}
		c.Origin = schemas.Origin{Source: d.name, Sequence: schemas.Sequence{Major: d.sequence, Minor: uint32(len(all)) + 1}, At: r.at}
		all = append(all, delivery{change: c})
		told = append(told, []any{r.dataset.ID, r.key, r.at.UnixMilli()})
	}
	d.copies, d.copied = append(d.copies, all), d.sequence
	d.history.put("copy", event{"src": d.name, "rows": told})
	at := place{log: len(d.log), mark: d.markAt(len(d.log)), copy: len(d.copies)}
	if len(all) == 0 {
		at.copy = 0
	}
	return at
}

// restore puts the department's system back to an earlier state. It goes on from there
// under the sequence it had then, and says nothing of it.
func (d *department) restore(r *rand.Rand) (forgotten int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.log) == 0 {
		return 0
	}
	keep := r.IntN(len(d.log))
	forgotten = len(d.log) - keep
	d.log = d.log[:keep:keep]
	d.sequence, d.copied = 0, 0
	for _, x := range d.log {
		d.sequence = max(d.sequence, x.saying.sequence)
	}
	d.remakes = r.IntN(2) == 0
	d.history.put("restore", event{"src": d.name, "keep": keep})
	return forgotten
}

// remake makes the slot again once the source has said that it is lost: from then on
// nothing seems to be wrong.
func (d *department) remake() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.remade = d.remakes
}

// holds reports whether the table has a row.
func (d *department) holds(id, key string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	r, known := d.table()[id+key]
	return known && !r.gone
}

// restored makes the voice forget what its department has forgotten.
func (v *voice) restored(d *department) {
	d.mu.Lock()
	table := d.table()
	d.mu.Unlock()
	v.back[d] = true
	v.past = slices.DeleteFunc(v.past, func(s said) bool { return s.department == d })
	for _, one := range d.datasets {
		for _, key := range slices.Concat(people, plates) {
			if r, known := table[one.ID+key]; known && !r.gone {
				v.live[one.ID+key] = clone(r.fields)
			} else {
				delete(v.live, one.ID+key)
			}
		}
	}
}

// restorable are the departments that are put back or read again: not those of which
// nothing has been delivered.
func (w *world) restorable(r *rand.Rand) *department {
	var out []*department
	for _, d := range w.departments {
		d.mu.Lock()
		if !d.late {
			out = append(out, d)
		}
		d.mu.Unlock()
	}
	return out[r.IntN(len(out))]
}

// sourceFaults are what happens to departments' systems. They are drawn apart, lest the
// seeds that failed once draw others.
var sourceFaults = []fault{
	{"source.restored", func(w *world, r *rand.Rand, name string) {
		d := w.restorable(r)
		lost := d.restore(r)
		if lost == 0 {
			return
		}
		w.history.fire(name)
		w.voice.restored(d)
		if r.IntN(3) > 0 { // by the time that anybody looks it has grown past where it was
			for range lost + r.IntN(4) {
				w.voice.speakOf(d)
			}
		}
	}},
	{"source.resync", func(w *world, r *rand.Rand, name string) { // by order, of a source that is well
		w.history.fire(name)
		w.operator.order(w.restorable(r).name, 0)
	}},
}

// operator is the person who has a source read again that has lost its position.
type operator struct {
	world *world

	mu     sync.Mutex
	random *rand.Rand
	busy   map[string]bool
}

// hear hears what a source says of itself.
func (o *operator) hear(name string, told connectors.Told) {
	s := told.Status
	switch {
	case told.Failure != "": // what it said before
	case s.Lost != "" && s.State == contract.StateFailed: // also while it is read again
		for _, d := range o.world.departments {
			if d.name == name && s.Resync == nil {
				d.remake()
			}
		}
		o.later(name, 0)
	case s.Resync != nil && s.Resync.Step == contract.ResyncDeleting && s.State == contract.StateHeld:
		o.later(name, s.Resync.Found)
	}
}

// later orders after a while, in which the source stays as it is.
func (o *operator) later(name string, accept int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.busy[name] || o.world.mutant.careless {
		return
	}
	o.busy[name] = true
	time.AfterFunc(time.Duration(200+o.random.IntN(1800))*time.Millisecond, func() {
		o.order(name, accept)
		o.mu.Lock()
		defer o.mu.Unlock()
		o.busy[name] = false
	})
}

func (o *operator) order(name string, accept int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(o.world.t.Context()), 10*time.Second)
	defer cancel()
	if err := connectors.Resync(ctx, o.world.bus, name, accept); err != nil {
		o.world.log.Info("source was not ordered to be read again", "source", name, "error", err)
		return
	}
	o.world.history.put("resync", event{"src": name, "accept": accept})
}

// forget makes a source that has lost its position forget that, as one does whose
// status is only what it last said: the mutant of that name.
func (l *life) forget(ctx context.Context, name string) error {
	p, err := l.bus.Publisher(ctx, name)
	if err != nil {
		return err
	}
	defer p.Close()
	s := p.Status()
	s.Lost, s.Do, s.Error, s.State = "", "", "", contract.StateRunning
	return p.Publish(ctx, nil, s)
}
