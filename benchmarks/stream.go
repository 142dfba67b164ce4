package main

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/yiyuan-bus/yiyuan/benchmarks/table"
)

// stamp is a moment in nanoseconds after the start; 0 = not yet.
type stamp = atomic.Int64

// stream is the changes under way: change i is of person i modulo all of them,
// and all have as many behind them as whole rounds.
type stream struct {
	start  time.Time
	n      int
	people []string

	// By change: when it had come that far.
	committed, raw, claims, shared, seen []stamp

	// By person, how many of its changes are.
	done  []atomic.Int32
	shown []int // the poller's own
	index map[string]int
}

func newStream(people []string, n int) *stream {
	f := &stream{
		n: n, people: people,
		committed: make([]stamp, n), raw: make([]stamp, n), claims: make([]stamp, n), shared: make([]stamp, n), seen: make([]stamp, n),
		done: make([]atomic.Int32, len(people)), shown: make([]int, len(people)), index: map[string]int{},
	}
	for i, key := range people {
		f.index[key] = i
	}
	return f
}

// due is when a change is to be sent.
func (f *stream) due(i int) time.Duration { return time.Duration(i) * time.Second / changeRate }

// reach notes in one stage that a person stands at its version, and with it all
// changes before.
func (f *stream) reach(stage []stamp, person, from, version int) {
	now := int64(time.Since(f.start))
	for v := from + 1; v <= version; v++ {
		if i := (v-1)*len(f.people) + person; i < f.n {
			stage[i].CompareAndSwap(0, now)
		}
	}
}

// latencies are from the intended time of sending, of the changes after the
// warm-up; missing counts those that never came.
func (f *stream) latencies(stage []stamp, warm int) (q table.Quantiles, missing int) {
	var all []time.Duration
	for i := warm; i < f.n; i++ {
		at := stage[i].Load()
		if at == 0 {
			missing++
			continue
		}
		all = append(all, time.Duration(at)-f.due(i))
	}
	return table.QuantilesOf(all), missing
}

func phone(version int) string { return fmt.Sprintf("1990000%04d", version) }

// version reads it off a number, masked or not; -1 if it is no such number.
func version(phone string) int {
	if len(phone) != 11 {
		return -1
	}
	v, err := strconv.Atoi(phone[7:])
	if err != nil {
		return -1
	}
	return v
}

// resident is a person with an address that the list of addresses has.
type resident struct{ id, division, address string }

// The telephone number of a residence registration is what changes: it is in
// the golden record as the newest of two departments', and its last four digits
// are shown by the masked view. They count the person's changes.
const (
	changed    = "GA02"
	column     = "LXDH"
	changeRate = 1000
	writers    = 4
	pollEvery  = 5 * time.Millisecond
)
