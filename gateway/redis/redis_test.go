package redis_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	goredis "github.com/redis/go-redis/v9"

	"github.com/yiyuan-bus/yiyuan/gateway/redis"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
)

const view = "person.partial"

// realDB is this package's database of the real server; others have theirs.
const realDB = 1

// servers runs the test on the in-process server and on the real one.
func servers(t *testing.T, test func(t *testing.T, cfg redis.Config, flush func())) {
	t.Helper()
	t.Run("in process", func(t *testing.T) {
		m := miniredis.RunT(t)
		test(t, redis.Config{Address: m.Addr()}, m.FlushAll)
	})
	t.Run("real", func(t *testing.T) {
		address := os.Getenv("YIYUAN_TEST_REDIS")
		if address == "" {
			if os.Getenv("CI") == "true" {
				t.Fatal("YIYUAN_TEST_REDIS is not set")
			}
			t.Skip("YIYUAN_TEST_REDIS is not set")
		}
		c := goredis.NewClient(&goredis.Options{Addr: address, DB: realDB, DisableIdentity: true})
		t.Cleanup(func() { _ = c.Close() })
		flush := func() {
			if err := c.FlushDB(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
		}
		flush()
		test(t, redis.Config{Address: address, Database: realDB}, flush)
	})
}

func open(t *testing.T, cfg redis.Config) *redis.Store {
	t.Helper()
	s, err := redis.Open(t.Context(), cfg, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func digest(s string) (d store.Digest) { copy(d[:], s); return d }

func write(key string, version uint64, value string) store.Write {
	w := store.Write{Key: digest(key), Version: version, Time: time.UnixMilli(int64(version) * 1000)}
	if value != "" {
		w.Value = []byte(value)
	}
	return w
}

func apply(t *testing.T, s *redis.Store, g store.Generation, from, next int64, writes ...store.Write) {
	t.Helper()
	if err := s.Apply(t.Context(), g, store.Batch{View: view, From: from, Next: next, Writes: writes}); err != nil {
		t.Fatal(err)
	}
}

func seal(t *testing.T, s *redis.Store, g store.Generation, have int64) {
	t.Helper()
	if err := s.Seal(t.Context(), g, view, map[int32]int64{0: have}); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, s *redis.Store, key string) (store.Stored, error) {
	t.Helper()
	into := make([]store.Stored, 1)
	err := s.Get(t.Context(), view, []store.Digest{digest(key)}, into, nil)
	return into[0], err
}

func current(t *testing.T, s *redis.Store) store.Generation {
	t.Helper()
	g, err := s.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestOlderNeverOverwrites(t *testing.T) {
	servers(t, func(t *testing.T, cfg redis.Config, _ func()) {
		s := open(t, cfg)
		g := current(t, s)
		steps := []struct {
			version uint64
			value   string
			want    string
			live    int64
		}{
			{5, "five", "five", 1},
			{4, "four", "five", 1},
			{5, "five", "five", 1},
			{1 << 40, "later", "later", 1},
			{0xff, "byte order", "later", 1},
			{1<<40 + 1, "", "", 0},           // deleted
			{1 << 40, "resurrected?", "", 0}, // a late write does not bring it back
			{1<<40 + 2, "again", "again", 1}, // a newer one does
			{1<<63 + 1, "sign bit", "sign bit", 1},
			{1 << 62, "smaller", "sign bit", 1},
		}
		for i, step := range steps {
			apply(t, s, g, int64(i)-1, int64(i), write("k", step.version, step.value))
			if i == 0 {
				if err := s.Seal(t.Context(), g, view, map[int32]int64{0: 0}); err != nil {
					t.Fatal(err)
				}
			}
			got, err := get(t, s, "k")
			if err != nil {
				t.Fatal(err)
			}
			if string(got.Value) != step.want {
				t.Errorf("step %d: stored %q, want %q", i, got.Value, step.want)
			}
			p, err := s.Progress(t.Context(), g, []string{view})
			if err != nil {
				t.Fatal(err)
			}
			if p[view].Live != step.live || p[view].Next[0] != int64(i) || !p[view].Ready {
				t.Errorf("step %d: progress %+v, want live %d", i, p[view], step.live)
			}
		}
	})
}

// TestNothingIsBelievedUntilSealed: what is missing may come, and what is there
// may be older than what was read before the cache was emptied.
func TestNothingIsBelievedUntilSealed(t *testing.T) {
	servers(t, func(t *testing.T, cfg redis.Config, flush func()) {
		s := open(t, cfg)
		if _, err := get(t, s, "k"); !errors.Is(err, store.ErrNotLoaded) {
			t.Fatalf("empty cache: %v, want ErrNotLoaded", err)
		}
		g := current(t, s)
		apply(t, s, g, -1, 3, write("k", 1, "one"))
		if _, err := get(t, s, "absent"); !errors.Is(err, store.ErrNotLoaded) {
			t.Fatalf("not sealed: %v, want ErrNotLoaded", err)
		}
		if got, err := get(t, s, "k"); !errors.Is(err, store.ErrNotLoaded) {
			t.Fatalf("there but not sealed: %q %v, want ErrNotLoaded", got.Value, err)
		}
		if err := s.Seal(t.Context(), g, view, map[int32]int64{0: 3, 1: -1}); err != nil {
			t.Fatal(err)
		}
		if got, err := get(t, s, "absent"); err != nil || got.Found() {
			t.Fatalf("sealed: %v %v, want nothing", got, err)
		}
		flush()
		if _, err := get(t, s, "absent"); !errors.Is(err, store.ErrNotLoaded) {
			t.Fatalf("emptied: %v, want ErrNotLoaded", err)
		}
		if err := s.Apply(t.Context(), g, store.Batch{View: view, From: 4, Next: 5}); !errors.Is(err, store.ErrLost) {
			t.Fatalf("apply after flush: %v, want ErrLost", err)
		}
		if err := s.Seal(t.Context(), g, view, map[int32]int64{0: 4}); !errors.Is(err, store.ErrLost) {
			t.Fatalf("seal after flush: %v, want ErrLost", err)
		}
	})
}

func TestLongBatch(t *testing.T) {
	servers(t, func(t *testing.T, cfg redis.Config, _ func()) {
		s := open(t, cfg)
		g := current(t, s)
		var writes []store.Write
		for i := range 1234 {
			writes = append(writes, write(fmt.Sprintf("k%d", i), 1, fmt.Sprintf("v%d", i)))
		}
		apply(t, s, g, -1, 2000, writes...)
		if err := s.Seal(t.Context(), g, view, map[int32]int64{0: 2000}); err != nil {
			t.Fatal(err)
		}
		keys, into := make([]store.Digest, 1234), make([]store.Stored, 1234)
		for i := range keys {
			keys[i] = digest(fmt.Sprintf("k%d", i))
		}
		if err := s.Get(t.Context(), view, keys, into, nil); err != nil {
			t.Fatal(err)
		}
		for i, v := range into {
			if string(v.Value) != fmt.Sprintf("v%d", i) {
				t.Fatalf("key %d holds %q", i, v.Value)
			}
		}
		if p, err := s.Progress(t.Context(), g, []string{view}); err != nil || p[view].Live != 1234 || p[view].Next[0] != 2000 {
			t.Fatalf("progress %+v, %v", p, err)
		}
	})
}

func TestFlipAndDrop(t *testing.T) {
	servers(t, func(t *testing.T, cfg redis.Config, _ func()) {
		s := open(t, cfg)
		old := current(t, s)
		apply(t, s, old, -1, 1, write("k", 1, "old"))
		seal(t, s, old, 1)
		next, err := s.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		apply(t, s, next, -1, 1, write("k", 1, "new"))
		seal(t, s, next, 1)
		if got, err := get(t, s, "k"); err != nil || string(got.Value) != "old" {
			t.Fatalf("before the flip: %q %v", got.Value, err)
		}
		apply(t, s, old, 1, 2)
		if err := s.Flip(t.Context(), old, next, []string{view}); !errors.Is(err, store.ErrBehind) {
			t.Fatalf("flip to a generation that is behind: %v, want ErrBehind", err)
		}
		apply(t, s, next, 1, 2)
		slow := cfg
		slow.Poll = time.Hour
		other := open(t, slow)
		if err := s.Flip(t.Context(), old, next, []string{view}); err != nil {
			t.Fatal(err)
		}
		if err := s.Flip(t.Context(), old, next, []string{view}); !errors.Is(err, store.ErrLost) {
			t.Fatalf("second flip: %v, want ErrLost", err)
		}
		if got, err := get(t, s, "k"); err != nil || string(got.Value) != "new" {
			t.Fatalf("after the flip: %q %v", got.Value, err)
		}
		if err := s.Drop(t.Context(), next); err == nil {
			t.Fatal("dropped the current generation")
		}
		if err := s.Drop(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		// Another process that still believes in the old generation looks again.
		if got, err := get(t, other, "k"); err != nil || string(got.Value) != "new" {
			t.Fatalf("elsewhere after the drop: %q %v", got.Value, err)
		}
	})
}

// TestHostileContent puts things under the keys that this package never writes.
func TestHostileContent(t *testing.T) {
	servers(t, func(t *testing.T, cfg redis.Config, _ func()) {
		s := open(t, cfg)
		raw := goredis.NewClient(&goredis.Options{Addr: cfg.Address, DB: cfg.Database, DisableIdentity: true})
		t.Cleanup(func() { _ = raw.Close() })
		g := current(t, s)
		apply(t, s, g, -1, 1, write("a", 7, "of a"), write("b", 7, "of b"))
		seal(t, s, g, 1)
		name := func(key string) string { return fmt.Sprintf("y:%s:%s:%x", g, view, digest(key)) }
		whole, err := raw.Get(t.Context(), name("a")).Result()
		if err != nil {
			t.Fatal(err)
		}
		for what, put := range map[string]func() error{
			"value of another key": func() error { return raw.Set(t.Context(), name("b"), whole, 0).Err() },
			"value cut":            func() error { return raw.Set(t.Context(), name("b"), whole[:20], 0).Err() },
			"empty value":          func() error { return raw.Set(t.Context(), name("b"), "", 0).Err() },
			"foreign value":        func() error { return raw.Set(t.Context(), name("b"), strings.Repeat("x", 100), 0).Err() },
		} {
			t.Run(what, func(t *testing.T) {
				if err := put(); err != nil {
					t.Fatal(err)
				}
				if _, err := get(t, s, "b"); !errors.Is(err, store.ErrMixedReply) {
					t.Errorf("got %v, want ErrMixedReply", err)
				}
			})
		}
		// A list under the key is replaced by the next write.
		raw.Del(t.Context(), name("b"))
		raw.RPush(t.Context(), name("b"), "x")
		apply(t, s, g, 1, 2, write("b", 8, "b again"))
		if got, err := get(t, s, "b"); err != nil || string(got.Value) != "b again" {
			t.Errorf("after a list: %q %v", got.Value, err)
		}
		if got, err := get(t, s, "a"); err != nil || string(got.Value) != "of a" {
			t.Errorf("neighbour: %q %v", got.Value, err)
		}
	})
}

// shifter is a wire to Redis that, once told, gives the first reply of a
// connection twice: every later reply answers the question before.
type shifter struct {
	to      string
	shifted atomic.Bool
	cuts    sync.WaitGroup
}

func (s *shifter) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	server, err := (&net.Dialer{}).DialContext(ctx, network, s.to)
	if err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	s.cuts.Go(func() { _, _ = io.Copy(server, far); _ = server.Close() })
	s.cuts.Go(func() {
		defer func() { _ = far.Close() }()
		from := bufio.NewReader(server)
		var before []byte
		for {
			reply, err := readReply(from)
			if err != nil {
				return
			}
			out := reply
			if s.shifted.Load() && before != nil {
				out = before
			}
			before = reply
			if _, err := far.Write(out); err != nil {
				return
			}
		}
	})
	return near, nil
}

func readReply(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	var n int
	switch line[0] {
	case '$':
		if _, err := fmt.Sscanf(string(line), "$%d", &n); err != nil || n < 0 {
			return line, err
		}
		body := make([]byte, n+2)
		if _, err := io.ReadFull(r, body); err != nil {
			return nil, err
		}
		return append(line, body...), nil
	case '*':
		if _, err := fmt.Sscanf(string(line), "*%d", &n); err != nil {
			return nil, err
		}
		for range n {
			part, err := readReply(r)
			if err != nil {
				return nil, err
			}
			line = append(line, part...)
		}
	}
	return line, nil
}

// TestForeignContentDoesNotFillTheLog: a cache that holds what is not ours is told of
// once a minute and how often, not once a lookup.
func TestForeignContentDoesNotFillTheLog(t *testing.T) {
	m := miniredis.RunT(t)
	said := &lines{}
	s, err := redis.Open(t.Context(), redis.Config{Address: m.Addr()}, slog.New(slog.NewTextHandler(said, nil)), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	g := current(t, s)
	apply(t, s, g, -1, 1, write("a", 7, "of a"))
	seal(t, s, g, 1)
	if err := m.Set(fmt.Sprintf("y:%s:%s:%x", g, view, digest("a")), "another city's"); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if _, err := get(t, s, "a"); !errors.Is(err, store.ErrMixedReply) {
			t.Fatalf("got %v, want ErrMixedReply", err)
		}
	}
	if n := strings.Count(said.String(), "another question"); n != 1 {
		t.Errorf("20 lookups left %d lines:\n%s", n, said)
	}
}

// lines is a log that several goroutines write.
type lines struct {
	mu sync.Mutex
	to strings.Builder
}

// Write implements io.Writer.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(b)
}

// String returns what has been written.
func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.String()
}

func TestShiftedReplyIsAlwaysDetected(t *testing.T) {
	m := miniredis.RunT(t)
	wire := &shifter{to: m.Addr()}
	s := open(t, redis.Config{Address: m.Addr(), Dialer: wire.dial, Readers: 1, Poll: time.Hour})
	g := current(t, s)
	apply(t, s, g, -1, 1, write("a", 1, "of a"))
	if err := s.Seal(t.Context(), g, view, map[int32]int64{0: 1}); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "absent", "a"} {
		if _, err := get(t, s, key); err != nil {
			t.Fatal(err)
		}
	}
	wire.shifted.Store(true)
	for i := range 200 {
		// "absent" after "a" would be answered by a's record, "a" after "absent" by nothing.
		got, err := get(t, s, []string{"a", "absent"}[i%2])
		if err == nil && (i%2 == 0) != got.Found() {
			t.Fatalf("read %d took another question's answer", i)
		}
	}
	wire.shifted.Store(false)
	eventually(t, func() bool {
		got, err := get(t, s, "a")
		return err == nil && string(got.Value) == "of a"
	})
}

func TestEvictingServerIsRefused(t *testing.T) {
	m := miniredis.RunT(t)
	wire := &answering{to: m.Addr()}
	wire.say("memory", "# Memory\r\nmaxmemory:1000\r\nmaxmemory_policy:allkeys-lru\r\n")
	_, err := redis.Open(t.Context(), redis.Config{Address: m.Addr(), Dialer: wire.dial}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if !errors.Is(err, redis.ErrEvicts) {
		t.Fatalf("got %v, want ErrEvicts", err)
	}
}

// TestAnotherProcessIsVerifiedFirst: Redis restarts from an old file. What it
// holds is served only once it is as far as it was.
func TestAnotherProcessIsVerifiedFirst(t *testing.T) {
	m := miniredis.RunT(t)
	wire := &answering{to: m.Addr()}
	wire.say("server", "# Server\r\nrun_id:first\r\n")
	s := open(t, redis.Config{Address: m.Addr(), Dialer: wire.dial})
	g := current(t, s)
	apply(t, s, g, -1, 1, write("k", 1, "old"))
	if err := s.Seal(t.Context(), g, view, map[int32]int64{0: 1}); err != nil {
		t.Fatal(err)
	}
	marks := fmt.Sprintf("y:%s:%s:#", g, view)
	apply(t, s, g, 1, 2, write("k", 2, "new"))
	m.HSet(marks, "0", "1") // the file was written before the last batch
	wire.say("server", "# Server\r\nrun_id:second\r\n")
	wire.cut()
	eventually(t, func() bool { _, err := get(t, s, "k"); return errors.Is(err, store.ErrNotLoaded) })
	if _, err := s.Progress(t.Context(), g, []string{view}); err != nil {
		t.Fatal(err)
	}
	if _, err := get(t, s, "k"); !errors.Is(err, store.ErrNotLoaded) {
		t.Fatalf("served what had gone back in time: %v", err)
	}
	if err := s.Apply(t.Context(), g, store.Batch{View: view, From: 2, Next: 3}); !errors.Is(err, store.ErrLost) {
		t.Fatalf("apply: %v, want ErrLost", err)
	}
	apply(t, s, g, 1, 2, write("k", 2, "new")) // the writer starts again from the mark
	if _, err := s.Progress(t.Context(), g, []string{view}); err != nil {
		t.Fatal(err)
	}
	if got, err := get(t, s, "k"); err != nil || string(got.Value) != "new" {
		t.Fatalf("caught up: %q %v", got.Value, err)
	}
}

// TestAnOldFileBringsBackALostGeneration: Redis is emptied, is filled again, and
// restarts meanwhile from a file that was written before. The generation in it is
// complete, but not as far as it was when it was lost.
func TestAnOldFileBringsBackALostGeneration(t *testing.T) {
	m := miniredis.RunT(t)
	wire := &answering{to: m.Addr()}
	wire.say("server", "# Server\r\nrun_id:first\r\n")
	s := open(t, redis.Config{Address: m.Addr(), Dialer: wire.dial})
	lost := current(t, s)
	apply(t, s, lost, -1, 1, write("k", 1, "old"))
	if err := s.Seal(t.Context(), lost, view, map[int32]int64{0: 1}); err != nil {
		t.Fatal(err)
	}
	restore := remember(t, m)
	const far = 5
	for at := int64(1); at < far; at++ {
		apply(t, s, lost, at, at+1, write("k", uint64(at+1), "new"))
	}
	m.FlushAll()
	next := current(t, s)
	if next == lost {
		t.Fatal("the generation was not lost")
	}
	apply(t, s, next, -1, 1, write("k", 1, "old")) // a part of it
	if _, err := s.Progress(t.Context(), next, []string{view}); err != nil {
		t.Fatal(err)
	}
	wire.say("server", "# Server\r\nrun_id:second\r\n")
	wire.cut()
	restore()
	eventually(t, func() bool { g, err := s.Current(t.Context()); return err == nil && g == lost })
	for at := int64(1); at <= far; at++ {
		eventually(t, func() bool { _, err := s.Progress(t.Context(), lost, []string{view}); return err == nil }) // over a new connection
		got, err := get(t, s, "k")
		switch {
		case at == far && (err != nil || string(got.Value) != "new"):
			t.Fatalf("caught up: %q %v", got.Value, err)
		case at < far && !errors.Is(err, store.ErrNotLoaded):
			t.Fatalf("at %d of %d served what had gone back in time: %q, %v", at, far, got.Value, err)
		}
		apply(t, s, lost, at, at+1, write("k", uint64(at+1), "new"))
	}
}

// TestEmptiedIsCountedAsLost: a Redis that starts again with nothing, or is emptied, while
// nobody writes has lost what it held, which counts once; an empty one at the start has not.
func TestEmptiedIsCountedAsLost(t *testing.T) {
	m := miniredis.RunT(t)
	reg := prometheus.NewRegistry()
	s, err := redis.Open(t.Context(), redis.Config{Address: m.Addr()}, slog.New(slog.DiscardHandler), reg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	lost := func(when string, want float64) {
		t.Helper()
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if n := f.GetMetric()[0].GetCounter().GetValue(); f.GetName() == "yiyuan_gateway_redis_lost_total" && n != want {
				t.Errorf("%s: counted %v times, want %v", when, n, want)
			}
		}
	}
	first := current(t, s)
	lost("empty at the start", 0)
	apply(t, s, first, -1, 1, write("k", 1, "v"))
	m.FlushAll()
	second := current(t, s)
	current(t, s)
	lost("emptied", 1)
	apply(t, s, second, -1, 1, write("k", 1, "v"))
	m.FlushAll()
	if err := s.Apply(t.Context(), second, store.Batch{View: view, From: 1, Next: 2, Writes: []store.Write{write("k", 2, "w")}}); !errors.Is(err, store.ErrLost) {
		t.Fatalf("written to what was emptied: %v", err)
	}
	current(t, s)
	lost("emptied under a write", 2)
}

// remember returns what brings back all that the server holds now.
func remember(t *testing.T, m *miniredis.Miniredis) func() {
	t.Helper()
	texts, hashes := map[string]string{}, map[string][]string{}
	for _, key := range m.Keys() {
		if m.Type(key) != "hash" {
			texts[key], _ = m.Get(key)
			continue
		}
		fields, err := m.HKeys(key)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range fields {
			hashes[key] = append(hashes[key], f, m.HGet(key, f))
		}
	}
	return func() {
		t.Helper()
		m.FlushAll()
		for key, text := range texts {
			if err := m.Set(key, text); err != nil {
				t.Fatal(err)
			}
		}
		for key, fields := range hashes {
			m.HSet(key, fields...)
		}
	}
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	limit := time.After(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond) // to ask without a pause would take the time from who is to bring it about
	defer tick.Stop()
	for !ok() {
		select {
		case <-limit:
			t.Fatal("not within a minute")
		case <-tick.C:
		}
	}
}

// answering is a wire that answers INFO of some sections itself.
type answering struct {
	to    string
	mu    sync.Mutex
	texts map[string]string
	conns []net.Conn
}

func (a *answering) say(section, text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.texts == nil {
		a.texts = map[string]string{}
	}
	a.texts[section] = text
}

// cut ends every connection.
func (a *answering) cut() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.conns {
		_ = c.Close()
	}
	a.conns = nil
}

func (a *answering) answer(question string) (string, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for section, text := range a.texts {
		if strings.Contains(strings.ToLower(question), "info\r\n$"+fmt.Sprint(len(section))+"\r\n"+section) {
			return text, true
		}
	}
	return "", false
}

func (a *answering) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	server, err := (&net.Dialer{}).DialContext(ctx, network, a.to)
	if err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	a.mu.Lock()
	a.conns = append(a.conns, server)
	a.mu.Unlock()
	go func() { _, _ = io.Copy(far, server); _ = far.Close() }()
	go func() {
		defer func() { _ = server.Close() }()
		buffer := make([]byte, 64<<10)
		for {
			n, err := far.Read(buffer)
			if err != nil {
				return
			}
			if text, own := a.answer(string(buffer[:n])); own {
				_, err = fmt.Fprintf(far, "$%d\r\n%s\r\n", len(text), text)
			} else {
				_, err = server.Write(buffer[:n])
			}
			if err != nil {
				return
			}
		}
	}()
	return near, nil
}
