// Package refusal folds the topic refused: of which rows the newest that their
// department sent was not taken, so that what is known of them is older than it
// looks. Rows and whom they speak about are named by keyed digests.
package refusal

import (
	"cmp"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Digest names a row, or a person or enterprise that rows speak about.
type Digest [16]byte

// Mark says that rows of a dataset were refused.
type Mark struct {
	Dataset string
	Since   time.Time // source commit time of the first one
}

// row is one row of the topic.
type row struct {
	Mark
	subjects []Digest
}

// Book holds every row of the topic: some 150 bytes each. It is safe for concurrent use.
type Book struct {
	mu       sync.RWMutex
	rows     map[Digest]row
	subjects map[Digest][]Digest // rows that speak about a subject
	datasets map[string]int      // rows by dataset
}

// NewBook returns an empty book.
func NewBook() *Book {
	b := &Book{}
	b.Reset()
	return b
}

// Reset forgets everything, before the topic is read from its start.
func (b *Book) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rows, b.subjects, b.datasets = map[Digest]row{}, map[Digest][]Digest{}, map[string]int{}
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
// record of contract.RefusedLayout.
func (b *Book) Put(key string, r schemas.Record) bool {
	id, ok := Parse(key)
	if !ok {
		return false
	}
	one := row{Mark: Mark{Dataset: strings.Clone(r.Get("dataset").Str()), Since: r.Get("since").Time(schemas.Timestamp)}}
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
	b.remove(id)
	b.rows[id] = one
	b.datasets[one.Dataset]++
	for _, s := range one.subjects {
		b.subjects[s] = append(b.subjects[s], id)
	}
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
	b.remove(id)
}

func (b *Book) remove(id Digest) {
	one, ok := b.rows[id]
	if !ok {
		return
	}
	delete(b.rows, id)
	if b.datasets[one.Dataset]--; b.datasets[one.Dataset] == 0 {
		delete(b.datasets, one.Dataset)
	}
	for _, s := range one.subjects {
		if left := slices.DeleteFunc(b.subjects[s], func(r Digest) bool { return r == id }); len(left) > 0 {
			b.subjects[s] = left
		} else {
			delete(b.subjects, s)
		}
	}
}

// Empty reports whether nothing is refused at all.
func (b *Book) Empty() bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return len(b.rows) == 0
}

// Row returns the mark of a row.
func (b *Book) Row(id Digest) []Mark {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if one, ok := b.rows[id]; ok {
		return []Mark{one.Mark}
	}
	return nil
}

// About returns the marks of the rows that speak about a subject, one a dataset, the
// oldest of each, by dataset.
func (b *Book) About(subject Digest) []Mark {
	b.mu.RLock()
	defer b.mu.RUnlock()
	var out []Mark
	for _, id := range b.subjects[subject] {
		one := b.rows[id].Mark
		i := slices.IndexFunc(out, func(m Mark) bool { return m.Dataset == one.Dataset })
		if i < 0 {
			out = append(out, one)
		} else if one.Since.Before(out[i].Since) {
			out[i] = one
		}
	}
	slices.SortFunc(out, func(x, y Mark) int { return cmp.Compare(x.Dataset, y.Dataset) })
	return out
}

// Count returns how many rows of a dataset are marked.
func (b *Book) Count(dataset string) int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.datasets[dataset]
}
