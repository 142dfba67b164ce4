package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	goredis "github.com/redis/go-redis/v9"

	"github.com/yiyuan-bus/yiyuan/gateway/store"
)

// shelves is a server, in this process or a real one, that several stores work on.
type shelves struct {
	t     *testing.T
	cfg   Config
	lapse func() // lets marks of use end that nobody renews
	plain *goredis.Client
}

// onBoth runs the test on the in-process server and on the real one, under prefixes of its own.
func onBoth(t *testing.T, test func(s *shelves)) {
	t.Helper()
	run := func(t *testing.T, address string, lapse func()) {
		c := goredis.NewClient(&goredis.Options{Addr: address, DisableIdentity: true})
		prefix := fmt.Sprintf("former-%d", time.Now().UnixNano())
		t.Cleanup(func() {
			clean := context.WithoutCancel(t.Context())
			for it := c.Scan(clean, 0, prefix+"*", 1000).Iterator(); it.Next(clean); {
				c.Unlink(clean, it.Val())
			}
			_ = c.Close()
		})
		test(&shelves{t: t, cfg: Config{Address: address, Prefix: prefix, Held: 40 * time.Millisecond}, lapse: lapse, plain: c})
	}
	t.Run("in process", func(t *testing.T) {
		m := miniredis.RunT(t)
		run(t, m.Addr(), func() { m.FastForward(time.Second) })
	})
	t.Run("real", func(t *testing.T) {
		address := os.Getenv("YIYUAN_TEST_REDIS")
		if address == "" {
			t.Skip("YIYUAN_TEST_REDIS is not set")
		}
		run(t, address, func() {})
	})
}

func (s *shelves) open(change ...func(*Config)) *Store {
	s.t.Helper()
	cfg := s.cfg
	for _, c := range change {
		c(&cfg)
	}
	out, err := Open(s.t.Context(), cfg, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = out.Close() })
	return out
}

// fill puts so many records of a view into a generation, whole.
func (s *shelves) fill(c *Store, g store.Generation, view string, records int) {
	s.t.Helper()
	b := store.Batch{View: view, From: -1, Next: int64(records)}
	for i := range records {
		b.Writes = append(b.Writes, store.Write{Key: numbered(i), Version: 1, Value: []byte("somebody")})
	}
	if err := c.Apply(s.t.Context(), g, b); err != nil {
		s.t.Fatal(err)
	}
	if err := c.Seal(s.t.Context(), g, view, map[int32]int64{0: b.Next}); err != nil {
		s.t.Fatal(err)
	}
}

func numbered(i int) (d store.Digest) { d[0], d[1] = byte(i), byte(i>>8); return d }

func (s *shelves) generation(c *Store) store.Generation {
	s.t.Helper()
	g, err := c.Current(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return g
}

// keys counts the keys that begin so.
func (s *shelves) keys(begin string) (n int) {
	s.t.Helper()
	it := s.plain.Scan(s.t.Context(), 0, begin+"*", 1000).Iterator()
	for it.Next(s.t.Context()) {
		n++
	}
	if err := it.Err(); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *shelves) until(what string, ok func() bool) {
	s.t.Helper()
	for !ok() {
		if s.t.Context().Err() != nil {
			s.t.Fatal(what)
		}
		s.lapse()
	}
}

// remove lets a store remove until the test ends, or stop is called.
func (s *shelves) remove(c *Store, keep []string, loaded func() bool) (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- c.RemoveFormer(ctx, keep, loaded) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			s.t.Errorf("removing ended: %v", err)
		}
	}
	s.t.Cleanup(stop)
	return stop
}

// told is what was left when it was looked last.
func (s *shelves) told() Former {
	s.t.Helper()
	f, err := formerOf(s.t.Context(), s.plain, s.cfg.Prefix)
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

func always() bool { return true }

// TestFormerIsRemoved leaves spaces behind, as other catalogues and a rebuild that broke
// off do. They stay until the present ones are loaded, then all of them go, and nothing
// else: not the present ones, what is reserved, or another city's.
func TestFormerIsRemoved(t *testing.T) {
	onBoth(t, func(s *shelves) {
		now, other := s.open(), s.open(func(c *Config) { c.Prefix += "-c1" })
		within := s.open(func(c *Config) { c.Prefix += ":g1" })
		g := s.generation(now)
		begun, err := now.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for name, records := range map[string]int{"GA01.clear": 700, "person.partial~1": 3, "MZ01.partial": 1} {
			s.fill(now, g, name, records)
		}
		s.fill(now, begun, "person.partial~2", 5)
		s.fill(now, g, "person.partial~2", 2)
		s.fill(other, s.generation(other), "GA01.clear", 4)
		s.fill(within, s.generation(within), "GA01.clear", 4)
		prefix := s.cfg.Prefix + ":"
		foreign := []string{prefix + "q:00", prefix + "g1.1.0000000000:GA01.clear:#", prefix + "gens", prefix + string(g) + ":!", prefix + string(g) + ":GA01.clear:x:00"}
		for _, key := range foreign {
			if err := s.plain.SetNX(t.Context(), key, "1", 0).Err(); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.plain.Del(t.Context(), foreign[1]).Err(); err != nil { // has our form: it is ours
			t.Fatal(err)
		}

		var loaded atomic.Bool
		var asked atomic.Int32
		s.remove(now, []string{"person.partial~2"}, func() bool { asked.Add(1); return loaded.Load() })
		s.until("nobody asks whether the present is loaded", func() bool { return asked.Load() > 8 })
		if n := s.keys(prefix + string(g) + ":GA01.clear:"); n != 703 { // a mark, the ready key and the stranger
			t.Errorf("%d keys of a former view before the present one is loaded, want all 703", n)
		}
		loaded.Store(true)
		gone := []string{string(g) + ":GA01.clear:0", string(g) + ":GA01.clear:#", string(g) + ":GA01.clear:@", string(g) + ":person.partial~1:", string(g) + ":MZ01.partial:", string(begun) + ":person.partial~2:"}
		s.until("former spaces stay", func() bool {
			n := 0
			for _, begin := range gone {
				n += s.keys(prefix + begin)
			}
			return n == 0 && s.told().Spaces == 0 && !s.told().At.IsZero()
		})
		if removed := testutil.ToFloat64(now.metrics.removed); removed != 709 {
			t.Errorf("%v records were removed, want 709", removed)
		}
		into := make([]store.Stored, 1)
		for name, c := range map[string]*Store{"person.partial~2": now, "GA01.clear": other} {
			if err := c.Get(t.Context(), name, []store.Digest{numbered(0)}, into, nil); err != nil || !into[0].Found() {
				t.Errorf("%s that is in use: %+v %v", name, into[0], err)
			}
		}
		if n := s.keys(prefix + "g1:"); n < 4 {
			t.Errorf("%d keys of a city whose prefix begins with ours", n)
		}
		for i, key := range foreign {
			if n := s.plain.Exists(t.Context(), key).Val(); i != 1 && n != 1 {
				t.Errorf("%s was taken away", strings.TrimPrefix(key, prefix))
			}
		}
	})
}

// TestFormerInUse has a gateway that runs the former catalogue: what it uses stays while
// it does, and is said to be left.
func TestFormerInUse(t *testing.T) {
	onBoth(t, func(s *shelves) {
		now, elder := s.open(), s.open(func(c *Config) { c.Held = time.Hour })
		g := s.generation(now)
		s.fill(elder, g, "GA01.clear", 3)
		if _, err := elder.Progress(t.Context(), g, []string{"GA01.clear"}); err != nil {
			t.Fatal(err)
		}
		s.lapse = func() {}
		stop := s.remove(now, []string{"person.partial"}, always)
		s.until("a space in use is not told", func() bool { return s.told().Used == 1 })
		first := s.told().At
		s.until("it is not looked again", func() bool { return s.told().At.After(first) })
		if f := s.told(); f.Spaces != 1 || f.Used != 1 || f.Records != 3 {
			t.Errorf("left: %+v, want one space in use of three records", f)
		}
		into := make([]store.Stored, 1)
		if err := elder.Get(t.Context(), "GA01.clear", []store.Digest{numbered(0)}, into, nil); err != nil || !into[0].Found() {
			t.Errorf("what another gateway uses: %+v %v", into[0], err)
		}
		stop()
		if err := s.plain.Del(t.Context(), now.generations.space(g).used("GA01.clear")).Err(); err != nil { // the hour is over
			t.Fatal(err)
		}
		s.remove(now, []string{"person.partial"}, always)
		s.until("it stays when nobody uses it any more", func() bool { return s.keys(s.cfg.Prefix+":"+string(g)+":GA01") == 0 })
	})
}

// TestFormerIsWantedAgain puts a catalogue back in force while what was left of it is
// being removed: the space is not ready from before its first record is gone until it has
// been filled from the start, nobody writes between, and what is written then stays.
func TestFormerIsWantedAgain(t *testing.T) {
	onBoth(t, func(s *shelves) {
		const view = "GA01.clear"
		remover, elder := s.open(), s.open()
		g := s.generation(remover)
		s.fill(elder, g, view, 3)
		left := map[spaceName]*leftover{{g, view}: {}}
		of := func(current store.Generation, own map[spaceName]*leftover) *pass {
			return &pass{former: remover.former, current: current, found: left, own: own, keep: map[string]bool{}, loaded: always}
		}
		half := of(g, nil)
		if err := half.retire(t.Context()); err != nil {
			t.Fatal(err)
		}
		into := make([]store.Stored, 1)
		if err := elder.Get(t.Context(), view, []store.Digest{numbered(0)}, into, nil); !errors.Is(err, store.ErrNotLoaded) {
			t.Errorf("get while it is being removed: %v, want ErrNotLoaded", err)
		}
		again := store.Batch{View: view, From: -1, Next: 1, Writes: []store.Write{{Key: numbered(0), Version: 1, Value: []byte("again")}}}
		if err := elder.Apply(t.Context(), g, again); !errors.Is(err, store.ErrRemoving) {
			t.Errorf("apply while it is being removed: %v, want ErrRemoving", err)
		}
		if err := elder.Seal(t.Context(), g, view, map[int32]int64{0: -1}); !errors.Is(err, store.ErrRemoving) {
			t.Errorf("seal while it is being removed: %v, want ErrRemoving", err)
		}
		p, err := elder.Progress(t.Context(), g, []string{view})
		if err != nil || len(p[view].Next) > 0 || p[view].Ready {
			t.Errorf("progress while it is being removed: %+v %v, want nothing", p[view], err)
		}

		// Whoever removes dies here. The elder's own process goes on with it, though it is not loaded.
		s.remove(elder, []string{view}, func() bool { return false })
		s.until("it stays closed", func() bool { return elder.Apply(t.Context(), g, again) == nil })
		if n := s.keys(s.cfg.Prefix + ":" + string(g) + ":" + view + ":0"); n != 1 {
			t.Errorf("%d records in a space that was emptied and begun again, want the one written", n)
		}
		// The dead one was not dead: what it still believes to be removing is not.
		if err := errors.Join(half.scan(t.Context()), half.finish(t.Context())); err != nil {
			t.Fatal(err)
		}
		if err := elder.Seal(t.Context(), g, view, map[int32]int64{0: 1}); err != nil {
			t.Fatal(err)
		}
		if err := elder.Get(t.Context(), view, []store.Digest{numbered(0)}, into, nil); err != nil || string(into[0].Value) != "again" {
			t.Errorf("what was written again: %q %v", into[0].Value, err)
		}
	})
}

// TestAnEarlierBuildWrites has one that knows nothing of removing write into a space that
// is being removed: it has to begin again, because others' records are among its own.
func TestAnEarlierBuildWrites(t *testing.T) {
	onBoth(t, func(s *shelves) {
		const view = "GA01.clear"
		c := s.open()
		g := s.generation(c)
		s.fill(c, g, view, 3)
		space := c.generations.space(g)
		p := &pass{former: c.former, current: g, found: map[spaceName]*leftover{}, own: map[spaceName]*leftover{{g, view}: {}}, keep: map[string]bool{view: true}, loaded: always}
		if err := p.retire(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, cmd := range []goredis.Cmder{s.plain.HSet(t.Context(), space.marks(view), "0", "7"), s.plain.Set(t.Context(), space.ready(view), "1", 0), s.plain.Set(t.Context(), space.used(view), "1", 0)} {
			if err := cmd.Err(); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		if p.removed > 0 {
			t.Errorf("%d records were removed under somebody who writes", p.removed)
		}
		if err := p.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := s.keys(s.cfg.Prefix + ":" + string(g) + ":" + view + ":"); n != 1 {
			t.Errorf("%d keys are left, want the mark of use", n)
		}
	})
}

// TestRemovingEndsWithItsServer has another process answer half way through: what was
// retired on the one may not be so on the other, and its cursors say nothing there.
func TestRemovingEndsWithItsServer(t *testing.T) {
	onBoth(t, func(s *shelves) {
		c := s.open()
		g := s.generation(c)
		s.fill(c, g, "GA01.clear", 3)
		p := &pass{former: c.former, current: g, found: map[spaceName]*leftover{{g, "GA01.clear"}: {}}, keep: map[string]bool{}, loaded: func() bool {
			c.instance.mu.Lock()
			defer c.instance.mu.Unlock()
			c.instance.run = "another"
			return true
		}}
		if err := p.run(t.Context()); !errors.Is(err, errOtherServer) {
			t.Errorf("run: %v, want that another server answers", err)
		}
		if n := s.plain.HExists(t.Context(), c.generations.space(g).marks("GA01.clear"), removing).Val(); !n {
			t.Error("it was taken for empty")
		}
	})
}

func TestSpaceOf(t *testing.T) {
	const g, d = "gmgx.1.0123456789", "000102030405060708090a0b0c0d0e0f"
	for key, want := range map[string]struct {
		view   string
		record bool
	}{
		"y:" + g + ":GA01.clear:" + d:       {"GA01.clear", true},
		"y:" + g + ":GA01.clear~2:#":        {"GA01.clear~2", false},
		"y:" + g + ":GA01.clear:@":          {"GA01.clear", false},
		"y:" + g + ":GA01.clear:?":          {"GA01.clear", false},
		"y:" + g + ":GA01.clear:u":          {}, // goes by itself
		"y:" + g + ":GA01.clear:" + d[1:]:   {},
		"y:" + g + ":GA01.clear:" + d + "0": {},
		"y:" + g + ":!":                     {},
		"y:" + g + "::" + d:                 {},
		"y:c1:GA01.clear:" + d:              {},
		"y:gen":                             {},
		"y:q:" + d:                          {},
		"y:former":                          {},
		"y-c1:" + g + ":GA01.clear:" + d:    {},
		"y:c1:" + g + ":GA01.clear:" + d:    {},
		"y:" + g + ":c1:GA01.clear:" + d:    {},
		"x:" + g + ":GA01.clear:" + d:       {},
	} {
		name, record, ok := spaceOf("y", key)
		if ok != (want.view != "") || ok && (name != spaceName{g, want.view} || record != want.record) {
			t.Errorf("%s: %v, record %v, %v, want %+v", key, name, record, ok, want)
		}
	}
}
