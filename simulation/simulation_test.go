package simulation

import (
	"bufio"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// garbage is how much memory is left to lie before it is collected: each run is
// short-lived memory, and collecting it all the time would take a quarter of it.
const garbage = 2 << 30

// TestMain lets garbage lie.
func TestMain(m *testing.M) {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(garbage)
	os.Exit(m.Run())
}

// seedsOf reads YIYUAN_SIM_SEEDS=n[,from].
func seedsOf(t testing.TB, n uint64) (count, from uint64) {
	t.Helper()
	count, from = n, 1
	text := os.Getenv("YIYUAN_SIM_SEEDS")
	if text == "" {
		return count, from
	}
	first, second, both := strings.Cut(text, ",")
	var err error
	if count, err = strconv.ParseUint(first, 10, 64); err == nil && both {
		from, err = strconv.ParseUint(second, 10, 64)
	}
	if err != nil {
		t.Fatalf("YIYUAN_SIM_SEEDS=%q: want n or n,from", text)
	}
	return count, from
}

// kept are the seeds that failed once: testdata/seeds has one a line, with why.
func kept(t testing.TB) []uint64 {
	t.Helper()
	f, err := os.Open("testdata/seeds")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []uint64
	for lines := bufio.NewScanner(f); lines.Scan(); {
		text, _, _ := strings.Cut(lines.Text(), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, n)
	}
	return out
}

// tally is what many runs came to.
type tally struct {
	mu    sync.Mutex
	runs  int
	fired map[string]int
	next  func() (uint64, bool)
}

func (a *tally) take() (uint64, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.next()
}

func (a *tally) add(o outcome) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.runs++
	for name, n := range o.fired {
		a.fired[name] += n
	}
}

// lanes is how many bubbles run at the same time.
const lanes = 4

// runAll runs the seeds in several lanes, each with a checker of its own.
func runAll(t *testing.T, next func() (uint64, bool)) *tally {
	t.Helper()
	theCity(t)
	a := &tally{fired: map[string]int{}, next: next}
	t.Run("lanes", func(t *testing.T) {
		for lane := range lanes {
			t.Run(strconv.Itoa(lane), func(t *testing.T) {
				t.Parallel()
				c := newChecker(t)
				for {
					seed, more := a.take()
					if !more {
						return
					}
					o := run(t, seed, mutant{})
					a.add(o)
					if v := c.judge(t, o); len(v.Broken) > 0 {
						t.Errorf("seed %d broke promises:\n%s  replay: YIYUAN_SIM_SEEDS=1,%d go test ./simulation -run 'TestSimulation$' -count=1", seed, v, seed)
					}
				}
			})
		}
	})
	return a
}

// TestSimulation runs the seeds that failed once, then as many as there is time
// for.
func TestSimulation(t *testing.T) {
	n := uint64(runs)
	if testing.Short() {
		n = 20
	}
	count, from := seedsOf(t, n)
	var seeds []uint64
	if !raced && (os.Getenv("YIYUAN_SIM_SEEDS") == "" || count > 1) { // those that once showed something: no races, and no replay of one
		seeds = kept(t)
	}
	for i := range count {
		seeds = append(seeds, from+i)
	}
	a := runAll(t, func() (uint64, bool) {
		if len(seeds) == 0 {
			return 0, false
		}
		seed := seeds[0]
		seeds = seeds[1:]
		return seed, true
	})
	t.Logf("%d runs; faults that happened: %s", a.runs, a.told())
}

// told lists the faults with how often they happened.
func (a *tally) told() string {
	var out []string
	for name, n := range a.fired {
		out = append(out, fmt.Sprintf("%s %d", name, n))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// tries is how many seeds a mutant may need until it is caught: most need one, a
// race between a few milliseconds as many as a dozen.
const tries = 48

// TestMutantsAreCaught puts each mutant into the system and wants the checker to
// say that a promise is broken, by a rule that fits. That it says nothing of the
// system as it is, TestSimulation shows. The race detector makes it ten times as
// slow and sees nothing that it does not see in the other tests.
func TestMutantsAreCaught(t *testing.T) {
	if raced {
		t.Skip("without the race detector: the last part of make test")
	}
	t.Parallel()
	theCity(t)
	for _, m := range mutants {
		t.Run(strings.ReplaceAll(m.name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			c := newChecker(t)
			var said []string
			for seed := uint64(1); seed <= tries; seed++ {
				v := c.judge(t, run(t, seed, m))
				said = append(said, v.rules()...)
				if slices.ContainsFunc(v.rules(), func(rule string) bool { return slices.Contains(m.rules, rule) }) {
					t.Logf("caught at seed %d by %s", seed, v)
					return
				}
			}
			t.Errorf("not caught in %d seeds by any of %s; the checker said %s", tries, m.rules, said)
		})
	}
}

// inTurn leaves a quarter of the faults, every fourth, where the race detector makes each ten
// times as slow and YIYUAN_TEST_TURN says which: docs/testing.md.
func inTurn(t *testing.T, all []string) []string {
	t.Helper()
	turn, err := strconv.Atoi(os.Getenv("YIYUAN_TEST_TURN"))
	if !raced || err != nil { // unset, or "all"
		return all
	}
	var out []string
	for i, name := range all {
		if i%4+1 == turn {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		t.Fatalf("YIYUAN_TEST_TURN=%d, want 1 to 4 or all", turn)
	}
	return out
}

// TestEveryFaultHappens makes each fault of the table happen, a few in a run, and
// wants every promise kept: a fault that never comes proves nothing.
func TestEveryFaultHappens(t *testing.T) {
	t.Parallel()
	theCity(t)
	c := newChecker(t)
	fired := map[string]int{}
	missing := []string{"data.duplicate", "data.late", "data.old", "data.ahead", "data.awaited", "data.same", "data.unavailable", "data.truncate", "data.rejected", "data.poison", "catalogue.change", "keys.rotate"}
	for _, f := range slices.Concat(faults, sourceFaults) {
		missing = append(missing, f.name)
	}
	missing = append(missing, "source.lost", "gw.pressed")
	missing = inTurn(t, missing)
	all := len(missing)
	for seed := uint64(1); seed <= 60 && len(missing) > 0; seed++ {
		some := missing[:min(4, len(missing))]
		missing = append(slices.Clone(missing[len(some):]), some...)
		o := run(t, seed, mutant{faults: some})
		for name, n := range o.fired {
			fired[name] += n
		}
		if v := c.judge(t, o); len(v.Broken) > 0 {
			t.Errorf("seed %d with %s broke promises:\n%s", seed, some, v)
		}
		missing = slices.DeleteFunc(missing, func(name string) bool { return fired[name] > 0 })
	}
	if len(missing) > 0 {
		t.Errorf("never happened: %s", missing)
	}
	t.Logf("%d faults, all of them happened", all)
}

// TestSoak runs until it is stopped; see make soak.
func TestSoak(t *testing.T) {
	if os.Getenv("YIYUAN_SIM_SOAK") == "" {
		t.Skip("YIYUAN_SIM_SOAK is not set")
	}
	seed := uint64(time.Now().UnixMilli())
	t.Logf("from seed %d", seed)
	runAll(t, func() (uint64, bool) {
		seed++
		return seed, !t.Failed()
	})
}
