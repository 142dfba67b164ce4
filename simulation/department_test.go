package simulation

import (
	"maps"
	"slices"
	"sync"
	"time"

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
	written  uint64 // deliveries, also those that a restore has forgotten
	sequence uint64
	said     chan struct{} // closed when there is more
	late     bool          // nothing has been delivered yet, whatever was said
	copies   [][]delivery  // of the table, as it was read again from the beginning
	copied   uint64        // the sequence that the last copy is as of
	remakes  bool          // its slot is made again once it is said to be lost
	remade   bool
}

// delivery is one thing that the source delivers: a change, or a rejected row.
type delivery struct {
	change    schemas.Change
	rejection *contract.Rejection
	saying    saying // of a change
	mark      uint64 // unlike any other's, also after a restore
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
	if s.sequence <= d.copied { // a log is not read from before the copy any more
		return s
	}
	if s.at.IsZero() {
		s.at = d.dated()
	}
	c.Origin.At = s.at
	d.history.put("say", event{
		"src": d.name, "ds": s.dataset.ID, "key": s.key, "op": string(rune(s.op)), "seq": s.sequence, "row": row, "na": s.unavailable, "at": s.at.UnixMilli(),
	})
	d.append(delivery{change: c, saying: s})
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

// arrive delivers for the first time all that a late department has said. findings are
// the ends of that topic's partitions now: what stands before them was found without it.
func (d *department) arrive(findings []int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.late {
		d.late = false
		d.history.fire("data.awaited")
		d.history.put("arrived", event{"src": d.name, "findings": findings})
		close(d.said)
		d.said = make(chan struct{})
	}
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
	d.written++
	x.mark = d.written
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

func clone(m map[string]string) map[string]string { return maps.Clone(m) }
