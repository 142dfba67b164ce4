package gateway

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/refusal"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// overdue is how long nothing may come of what is read anew before it is looked whether
// it can come as far as what is in force: a topic that was made anew is shorter.
const overdue = time.Minute

// errAnew ends a reading of the topic because it is to be read anew.
var errAnew = errors.New("refused rows are to be read anew")

// marks are what is known of refused rows, and how far their topic has been read.
// The first reading fills the book. Every later one, also after the bus failed, goes
// on beside what is in force until it has come as far: a row that stands refused is
// at no moment answered as if it were not.
type marks struct {
	book  *refusal.Book
	watch stopwatch // how long the reader of what is in force has waited

	mu     sync.Mutex
	at     map[int32]int64 // how far what is in force has been read
	reader int64           // which reading of the topic that is
	anew   map[int32]int64 // how far it has been read anew, nil if it is not
	again  bool            // it is read anew because fewer rows are left, and is the same topic
	void   bool            // what is in force counts for nothing
	begun  time.Time       // when the last reading began
	moved  time.Time       // when something last came of it
}

// begin begins a reading; session numbers it if nothing that was read stays in force.
func (m *marks) begin(session int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begun, m.moved = time.Now(), time.Now()
	m.again = m.again && m.anew == nil
	m.book.Anew()
	if len(m.at) > 0 && !m.void {
		m.watch.wait(false)
		m.anew = map[int32]int64{}
		return
	}
	m.book.Swap()
	m.at, m.anew, m.reader, m.again, m.void = map[int32]int64{}, nil, session, false, false
	m.watch.wait(true)
}

// seen reports whether a record had been read before the topic was read anew.
func (m *marks) seen(r *bus.Record) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.again && m.anew != nil && r.Offset < m.at[r.Partition]
}

// took says that the topic has been read up to a record, and reports whether what
// was read anew is now as far as what is in force.
func (m *marks) took(last *bus.Record) (level bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.moved = time.Now()
	if m.anew == nil {
		m.at[last.Partition] = last.Offset + 1
		m.watch.wait(true)
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
func (m *marks) stuck() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.anew != nil && time.Since(m.moved) > overdue
}

// discard says that what is in force counts for nothing if the topic ends before it.
func (m *marks) discard(end map[int32]int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for partition, at := range m.at {
		m.void = m.void || end[partition] < at
	}
	return m.void
}

// worn reports whether the topic is to be read anew because fewer rows are left.
func (m *marks) worn(pause time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.anew == nil {
		m.again = time.Since(m.begun) >= pause && m.book.Worn()
	}
	return m.anew == nil && m.again
}

// swap puts what was read anew in force, under a number of its own.
func (m *marks) swap(session int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.anew == nil {
		return
	}
	m.book.Swap()
	m.at, m.anew, m.again, m.reader = m.anew, nil, false, session
	m.watch.wait(true)
}

// offsets is how far the topic has been read.
func (m *marks) offsets() map[int32]int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.at)
}

// polled is which reading is in force and how long it has waited.
func (m *marks) polled() (reader int64, waited time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reader, m.watch.total()
}

// followRefused keeps the book of refused rows level with its topic. Where it stands,
// and how long it has waited, as_of is told of: an answer is not called current before
// everything that was refused by then is known.
func (g *Gateway) followRefused(ctx context.Context) error {
	for {
		group, reading := errgroup.WithContext(ctx)
		group.Go(func() error {
			return g.fold(reading, contract.Refused, func() { g.marks.begin(g.sessions.Add(1)) }, g.takeMarks)
		})
		group.Go(func() error { return g.tendMarks(reading) })
		if err := group.Wait(); !errors.Is(err, errAnew) {
			return err
		}
	}
}

// tendMarks ends a reading when the topic is to be read anew.
func (g *Gateway) tendMarks(ctx context.Context) error {
	tick := time.NewTicker(g.cfg.Step)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if g.marks.stuck() {
			end, err := g.parts.Bus.EndOffsets(ctx, contract.Refused)
			switch {
			case err != nil: // nothing comes because the bus does not answer
			case g.marks.discard(end[contract.Refused]):
				return errAnew
			default: // what stood at its end has been compacted away
				g.marks.swap(g.sessions.Add(1))
			}
		}
		if g.marks.worn(g.cfg.RefusedAnew) {
			return errAnew
		}
	}
}

func (g *Gateway) takeMarks(ctx context.Context, records []bus.Record) {
	g.marks.watch.wait(false)
	for i := range records {
		g.one(ctx, &records[i], g.takeRefused)
	}
	if g.marks.took(&records[len(records)-1]) {
		g.marks.swap(g.sessions.Add(1))
	}
}

func (g *Gateway) takeRefused(ctx context.Context, r *bus.Record) {
	if r.Value == nil {
		g.marks.book.Delete(string(r.Key))
		return
	}
	record, err := g.marked.Decode(ctx, r.Value)
	if err == nil && !g.marks.book.Put(string(r.Key), record, g.marks.seen(r)) {
		err = fmt.Errorf("no digests: %w", schemas.ErrUnknown)
	}
	if err != nil {
		g.skip(string(contract.Refused), "unreadable", r, err)
	}
}
