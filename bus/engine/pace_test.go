package engine

import (
	"testing"
	"time"
)

// TestPatience commits at steady rates and wants next to no waiting for company
// when little comes, and all of it when much does, within a second or so.
func TestPatience(t *testing.T) {
	for _, c := range []struct {
		rate     int // records a second
		every    time.Duration
		from, to time.Duration
	}{
		{20, 50 * time.Millisecond, 0, 2 * time.Millisecond},
		{100, 10 * time.Millisecond, 5 * time.Millisecond, 12 * time.Millisecond},
		{5000, 10 * time.Millisecond, linger, linger},
		{1_000_000, 100 * time.Millisecond, linger, linger},
	} {
		s, now := &pacer{}, time.Unix(0, 0)
		for range int(3 * time.Second / c.every) {
			now = now.Add(c.every)
			s.count(int(float64(c.rate)*c.every.Seconds()), now)
		}
		if got := s.patience(); got < c.from || got > c.to {
			t.Errorf("at %d records a second: %v, want %v to %v", c.rate, got, c.from, c.to)
		}
		s.count(1, now.Add(time.Minute)) // after a pause
		if got := s.patience(); got > time.Millisecond {
			t.Errorf("after a minute without records: %v", got)
		}
	}
}

// TestPace takes polls of records of some size that take some time each, and
// wants polls as large as half a transaction and half an interval allow.
func TestPace(t *testing.T) {
	cfg := Transaction{MaxRecords: 20_000, MaxBytes: 16 << 20, Interval: 100 * time.Millisecond}
	for _, c := range []struct {
		name     string
		size     int
		each     time.Duration
		from, to int
	}{
		{"small and quick", 100, time.Microsecond, 10_000, 20_000},
		{"slow", 100, time.Millisecond, 12, 100},
		{"slower than an interval", 100, time.Second, 1, 1},
		{"large", 1 << 20, time.Microsecond, 2, 8},
		{"larger than a transaction", 64 << 20, time.Microsecond, 1, 1},
	} {
		s := newPacer(cfg)
		for range 40 {
			s.pace(s.chunk, s.chunk*c.size, time.Duration(s.chunk)*c.each)
		}
		if s.chunk < c.from || s.chunk > c.to {
			t.Errorf("%s: %d records, want %d to %d", c.name, s.chunk, c.from, c.to)
		}
	}
}
