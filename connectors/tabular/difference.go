package tabular

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Table is what a first pass over a copy of a whole table tells: its keys, and whether
// deletes can be inferred from them.
type Table struct {
	Keys       []string // sorted and each once, after Sort
	Rows       int
	Unreadable bool // some row's key is not known

	twice map[string]*schemas.Record // keys of more than one row: the first of them, once it is read
}

// Add notes a row by its key; "" is one whose key is not known.
func (t *Table) Add(key string) {
	if t.Unreadable = t.Unreadable || key == ""; key != "" {
		t.Keys = append(t.Keys, key)
	}
}

// Sort orders the keys and finds those of several rows.
func (t *Table) Sort() {
	slices.Sort(t.Keys)
	for i := 1; i < len(t.Keys); i++ {
		if t.Keys[i] == t.Keys[i-1] {
			if t.twice == nil {
				t.twice = map[string]*schemas.Record{}
			}
			t.twice[t.Keys[i]] = nil
		}
	}
	t.Keys = slices.Compact(t.Keys)
}

// Doubles reports whether any key has several rows.
func (t *Table) Doubles() bool { return len(t.twice) > 0 }

// Again reports whether a row of the key was read before in this copy, and whether it
// said the same.
func (t *Table) Again(key string, record schemas.Record) (again, same bool) {
	first, ok := t.twice[key]
	switch {
	case !ok:
		return false, false
	case first == nil:
		t.twice[key] = &record
		return false, false
	}
	return true, first.Equal(record)
}

// Gone walks two sorted lists of keys and yields those of the earlier list that the
// later one lacks. The zero Gone has no earlier list.
type Gone struct {
	from     io.Closer
	previous *bufio.Reader
	now      []string
	read     int // keys of the earlier list
}

// Compare returns the keys that a copy lacks of those that WriteKeys has written.
func Compare(previous io.ReadCloser, now []string) *Gone {
	return &Gone{from: previous, previous: bufio.NewReaderSize(previous, 64<<10), now: now}
}

// First reports whether there is no earlier copy.
func (g *Gone) First() bool { return g.previous == nil }

// Next returns the next key that is gone, io.EOF behind the last.
func (g *Gone) Next() (string, error) {
	for g.previous != nil {
		line, err := g.previous.ReadString('\n')
		if err != nil {
			if errors.Is(err, io.EOF) && line == "" {
				return "", io.EOF
			}
			return "", fmt.Errorf("read previous keys: %w", err)
		}
		g.read++
		key, err := strconv.Unquote(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return "", errors.New("read previous keys: a line is damaged")
		}
		for len(g.now) > 0 && g.now[0] < key {
			g.now = g.now[1:]
		}
		if len(g.now) == 0 || g.now[0] != key {
			return key, nil
		}
	}
	return "", io.EOF
}

// Count walks to the end: how many keys are gone, of how many.
func (g *Gone) Count() (n, of int, err error) {
	for {
		_, err := g.Next()
		if errors.Is(err, io.EOF) {
			return n, g.read, nil
		}
		if err != nil {
			return 0, 0, err
		}
		n++
	}
}

// Close releases the earlier list.
func (g *Gone) Close() {
	if g.from != nil {
		_ = g.from.Close() // read only: nothing can be lost
	}
}

// WriteKeys writes sorted keys, one quoted key a line.
func WriteKeys(to io.Writer, keys []string) error {
	w := bufio.NewWriterSize(to, 64<<10)
	var line []byte
	for _, k := range keys {
		line = append(strconv.AppendQuote(line[:0], k), '\n')
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return w.Flush()
}
