package state

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// A Loader takes in loadSize before it makes a table of it; all of a store's
// together take in no more than loadTotal, as long as there are not very many.
const (
	loadSize  = 32 << 20
	loadTotal = 256 << 20
	loadLeast = 2 << 20
)

// Loader builds much of a partition's state at once: it sorts what it is given
// and hands it to the database as a whole table, past the log and the memory
// table, at several times the speed of batches. What it has not yet handed over
// is lost with a crash, and the position stays where it was. Not for concurrent
// use.
type Loader struct {
	p       *Partition
	data    []byte
	entries []entry
	offset  int64
	at      time.Time
	reached bool // something to hand over
}

// entry is one change in a Loader's data. order tells which of two changes of a
// key is the later one; head is where keys begin to differ, for quick comparisons.
type entry struct {
	head       uint64
	at         uint32
	key, value uint32
	order      uint32
	deleted    bool
}

// Loader returns a loader of the partition, to be closed.
func (p *Partition) Loader() *Loader {
	p.store.loaders.Add(1)
	return &Loader{p: p}
}

// Close drops what has not been handed over.
func (l *Loader) Close() {
	l.p.store.loaders.Add(-1)
	l.data, l.entries = nil, nil
}

// Set puts a key; a nil value deletes it. Both are copied.
func (l *Loader) Set(key, value []byte) {
	e := entry{at: uint32(len(l.data)), key: uint32(len(key)), value: uint32(len(value)), order: uint32(len(l.entries)), deleted: value == nil}
	l.data = append(append(l.data, key...), value...)
	l.entries = append(l.entries, e)
}

// Full reports whether it is time to Commit.
func (l *Loader) Full() bool {
	share := loadTotal / max(l.p.store.loaders.Load(), 1)
	return int64(len(l.data)) >= min(max(share, loadLeast), loadSize)
}

// Reach records the changelog offset that the partition has reached with what
// has been set.
func (l *Loader) Reach(offset int64, at time.Time) { l.offset, l.at, l.reached = offset, at, true }

// Commit hands over what has been set, durably and in one piece.
func (l *Loader) Commit() error {
	if !l.reached {
		return nil
	}
	s := l.p.store
	name := s.fs.PathJoin(s.loading, strconv.FormatUint(s.loads.Add(1), 10))
	if err := l.write(name); err != nil {
		return errors.Join(fmt.Errorf("load state: %w", err), s.fs.Remove(name))
	}
	if err := s.db.Ingest(context.Background(), []string{name}); err != nil {
		return errors.Join(fmt.Errorf("load state: %w", err), s.fs.Remove(name))
	}
	l.data, l.entries, l.reached = l.data[:0], l.entries[:0], false
	return nil
}

func (l *Loader) key(e *entry) []byte { return l.data[e.at : e.at+e.key] }

// sort puts the entries in the order of their keys, the latest of a key first.
func (l *Loader) sort() {
	if len(l.entries) == 0 {
		return
	}
	first := l.key(&l.entries[0])
	shared := len(first)
	for i := range l.entries {
		key := l.key(&l.entries[i])
		shared = min(shared, len(key))
		for !bytes.Equal(key[:shared], first[:shared]) {
			shared--
		}
	}
	for i := range l.entries {
		var head [8]byte
		copy(head[:], l.key(&l.entries[i])[shared:])
		l.entries[i].head = binary.BigEndian.Uint64(head[:])
	}
	slices.SortFunc(l.entries, func(a, b entry) int {
		if a.head != b.head {
			return cmp.Compare(a.head, b.head)
		}
		if c := bytes.Compare(l.key(&a), l.key(&b)); c != 0 {
			return c
		}
		return cmp.Compare(b.order, a.order)
	})
}

// write makes the table. The position comes after all data keys.
func (l *Loader) write(name string) error {
	s := l.p.store
	file, err := s.fs.Create(name, "")
	if err != nil {
		return err
	}
	w := sstable.NewWriter(objstorageprovider.NewFileWritable(file), s.options.MakeWriterOptions(0, s.db.TableFormat()))
	l.sort()
	var room, last []byte
	for i := range l.entries {
		e := &l.entries[i]
		key := l.key(e)
		if i > 0 && bytes.Equal(key, last) {
			continue
		}
		last = key
		room = l.p.appendKey(room[:0], key)
		if e.deleted {
			err = w.Delete(room)
		} else {
			err = w.Set(room, l.data[e.at+e.key:e.at+e.key+e.value])
		}
		if err != nil {
			return errors.Join(err, w.Close())
		}
	}
	if err := w.Set(l.p.positionKey(), position(l.offset, l.at)); err != nil {
		return errors.Join(err, w.Close())
	}
	return w.Close()
}
