package cdc_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/cdc"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// events is a part of so many changes.
func events(n int) cdc.Part {
	return cdc.Part{Batch: connectors.Batch{Changes: make([]schemas.Change, n)}}
}

func at(place int) func(int) int { return func(int) int { return place } }

// take takes what is ready and holds it against what is wanted.
func take(t *testing.T, l *cdc.Log[int], rows, place int, inside bool) cdc.Taken[int] {
	t.Helper()
	got, ok, err := l.Take(false)
	if !ok || err != nil || len(got.Changes) != rows || got.At != place || got.Inside != inside {
		t.Fatalf("taken %d rows up to %d, inside %v (%v, %v), want %d up to %d, %v", len(got.Changes), got.At, got.Inside, ok, err, rows, place, inside)
	}
	return got
}

// Whole transactions go out together, one that is too large in parts, and a transaction
// that is not whole not at all.
func TestTransactionsAndParts(t *testing.T) {
	t.Parallel()
	l := cdc.New(0, 3, 1<<20)
	l.Emit(events(1), at(11))
	if _, ok, err := l.Take(false); ok || err != nil {
		t.Fatal("a transaction that is not whole was handed out")
	}
	l.Commit(20, 20)
	l.Emit(events(1), at(21))
	l.Commit(30, 30)
	take(t, l, 2, 30, false)
	l.Emit(events(3), at(33))
	take(t, l, 3, 33, true)
	if got, ok, err := l.Take(true); !ok || err != nil || got.At != 33 {
		t.Errorf("with a part out it stands at %d (%v, %v), want behind the part", got.At, ok, err)
	}
	l.Emit(events(1), at(34))
	l.Commit(40, 40)
	take(t, l, 1, 40, false)
	if got, ok, _ := l.Take(true); !ok || got.At != 40 || len(got.Changes) > 0 {
		t.Errorf("idle it stands at %d, want 40", got.At)
	}
}

// It has caught up with an instant once the log was read as far as it reached then, not
// before, and not by what it said later.
func TestCaughtUp(t *testing.T) {
	t.Parallel()
	l := cdc.New(0, 10, 1<<20)
	first := time.Unix(100, 0)
	if !l.Aim(50, first) || l.Aim(60, first.Add(time.Second)) {
		t.Fatal("want the first aim to stand until it is reached")
	}
	l.Emit(events(1), at(1))
	l.Commit(40, 40)
	if got := take(t, l, 1, 40, false); !got.CaughtUp.IsZero() {
		t.Error("caught up before it was")
	}
	l.Alive(55, at(55))
	if got := take(t, l, 0, 55, false); !got.CaughtUp.Equal(first) {
		t.Errorf("caught up with %v, want %v", got.CaughtUp, first)
	}
	if !l.Aim(70, first) || l.Mark() != 55 {
		t.Errorf("the next aim was not taken, at mark %d", l.Mark())
	}
}

// The receiver waits while what it has received is not taken, and keeps the server's
// patience meanwhile; an end is told once everything before it is out.
func TestRoomAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := cdc.New(0, 2, 1<<20)
		l.Emit(events(2), at(2))
		l.Commit(10, 10)
		alive, done := 0, make(chan error, 1)
		go func() {
			done <- l.Room(t.Context(), time.Second, func() error { alive++; return nil })
		}()
		<-time.After(3500 * time.Millisecond)
		synctest.Wait()
		if alive != 3 || len(done) > 0 {
			t.Fatalf("crowded: the server heard of us %d times in 3.5 s, and %d are let through", alive, len(done))
		}
		gone := errors.New("gone")
		l.End(gone)
		take(t, l, 2, 10, false)
		if err := <-done; err != nil {
			t.Errorf("there is room: %v", err)
		}
		if _, _, err := l.Take(true); !errors.Is(err, gone) || !errors.Is(l.Failed(), gone) {
			t.Errorf("at its end it says %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		l.Emit(events(2), at(12))
		cancel()
		if err := l.Room(ctx, time.Second, func() error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
}
