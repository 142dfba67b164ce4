package state_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
)

// TestLoader loads changes at random, over state that batches wrote, in pieces,
// and wants what the same changes one after the other come to. A crash may take
// the pieces that were not handed over, and nothing else.
func TestLoader(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 7))
		fs := vfs.NewCrashableMem()
		s := open(t, fs)
		p, other := s.Partition("step", 1), s.Partition("step", 2)
		b := s.Batch()
		want := map[string]string{}
		for i := range 20 {
			want[fmt.Sprintf("key%02d", i)] = "before"
			set(t, b, p, fmt.Sprintf("key%02d", i), "before")
			set(t, b, other, fmt.Sprintf("key%02d", i), "other")
		}
		must(t, b.Reach(p, 20, time.UnixMilli(20)))
		must(t, b.Commit())
		l := p.Loader()
		offset := int64(20)
		for range 1 + random.IntN(4) {
			for range random.IntN(200) {
				key, value := fmt.Sprintf("key%02d", random.IntN(60)), []byte(fmt.Sprint(random.Int()))
				if random.IntN(4) == 0 {
					value = nil
				}
				offset++
				l.Set([]byte(key), value)
				if want[key] = string(value); value == nil {
					delete(want, key)
				}
			}
			l.Reach(offset, time.UnixMilli(offset))
			must(t, l.Commit())
		}
		l.Set([]byte("not handed over"), []byte("x"))
		l.Close()
		must(t, s.Close())

		s = open(t, fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(101), RNG: random}))
		defer s.Close()
		var lines []string
		for k, v := range want {
			lines = append(lines, k+"="+v)
		}
		slices.Sort(lines)
		b = s.Batch()
		defer b.Close()
		if d := cmp.Diff(lines, dump(t, b, s.Partition("step", 1), nil, nil)); d != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, d)
		}
		if n := len(dump(t, b, s.Partition("step", 2), nil, nil)); n != 20 {
			t.Errorf("seed %d: the other partition has %d keys", seed, n)
		}
		at, when, found, err := s.Partition("step", 1).Position()
		if err != nil || !found || at != offset || when.UnixMilli() != offset {
			t.Errorf("seed %d: Position = %d, %v, %v, %v, want %d", seed, at, when, found, err, offset)
		}
	}
}
