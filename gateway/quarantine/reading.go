package quarantine

import (
	"context"
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/fold"
	"github.com/yiyuan-bus/yiyuan/gateway/freshness"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Ends tells where topics end; *bus.Bus does.
type Ends interface {
	EndOffsets(ctx context.Context, topics ...contract.Topic) (map[contract.Topic]map[int32]int64, error)
	StableOffsets(ctx context.Context, topics ...contract.Topic) (map[contract.Topic]map[int32]int64, error)
}

// Reading reads the topic into a book, and knows when that is all there was when it began:
// before that the book says nothing, and later on what it said before.
type Reading struct {
	book *Book
	ends Ends
	step time.Duration // how often it is looked
	wait fold.Stopwatch

	mu     sync.Mutex
	number int64           // of the reading
	at     map[int32]int64 // behind the last record that was read
	target map[int32]int64 // where the topic ended when the reading began, nil if not known yet
}

// NewReading returns a reading that has not begun.
func NewReading(book *Book, ends Ends, step time.Duration) *Reading {
	return &Reading{book: book, ends: ends, step: step}
}

// Fold is how the topic is read.
func (r *Reading) Fold() fold.Fold {
	return fold.Fold{Topic: contract.Quarantine, Layout: contract.QuarantineLayout, Put: r.put, Bare: r.bare, Reset: r.begin, Place: r}
}

// Row takes a record of the topic that has a value, which is row.
func (b *Book) Row(r *bus.Record, row schemas.Record) error {
	b.Put(placeOf(r), contract.ParseRejection(row))
	return nil
}

// Bare takes a record of the topic without a value.
func (b *Book) Bare(r *bus.Record) error {
	said := r.Header(contract.Settled)
	if said == nil {
		return nil // of a later build
	}
	s, err := contract.ParseSettlement(said)
	if err == nil {
		b.Settle(placeOf(r), s)
	}
	return err //nolint:wrapcheck // the guard says where
}

func placeOf(r *bus.Record) Place { return Place{r.Taken, r.Partition, r.Offset} }

func (r *Reading) put(rec *bus.Record, row schemas.Record) error { return r.book.Row(rec, row) }

func (r *Reading) bare(rec *bus.Record) error { return r.book.Bare(rec) }

func (r *Reading) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.number++
	r.at, r.target = map[int32]int64{}, nil
	r.book.anew()
	r.wait.Wait(true)
}

// Came implements fold.Place.
func (r *Reading) Came() { r.wait.Wait(false) }

// Took implements fold.Place.
func (r *Reading) Took(last *bus.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at[last.Partition] = last.Offset + 1
	r.wait.Wait(true)
}

// Tend implements fold.Place.
func (r *Reading) Tend(ctx context.Context) error {
	tick := time.NewTicker(r.step)
	defer tick.Stop()
	var silence freshness.Silence
	for {
		if r.read(ctx, &silence) {
			r.book.Level()
			<-ctx.Done()
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// read reports whether everything is read that was in the topic when the reading began.
func (r *Reading) read(ctx context.Context, silence *freshness.Silence) bool {
	if r.target == nil { // it is this goroutine's alone
		ends, err := r.ends.EndOffsets(ctx, contract.Quarantine)
		if err != nil {
			return false // the reading will fail too
		}
		r.target = ends[contract.Quarantine]
	}
	r.mu.Lock()
	number, done := r.number, true
	at := make(map[int32]int64, len(r.target))
	for p, end := range r.target {
		at[p] = r.at[p]
		done = done && at[p] >= end
	}
	r.mu.Unlock()
	return done || silence.Tells(number, r.wait.Total(), func() bool {
		stable, err := r.ends.StableOffsets(ctx, contract.Quarantine)
		return err == nil && freshness.Decided(r.target, at, stable[contract.Quarantine])
	})
}
