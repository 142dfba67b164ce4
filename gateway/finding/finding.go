// Package finding folds the topic findings: what departments contradict one
// another in, which of it is open, and which fields of whose record are in
// doubt because of it.
package finding

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// ErrCursor says that a cursor was not made by List.
var ErrCursor = errors.New("malformed cursor")

// Open is the state of a finding nobody has settled yet.
const Open = "open"

// Finding is one contradiction. It names its subject by a token and holds
// values only masked.
type Finding struct {
	ID            string
	Rule          string
	Case          string
	Title         string
	Entity        string
	Subject       string
	SubjectMasked string
	Severity      string
	State         string
	Owner         string
	OpenedAt      time.Time
	Due           time.Time
	ClosedAt      time.Time // zero = open
	Reopened      int64
	Advice        string
	Certainty     string // schemas.Contradiction or schemas.ToConfirm
	Evidence      []Evidence
}

// Evidence is one cell that the finding rests on.
type Evidence struct {
	Dataset string
	Field   string
	Value   string // masked
	Null    bool
	At      time.Time // zero = unknown
}

// Parse reads a record of schemas.FindingLayout.
func Parse(r schemas.Record) Finding {
	text := func(name string) string { return r.Get(name).Str() }
	f := Finding{
		ID: text("id"), Rule: text("rule"), Case: text("case"), Title: text("title"), Entity: text("entity"), Subject: text("subject"),
		SubjectMasked: text("subject_masked"), Severity: text("severity"), State: text("state"), Owner: text("owner"), Advice: text("advice"),
		OpenedAt: r.Get("opened_at").Time(schemas.Timestamp), Due: r.Get("due").Time(schemas.Date), Reopened: r.Get("reopened").Int64(),
	}
	if f.Certainty = text("certainty"); f.Certainty == "" { // written before there was one
		f.Certainty = schemas.Contradiction
	}
	if closed := r.Get("closed_at"); !closed.IsNull() {
		f.ClosedAt = closed.Time(schemas.Timestamp)
	}
	for _, e := range r.Get("evidence").Records() {
		value := e.Get("value_masked")
		out := Evidence{Dataset: e.Get("dataset").Str(), Field: e.Get("field").Str(), Value: value.Str(), Null: value.IsNull()}
		if at := e.Get("at"); !at.IsNull() {
			out.At = at.Time(schemas.Timestamp)
		}
		f.Evidence = append(f.Evidence, out)
	}
	return f
}

// Withhold takes the values out of it, and leaves which fields it rests on: they were
// published while other masks were in force.
func (f *Finding) Withhold() {
	f.SubjectMasked = schemas.Stars
	for i := range f.Evidence {
		if e := &f.Evidence[i]; !e.Null {
			e.Value = schemas.Stars
		}
	}
}

// Cell is a field of a dataset, or of the golden record where Dataset is "golden".
type Cell struct{ Dataset, Field string }

// Book holds every finding of the topic. It is safe for concurrent use.
type Book struct {
	mu      sync.RWMutex
	all     map[string]*Finding
	open    map[string][]*Finding // by subject
	openIDs int
}

// NewBook returns an empty book.
func NewBook() *Book { return &Book{all: map[string]*Finding{}, open: map[string][]*Finding{}} }

// Put takes the newest state of a finding.
func (b *Book) Put(f Finding) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.remove(f.ID)
	b.all[f.ID] = &f
	if f.State == Open {
		b.open[f.Subject] = append(b.open[f.Subject], &f)
		b.openIDs++
	}
}

// Delete forgets a finding.
func (b *Book) Delete(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.remove(id)
}

func (b *Book) remove(id string) {
	old := b.all[id]
	if old == nil {
		return
	}
	delete(b.all, id)
	if old.State != Open {
		return
	}
	b.openIDs--
	rest := slices.DeleteFunc(b.open[old.Subject], func(f *Finding) bool { return f == old })
	if len(rest) == 0 {
		delete(b.open, old.Subject)
		return
	}
	b.open[old.Subject] = rest
}

// Open returns how many findings are open.
func (b *Book) Open() int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.openIDs
}

// Disputed returns the cells of a subject that open findings rest on.
func (b *Book) Disputed(subject string) []Cell {
	b.mu.RLock()
	defer b.mu.RUnlock()
	var out []Cell
	for _, f := range b.open[subject] {
		for _, e := range f.Evidence {
			if c := (Cell{e.Dataset, e.Field}); !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	return out
}

// Get returns a finding by id.
func (b *Book) Get(id string) (Finding, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if f := b.all[id]; f != nil {
		return *f, true
	}
	return Finding{}, false
}

// Filter chooses findings; "" in a field means any.
type Filter struct {
	State, Rule, Owner, Severity, Certainty, Subject string
	Limit                                            int
	Cursor                                           string
}

func (f *Filter) matches(x *Finding) bool {
	return (f.State == "" || f.State == x.State) && (f.Rule == "" || f.Rule == x.Rule) &&
		(f.Owner == "" || f.Owner == x.Owner) && (f.Severity == "" || f.Severity == x.Severity) && (f.Certainty == "" || f.Certainty == x.Certainty) &&
		(f.Subject == "" || f.Subject == x.Subject)
}

// List returns a page of findings, newest first, how many there are in all,
// and the cursor of the next page ("" at the end).
func (b *Book) List(f Filter) (page []Finding, total int, next string, err error) {
	after, err := parseCursor(f.Cursor)
	if err != nil {
		return nil, 0, "", err
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	var found []*Finding
	for _, x := range b.all {
		if f.matches(x) {
			total++
			if after == nil || compare(after, x) < 0 {
				found = append(found, x)
			}
		}
	}
	slices.SortFunc(found, compare)
	for _, x := range found[:min(len(found), f.Limit)] {
		page = append(page, *x)
	}
	if len(found) > f.Limit && f.Limit > 0 {
		next = cursor(found[f.Limit-1])
	}
	return page, total, next, nil
}

// compare puts the newest first.
func compare(a, b *Finding) int {
	return cmp.Or(b.OpenedAt.Compare(a.OpenedAt), cmp.Compare(a.ID, b.ID))
}

func cursor(f *Finding) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(f.OpenedAt.UnixMilli(), 10) + "." + f.ID))
}

func parseCursor(text string) (*Finding, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no cursor is no error
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, ErrCursor
	}
	millis, id, ok := strings.Cut(string(raw), ".")
	at, err := strconv.ParseInt(millis, 10, 64)
	if !ok || err != nil {
		return nil, fmt.Errorf("parse cursor: %w", ErrCursor)
	}
	return &Finding{ID: id, OpenedAt: time.UnixMilli(at)}, nil
}

// ByRule counts open findings by rule.
func (b *Book) ByRule() map[string]int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	out := map[string]int{}
	for _, list := range b.open {
		for _, f := range list {
			out[f.Rule]++
		}
	}
	return out
}
