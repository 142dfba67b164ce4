package redis

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// place is where a view has been filled from.
type place struct {
	view      string
	partition int32
}

// instance remembers which Redis process answers and how far what it held has
// been. When another process answers, it may have started from an old file or be
// a replica that lacks the last writes, so nothing is served until Progress has
// seen every place at least where it was. Where that was in another generation
// counts as well: an old file brings back one that had been lost since.
type instance struct {
	master  bool // only a master is taken, since replicas may take over
	log     *slog.Logger
	metrics *metrics
	told    listener.Sparse
	suspect atomic.Bool
	mu      sync.Mutex
	run     string
	marks   map[place]int64
	holds   bool // it has been seen to hold something since it was last empty
}

func newInstance(master bool, log *slog.Logger, m *metrics) *instance {
	return &instance{master: master, log: log, metrics: m, marks: map[place]int64{}}
}

// greet runs on every new connection.
func (in *instance) greet(ctx context.Context, c *goredis.Conn) error {
	info, err := c.Info(ctx, "server").Result()
	if err != nil {
		// The in-process server has no such section; it cannot be replaced unseen either.
		return nil
	}
	if infoField(info, "redis_mode") == "sentinel" {
		return nil // it says who the master is, and holds nothing
	}
	run := infoField(info, "run_id")
	if in.master {
		if err := onMaster(ctx, c); err != nil {
			return err
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.run != "" && run != in.run {
		in.suspect.Store(true)
		in.metrics.restarts.Inc()
		if n, ok := in.told.Tell("another", time.Now()); ok { // two behind one address take turns, connection by connection
			in.log.Warn("another redis process answers, its content is verified first", "times", n)
		}
	}
	in.run = run
	return nil
}

// process returns the run id of the server that answers.
func (in *instance) process() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.run
}

// counted is a count of keys thrown away, as a generation keeps it: with the process
// that counted.
func (in *instance) counted(evicted string) string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.run + " " + evicted
}

// seen remembers what Redis says of views in the current generation. If Redis is
// under suspicion and is as far as it was, the suspicion ends.
func (in *instance) seen(views map[string]store.Progress) {
	in.mu.Lock()
	defer in.mu.Unlock()
	behind := false
	for m, at := range in.marks {
		p, asked := views[m.view]
		if next, ok := p.Next[m.partition]; !asked || !ok || next < at {
			behind = true
		}
	}
	for view, p := range views {
		for partition, next := range p.Next {
			in.reach(place{view, partition}, next)
		}
	}
	if !behind {
		in.suspect.Store(false)
	}
}

// read remembers the marks that came with an answer, which somebody else may have
// moved, and reports whether they are behind those of an answer before: it came over
// a connection to a server that is no longer the master.
func (in *instance) read(view string, next map[int32]int64) (behind bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for m, at := range in.marks {
		behind = behind || m.view == view && next[m.partition] < at
	}
	for partition, n := range next {
		in.reach(place{view, partition}, n)
	}
	return behind
}

// wrote remembers a position written by this store.
func (in *instance) wrote(b store.Batch) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.reach(place{b.View, b.Partition}, b.Next)
}

// emptied reports, once, that what was seen to be held is gone.
func (in *instance) emptied() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	held := in.holds
	in.holds = false
	return held
}

func (in *instance) reach(m place, next int64) {
	in.holds = true
	if in.marks[m] < next {
		in.marks[m] = next
	}
}

// sealed takes a view that was filled from the start of its topic to the end
// for the measure from now on: the topic may hold less by now than it did, or
// have been made anew.
func (in *instance) sealed(view string, have map[int32]int64) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for m := range in.marks {
		if m.view == view {
			delete(in.marks, m)
		}
	}
	for partition, next := range have {
		in.reach(place{view, partition}, next)
	}
}
