package simulation

import (
	"bytes"
	"encoding/json"
	"sync"
	"time"
)

// event is one line of a history. Its keys are few and short: there are many.
type event map[string]any

// history is what happened in one run, in the order in which it was seen.
type history struct {
	mu    sync.Mutex
	lines bytes.Buffer
	fired map[string]int // faults, by name
	begin time.Time
}

func newHistory() *history { return &history{fired: map[string]int{}, begin: time.Now()} }

// now is the time of the history: milliseconds of the bubble's clock.
func (h *history) now() int64 { return time.Now().UnixMilli() }

// put writes an event. It stamps it with the time unless it has one.
func (h *history) put(kind string, e event) {
	if _, ok := e["t"]; !ok {
		e["t"] = h.now()
	}
	e["e"] = kind
	line, err := json.Marshal(e)
	if err != nil {
		panic(err) // an event holds texts and numbers only
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines.Write(line)
	h.lines.WriteByte('\n')
}

// fire writes that a fault happened.
func (h *history) fire(name string) {
	h.mu.Lock()
	h.fired[name]++
	h.mu.Unlock()
	h.put("fault", event{"name": name})
}

// bytes returns what has been written.
func (h *history) bytes() []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return bytes.Clone(h.lines.Bytes())
}
