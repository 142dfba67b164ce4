// Package quarantine folds the topic quarantine into a work list: what was refused, of
// which row as far as that is known, and whether it is settled, when and by what.
//
// An entry is a record of the topic: its place there is its name and, behind the time at
// which the broker took it, its place in the list, so that restarts and what comes
// meanwhile change neither. It is settled by what the step route or a person says in the
// same topic (contract.Settlement). Both are believed as long as the topic promises to
// keep them and no longer: what was settled can never seem open because only that which
// settled it was deleted.
//
// A Book keeps so many open and so many settled entries, the newest, and counts the rest.
//
// Metrics: yiyuan_gateway_quarantine_records{source,dataset},
// yiyuan_gateway_quarantine_oldest_seconds{source,dataset}.
package quarantine

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Kept is how many open entries a book keeps, and how many settled ones.
const Kept = 20_000

// Place is where a record stands in the topic.
type Place struct {
	Taken     time.Time // by the broker's clock
	Partition int32
	Offset    int64
}

// ID names the record.
func (p Place) ID() string { return contract.EntryID(p.Partition, p.Offset) }

// compare puts the newest first.
func (p Place) compare(q Place) int {
	return cmp.Or(q.Taken.Compare(p.Taken), cmp.Compare(p.Partition, q.Partition), cmp.Compare(q.Offset, p.Offset))
}

// Entry is one of the list.
type Entry struct {
	contract.Rejection
	Place
	Settled *Settled // nil = it is open
}

// Sent is the source that sent it; of an elder entry the topic it was read from.
func (e *Entry) Sent() string { return cmp.Or(e.From, e.Source) }

// Settled is what settled an entry.
type Settled struct {
	At      time.Time // by the broker's clock
	How     string    // one of contract.Settled…
	By      string    // the source of what settled it, or who did
	Locator string    // of the record of raw.* that did it, "" if it is not known
}

// settlement is a record of the topic that settles entries.
type settlement struct {
	Settled
	refused, by upTo
}

// upTo is all that a source sent up to a place.
type upTo struct {
	source   string
	sequence schemas.Sequence
}

func (u upTo) covers(e *Entry) bool {
	return u.source != "" && u.source == e.From && e.Sequence.Compare(u.sequence) <= 0
}

// Book holds the list. It is safe for concurrent use.
type Book struct {
	kept int
	now  func() time.Time

	mu   sync.Mutex
	page *page // nil = the topic has not been read to its end yet
	next *page // what is being read, nil if page is
}

// NewBook returns a book that has read nothing and keeps so many entries, Kept if 0.
func NewBook(kept int, now func() time.Time) *Book { return &Book{kept: cmp.Or(kept, Kept), now: now} }

// page is what one reading of the topic has come to.
type page struct {
	all     int64    // entries that there have been
	entries []*Entry // newest first once sorted
	sorted  bool
	beyond  int // that are not kept
	names   map[string]string

	ids      map[string]*Entry
	rows     map[string][]*Entry
	settled  map[string][]settlement // by row
	persons  map[string]settlement   // by entry
	settlers int
}

func newPage() *page {
	return &page{ids: map[string]*Entry{}, rows: map[string][]*Entry{}, settled: map[string][]settlement{}, persons: map[string]settlement{}, names: map[string]string{}}
}

// anew begins a reading of the topic. What was known stays in force until level.
func (b *Book) anew() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next = newPage()
}

// Level says that what the topic holds has been read: it is in force from now on.
func (b *Book) Level() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next != nil {
		b.page, b.next = b.next, nil
	}
}

// reading is what the topic is read into; mu is held.
func (b *Book) reading() *page {
	if b.next != nil {
		return b.next
	}
	if b.page == nil {
		b.next = newPage()
		return b.next
	}
	return b.page
}

// Put takes a rejection.
func (b *Book) Put(at Place, r contract.Rejection) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.reading()
	p.all++
	r.Dataset, r.Field, r.Reason, r.Detail, r.Source, r.From = p.once(r.Dataset), p.once(r.Field), p.once(r.Reason), p.once(r.Detail), p.once(r.Source), p.once(r.From)
	e := &Entry{Rejection: r, Place: at}
	p.entries, p.sorted, p.ids[e.ID()] = append(p.entries, e), false, e
	if e.Row != "" {
		p.rows[e.Row] = append(p.rows[e.Row], e)
	}
	for _, s := range p.settled[e.Row] {
		e.settle(s)
	}
	if s, ok := p.persons[e.ID()]; ok {
		e.settleBy(s)
	}
	if len(p.entries) > 4*b.kept {
		p.shrink(b.kept, b.oldest())
	}
}

// Settle takes what settles entries.
func (b *Book) Settle(at Place, said contract.Settlement) {
	s := settlement{Settled: Settled{At: at.Taken, How: said.How, By: said.By, Locator: said.Locator}}
	source, sequence, ok := contract.ParsePos([]byte(said.By))
	if ok {
		s.By = string(source)
	}
	if ok && said.How != contract.SettledAgain { // which was refused itself
		s.by = upTo{s.By, sequence}
	}
	if source, sequence, ok := contract.ParsePos([]byte(said.Refused)); ok {
		s.refused = upTo{string(source), sequence}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.reading()
	p.settlers++
	if said.Entry != "" {
		if _, twice := p.persons[said.Entry]; !twice {
			p.persons[said.Entry] = s
		}
		if e := p.ids[said.Entry]; e != nil {
			e.settleBy(s)
		}
	} else {
		p.settled[said.Row] = append(p.settled[said.Row], s)
		for _, e := range p.rows[said.Row] {
			e.settle(s)
		}
	}
	if p.settlers > 4*b.kept {
		p.shrink(b.kept, b.oldest())
	}
}

// settle settles an entry by what settles rows, if that is of it.
func (e *Entry) settle(s settlement) {
	if s.refused.covers(e) || s.by.covers(e) {
		e.settleBy(s)
	}
}

// settleBy settles an entry. Of several the first counts, in whichever order they are read.
func (e *Entry) settleBy(s settlement) {
	if e.Settled == nil || s.At.Before(e.Settled.At) {
		e.Settled = &s.Settled
	}
}

// oldest is from when on what was put into the topic is believed.
func (b *Book) oldest() time.Time { return b.now().Add(-contract.QuarantineKept) }

// once returns a text that many entries share as one.
func (p *page) once(text string) string {
	if same, ok := p.names[text]; ok {
		return same
	}
	p.names[text] = text
	return text
}

func (p *page) sort() {
	if !p.sorted {
		slices.SortFunc(p.entries, func(a, b *Entry) int { return a.Place.compare(b.Place) })
		p.sorted = true
	}
}

// shrink leaves so many open and settled entries, the newest, and what has settled none
// of what is left for a while.
func (p *page) shrink(kept int, oldest time.Time) {
	p.sort()
	open, settled, left := 0, 0, p.entries[:0]
	for _, e := range p.entries {
		n := &settled
		if e.Settled == nil {
			n = &open
		}
		if *n++; e.Taken.Before(oldest) || *n > kept {
			if !e.Taken.Before(oldest) {
				p.beyond++
			}
			continue
		}
		left = append(left, e)
	}
	clear(p.entries[len(left):])
	p.entries, p.names = left, map[string]string{}
	clear(p.ids)
	clear(p.rows)
	for _, e := range left {
		p.ids[e.ID()] = e
		if e.Row != "" {
			p.rows[e.Row] = append(p.rows[e.Row], e)
		}
	}
	p.forget(2*kept, oldest)
}

// forget leaves so much of what settles entries, the newest.
func (p *page) forget(kept int, oldest time.Time) {
	var at []time.Time
	for _, all := range p.settled {
		for _, s := range all {
			at = append(at, s.At)
		}
	}
	for _, s := range p.persons {
		at = append(at, s.At)
	}
	slices.SortFunc(at, func(a, b time.Time) int { return b.Compare(a) })
	if len(at) > kept && at[kept].After(oldest) {
		oldest = at[kept]
	}
	p.settlers = 0
	for row, all := range p.settled {
		left := slices.DeleteFunc(all, func(s settlement) bool { return s.At.Before(oldest) })
		p.settlers += len(left)
		if p.settled[row] = left; len(left) == 0 {
			delete(p.settled, row)
		}
	}
	for id, s := range p.persons {
		if s.At.Before(oldest) {
			delete(p.persons, id)
		} else {
			p.settlers++
		}
	}
}
