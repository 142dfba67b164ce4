package simulation

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// cache is the Redis of a run: it can be emptied, go back in time, be cut off,
// and answer another question.
type cache struct {
	world *world
	mini  *miniredis.Miniredis

	mu    sync.Mutex
	run   int // of the server: another one after a restart
	conns map[*cacheConn]struct{}
	saved []saved
}

// saved is one key of a snapshot.
type saved struct {
	key, value string
	fields     []string
	scores     map[string]float64
	ttl        time.Duration
}

func newCache(w *world) (*cache, error) {
	c := &cache{world: w, mini: miniredis.NewMiniRedis(), conns: map[*cacheConn]struct{}{}}
	first, err := c.mini.Dial() // starts the server
	if err != nil {
		return nil, err
	}
	if err := first.Close(); err != nil {
		return nil, err
	}
	c.mini.Server().SetPreHook(c.command)
	return c, nil
}

// command sees every command before the server does.
func (c *cache) command(peer *server.Peer, name string, args ...string) bool {
	if strings.EqualFold(name, "info") && len(args) == 1 && args[0] == "server" {
		c.mu.Lock()
		run := c.run
		c.mu.Unlock()
		peer.WriteBulk("# Server\r\nrun_id:run-" + strconv.Itoa(run) + "\r\n")
		return true
	}
	return false
}

// snapshot remembers all there is.
func (c *cache) snapshot() {
	var all []saved
	for _, key := range c.mini.Keys() {
		s := saved{key: key, ttl: c.mini.TTL(key)}
		switch c.mini.Type(key) {
		case "string":
			s.value, _ = c.mini.Get(key)
		case "hash":
			names, _ := c.mini.HKeys(key)
			for _, f := range names {
				s.fields = append(s.fields, f, c.mini.HGet(key, f))
			}
		case "zset":
			s.scores, _ = c.mini.SortedSet(key)
		}
		all = append(all, s)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.saved = all
}

// restore is a restart with an old file: another process, all connections gone.
func (c *cache) restore() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.run++
	for conn := range c.conns {
		_ = conn.Conn.Close() // it is the aim
	}
	c.mini.FlushAll()
	for _, s := range c.saved {
		switch {
		case s.fields != nil:
			c.mini.HSet(s.key, s.fields...)
		case s.scores != nil:
			for member, score := range s.scores {
				_, _ = c.mini.ZAdd(s.key, score, member) // as above
			}
		default:
			_ = c.mini.Set(s.key, s.value) // the server is empty: nothing of another type is there
		}
		if s.ttl > 0 {
			c.mini.SetTTL(s.key, s.ttl)
		}
	}
}

// cut breaks all connections.
func (c *cache) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.conns {
		_ = conn.Conn.Close() // it is the aim
	}
}

func (c *cache) dial(_ context.Context, l *life) (net.Conn, error) {
	if l.dead.Load() {
		return nil, errors.New("process is dead")
	}
	inner, err := c.mini.Dial()
	if err != nil {
		return nil, err
	}
	conn := &cacheConn{Conn: inner, cache: c, life: l}
	conn.filled = sync.NewCond(&conn.mu)
	c.mu.Lock()
	c.conns[conn] = struct{}{}
	c.mu.Unlock()
	go conn.pump()
	return conn, nil
}

// slowReply is how long a slow reply takes: less than its reader waits for it,
// and long enough for changes to overtake it.
const slowReply = 350 * time.Millisecond

// cacheConn is one connection to the cache. Its writes do not wait for the
// server to read them, as on a network: a pipe would hold up both sides.
type cacheConn struct {
	net.Conn
	cache *cache
	life  *life

	mu     sync.Mutex
	filled *sync.Cond
	queue  []byte
	closed bool
	deaf   bool   // the next reply does not come
	kill   bool   // the process dies when the next reply has come
	slow   bool   // the next reply is long on its way
	last   []byte // what was read last
	insert []byte // what is read first
}

func (c *cacheConn) pump() {
	for {
		c.mu.Lock()
		for len(c.queue) == 0 && !c.closed {
			c.filled.Wait()
		}
		out := c.queue
		c.queue = nil
		closed := c.closed
		c.mu.Unlock()
		if closed {
			return
		}
		if _, err := c.Conn.Write(out); err != nil {
			_ = c.Close() // it is broken
			return
		}
	}
}

// Write implements net.Conn.
func (c *cacheConn) Write(b []byte) (int, error) {
	if c.life.dead.Load() {
		return 0, net.ErrClosed
	}
	w, text := c.life.w, string(b)
	sink := strings.Contains(text, "evalsha")
	read := strings.Contains(text, "mget")
	switch {
	case sink && w.armed.reach(c.life, "sink.before"):
		go c.life.kill()
		return 0, net.ErrClosed
	case sink && w.armed.reach(c.life, "sink.sent"):
		c.set(func() { c.deaf, c.kill = true, true })
	case sink && w.armed.reach(c.life, "sink.lost"):
		c.set(func() { c.deaf = true })
	case sink && w.armed.reach(c.life, "sink.done"):
		c.set(func() { c.kill = true })
	case read && w.armed.reach(c.life, "cache.shift"):
		c.set(func() { c.insert = append(c.insert, c.last...) })
	case read && w.armed.reach(c.life, "cache.silent"):
		return len(b), nil // the reader waits in vain
	case read && w.armed.reach(c.life, "cache.slow"):
		c.set(func() { c.slow = true })
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, net.ErrClosed
	}
	c.queue = append(c.queue, b...)
	c.filled.Signal()
	return len(b), nil
}

func (c *cacheConn) set(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// Read implements net.Conn.
func (c *cacheConn) Read(b []byte) (int, error) {
	c.mu.Lock()
	if len(c.insert) > 0 {
		n := copy(b, c.insert)
		c.insert = c.insert[n:]
		c.mu.Unlock()
		return n, nil
	}
	c.mu.Unlock()
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	deaf, kill, slow := c.deaf, c.kill, c.slow
	if n > 0 {
		c.deaf, c.kill, c.slow = false, false, false
		c.last = append(c.last[:0], b[:n]...)
	}
	c.mu.Unlock()
	if n > 0 && slow {
		wait(c.life.w.t.Context(), slowReply)
	}
	if n > 0 && kill {
		go c.life.kill()
	}
	if n > 0 && deaf || c.life.dead.Load() {
		_ = c.Close() // the reply is lost with the connection
		return 0, net.ErrClosed
	}
	return n, err
}

// Close implements net.Conn.
func (c *cacheConn) Close() error {
	c.cache.mu.Lock()
	delete(c.cache.conns, c)
	c.cache.mu.Unlock()
	c.mu.Lock()
	c.closed = true
	c.filled.Signal()
	c.mu.Unlock()
	return c.Conn.Close()
}
