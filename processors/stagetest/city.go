package stagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
)

// City runs the steps of a catalogue in memory and keeps what they emitted.
type City struct {
	Catalogue *schemas.Catalogue
	Codec     *codec.Codec
	Registry  codec.Registry
	Route     *Driver
	Resolve   map[string]*Driver // by entity
	Out       []bus.Record       // everything emitted but claims, in order

	sequence uint64
	offsets  map[contract.Topic]int64
	rows     map[string]map[string]string // dataset + key -> fields last said
	readers  map[int]*codec.Reader
	writers  map[string]*codec.Writer
}

// NewCity makes the drivers. resolve makes the step of one entity; it is a
// parameter so that the tests of package resolve and of others can both use a
// City.
func NewCity(cat *schemas.Catalogue, now time.Time, route func(*codec.Codec) processors.Step, resolve func(*codec.Codec, string) processors.Step) (*City, error) {
	m := codec.NewMemory()
	c := &City{
		Catalogue: cat, Registry: m, Codec: codec.New(m), Resolve: make(map[string]*Driver), offsets: make(map[contract.Topic]int64),
		rows: make(map[string]map[string]string), readers: make(map[int]*codec.Reader), writers: make(map[string]*codec.Writer),
	}
	var err error
	if route != nil {
		if c.Route, err = NewDriver(route(c.Codec), now); err != nil {
			return nil, err
		}
	}
	for _, e := range cat.Entities {
		if resolve == nil {
			continue
		}
		if c.Resolve[e.ID], err = NewDriver(resolve(c.Codec, e.ID), now); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Forget begins anew at now with the same stages: no state, no timers, nothing
// said or emitted.
func (c *City) Forget(now time.Time) {
	drivers := []*Driver{c.Route}
	for _, d := range c.Resolve {
		drivers = append(drivers, d)
	}
	for _, d := range drivers {
		*d = Driver{Stage: d.Stage, Clock: now, state: make(map[string][]byte), timers: make(map[string]time.Time)}
	}
	c.Out, c.sequence = nil, 0
	clear(c.offsets)
	clear(c.rows)
}

// Now returns the city's clock.
func (c *City) Now() time.Time { return c.Route.Clock }

// SetClock moves the clock without firing timers.
func (c *City) SetClock(now time.Time) {
	c.Route.Clock = now
	for _, d := range c.Resolve {
		d.Clock = now
	}
}

// Advance moves the clock and fires the timers that come due on the way.
func (c *City) Advance(to time.Time) error {
	for {
		next := c.next()
		if next.IsZero() || next.After(to) {
			break
		}
		if next.After(c.Now()) {
			c.SetClock(next)
		}
		if err := c.wake(); err != nil {
			return err
		}
	}
	c.SetClock(to)
	return c.wake()
}

func (c *City) next() time.Time {
	next := c.Route.Next()
	for _, d := range c.Resolve {
		if at := d.Next(); !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

func (c *City) wake() error {
	out, err := c.Route.Wake()
	if err != nil {
		return err
	}
	if err := c.pass(out); err != nil {
		return err
	}
	for _, e := range c.Catalogue.Entities {
		if d := c.Resolve[e.ID]; d != nil {
			out, err := d.Wake()
			if err != nil {
				return err
			}
			c.Out = append(c.Out, out...)
		}
	}
	return nil
}

// Take sends records through route and what it says through resolve.
func (c *City) Take(batch ...bus.Record) error {
	for i := range batch {
		batch[i].Offset = c.offsets[batch[i].Topic]
		c.offsets[batch[i].Topic]++
	}
	out, err := c.Route.Process(batch...)
	if err != nil {
		return err
	}
	return c.pass(out)
}

// Complete says, of datasets or of all if none is named, that a first complete copy has
// come: rules that speak of absence wait for it.
func (c *City) Complete(datasets ...string) error {
	for _, d := range c.Catalogue.Datasets {
		if len(datasets) > 0 && !slices.Contains(datasets, d.ID) {
			continue
		}
		done := contract.Completion{Dataset: d.ID, Of: 1}
		err := c.Take(bus.Record{
			Topic: contract.Raw(d.ID), Key: done.Key(), Time: c.Now(), Headers: []bus.Header{{Key: contract.ControlHeader, Value: done.Append(nil)}},
		})
		if err != nil {
			return err
		}
	}
	return c.wake()
}

// Renew gives all that the steps keep to them to be renewed, as the engine does.
func (c *City) Renew() error {
	out, err := c.Route.Renew()
	if err != nil {
		return err
	}
	if err := c.pass(out); err != nil {
		return err
	}
	for _, e := range c.Catalogue.Entities {
		out, err := c.Resolve[e.ID].Renew()
		if err != nil {
			return err
		}
		c.Out = append(c.Out, out...)
	}
	return nil
}

// pass gives claims to the resolve steps and keeps the rest.
func (c *City) pass(out []bus.Record) error {
	claims := make(map[string][]bus.Record)
	for _, r := range out {
		family, entity := r.Topic.Family()
		if family != contract.FamilyClaims || c.Resolve[entity] == nil {
			c.Out = append(c.Out, r)
			continue
		}
		r.Offset = c.offsets[r.Topic]
		c.offsets[r.Topic]++
		claims[entity] = append(claims[entity], r)
	}
	for _, e := range c.Catalogue.Entities {
		if len(claims[e.ID]) == 0 {
			continue
		}
		out, err := c.Resolve[e.ID].Process(claims[e.ID]...)
		if err != nil {
			return err
		}
		c.Out = append(c.Out, out...)
	}
	return nil
}

// Drain returns what was emitted since the last call.
func (c *City) Drain() []bus.Record {
	out := c.Out
	c.Out = nil
	return out
}

// Change reads one line of a story and makes the raw record of it:
//
//	GA01 GMSFHM=539902198503120013 XM=张三        an upsert; fields not named keep their last value
//	GA01 d GMSFHM=539902198503120013               a deletion
//	GA01 t                                         a truncation of the dataset
//
// Options begin with "@": @seq=7 @source=ga-pg @at=2026-03-01T08:00:00Z
// @na=HJDZ,MZDM @keep=LXDH, and of a source that tells its rows apart by how they write
// their key @own=539902850312001 (empty: as the key) @was=..., of a deletion whoever said the row @all=1. Fields never named are null where they may be, else a value
// that their element accepts. "-" is null, "_" in a value is a space.
func (c *City) Change(line string) (bus.Record, error) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return bus.Record{}, errors.New("empty change")
	}
	d, err := c.Catalogue.Dataset(words[0])
	if err != nil {
		return bus.Record{}, err
	}
	c.sequence++
	op, source, seq, epoch, at := "u", strings.ToLower(d.Provider.ID), c.sequence, uint64(0), c.Now()
	said := make(map[string]string)
	var na, keep string
	var spelling []bus.Header
	for _, w := range words[1:] {
		name, value, ok := strings.Cut(w, "=")
		switch {
		case !ok && len(w) == 1:
			op = w
		case name == "@seq":
			if _, err := fmt.Sscan(value, &seq); err != nil {
				return bus.Record{}, err
			}
		case name == "@epoch":
			if _, err := fmt.Sscan(value, &epoch); err != nil {
				return bus.Record{}, err
			}
		case name == "@source":
			source = value
		case name == "@na":
			na = value
		case name == "@own":
			spelling = append(spelling, bus.Header{Key: contract.Own, Value: contract.AppendOwn(nil, value)})
		case name == "@was":
			spelling = append(spelling, bus.Header{Key: contract.Was, Value: contract.AppendOwn(nil, value)})
		case name == "@all":
			spelling = append(spelling, bus.Header{Key: contract.Outright, Value: []byte("1")})
		case name == "@keep":
			keep = value
		case name == "@at":
			if at, err = time.Parse(time.RFC3339, value); err != nil {
				return bus.Record{}, err
			}
		case !ok || d.Layout.Index(name) < 0:
			return bus.Record{}, fmt.Errorf("%s has no field %q", d.ID, name)
		default:
			said[name] = value
		}
	}
	r := bus.Record{Topic: contract.Raw(d.ID), Time: at, Headers: []bus.Header{
		{Key: contract.Operation, Value: []byte(op)}, {Key: contract.Pos, Value: contract.AppendPos(nil, source, schemas.Sequence{Epoch: epoch, Major: seq})},
	}}
	r.Headers = append(r.Headers, spelling...)
	if na != "" {
		r.Headers = append(r.Headers, bus.Header{Key: contract.Unavailable, Value: []byte(na)})
	}
	if keep != "" {
		r.Headers = append(r.Headers, bus.Header{Key: contract.Kept, Value: []byte(keep)})
	}
	if op == "t" {
		return r, nil
	}
	return c.row(r, d, said, op == "d", na+","+keep)
}

func (c *City) row(r bus.Record, d *schemas.Dataset, said map[string]string, deleted bool, na string) (bus.Record, error) {
	parts := make([]string, len(d.Key))
	for i, k := range d.Key {
		parts[i] = said[k]
	}
	r.Key = []byte(schemas.JoinKey(parts...))
	name := d.ID + "\x00" + string(r.Key)
	if deleted {
		delete(c.rows, name)
		return r, nil
	}
	fields := c.rows[name]
	if fields == nil {
		fields = make(map[string]string)
		c.rows[name] = fields
	}
	for k, v := range said {
		fields[k] = v
	}
	rec, err := Row(d, fields, strings.Split(na, ",")...)
	if err != nil {
		return r, err
	}
	r.Value, err = c.Encode(d, rec)
	return r, err
}

// Encode writes a row as its raw topic holds it.
func (c *City) Encode(d *schemas.Dataset, rec schemas.Record) ([]byte, error) {
	w := c.writers[d.ID]
	if w == nil {
		var err error
		if w, err = c.Codec.Writer(context.Background(), contract.Raw(d.ID).Subject(), d.Layout); err != nil {
			return nil, err
		}
		c.writers[d.ID] = w
	}
	return w.Append(nil, rec)
}

// Row makes a row of a dataset of texts by field name. Fields not named are null
// where they may be, else a value that their element accepts.
func Row(d *schemas.Dataset, fields map[string]string, unavailable ...string) (schemas.Record, error) {
	values := make([]schemas.Value, len(d.Fields))
	for i, f := range d.Fields {
		text, ok := fields[f.Name]
		switch {
		case slices.Contains(unavailable, f.Name):
			values[i] = schemas.Unavailable
			continue
		case text == "-" || !ok && f.Nullable:
			continue
		case !ok:
			text = filler(f.Element)
		}
		text = strings.ReplaceAll(text, "_", " ")
		v, err := element.Parse(f.Element, text)
		if err != nil || v.IsNull() || v.Kind() == schemas.KindString {
			v = schemas.Text(text) // as it is: a story may want to see it refused or normalised
		}
		values[i] = v
	}
	return schemas.NewRecord(d.Layout, values), nil
}

// filler is a value that the element accepts.
func filler(e *schemas.Element) string {
	switch e.Kind {
	case "id_number":
		return "539902198503120013"
	case "uscc":
		return "91539900MADE00011B"
	case "date":
		return "2020-01-01"
	case "timestamp":
		return "2020-01-01T00:00:00Z"
	case "amount", "count":
		return "1"
	case "boolean":
		return "true"
	case "region":
		return "539902"
	case "phone":
		return "19900000001"
	case "plate":
		return "云Z12348"
	case "bank_card":
		return "6299990000000000012"
	case "address":
		return "云岭市岭东区东关街道1号"
	case "person_name":
		return "某甲"
	case "org_name":
		return "云岭市某某有限公司"
	case "code":
		if len(e.Codes) > 0 {
			return e.Codes[0].Value
		}
	}
	return "X1"
}
