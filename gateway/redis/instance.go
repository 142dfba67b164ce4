package redis

import (
	"context"
	"sync"
	"sync/atomic"

	goredis "github.com/redis/go-redis/v9"

	"github.com/yiyuan-bus/yiyuan/gateway"
)

// mark is a position the store has seen in Redis.
type mark struct {
	generation gateway.Generation
	view       string
	partition  int32
}

// instance remembers which Redis process answers and what it had been told.
// When another process answers, it may have started from an old file or be a
// replica that lacks the last writes, so nothing is served until Progress has
// seen every mark at least where it was.
type instance struct {
	suspect atomic.Bool
	mu      sync.Mutex
	run     string
	marks   map[mark]int64
}

// greet runs on every new connection.
func (s *Store) greet(ctx context.Context, c *goredis.Conn) error {
	info, err := c.Info(ctx, "server").Result()
	if err != nil {
		// The in-process server has no such section; it cannot be replaced unseen either.
		return nil
	}
	run := infoField(info, "run_id")
	in := &s.instance
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.run != "" && run != in.run {
		in.suspect.Store(true)
		s.metrics.restarts.Inc()
		s.log.Warn("another redis process answers, its content is verified first")
	}
	in.run = run
	return nil
}

// seen remembers what Redis says of views in generation g, and forgets other
// generations. If Redis is under suspicion and still has all it had, the
// suspicion ends.
func (in *instance) seen(g, current gateway.Generation, views map[string]gateway.Progress) {
	in.mu.Lock()
	defer in.mu.Unlock()
	behind := false
	for m, at := range in.marks {
		if m.generation != g {
			if m.generation != current {
				delete(in.marks, m)
			}
			continue
		}
		p, asked := views[m.view]
		if next, ok := p.Next[m.partition]; !asked || !ok || next < at {
			behind = true
		}
	}
	for view, p := range views {
		for partition, next := range p.Next {
			if m := (mark{g, view, partition}); in.marks[m] < next {
				in.marks[m] = next
			}
		}
	}
	if g == current && !behind {
		in.suspect.Store(false)
	}
}

// wrote remembers a position written by this store.
func (in *instance) wrote(g gateway.Generation, b gateway.Batch) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if m := (mark{g, b.View, b.Partition}); in.marks[m] < b.Next {
		in.marks[m] = b.Next
	}
}
