package listener

import "sync"

// Places are what can be under way at a time, in all and by each name. It is
// safe for concurrent use.
type Places struct {
	all, each int

	mu    sync.Mutex
	taken int
	by    map[string]int
}

// NewPlaces returns places, of which each name has its share at most.
func NewPlaces(all, each int) *Places { return &Places{all: all, each: each, by: map[string]int{}} }

// Take takes a place, or reports that there is none. Who took one leaves it.
func (p *Places) Take(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.by[name]
	if p.taken >= p.all || n >= p.each {
		return false
	}
	p.taken++
	p.by[name] = n + 1
	return true
}

// Leave gives a place back.
func (p *Places) Leave(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	if n := p.by[name] - 1; n > 0 {
		p.by[name] = n
	} else {
		delete(p.by, name)
	}
}

// Taken is how many places are taken.
func (p *Places) Taken() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken
}
