package state_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/yiyuan-bus/yiyuan/processors/state"
)

const (
	rounds = 40
	width  = 25 // keys a round writes, of which the next overwrites most
)

// row is what round n writes of key k.
func row(n, k int) (key, value string) {
	return fmt.Sprintf("key-%04d", n*3+k), fmt.Sprintf("round %d wrote %d, %s", n, k, strings.Repeat("x", 60))
}

// after returns what is there after a number of rounds.
func after(n int) []string {
	rows := map[string]string{}
	for i := 1; i <= n; i++ {
		for k := range width {
			key, value := row(i, k)
			rows[key] = value
		}
	}
	var out []string
	for key, value := range rows {
		out = append(out, key+"="+value)
	}
	slices.Sort(out)
	return out
}

// written is a disk with a state of several files: tables, and a log that is
// not in a table yet.
func written(t *testing.T) *vfs.MemFS {
	t.Helper()
	fs := vfs.NewCrashableMem()
	for n := 1; n <= rounds; {
		s := open(t, fs) // what the log held is a table now
		p := s.Partition("step", 1)
		for end := min(n+rounds/4, rounds+1); n < end; n++ {
			b := s.Batch()
			for k := range width {
				key, value := row(n, k)
				set(t, b, p, key, value)
			}
			must(t, b.Reach(p, int64(n), time.UnixMilli(int64(n))))
			must(t, b.Commit())
		}
		must(t, s.Close())
	}
	return fs
}

// read returns the position and all rows, or an error.
func read(s *state.Store) (int64, []string, error) {
	p := s.Partition("step", 1)
	reached, _, _, err := p.Position()
	if err != nil {
		return 0, nil, err
	}
	b := s.Batch()
	var rows []string
	err = b.Scan(p, nil, nil, func(key, value []byte) (bool, error) {
		rows = append(rows, string(key)+"="+string(value))
		return true, nil
	})
	return reached, rows, errors.Join(err, b.Close())
}

// flip changes one bit of a file.
func flip(t *testing.T, fs vfs.FS, path string, at int64, bit uint8) {
	t.Helper()
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	must(t, err)
	var one [1]byte
	if _, err := f.ReadAt(one[:], at); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	one[0] ^= 1 << bit
	_, err = f.WriteAt(one[:], at)
	must(t, err)
	must(t, f.Close())
}

// TestAFlippedBitIsNoticed flips a bit anywhere in any file: what is read then is
// either what some round left, together with the position of that round, or
// ErrDamaged. It is never something else.
func TestAFlippedBitIsNoticed(t *testing.T) {
	t.Parallel()
	whole := written(t)
	names, err := whole.List("state")
	must(t, err)
	slices.Sort(names)
	r := rand.New(rand.NewPCG(7, 7))
	noticed, harmless := map[string]int{}, map[string]int{}
	for _, name := range names {
		path := whole.PathJoin("state", name)
		info, err := whole.Stat(path)
		must(t, err)
		if info.IsDir() || info.Size() == 0 {
			continue
		}
		for range 40 {
			at, bit := r.Int64N(info.Size()), uint8(r.IntN(8))
			what := fmt.Sprintf("bit %d of byte %d of %d of %s", bit, at, info.Size(), name)
			fs := whole.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: r})
			flip(t, fs, path, at, bit)
			if damaged(t, fs, what) {
				noticed[kindOf(name)]++
				o := state.Options{Dir: "state", FS: fs}
				must(t, state.Discard(o))
				s := open(t, fs)
				if reached, rows, err := read(s); reached != 0 || len(rows) != 0 || err != nil {
					t.Errorf("%s: after it was discarded there are %d rows of %d, %v", what, len(rows), reached, err)
				}
				must(t, s.Close())
			} else {
				harmless[kindOf(name)]++
			}
		}
	}
	t.Logf("noticed %v, as some round left it %v", noticed, harmless)
	if noticed["sst"] == 0 {
		t.Error("no flipped bit of a table was noticed: the test proves nothing")
	}
}

func kindOf(name string) string {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return name[i+1:]
	}
	kind, _, _ := strings.Cut(name, "-")
	return kind
}

// damaged opens and reads a state; false if it is as some round left it.
func damaged(t *testing.T, fs vfs.FS, what string) bool {
	t.Helper()
	s, err := state.Open(state.Options{Dir: "state", FS: fs})
	if err != nil {
		if !errors.Is(err, state.ErrDamaged) && !strings.Contains(what, "OPTIONS") { // options that are not ours are refused, with a reason
			t.Errorf("%s: open: %v", what, err)
		}
		return true
	}
	defer func() { _ = s.Close() }() // what is damaged need not close well
	reached, rows, err := read(s)
	if err != nil {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if guard := s.Guard(ctx); !errors.Is(guard, state.ErrDamaged) {
			t.Errorf("%s: read: %v, but the guard says %v", what, err, guard)
		}
		return true
	}
	if !slices.Equal(rows, after(int(reached))) {
		t.Errorf("%s: %d rows are not those of round %d", what, len(rows), reached)
	}
	return false
}
