package state_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/yiyuan-bus/yiyuan/processors/state"
)

func open(t testing.TB, fs vfs.FS) *state.Store {
	t.Helper()
	s, err := state.Open(state.Options{Dir: "state", FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func set(t testing.TB, b *state.Batch, p *state.Partition, key, value string) {
	t.Helper()
	v := []byte(value)
	if value == "" {
		v = nil
	}
	if _, _, err := b.Set(p, []byte(key), v); err != nil {
		t.Fatal(err)
	}
}

// dump returns a partition's keys and values as the batch shows them.
func dump(t testing.TB, b *state.Batch, p *state.Partition, low, high []byte) []string {
	t.Helper()
	var out []string
	must(t, b.Scan(p, low, high, func(key, value []byte) (bool, error) {
		out = append(out, string(key)+"="+string(value))
		return true, nil
	}))
	return out
}

func TestBatch(t *testing.T) {
	t.Parallel()
	s := open(t, vfs.NewMem())
	defer s.Close()
	p, q := s.Partition("step", 1), s.Partition("step", 2)
	b := s.Batch()
	set(t, b, p, "a", "1")
	set(t, b, p, "b", "1")
	set(t, b, q, "a", "other")
	must(t, b.Reach(p, 7, time.UnixMilli(5)))
	if v, found, err := p.Get(nil, []byte("a")); found || err != nil {
		t.Errorf("Get before the commit = %q, %v, %v", v, found, err)
	}
	must(t, b.Commit())
	b = s.Batch()
	set(t, b, p, "b", "")
	set(t, b, p, "c", "2")
	if got, want := dump(t, b, p, nil, nil), []string{"a=1", "c=2"}; !slices.Equal(got, want) {
		t.Errorf("scan through the batch = %q, want %q", got, want)
	}
	if got, want := dump(t, b, p, []byte("b"), []byte("d")), []string{"c=2"}; !slices.Equal(got, want) {
		t.Errorf("scan of a range = %q, want %q", got, want)
	}
	set(t, b, p, "d", "3") // after scans, and seen by the next
	if got, want := dump(t, b, p, []byte("c"), nil), []string{"c=2", "d=3"}; !slices.Equal(got, want) {
		t.Errorf("scan after a change = %q, want %q", got, want)
	}
	inner := 0
	must(t, b.Scan(p, nil, nil, func(_, _ []byte) (bool, error) {
		inner += len(dump(t, b, p, nil, nil))
		return true, nil
	}))
	if inner != 9 {
		t.Errorf("scans within a scan saw %d keys, want 9", inner)
	}
	must(t, b.Close())
	if v, found, err := p.Get(nil, []byte("b")); string(v) != "1" || !found || err != nil {
		t.Errorf("Get after a batch was dropped = %q, %v, %v", v, found, err)
	}
	if offset, at, found, err := p.Position(); offset != 7 || at.UnixMilli() != 5 || !found || err != nil {
		t.Errorf("Position = %d, %v, %v, %v", offset, at, found, err)
	}
	must(t, p.Reset())
	if _, _, found, err := p.Position(); found || err != nil {
		t.Errorf("a position after Reset: %v, %v", found, err)
	}
	b = s.Batch()
	defer b.Close()
	if got := dump(t, b, p, nil, nil); len(got) > 0 {
		t.Errorf("after Reset there is %q", got)
	}
	if got, want := dump(t, b, q, nil, nil), []string{"a=other"}; !slices.Equal(got, want) {
		t.Errorf("the other partition holds %q, want %q", got, want)
	}
}

// TestScanSeesWhatWasRolledForward rolls one partition forward while a batch is
// open that has scanned another.
func TestScanSeesWhatWasRolledForward(t *testing.T) {
	t.Parallel()
	s := open(t, vfs.NewMem())
	defer s.Close()
	p, q := s.Partition("step", 1), s.Partition("step", 2)
	b := s.Batch()
	defer b.Close()
	dump(t, b, p, nil, nil)
	roll := s.Batch()
	set(t, roll, q, "a", "1")
	must(t, roll.Commit())
	if got, want := dump(t, b, q, nil, nil), []string{"a=1"}; !slices.Equal(got, want) {
		t.Errorf("scan = %q, want %q", got, want)
	}
	if any, err := q.Any([]byte("a"), []byte("b")); !any || err != nil {
		t.Errorf("Any = %v, %v", any, err)
	}
	if any, err := q.Any([]byte("b"), nil); any || err != nil {
		t.Errorf("Any of nothing = %v, %v", any, err)
	}
}

func TestBind(t *testing.T) {
	t.Parallel()
	s := open(t, vfs.NewMem())
	defer s.Close()
	count := func(step string) int {
		b := s.Batch()
		defer b.Close()
		return len(dump(t, b, s.Partition(step, 0), nil, nil))
	}
	for _, step := range []string{"resolve", "resolve.person"} {
		must(t, s.Bind(step, []byte("one")))
		b := s.Batch()
		set(t, b, s.Partition(step, 0), "k", "v")
		must(t, b.Commit())
		must(t, s.Bind(step, []byte("one")))
		if count(step) != 1 {
			t.Errorf("%s: state of the same changelog was dropped", step)
		}
	}
	must(t, s.Bind("resolve", []byte("two")))
	if count("resolve") != 0 || count("resolve.person") != 1 {
		t.Errorf("after another changelog: %d and %d keys, want 0 and 1", count("resolve"), count("resolve.person"))
	}
}

// TestCrash takes the power away at any moment: what is there afterwards is the
// state after some batch, whole, with that batch's position.
func TestCrash(t *testing.T) {
	t.Parallel()
	for seed := range uint64(15) {
		random := rand.New(rand.NewPCG(seed, 1))
		fs := vfs.NewCrashableMem()
		s := open(t, fs)
		batches := 1 + random.IntN(60)
		for n := 1; n <= batches; n++ {
			b := s.Batch()
			for i := range 10 { // every key says which batch wrote it last
				set(t, b, s.Partition("step", 0), fmt.Sprint("k", i), fmt.Sprint(n))
			}
			set(t, b, s.Partition("step", 0), fmt.Sprint("filler", n), string(bytes.Repeat([]byte("x"), random.IntN(100_000)+1)))
			must(t, b.Reach(s.Partition("step", 0), int64(n), time.UnixMilli(0)))
			must(t, b.Commit())
		}
		disk := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(101), RNG: random})
		must(t, s.Close())
		s = open(t, disk)
		p := s.Partition("step", 0)
		reached, _, _, err := p.Position()
		must(t, err)
		b := s.Batch()
		for _, kv := range dump(t, b, p, []byte("k"), nil) {
			if want := fmt.Sprint("=", reached); !bytes.HasSuffix([]byte(kv), []byte(want)) {
				t.Errorf("seed %d: position %d, but %s", seed, reached, kv)
			}
		}
		must(t, b.Close())
		must(t, s.Close())
	}
}

func BenchmarkScan(b *testing.B) {
	s, err := state.Open(state.Options{Dir: b.TempDir()})
	must(b, err)
	defer s.Close()
	p := s.Partition("step", 0)
	const entities, claims = 20_000, 8
	for e := range entities {
		batch := s.Batch()
		for c := range claims {
			_, _, err := batch.Set(p, fmt.Appendf(nil, "%08d/%d", e, c), bytes.Repeat([]byte("v"), 200))
			must(b, err)
		}
		must(b, batch.Commit())
	}
	batch := s.Batch()
	defer batch.Close()
	for e := range 1000 {
		_, _, err := batch.Set(p, fmt.Appendf(nil, "%08d/0", e*7), []byte("new"))
		must(b, err)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i = (i + 7919) % entities
		n := 0
		must(b, batch.Scan(p, fmt.Appendf(nil, "%08d/", i), fmt.Appendf(nil, "%08d0", i), func(_, _ []byte) (bool, error) { n++; return true, nil }))
		if n != claims {
			b.Fatalf("%d claims", n)
		}
	}
}
