package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/lovoo/goka"
)

// The departments, by number.
const (
	police = iota
	insurance
	pensions
	health
	departmentCount
)

var departments = [departmentCount]string{"GA01", "YB01", "RS01", "WJ01"}

// source is a department and a column of its row.
type source struct{ department, column int }

// fields are those of the golden record, each with its sources by authority.
var fields = [...]struct {
	name string
	from []source
}{
	{"XM", []source{{police, 1}, {insurance, 1}, {pensions, 1}, {health, 1}}},
	{"XBDM", []source{{police, 2}}},
	{"CSRQ", []source{{police, 3}}},
	{"HJDZ", []source{{police, 4}}},
	{"JZDZ", []source{{insurance, 3}, {pensions, 3}, {health, 3}}},
	{"HYZKDM", []source{{police, 5}}},
	{"LXDH", []source{{pensions, 4}, {insurance, 4}, {health, 4}}},
	{"SWRQ", []source{{health, 2}}},
}

// clauses name the line of the authority that decided: of each field and source.
var clauses = func() (all [len(fields)][departmentCount]string) {
	for f, field := range fields {
		for i := range field.from {
			all[f][i] = "1/" + field.name + "/" + strconv.Itoa(i+1)
		}
	}
	return all
}()

// outlets are the topics that the peer writes.
type outlets struct{ golden, shown, findings goka.Stream }

// setup is what the arguments say, the same for all resolvers.
type setup struct {
	claim, golden, shown, finding schema
	rows                          [departmentCount]schema
	key                           []byte
}

func newSetup(of map[string]string) (*setup, error) {
	s := &setup{}
	want := map[string]*schema{"claim": &s.claim, "golden": &s.golden, "shown": &s.shown, "finding": &s.finding}
	for i, name := range departments {
		want[name] = &s.rows[i]
	}
	var err error
	for name, to := range want {
		if *to, err = parseSchema(of[name]); err != nil {
			return nil, fmt.Errorf("read argument %q: %w", name, err)
		}
	}
	if s.key, err = hex.DecodeString(of["key"]); err != nil {
		return nil, fmt.Errorf("read argument key: %w", err)
	}
	return s, nil
}

// resolver turns claims into golden records, one at a time.
type resolver struct {
	*setup
	view, subjects tokens
	claim          row
	rows           [departmentCount]row
	dossier        dossier
	winner         [len(fields)]int // place in the field's sources, -1 none
	out            []byte
}

func newResolver(s *setup) *resolver {
	r := &resolver{setup: s, claim: make(row, len(s.claim.columns)), view: newTokens(s.key, "key:person.partial"), subjects: newTokens(s.key, "finding")}
	for i := range r.rows {
		r.rows[i] = make(row, len(s.rows[i].columns))
	}
	return r
}

// resolve takes one claim: the dossier, and what follows from it.
func (r *resolver) resolve(c goka.Context, to outlets, claim []byte) error {
	if err := r.claim.read(r.setup.claim, claim); err != nil {
		return fmt.Errorf("read a claim: %w", err)
	}
	said, now := statement{value: r.claim[8].text, major: r.claim[5].number, at: r.claim[7].number}, time.Now().UnixMilli()
	from := 0
	for departments[from] != string(r.claim[0].text) {
		if from++; from == departmentCount {
			return fmt.Errorf("a claim of %q", r.claim[0].text)
		}
	}
	d := &r.dossier
	*d = dossier{version: now}
	if old, ok := c.Value().([]byte); ok {
		d.load(old)
	}
	before := d.said[from]
	if len(before.value) > 0 && before.major > said.major {
		return nil // older than what is known
	}
	// A claim that is in the dossier already comes again after a crash, which may
	// have lost what followed from it: all of that is said once more.
	again := len(before.value) > 0 && before.major == said.major
	d.said[from] = said
	for i, s := range d.said {
		if len(s.value) == 0 {
			continue
		}
		if err := r.rows[i].read(r.setup.rows[i], s.value); err != nil {
			return fmt.Errorf("read a row of %s: %w", departments[i], err)
		}
	}
	key := c.Key()
	values, told := r.resolved(key, said.at)
	if told != d.golden || again {
		d.version++
		c.Emit(to.golden, key, bytes.Clone(r.out))
	}
	if values != d.values || again {
		c.Emit(to.shown, r.view.of(key), r.masked(key))
	}
	for rule := range rules {
		if finding, id := r.judge(rule, key, now, again); finding != nil {
			c.Emit(to.findings, id, finding)
		}
	}
	d.golden, d.values = told, values
	c.SetValue(d.append(make([]byte, 0, 1536)))
	return nil
}

func (r *resolver) known(department int) bool { return len(r.dossier.said[department].value) > 0 }

// cell is what a source says, null where it says nothing.
func (r *resolver) cell(s source) cell {
	if !r.known(s.department) {
		return cell{null: true}
	}
	return r.rows[s.department][s.column]
}

// resolved writes the golden record to r.out and returns the digests of its
// values and of these and where they come from.
func (r *resolver) resolved(key string, at int64) (values, told uint64) {
	b := appendText(r.golden.frame(r.out[:0]), key)
	for f, field := range fields {
		won := cell{null: true}
		r.winner[f] = -1
		for i, s := range field.from {
			if c := r.cell(s); !c.null {
				won, r.winner[f] = c, i
				break
			}
		}
		b = appendCell(b, r.golden.columns[f+1], won)
	}
	values = digest(b[frameSize:])
	b = binary.AppendVarint(b, r.dossier.version+1)
	b = binary.AppendVarint(b, at)
	story := len(b)
	r.out = r.appendStory(b, key)
	return values, digest(r.out[story:]) ^ values
}

// appendStory writes where each cell comes from and who else spoke.
func (r *resolver) appendStory(b []byte, key string) []byte {
	count := 0
	for _, w := range r.winner {
		if w >= 0 {
			count++
		}
	}
	if b = binary.AppendVarint(b, int64(count)); count == 0 {
		return b
	}
	for f, field := range fields {
		w := r.winner[f]
		if w < 0 {
			continue
		}
		losers := 0
		for _, s := range field.from[w+1:] {
			if !r.cell(s).null {
				losers++
			}
		}
		won, how := field.from[w], "rank"
		switch {
		case w > 0:
			how = "fallback"
		case losers == 0:
			how = "sole"
		}
		for _, s := range [...]string{field.name, departments[won.department], key, clauses[f][w], how, ""} {
			b = appendText(b, s)
		}
		b = binary.AppendVarint(b, r.dossier.said[won.department].at)
		b = r.appendLosers(b, key, won, field.from[w+1:], losers)
	}
	return append(b, 0)
}

func (r *resolver) appendLosers(b []byte, key string, won source, rest []source, count int) []byte {
	if count == 0 {
		return append(b, 0)
	}
	b = binary.AppendVarint(b, int64(count))
	for _, s := range rest {
		c, how := r.cell(s), "rank"
		if c.null {
			continue
		}
		if bytes.Equal(c.text, r.cell(won).text) {
			how = "agrees"
		}
		b = appendText(appendText(appendText(b, departments[s.department]), key), how)
		b = appendText(append(b, 2), c.text)
	}
	return append(b, 0)
}

// value is what a field has come to.
func (r *resolver) value(f int) cell {
	if r.winner[f] < 0 {
		return cell{null: true}
	}
	return r.cell(fields[f].from[r.winner[f]])
}

// masked is the record of the view.
func (r *resolver) masked(key string) []byte {
	text := func(f int, mask func(string) string) cell {
		c := r.value(f)
		if !c.null {
			c.text = []byte(mask(string(c.text)))
		}
		return c
	}
	born := r.value(2)
	born.text = strconv.AppendInt(nil, int64(day(born.number).Year()), 10)
	cells := [...]cell{
		{text: []byte(maskID(key))},
		text(0, maskName),
		r.value(1),
		born,
		text(3, func(s string) string { return maskPlace(s, true) }),
		text(4, func(s string) string { return maskPlace(s, false) }),
		r.value(5),
		text(6, maskPhone),
	}
	b := r.shown.frame(make([]byte, 0, 192))
	for i, c := range cells {
		b = appendCell(b, r.shown.columns[i], c)
	}
	return b
}

// day is a date from its number of days since 1970.
func day(n int64) time.Time { return time.Unix(n*86400, 0).UTC() }
