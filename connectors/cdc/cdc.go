// Package cdc is what all sources share that follow a database's log of changes: one
// goroutine receives and decodes it, another publishes what is there, and a Log stands between
// them. It hands out whole transactions as far as they fit, and a transaction that is too
// large in parts; it keeps the receiver from running ahead of what is published; and it
// knows when everything has been read that was committed at an instant.
//
// A place P is the source's own position. A mark is how far the log has been read, a number
// that only rises, such as an LSN.
package cdc

import (
	"context"
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

// Part is a run of events that are published together or split nowhere else: the changes,
// rejections and refusals of its batch.
type Part struct {
	connectors.Batch
	Bytes int
}

func (p *Part) rows() int { return len(p.Changes) + len(p.Rejections) }

func (p *Part) join(o Part) {
	p.Changes = append(p.Changes, o.Changes...)
	p.Rejections = append(p.Rejections, o.Rejections...)
	p.Refused = append(p.Refused, o.Refused...)
	p.Bytes += o.Bytes
}

// Taken is what is published next.
type Taken[P any] struct {
	Part
	At       P         // the place behind it
	Inside   bool      // of a transaction that goes on
	CaughtUp time.Time // see connectors.Batch
}

// Log is the stretch of a log between its receiver and its reader.
type Log[P any] struct {
	rows, bytes int           // of a part
	filled      chan struct{} // a token for the reader: there may be something
	taken       chan struct{} // a token for the receiver: there is room

	mu     sync.Mutex
	ready  Part   // of whole transactions
	at     P      // behind ready
	mark   uint64 // everything that committed before is in ready or taken
	tail   Part   // of the transaction that is being received
	tailAt P
	out    *P // behind the last part of tail that was taken, nil if none was
	err    error

	aim   uint64 // when mark is here,
	aimAt time.Time
}

// New returns a log that is read behind a place, in parts of about so many rows and bytes.
func New[P any](at P, rows, bytes int) *Log[P] {
	return &Log[P]{rows: rows, bytes: bytes, filled: make(chan struct{}, 1), taken: make(chan struct{}, 1), at: at}
}

// Filled wakes the reader.
func (l *Log[P]) Filled() <-chan struct{} { return l.filled }

// Aim says where the log ended at an instant: when it has been read so far, everything that
// was committed by then is published. A newer aim waits until the one before is reached, or
// under load none ever would be. It reports whether the aim was taken.
func (l *Log[P]) Aim(mark uint64, at time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.aim != 0 {
		return false
	}
	l.aim, l.aimAt = mark, at
	return true
}

// Mark is how far the log has been read.
func (l *Log[P]) Mark() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mark
}

// Failed is why the receiver has ended, nil while it has not.
func (l *Log[P]) Failed() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Take hands out what is ready; with expired set, also that nothing is.
func (l *Log[P]) Take(expired bool) (Taken[P], bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var t Taken[P]
	reached := l.aim != 0 && l.mark >= l.aim
	switch {
	case l.ready.rows() > 0 || reached:
		if reached {
			t.CaughtUp, l.aim = l.aimAt, 0
		}
		t.Part, t.At = l.ready, l.here()
		l.ready = Part{}
	case l.full(l.tail):
		t.Part, t.At, t.Inside = l.tail, l.tailAt, true
		at := l.tailAt
		l.tail, l.out = Part{}, &at
	case l.err != nil:
		return t, false, l.err
	case expired:
		t.At = l.here()
	default:
		return t, false, nil
	}
	token(l.taken)
	return t, true, nil
}

// here is the place behind what has been handed out: that of whole transactions, unless
// parts of the next one are out already.
func (l *Log[P]) here() P {
	if l.out != nil {
		return *l.out
	}
	return l.at
}

func (l *Log[P]) full(p Part) bool { return p.rows() >= l.rows || p.Bytes >= l.bytes }

// Room waits until there is place for more. It calls alive every tick meanwhile: a server
// that hears nothing cuts the connection.
func (l *Log[P]) Room(ctx context.Context, tick time.Duration, alive func() error) error {
	for {
		l.mu.Lock()
		crowded := l.full(l.ready) || l.full(l.tail)
		l.mu.Unlock()
		if !crowded {
			return nil
		}
		wait := time.NewTimer(tick)
		select {
		case <-ctx.Done():
			wait.Stop()
			return ctx.Err()
		case <-l.taken:
		case <-wait.C:
		}
		wait.Stop()
		if err := alive(); err != nil {
			return err
		}
	}
}

// Emit adds events of the transaction that is being received. at is given the place behind
// the last whole transaction and returns the one behind these events.
func (l *Log[P]) Emit(p Part, at func(whole P) P) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tail.join(p)
	if l.tailAt = at(l.at); l.full(l.tail) {
		token(l.filled)
	}
}

// Commit makes the received transaction ready.
func (l *Log[P]) Commit(at P, mark uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ready.join(l.tail)
	l.tail, l.out = Part{}, nil
	l.at, l.mark = at, max(l.mark, mark)
	if l.ready.rows() > 0 || l.aim != 0 && l.mark >= l.aim {
		token(l.filled)
	}
}

// Alive takes note outside a transaction that whatever committed before a mark has been
// received; at returns the place behind it.
func (l *Log[P]) Alive(mark uint64, at func(whole P) P) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mark, l.at = max(l.mark, mark), at(l.at)
	if l.aim != 0 && l.mark >= l.aim {
		token(l.filled)
	}
}

// End says why the receiver has ended. What is ready is handed out first.
func (l *Log[P]) End(err error) {
	l.mu.Lock()
	l.err = err
	l.mu.Unlock()
	token(l.filled)
}

func token(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
