package simulation

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// department is one department's system: a log of what it says, in the order in
// which a source delivers it. It outlives every process.
type department struct {
	name     string
	datasets []*schemas.Dataset
	history  *history

	mu       sync.Mutex
	clock    clock
	log      []delivery
	sequence uint64
	said     chan struct{} // closed when there is more
}

// delivery is one thing that the source delivers: a change, or a rejected row.
type delivery struct {
	change    schemas.Change
	rejection *contract.Rejection
}

func newDepartment(name string, h *history, c clock) *department {
	return &department{name: name, history: h, clock: c, said: make(chan struct{})}
}

// saying is what a department says of a row.
type saying struct {
	dataset     *schemas.Dataset
	key         string
	op          schemas.Op
	fields      map[string]string // of an upsert; a field that is not there is null
	unavailable []string
	sequence    uint64    // 0 = the next
	at          time.Time // by the department's clock; zero = as it goes
}

// next reserves a sequence number.
func (d *department) next() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sequence++
	return d.sequence
}

// say commits a change and returns it, so that it can be said again.
func (d *department) say(s saying) saying {
	if s.sequence == 0 {
		s.sequence = d.next()
	}
	c := schemas.Change{Dataset: s.dataset, Key: s.key, Op: s.op, Origin: schemas.Origin{Source: d.name, Sequence: schemas.Sequence{Major: s.sequence}}}
	row := event{}
	if s.op != schemas.Delete && s.op != schemas.Truncate {
		c.Record = record(s.dataset, s.fields, s.unavailable)
		for k, v := range s.fields {
			row[k] = v
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if s.at.IsZero() {
		s.at = d.dated()
	}
	c.Origin.At = s.at
	d.history.put("say", event{
		"src": d.name, "ds": s.dataset.ID, "key": s.key, "op": string(rune(s.op)), "seq": s.sequence, "row": row, "na": s.unavailable, "at": s.at.UnixMilli(),
	})
	d.append(delivery{change: c})
	return s
}

// dated is the time of what happens now by the department's clock. mu is held.
func (d *department) dated() time.Time {
	at, odd := d.clock.at(time.Now())
	if odd != "" {
		d.history.fire(odd)
	}
	return at
}

// reject delivers a row that the source itself could not take.
func (d *department) reject(dataset *schemas.Dataset, locator string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.history.put("reject", event{"src": d.name, "ds": dataset.ID, "loc": locator})
	d.append(delivery{rejection: &contract.Rejection{
		Dataset: dataset.ID, Reason: contract.ReasonInvalid, Detail: "日期无法解读 / not a date", Source: d.name, At: d.dated(), Locator: locator,
	}})
}

func (d *department) append(x delivery) {
	d.log = append(d.log, x)
	close(d.said)
	d.said = make(chan struct{})
}

// record makes a row of texts.
func record(d *schemas.Dataset, fields map[string]string, unavailable []string) schemas.Record {
	values := make([]schemas.Value, len(d.Fields))
	for i, f := range d.Fields {
		text, ok := fields[f.Name]
		switch {
		case slices.Contains(unavailable, f.Name):
			values[i] = schemas.Unavailable
		case ok:
			v, err := element.Parse(f.Element, text)
			if err != nil {
				panic("the simulation says what it must not: " + d.ID + "." + f.Name)
			}
			values[i] = v
		}
	}
	return schemas.NewRecord(d.Layout, values)
}

// source reads a department's log: it implements connectors.Source and
// connectors.Confirmer. Its position is how much of the log it has read.
type source struct {
	department *department
	at         int
	most       int // changes of a batch
	hook       func(point string)
}

// open is a connectors.Open. skip is for mutants: it moves the position.
func (d *department) open(most int, hook func(string), skip func(int) int) connectors.Open {
	return func(_ context.Context, _ connectors.Config, after schemas.Position) (connectors.Source, error) {
		at := 0
		if after != "" {
			n, err := strconv.Atoi(string(after))
			if err != nil {
				return nil, err
			}
			at = n
			if skip != nil {
				at = max(0, skip(at))
			}
		}
		return &source{d, at, most, hook}, nil
	}
}

// Read implements connectors.Source.
func (s *source) Read(ctx context.Context) (connectors.Batch, error) {
	d := s.department
	d.mu.Lock()
	said, caught := d.said, time.Now()
	if s.at >= len(d.log) {
		d.mu.Unlock()
		timer := time.NewTimer(500 * time.Millisecond)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return connectors.Batch{}, ctx.Err()
		case <-timer.C:
		case <-said:
		}
		d.mu.Lock()
		caught = time.Now()
	}
	end := min(len(d.log), s.at+s.most)
	var b connectors.Batch
	for _, x := range d.log[s.at:end] {
		if x.rejection != nil {
			b.Rejections = append(b.Rejections, *x.rejection)
		} else {
			b.Changes = append(b.Changes, x.change)
		}
	}
	whole := end == len(d.log)
	d.mu.Unlock()
	s.at = end
	b.After = schemas.Position(strconv.Itoa(end))
	if whole {
		b.CaughtUp = caught
	}
	if len(b.Changes) > 0 {
		s.hook("conn.read")
	}
	return b, nil
}

// Confirm implements connectors.Confirmer.
func (s *source) Confirm(context.Context, schemas.Position) error {
	s.hook("conn.confirm")
	return nil
}

// Close implements connectors.Source.
func (s *source) Close() error { return nil }

func clone(m map[string]string) map[string]string { return maps.Clone(m) }
