package redis_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	goredis "github.com/redis/go-redis/v9"

	"github.com/yiyuan-bus/yiyuan/gateway/quota"
	"github.com/yiyuan-bus/yiyuan/gateway/redis"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
)

// watchedRedis is a master, its replica and three sentinels, of this test's own.
type watchedRedis struct {
	testing.TB
	bed      string
	password string
	cfg      redis.Config
}

func startWatched(t *testing.T) *watchedRedis {
	t.Helper()
	if os.Getenv("YIYUAN_TEST_REDIS") == "" { // where there is no test bed there are no sentinels either
		if os.Getenv("CI") == "true" {
			t.Fatal("YIYUAN_TEST_REDIS is not set")
		}
		t.Skip("YIYUAN_TEST_REDIS is not set")
	}
	w := &watchedRedis{TB: t, bed: t.TempDir()}
	t.Cleanup(func() { w.testbed("down") })
	w.testbed("up", "sentinel")
	w.cfg = redis.Config{Address: "sentinel", Poll: 50 * time.Millisecond, ReadTimeout: 2 * time.Second}
	for line := range strings.Lines(w.testbed("env")) {
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export YIYUAN_TEST_"), "=")
		switch value = strings.Trim(value, "'"); name {
		case "SENTINEL":
			w.cfg.Sentinel = redis.Sentinel{Master: "city", Addresses: strings.Split(value, ",")}
		case "SENTINEL_PASSWORD":
			w.password = value
		}
	}
	w.cfg.Password, w.cfg.Sentinel.Password = w.password, w.password
	return w
}

func (w *watchedRedis) testbed(args ...string) string {
	w.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(w.Context()), "../../deploy/testbed/testbed", args...) // down runs after the test's context has ended
	cmd.Env = append(os.Environ(), "YIYUAN_TESTBED="+w.bed)
	var talk strings.Builder
	cmd.Stderr = &talk
	out, err := cmd.Output()
	if err != nil {
		w.Fatalf("testbed %v: %v\n%s", args, err, talk.String())
	}
	return string(out)
}

// server connects to one of the servers itself.
func (w *watchedRedis) server(name string) *goredis.Client {
	w.Helper()
	text, err := os.ReadFile(filepath.Join(w.bed, name, "redis.conf"))
	if err != nil {
		w.Fatal(err)
	}
	port := strings.Fields(string(text))[1]
	c := goredis.NewClient(&goredis.Options{Addr: "127.0.0.1:" + port, Password: w.password, DisableIdentity: true, Protocol: 2})
	w.Cleanup(func() { _ = c.Close() })
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestFailover kills a master whose replica lacks the last writes. One store writes,
// another only reads and has been told of none of them but by its answers. Until the
// writer has written them again the reader is refused; never is it told what was
// before, and never that nothing is there.
func TestFailover(t *testing.T) {
	t.Parallel()
	w := startWatched(t)
	writer, reader := open(t, w.cfg), open(t, w.cfg)
	g := current(t, writer)
	fill := func(from, next int64) {
		t.Helper()
		for n := from; n < next; n++ {
			apply(t, writer, g, n, n+1, write("key", uint64(n+1), fmt.Sprint(n+1)))
		}
	}
	apply(t, writer, g, -1, 0)
	fill(0, 100)
	seal(t, writer, g, 100)
	eventually(t, func() bool { s, err := get(t, reader, "key"); return err == nil && s.Version == 100 })
	_, err := reader.Progress(t.Context(), g, []string{view})
	must(t, err)
	spend := func(id string, need int) *quota.Reservation {
		r := &quota.Reservation{ID: id, Takes: []quota.Take{{Key: quota.Key{1}, Quota: 10, Need: need, Slice: need}}}
		if err := reader.Get(t.Context(), view, []store.Digest{digest("key")}, make([]store.Stored, 1), r); err != nil {
			return nil
		}
		return r
	}
	if r := spend("before", 8); r == nil || r.Counts == nil {
		t.Fatal("8 of a quota of 10 are refused")
	}
	if n, err := w.server("front1").Wait(t.Context(), 1, 5*time.Second).Result(); err != nil || n != 1 {
		t.Fatalf("the replica does not follow: %d, %v", n, err)
	}

	// The replica loses its master, and what is written from now on.
	must(t, w.server("front2").ConfigSet(t.Context(), "masterauth", "wrong").Err())
	must(t, w.server("front1").ClientKillByFilter(t.Context(), "TYPE", "replica").Err())
	eventually(t, func() bool {
		info, err := w.server("front2").Info(t.Context(), "replication").Result()
		return err == nil && strings.Contains(info, "master_link_status:down")
	})
	fill(100, 150)
	eventually(t, func() bool { s, err := get(t, reader, "key"); return err == nil && s.Version == 150 })

	w.testbed("kill", "front1")
	killed := time.Now()
	asked := 0
	look := func() (answered bool) {
		t.Helper()
		asked++
		s, err := get(t, reader, "key")
		if err == nil && s.Version < 150 {
			t.Fatalf("after the failover the answer is version %d (there: %v), and was 150", s.Version, s.Value != nil)
		}
		return err == nil
	}
	var mark int64
	until := func(what string, ok func() bool) {
		t.Helper()
		limit := time.After(4 * time.Minute) // a sentinel that was not let run for two seconds does nothing for half a minute
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for !ok() {
			select {
			case <-limit:
				t.Fatalf("not within four minutes: %s", what)
			case <-tick.C:
			}
		}
	}
	until("the replica is the master", func() bool {
		if look() {
			t.Fatal("answered before anybody wrote again what the replica lacks")
		}
		p, err := writer.Progress(t.Context(), g, []string{view})
		mark = p[view].Next[0]
		return err == nil
	})
	if mark != 100 {
		t.Fatalf("the new master stands at %d, want the 100 it had when it lost its master", mark)
	}
	promoted := time.Since(killed)
	if err := writer.Apply(t.Context(), g, store.Batch{View: view, From: 150, Next: 151}); !errors.Is(err, store.ErrLost) {
		t.Errorf("going on where it stood: error = %v, want ErrLost", err)
	}
	for range 50 { // the reader's filler asks too, and finds that it is behind
		if _, err := reader.Progress(t.Context(), g, []string{view}); err == nil && look() {
			t.Fatal("answered from a server that is behind")
		}
	}
	fill(100, 150)
	until("the reader answers again", func() bool {
		_, err := reader.Progress(t.Context(), g, []string{view})
		return err == nil && look()
	})
	t.Logf("a new master after %v, answers after %v, refused %d times", promoted.Round(time.Millisecond), time.Since(killed).Round(time.Millisecond), asked)

	// What the replica had heard of quotas counts on.
	var r *quota.Reservation
	until("a reservation", func() bool { r = spend("after", 3); return r != nil })
	if r.Counts != nil {
		t.Error("11 of a quota of 10 were given, 8 of them before the failover")
	}

	// The old master comes back as a replica: nothing is read from it.
	fill(150, 160)
	eventually(t, func() bool { s, err := get(t, reader, "key"); return err == nil && s.Version == 160 })
	w.testbed("start", "front1")
	old := w.server("front1")
	until("the old master is a replica", func() bool {
		info, err := old.Info(t.Context(), "replication").Result()
		return err == nil && strings.Contains(info, "role:slave")
	})
	if s, err := get(t, reader, "key"); err != nil || s.Version != 160 {
		t.Errorf("with the old master back as a replica: version %d, %v", s.Version, err)
	}
}

// TestReplicaIsRefused: whoever is sent to a replica does not ask it.
func TestReplicaIsRefused(t *testing.T) {
	t.Parallel()
	w := startWatched(t)
	s := open(t, w.cfg)
	g := current(t, s)
	apply(t, s, g, -1, 1, write("key", 1, "1"))
	seal(t, s, g, 1)
	cfg := w.cfg
	_, port, _ := strings.Cut(w.server("front2").Options().Addr, ":")
	cfg.Dialer = to("127.0.0.1:"+port, w.cfg.Sentinel.Addresses)
	if _, err := redis.Open(t.Context(), cfg, quiet(), noMetrics()); !errors.Is(err, redis.ErrReplica) {
		t.Errorf("open on a replica: error = %v, want ErrReplica", err)
	}
	cfg = w.cfg
	cfg.Password = "wrong"
	if _, err := redis.Open(t.Context(), cfg, quiet(), noMetrics()); err == nil || strings.Contains(err.Error(), "wrong") {
		t.Errorf("open with a wrong password: error = %v", err)
	}
	cfg = w.cfg
	cfg.Sentinel.Master = "cities"
	if _, err := redis.Open(t.Context(), cfg, quiet(), noMetrics()); !errors.Is(err, redis.ErrNoMaster) || !strings.Contains(err.Error(), `"cities"`) {
		t.Errorf("open a master that nobody knows: error = %v, want ErrNoMaster", err)
	}
	if _, err := redis.Examine(t.Context(), cfg, nil); !errors.Is(err, redis.ErrNoMaster) {
		t.Errorf("examine a master that nobody knows: error = %v, want ErrNoMaster", err)
	}
	cfg.Sentinel = redis.Sentinel{Master: "city", Addresses: []string{"127.0.0.1:1"}}
	if _, err := redis.Examine(t.Context(), cfg, nil); err == nil || errors.Is(err, redis.ErrNoMaster) {
		t.Errorf("examine by a sentinel that is not there: error = %v", err)
	}
}

// to dials one address, whatever is asked for, but for the sentinels.
func to(address string, sentinels []string) func(ctx context.Context, network, asked string) (net.Conn, error) {
	return func(ctx context.Context, network, asked string) (net.Conn, error) {
		if !slices.Contains(sentinels, asked) {
			asked = address
		}
		return (&net.Dialer{}).DialContext(ctx, network, asked)
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func noMetrics() prometheus.Registerer { return prometheus.NewRegistry() }
