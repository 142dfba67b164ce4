package quota

import (
	"context"
	"sync"
)

// Gates let no more verifications of one budget be under way in this gateway
// than the budget allows misses, so that those that wait for one another do not
// ask the store again and again. They are safe for concurrent use.
type Gates struct {
	mu   sync.Mutex
	open map[Key]*gate
}

type gate struct {
	places chan struct{}
	users  int
}

// NewGates returns gates that nobody waits at.
func NewGates() *Gates { return &Gates{open: map[Key]*gate{}} }

// Enter waits for a place until ctx ends; then it returns false. Leave gives the
// place back.
func (g *Gates) Enter(ctx context.Context, t *Try) bool {
	if !g.enter(ctx, t.App, t.PerApp.Minute) {
		return false
	}
	if !g.enter(ctx, t.Target, t.PerTarget.Minute) {
		g.leave(t.App)
		return false
	}
	return true
}

// Leave gives back what Enter took.
func (g *Gates) Leave(t *Try) {
	g.leave(t.App)
	g.leave(t.Target)
}

func (g *Gates) enter(ctx context.Context, k Key, places int) bool {
	g.mu.Lock()
	at := g.open[k]
	if at == nil {
		at = &gate{places: make(chan struct{}, max(places, 1))}
		g.open[k] = at
	}
	at.users++
	g.mu.Unlock()
	select {
	case at.places <- struct{}{}:
		return true
	case <-ctx.Done():
		g.forget(k)
		return false
	}
}

func (g *Gates) leave(k Key) {
	g.mu.Lock()
	at := g.open[k]
	g.mu.Unlock()
	<-at.places
	g.forget(k)
}

func (g *Gates) forget(k Key) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if at := g.open[k]; at != nil {
		if at.users--; at.users == 0 {
			delete(g.open, k)
		}
	}
}
