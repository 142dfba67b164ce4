package simulation

import (
	"sync"

	"github.com/yiyuan-bus/yiyuan/bus/bustest"
)

// armed are the points at which something is waiting to happen.
type armed struct {
	world *world
	mu    sync.Mutex
	traps []*trap
}

// noRequest is the key of a trap that waits for no request of Kafka's protocol.
const noRequest int16 = -1

// trap waits for the nth time that processes of a kind send a request, or reach
// a point.
type trap struct {
	name  string // of the fault
	kind  string // of processes
	key   int16  // of the request, or noRequest
	point string
	fault bustest.Fault // of the request
	kill  bool          // the process, with the request
	skip  int           // so many times it lets pass
	times int           // then so many it does not; 1 if 0
}

func (a *armed) set(t trap) {
	if t.times == 0 {
		t.times = 1
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.traps = append(a.traps, &t)
}

// clear disarms everything.
func (a *armed) clear() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.traps = nil
}

// sprung returns the trap that l has stepped on, nil if none.
func (a *armed) sprung(l *life, match func(*trap) bool) *trap {
	if l.dead.Load() {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, t := range a.traps {
		if t.kind != l.kind || !match(t) {
			continue
		}
		if t.skip > 0 {
			t.skip--
			continue
		}
		if t.times--; t.times == 0 {
			a.traps = append(a.traps[:i:i], a.traps[i+1:]...)
		}
		return t
	}
	return nil
}

// request returns what happens to a request of a life.
func (a *armed) request(l *life, key int16) bustest.Fault {
	t := a.sprung(l, func(t *trap) bool { return t.key == key && t.key != noRequest })
	if t == nil {
		return bustest.None
	}
	a.world.history.fire(t.name)
	if t.kill {
		go l.kill()
	}
	return t.fault
}

// reach reports whether something happens at a point that a life has reached.
func (a *armed) reach(l *life, point string) bool {
	t := a.sprung(l, func(t *trap) bool { return t.key == noRequest && t.point == point })
	if t == nil {
		return false
	}
	a.world.history.fire(t.name)
	return true
}
