// Package refusal folds the topic refused: of which rows the newest that their
// department sent was not taken, so that what is known of them is older than it
// looks. Rows and whom they speak about are named by keyed digests.
//
// So many rows of a dataset are kept one by one (Kept). Of what comes beyond that
// the book knows only that it is there, so of a dataset that has more it says just
// that: whether a row that is not kept is one of them is not known, and never
// denied. When what is left of them would fit, the topic is read anew beside what is
// in force (Worn, Anew, Swap).
package refusal

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Kept is how many rows of a dataset are marked one by one: some 250 bytes each, so
// that a dataset of which every row is refused costs 5 MB and not the process.
const Kept = 20_000

// counted is how many times as many rows beyond those a book tells apart, of all
// datasets together, for some 20 bytes each. Of what comes beyond them too it only
// knows that there was some.
const counted = 50

// Digest names a row, or a person or enterprise that rows speak about.
type Digest [16]byte

// Mark says that rows of a dataset were refused.
type Mark struct {
	Dataset string
	Since   time.Time // source commit time of the first one
	More    bool      // more rows of the dataset were refused than are kept: whether these are among them is not known
}

// Tally is how many rows of a dataset are known to be refused.
type Tally struct {
	Dataset string
	Rows    int
}

// row is one row of the topic.
type row struct {
	dataset  *tally
	since    time.Time
	subjects []Digest
}

type tally struct {
	name  string
	rows  int
	over  int       // rows that are counted and not kept
	lost  bool      // there were more than are counted
	since time.Time // of the first that is not kept
}

func (t *tally) more() bool { return t.over > 0 || t.lost }
func (t *tally) mark() Mark { return Mark{Dataset: t.name, Since: t.since, More: true} }

// page is what one reading of the topic has come to.
type page struct {
	rows     map[Digest]row
	subjects map[Digest][]Digest // rows that speak about a subject
	over     map[uint64]*tally   // rows that are not kept, by a part of their digest
	datasets map[string]*tally
}

func newPage() *page {
	return &page{rows: map[Digest]row{}, subjects: map[Digest][]Digest{}, over: map[uint64]*tally{}, datasets: map[string]*tally{}}
}

// Book holds the rows of the topic. It is safe for concurrent use.
type Book struct {
	kept int

	mu   sync.RWMutex
	now  *page
	next *page // what is being read anew, nil if nothing is
}

// NewBook returns an empty book that keeps so many rows of a dataset, Kept if 0.
func NewBook(kept int) *Book { return &Book{kept: cmp.Or(kept, Kept), now: newPage()} }

// Anew begins another reading of the topic from its start. What was known stays in
// force until Swap.
func (b *Book) Anew() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next = newPage()
}

// Swap puts what was read anew in force.
func (b *Book) Swap() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next != nil {
		b.now, b.next = b.next, nil
	}
}

// Worn reports whether reading the topic anew would show of some dataset which rows
// are refused, because there are few enough of them by now.
func (b *Book) Worn() bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.next != nil {
		return false
	}
	for _, t := range b.now.datasets {
		if t.more() && t.rows+t.over <= b.kept {
			return true
		}
	}
	return false
}

// Parse reads the key of a record of the topic, or one of its subjects.
func Parse(text string) (d Digest, ok bool) {
	if len(text) != 2*len(d) {
		return d, false
	}
	_, err := hex.Decode(d[:], []byte(text))
	return d, err == nil
}

// Put takes what the topic says of a row, and reports whether it can be read. r is a
// record of contract.RefusedLayout. again says that it had been read before the topic
// began to be read anew: a row that has been settled since needs no room then.
func (b *Book) Put(key string, r schemas.Record, again bool) bool {
	id, ok := Parse(key)
	if !ok {
		return false
	}
	one := row{since: r.Get("since").Time(schemas.Timestamp)}
	for text := range strings.SplitSeq(r.Get("subjects").Str(), ",") {
		if text == "" {
			continue
		}
		d, ok := Parse(text)
		if !ok {
			return false
		}
		one.subjects = append(one.subjects, d)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if again && b.next != nil && !b.now.knows(id, r.Get("dataset").Str()) {
		return true
	}
	b.reading().put(id, r.Get("dataset").Str(), one, b.kept)
	return true
}

// Delete takes that a row is settled.
func (b *Book) Delete(key string) {
	id, ok := Parse(key)
	if !ok {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading().remove(id)
}

// reading is what the topic is read into.
func (b *Book) reading() *page {
	if b.next != nil {
		return b.next
	}
	return b.now
}

func (p *page) put(id Digest, dataset string, one row, kept int) {
	p.remove(id)
	t := p.datasets[dataset]
	if t == nil {
		t = &tally{name: strings.Clone(dataset)}
		p.datasets[t.name] = t
	}
	if t.rows >= kept {
		if !t.more() || one.since.Before(t.since) {
			t.since = one.since
		}
		if t.lost = t.lost || len(p.over) >= counted*kept; !t.lost {
			p.over[id.part()] = t
			t.over++
		}
		return
	}
	one.dataset = t
	p.rows[id] = one
	t.rows++
	for _, s := range one.subjects {
		p.subjects[s] = append(p.subjects[s], id)
	}
}

// part is enough of a digest to tell rows apart that are counted.
func (d Digest) part() uint64 { return binary.BigEndian.Uint64(d[:]) }

// knows reports whether a row may be refused still.
func (p *page) knows(id Digest, dataset string) bool {
	if _, kept := p.rows[id]; kept || p.over[id.part()] != nil {
		return true
	}
	t := p.datasets[dataset]
	return t != nil && t.lost
}

func (p *page) remove(id Digest) {
	if t := p.over[id.part()]; t != nil {
		delete(p.over, id.part())
		t.over--
		p.forget(t)
		return
	}
	one, ok := p.rows[id]
	if !ok {
		return
	}
	delete(p.rows, id)
	one.dataset.rows--
	p.forget(one.dataset)
	for _, s := range one.subjects {
		if left := slices.DeleteFunc(p.subjects[s], func(r Digest) bool { return r == id }); len(left) > 0 {
			p.subjects[s] = left
		} else {
			delete(p.subjects, s)
		}
	}
}

// forget drops the tally of a dataset that has no more refused rows.
func (p *page) forget(t *tally) {
	if t.rows == 0 && !t.more() {
		delete(p.datasets, t.name)
	}
}

// Empty reports whether nothing is refused at all.
func (b *Book) Empty() bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return len(b.now.datasets) == 0
}

// Row returns the mark of a row of a dataset, and that there are more than are kept
// if it is none of these.
func (b *Book) Row(dataset string, id Digest) []Mark {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if one, ok := b.now.rows[id]; ok {
		return []Mark{{Dataset: one.dataset.name, Since: one.since}}
	}
	if t := b.now.datasets[dataset]; t != nil && t.more() {
		return []Mark{t.mark()}
	}
	return nil
}

// About returns the marks of the rows that speak about a subject, one a dataset, the
// oldest of each, by dataset. Of a dataset that has more than are kept, and none of
// these about the subject, it returns that.
func (b *Book) About(subject Digest) []Mark {
	b.mu.RLock()
	defer b.mu.RUnlock()
	var out []Mark
	for _, id := range b.now.subjects[subject] {
		row := b.now.rows[id]
		one := Mark{Dataset: row.dataset.name, Since: row.since}
		i := slices.IndexFunc(out, func(m Mark) bool { return m.Dataset == one.Dataset })
		if i < 0 {
			out = append(out, one)
		} else if one.Since.Before(out[i].Since) {
			out[i] = one
		}
	}
	for _, t := range b.now.datasets {
		if t.more() && !slices.ContainsFunc(out, func(m Mark) bool { return m.Dataset == t.name }) {
			out = append(out, t.mark())
		}
	}
	slices.SortFunc(out, func(x, y Mark) int { return cmp.Compare(x.Dataset, y.Dataset) })
	return out
}

// Tallies returns the datasets that have refused rows, by name.
func (b *Book) Tallies() []Tally {
	b.mu.RLock()
	defer b.mu.RUnlock()
	out := make([]Tally, 0, len(b.now.datasets))
	for _, t := range b.now.datasets {
		out = append(out, Tally{t.name, t.rows + t.over})
	}
	slices.SortFunc(out, func(x, y Tally) int { return cmp.Compare(x.Dataset, y.Dataset) })
	return out
}
