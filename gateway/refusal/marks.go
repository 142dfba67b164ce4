package refusal

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/fold"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// overdue is how long nothing may come of what is read anew before it is looked whether
// it can come as far as what is in force: a topic that was made anew is shorter.
const overdue = time.Minute

// Ends tells where topics end; *bus.Bus does.
type Ends interface {
	EndOffsets(ctx context.Context, topics ...contract.Topic) (map[contract.Topic]map[int32]int64, error)
}

// Marks are the book of refused rows and how far their topic has been read: an answer
// is not called current before everything that was refused by then is known.
// The first reading fills the book. Every later one, also after the bus failed, goes
// on beside what is in force until it has come as far: a row that stands refused is
// at no moment answered as if it were not.
type Marks struct {
	Book *Book

	ends  Ends
	step  time.Duration  // how often it is looked whether the topic is to be read anew
	pause time.Duration  // at least so long between two readings because fewer rows are left
	watch fold.Stopwatch // how long the reader of what is in force has waited

	mu     sync.Mutex
	last   int64           // readings are numbered, what was read anew once more when it is in force
	at     map[int32]int64 // how far what is in force has been read
	reader int64           // which reading of the topic that is
	anew   map[int32]int64 // how far it has been read anew, nil if it is not
	again  bool            // it is read anew because fewer rows are left, and is the same topic
	void   bool            // what is in force counts for nothing
	begun  time.Time       // when the last reading began
	moved  time.Time       // when something last came of it
}

// NewMarks returns marks of a topic of which nothing has been read.
func NewMarks(book *Book, ends Ends, step, pause time.Duration) *Marks {
	return &Marks{Book: book, ends: ends, step: step, pause: pause}
}

// Fold is how the topic is read.
func (m *Marks) Fold() fold.Fold {
	return fold.Fold{Topic: contract.Refused, Layout: contract.RefusedLayout, Put: m.put, Delete: m.delete, Reset: m.begin, Place: m}
}

func (m *Marks) put(r *bus.Record, row schemas.Record) error {
	if !m.Book.Put(string(r.Key), row, m.seen(r)) {
		return fmt.Errorf("no digests: %w", schemas.ErrUnknown)
	}
	return nil
}

func (m *Marks) delete(key string) { m.Book.Delete(key) }

// next is the number of the reading that comes into force; mu is held.
func (m *Marks) next() int64 {
	m.last++
	return m.last
}

// begin begins a reading. It counts from now on if nothing that was read stays in force.
func (m *Marks) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	session := m.next()
	m.begun, m.moved = time.Now(), time.Now()
	m.again = m.again && m.anew == nil
	m.Book.Anew()
	if len(m.at) > 0 && !m.void {
		m.watch.Wait(false)
		m.anew = map[int32]int64{}
		return
	}
	m.Book.Swap()
	m.at, m.anew, m.reader, m.again, m.void = map[int32]int64{}, nil, session, false, false
	m.watch.Wait(true)
}

// seen reports whether a record had been read before the topic was read anew.
func (m *Marks) seen(r *bus.Record) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.again && m.anew != nil && r.Offset < m.at[r.Partition]
}

// took says that the topic has been read up to a record, and reports whether what
// was read anew is now as far as what is in force.
func (m *Marks) took(last *bus.Record) (level bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.moved = time.Now()
	if m.anew == nil {
		m.at[last.Partition] = last.Offset + 1
		m.watch.Wait(true)
		return false
	}
	m.anew[last.Partition] = last.Offset + 1
	for partition, at := range m.at {
		if m.anew[partition] < at {
			return false
		}
	}
	return true
}

// stuck reports whether nothing has come of what is read anew for long, and it is not
// level yet.
func (m *Marks) stuck() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.anew != nil && time.Since(m.moved) > overdue
}

// discard says that what is in force counts for nothing if the topic ends before it.
func (m *Marks) discard(end map[int32]int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for partition, at := range m.at {
		m.void = m.void || end[partition] < at
	}
	return m.void
}

// worn reports whether the topic is to be read anew because fewer rows are left.
func (m *Marks) worn() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.anew == nil {
		m.again = time.Since(m.begun) >= m.pause && m.Book.Worn()
	}
	return m.anew == nil && m.again
}

// swap puts what was read anew in force, under a number of its own.
func (m *Marks) swap() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.anew == nil {
		return
	}
	m.Book.Swap()
	m.at, m.anew, m.again, m.reader = m.anew, nil, false, m.next()
	m.watch.Wait(true)
}

// Offsets is how far the topic has been read.
func (m *Marks) Offsets() map[int32]int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.at)
}

// Polled is which reading is in force and how long it has waited.
func (m *Marks) Polled() (reader int64, waited time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reader, m.watch.Total()
}

// Came implements fold.Place.
func (m *Marks) Came() { m.watch.Wait(false) }

// Took implements fold.Place.
func (m *Marks) Took(last *bus.Record) {
	if m.took(last) {
		m.swap()
	}
}

// Tend implements fold.Place: it ends a reading when the topic is to be read anew.
func (m *Marks) Tend(ctx context.Context) error {
	tick := time.NewTicker(m.step)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if m.stuck() {
			end, err := m.ends.EndOffsets(ctx, contract.Refused)
			switch {
			case err != nil: // nothing comes because the bus does not answer
			case m.discard(end[contract.Refused]):
				return fold.ErrAnew
			default: // what stood at its end has been compacted away
				m.swap()
			}
		}
		if m.worn() {
			return fold.ErrAnew
		}
	}
}
