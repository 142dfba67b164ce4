package redis_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	goredis "github.com/redis/go-redis/v9"

	"github.com/yiyuan-bus/yiyuan/gateway/redis"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
)

// safely and evicting are what a server says of its memory.
const (
	safely   = "# Memory\r\nmaxmemory:1000\r\nmaxmemory_policy:noeviction\r\n"
	evicting = "# Memory\r\nmaxmemory:1000\r\nmaxmemory_policy:allkeys-lru\r\n"
)

func evicted(n int) string { return fmt.Sprintf("# Stats\r\nevicted_keys:%d\r\n", n) }

// TestServerBeginsToEvict changes the policy under a store: from then on nothing is
// believed and nothing written, and when it is set back an empty generation is current.
func TestServerBeginsToEvict(t *testing.T) {
	m := miniredis.RunT(t)
	wire := &answering{to: m.Addr()}
	wire.say("memory", safely)
	wire.say("stats", evicted(0))
	s := open(t, redis.Config{Address: m.Addr(), Dialer: wire.dial, Poll: 5 * time.Millisecond})
	g := current(t, s)
	apply(t, s, g, -1, 1, write("k", 1, "one"))
	seal(t, s, g, 1)
	if got, err := get(t, s, "absent"); err != nil || got.Found() {
		t.Fatalf("absent: %v %v, want nothing", got, err)
	}
	wire.say("memory", evicting)
	eventually(t, func() bool { _, err := get(t, s, "absent"); return errors.Is(err, store.ErrNotLoaded) })
	if got, err := get(t, s, "k"); !errors.Is(err, store.ErrNotLoaded) {
		t.Errorf("there while the server may evict: %q %v, want ErrNotLoaded", got.Value, err)
	}
	if err := s.Apply(t.Context(), g, store.Batch{View: view, From: 1, Next: 2}); !errors.Is(err, redis.ErrEvicts) {
		t.Errorf("apply: %v, want ErrEvicts", err)
	}
	if _, err := s.Progress(t.Context(), g, []string{view}); !errors.Is(err, redis.ErrEvicts) {
		t.Errorf("progress: %v, want ErrEvicts", err)
	}
	wire.say("memory", safely)
	var next store.Generation
	eventually(t, func() bool { var err error; next, err = s.Current(t.Context()); return err == nil })
	if next == g {
		t.Fatal("the generation that may have lost keys is current")
	}
	if _, err := get(t, s, "absent"); !errors.Is(err, store.ErrNotLoaded) {
		t.Errorf("not filled yet: %v, want ErrNotLoaded", err)
	}
	apply(t, s, next, -1, 1, write("k", 1, "one"))
	seal(t, s, next, 1)
	if got, err := get(t, s, "k"); err != nil || string(got.Value) != "one" {
		t.Errorf("filled anew: %q %v", got.Value, err)
	}
	eventually(t, func() bool { return !m.Exists(fmt.Sprintf("y:%s:%s:@", g, view)) }) // what was given up is unlinked
}

// TestEvictedUnseen throws keys away between two looks, or while no store is open:
// the server's own count tells, before anybody is said not to be there.
func TestEvictedUnseen(t *testing.T) {
	m := miniredis.RunT(t)
	wire := &answering{to: m.Addr()}
	wire.say("memory", safely)
	wire.say("stats", evicted(3)) // somebody else's, long ago
	cfg := redis.Config{Address: m.Addr(), Dialer: wire.dial, Poll: time.Hour}
	s := open(t, cfg)
	g := current(t, s)
	apply(t, s, g, -1, 1, write("k", 1, "one"))
	seal(t, s, g, 1)
	if _, err := get(t, s, "absent"); err != nil {
		t.Fatalf("absent: %v", err)
	}
	wire.say("stats", evicted(4))
	if got, err := get(t, s, "absent"); !errors.Is(err, store.ErrNotLoaded) {
		t.Errorf("absent after a key was thrown away: %v %v, want ErrNotLoaded", got, err)
	}
	other := open(t, cfg)
	if now := current(t, other); now == g {
		t.Error("a store that opens later believes what has lost a key")
	}
	again := open(t, cfg)
	if a, b := current(t, other), current(t, again); a != b {
		t.Errorf("what nothing was lost of is given up: %s, then %s", a, b)
	}
}

// TestRealServerEvicts does it on a server of its own.
func TestRealServerEvicts(t *testing.T) {
	if os.Getenv("YIYUAN_TEST_REDIS") == "" {
		t.Skip("YIYUAN_TEST_REDIS is not set")
	}
	address := ownServer(t)
	c := goredis.NewClient(&goredis.Options{Addr: address, DisableIdentity: true})
	t.Cleanup(func() { _ = c.Close() })
	configure := func(name, value string) {
		t.Helper()
		if err := c.ConfigSet(t.Context(), name, value).Err(); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, redis.Config{Address: address, Poll: time.Hour}) // nobody looks in time
	g := current(t, s)
	const people = 2000
	writes := make([]store.Write, 0, people)
	for i := range people {
		writes = append(writes, write(fmt.Sprint("k", i), 1, "somebody"))
	}
	apply(t, s, g, -1, people, writes...)
	seal(t, s, g, people)
	configure("maxmemory-policy", "allkeys-random")
	var used int
	info := c.Info(t.Context(), "memory").Val()
	if _, err := fmt.Sscanf(info[strings.Index(info, "used_memory:"):], "used_memory:%d", &used); err != nil {
		t.Fatal(err)
	}
	configure("maxmemory", strconv.Itoa(used-20_000)) // a few of them
	_ = c.Set(t.Context(), "foo", "bar", 0)           // makes room
	configure("maxmemory", "0")
	configure("maxmemory-policy", "noeviction")
	lost := 0
	for i := range people {
		switch got, err := get(t, s, fmt.Sprint("k", i)); {
		case errors.Is(err, store.ErrNotLoaded):
			lost++
		case err != nil:
			t.Fatal(err)
		case !got.Found():
			t.Fatalf("person %d who is there was said not to be", i)
		}
	}
	if lost == 0 {
		t.Fatal("the server threw nothing away")
	}
	if now := current(t, open(t, redis.Config{Address: address})); now == g {
		t.Error("what has lost records is still current")
	}
}

// ownServer starts a Redis that lives as long as the test.
func ownServer(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed")
	}
	// Below the ports that the system gives to connections: no connection can have it by the time that the server opens it.
	port := ""
	for port == "" {
		some := strconv.Itoa(10_000 + rand.IntN(22_000))
		if l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:"+some); err == nil {
			port = some
			_ = l.Close()
		}
	}
	address := "127.0.0.1:" + port
	server := exec.CommandContext(t.Context(), program, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	c := goredis.NewClient(&goredis.Options{Addr: address, DisableIdentity: true})
	defer func() { _ = c.Close() }()
	eventually(t, func() bool {
		ping, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return c.Ping(ping).Err() == nil
	})
	return address
}
