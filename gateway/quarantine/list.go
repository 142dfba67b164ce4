package quarantine

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/finding"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// ErrNotLoaded says that the topic has not been read to its end yet: what is not in the
// list may be in the topic.
var ErrNotLoaded = errors.New("quarantine is not loaded yet")

// The states of an entry.
const (
	Open   = "open"
	Closed = "settled"
)

// Filter chooses entries; "" in a field means any.
type Filter struct {
	Dataset, Source, Reason, State string
	Among                          func(dataset string) bool // of these datasets alone; nil = of all
	Limit                          int
	Cursor                         string
}

func (f *Filter) among(e *Entry) bool {
	return (f.Dataset == "" || f.Dataset == e.Dataset) && (f.Source == "" || f.Source == e.Sent()) && (f.Among == nil || f.Among(e.Dataset)) &&
		(f.State == "" || (f.State == Open) == (e.Settled == nil))
}

// Page is a part of the list.
type Page struct {
	Entries  []Entry
	Total    int            // that match
	Open     int            // of them
	ByReason map[string]int // that match but for the reason
	Next     string         // cursor, "" at the end
	Beyond   int            // entries that are no longer kept
}

// List returns a page, newest first: what came into the topic while pages were turned
// stands before them, and what is settled meanwhile keeps its place.
func (b *Book) List(f Filter) (Page, error) {
	after, err := parseCursor(f.Cursor)
	if err != nil {
		return Page{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.page == nil {
		return Page{}, ErrNotLoaded
	}
	b.page.sort()
	out, oldest, last := Page{ByReason: map[string]int{}, Beyond: b.page.beyond}, b.oldest(), Place{}
	for _, e := range b.page.entries {
		if e.Taken.Before(oldest) {
			break
		}
		if !f.among(e) {
			continue
		}
		out.ByReason[e.Reason]++
		if f.Reason != "" && f.Reason != e.Reason {
			continue
		}
		if out.Total++; e.Settled == nil {
			out.Open++
		}
		switch {
		case after != nil && after.compare(e.Place) >= 0: // it was on an earlier page
		case len(out.Entries) < f.Limit:
			out.Entries, last = append(out.Entries, *e), e.Place
		case out.Next == "":
			out.Next = last.cursor()
		}
	}
	return out, nil
}

// Get returns an entry by its name.
func (b *Book) Get(id string) (Entry, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.page == nil {
		return Entry{}, ErrNotLoaded
	}
	if e := b.page.ids[id]; e != nil && !e.Taken.Before(b.oldest()) {
		return *e, nil
	}
	return Entry{}, schemas.ErrUnknown
}

// Total returns how many entries there have been, as far as the topic has been read.
func (b *Book) Total() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.page == nil {
		return b.reading().all
	}
	return b.page.all
}

// Tally is what is open of a source and a dataset.
type Tally struct {
	Source, Dataset string
	Open            int
	Oldest          time.Time // when the oldest of them came into the topic
}

// Tallies returns what is open, by source and dataset; nothing before the topic is read.
func (b *Book) Tallies() []Tally {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.page == nil {
		return nil
	}
	var out []Tally
	oldest := b.oldest()
	for _, e := range b.page.entries {
		if e.Settled != nil || e.Taken.Before(oldest) {
			continue
		}
		i := slices.IndexFunc(out, func(t Tally) bool { return t.Source == e.Sent() && t.Dataset == e.Dataset })
		if i < 0 {
			i, out = len(out), append(out, Tally{Source: e.Sent(), Dataset: e.Dataset, Oldest: e.Taken})
		}
		if out[i].Open++; e.Taken.Before(out[i].Oldest) {
			out[i].Oldest = e.Taken
		}
	}
	slices.SortFunc(out, func(a, b Tally) int { return strings.Compare(a.Source+"\x00"+a.Dataset, b.Source+"\x00"+b.Dataset) })
	return out
}

func (p Place) cursor() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.Taken.UnixMilli(), 10) + "." + p.ID()))
}

func parseCursor(text string) (*Place, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no cursor is no error
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, finding.ErrCursor
	}
	parts := strings.FieldsFunc(string(raw), func(r rune) bool { return r == '.' || r == '-' })
	if len(parts) != 3 {
		return nil, finding.ErrCursor
	}
	at, err := strconv.ParseInt(parts[0], 10, 64)
	partition, err2 := strconv.ParseInt(parts[1], 10, 32)
	offset, err3 := strconv.ParseInt(parts[2], 10, 64)
	if err := errors.Join(err, err2, err3); err != nil {
		return nil, fmt.Errorf("parse cursor: %w", finding.ErrCursor)
	}
	p := &Place{time.UnixMilli(at), int32(partition), offset}
	if base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(at, 10)+"."+p.ID())) != text {
		return nil, finding.ErrCursor
	}
	return p, nil
}
