package processors

import (
	"sync"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus/engine"
)

// holdings says who of this process may change the local state of each partition
// of a step: the worker that holds it; nobody else, and for a partition that no
// worker holds, the standby. The group keeps processes apart, but within one
// process the state is shared: a worker that was thought dead while it stood
// between its commit and its store must not write over what its successor has.
type holdings struct {
	mu    sync.RWMutex
	owner map[int32]*holder
	freed map[int32]time.Time // when a partition was given up
	began time.Time
}

// holder is one of those who may hold partitions; it is only ever compared.
type holder struct{ name string }

func newHoldings(now time.Time) *holdings {
	return &holdings{owner: map[int32]*holder{}, freed: map[int32]time.Time{}, began: now}
}

// take makes w the owner once nobody is changing anything.
func (h *holdings) take(n int32, w *holder) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.owner[n] = w
}

// release gives up all that w owns.
func (h *holdings) release(w *holder, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for n, owner := range h.owner {
		if owner == w {
			delete(h.owner, n)
			h.freed[n] = now
		}
	}
}

// use calls f while w, or with nil nobody, stays the owner of all partitions. It
// returns ErrHandedOver if that is not so.
func (h *holdings) use(w *holder, f func() error, partitions ...int32) error {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, n := range partitions {
		if h.owner[n] != w {
			return engine.ErrHandedOver
		}
	}
	return f()
}

// free returns the partitions, of so many, that nobody has owned for a while.
func (h *holdings) free(partitions int, since time.Time) []int32 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	var out []int32
	for n := range int32(partitions) {
		at, known := h.freed[n]
		if !known {
			at = h.began
		}
		if h.owner[n] == nil && !at.After(since) {
			out = append(out, n)
		}
	}
	return out
}
