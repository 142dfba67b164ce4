// Package throttle is when, and how fast, a source may read what a person has asked it to read
// beside its daily work: at a time of day, and at most so many rows a second. It is pure; whose
// clock it goes by is the caller's.
package throttle

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrWindow says that a text is no time of day from and to.
var ErrWindow = errors.New("要写成 HH:MM-HH:MM，如 22:00-06:00 / want HH:MM-HH:MM, such as 22:00-06:00")

// Window is a time of day, from one minute to another, over midnight if it ends before it
// begins. The zero Window is always open.
type Window struct {
	from, to time.Duration // since midnight
	set      bool
}

// ParseWindow reads 22:00-06:00; "" is the window that is always open.
func ParseWindow(text string) (Window, error) {
	if text == "" {
		return Window{}, nil
	}
	first, last, ok := strings.Cut(text, "-")
	from, err := minute(first)
	to, bad := minute(last)
	if !ok || err != nil || bad != nil {
		return Window{}, fmt.Errorf("%q: %w", text, ErrWindow)
	}
	if from == to {
		return Window{}, fmt.Errorf("%q 起止相同 / begins when it ends: %w", text, ErrWindow)
	}
	return Window{from, to, true}, nil
}

func minute(text string) (time.Duration, error) {
	at, err := time.Parse("15:04", strings.TrimSpace(text))
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute, err
}

// Opens is how long it takes until the window is open, 0 = it is.
func (w Window) Opens(now time.Time) time.Duration {
	if !w.set {
		return 0
	}
	at := time.Duration(now.Hour())*time.Hour + time.Duration(now.Minute())*time.Minute + time.Duration(now.Second())*time.Second + time.Duration(now.Nanosecond())
	open := at >= w.from && at < w.to
	if w.from > w.to {
		open = at >= w.from || at < w.to
	}
	if open {
		return 0
	}
	return (w.from - at + 24*time.Hour) % (24 * time.Hour)
}

// Throttle says when the next rows may be read. It is for one goroutine.
type Throttle struct {
	window Window
	rate   int       // rows a second, 0 = any
	free   time.Time // when what was read so far has been paid for
}

// New returns a throttle of a window and a rate, 0 = as fast as rows come.
func New(w Window, rate int) *Throttle { return &Throttle{window: w, rate: rate} }

// Most is how many rows to read at once, of so many at the most: what a second allows.
func (t *Throttle) Most(rows int) int {
	if t.rate > 0 {
		return max(min(rows, t.rate), 1)
	}
	return rows
}

// Wait is how long to wait before rows are read, and why, "中文 / English", "" if only for the rate.
func (t *Throttle) Wait(now time.Time) (wait time.Duration, why string) {
	if closed := t.window.Opens(now); closed > 0 {
		at := now.Add(closed).Format("15:04")
		return closed, fmt.Sprintf("%s 起继续 / goes on at %s", at, at)
	}
	return max(t.free.Sub(now), 0), ""
}

// Took notes that so many rows were read.
func (t *Throttle) Took(rows int, now time.Time) {
	if t.rate <= 0 {
		return
	}
	if t.free.Before(now) {
		t.free = now
	}
	t.free = t.free.Add(time.Duration(rows) * time.Second / time.Duration(t.rate))
}
