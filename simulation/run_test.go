package simulation

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// The course of a run, by the bubble's clock.
const (
	settleLimit = 90 * time.Second // within which everything must be level again once the faults have ended
	askEvery    = 250 * time.Millisecond
	ripening    = 1700 * time.Millisecond // a second that a contradiction must stand, and a look at the timers
)

// hangLimit is how long a run may take by our clock: a hundred times and more of
// what it does.
const hangLimit = 3 * time.Minute

// outcome is what a run leaves.
type outcome struct {
	seed    uint64
	lines   []byte
	fired   map[string]int
	settled bool
}

// run runs one seed.
func run(t *testing.T, seed uint64, m mutant) outcome {
	t.Helper()
	var out outcome
	watch := time.AfterFunc(hangLimit, func() {
		debug.SetTraceback("all")
		panic(fmt.Sprintf("seed %d hangs: the bubble's clock stands still, or runs and nothing comes of it", seed))
	})
	defer watch.Stop()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed, m)
		w.history.put("run", event{"seed": seed, "mutant": m.name, "catalogue": 0})
		out = w.play()
	})
	return out
}

// moment is something that happens at a time of the run.
type moment struct {
	at time.Duration
	do func()
}

// play starts everything, lets data, questions and faults happen, heals, waits
// until all is level, and writes down what there is.
func (w *world) play() outcome {
	w.start("connectors", "conn", w.runConnectors)
	w.start("processors", "proc", w.runProcessors)
	w.start("gateway", "gw", w.runGateway)
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	defer cancel()
	go w.keepSweeping(ctx)
	w.await(ctx, w.announced)
	w.voice = newVoice(w, w.stream(2))
	script := w.script(w.voice)
	begin := time.Now()
	asking, hush := context.WithCancel(ctx)
	w.asking.Go(func() { w.keepAsking(asking, w.stream(3)) })
	w.press(asking)
	for _, m := range script {
		wait(ctx, time.Until(begin.Add(m.at)))
		m.do()
	}
	hush()
	w.heal()
	out := outcome{seed: w.seed, settled: w.settle(ctx)}
	w.asking.Wait()
	w.close()
	w.dump()
	out.lines, out.fired = w.history.bytes(), w.history.fired
	return out
}

// await waits until something is so.
func (w *world) await(ctx context.Context, so func(context.Context) bool) {
	for !so(ctx) {
		wait(ctx, 5*time.Millisecond)
	}
}

// announced tells whether every department's source has said that it is there:
// before that nobody can know that an answer lacks what it will say.
func (w *world) announced(ctx context.Context) bool {
	known := map[string]bool{}
	err := w.bus.Replay(ctx, contract.Sources, func(r bus.Record) error {
		known[string(r.Key)] = true
		return nil
	})
	if err != nil {
		w.t.Error(err)
	}
	return len(known) >= len(w.departments)
}

// script is what happens when: the departments' words and the seed's faults.
func (w *world) script(v *voice) []moment {
	shape := w.stream(4)
	span := time.Duration(2000+shape.IntN(5000)) * time.Millisecond
	within := func(r *rand.Rand) time.Duration { return time.Duration(r.Int64N(int64(span))) }
	var out []moment
	for range 25 + shape.IntN(30) {
		at := within(shape)
		for range 1 + shape.IntN(3) {
			out = append(out, moment{at, v.speak})
		}
	}
	out = append(out, w.trouble(v, w.stream(5), span)...)
	if d := w.awaited(); d != nil {
		out = append(out, moment{span/3 + within(w.stream(12))*2/3, func() { d.arrive(w.ends(contract.Findings)) }})
	}
	slices.SortStableFunc(out, func(a, b moment) int { return int(a.at - b.at) })
	return out
}

// awaited is the department of which nothing is delivered before long, nil if there is
// none.
func (w *world) awaited() *department {
	for _, d := range w.departments {
		if d.late {
			return d
		}
	}
	return nil
}

// keepAsking asks now and then until ctx ends.
func (w *world) keepAsking(ctx context.Context, r *rand.Rand) {
	for ctx.Err() == nil {
		wait(ctx, time.Duration(r.Int64N(int64(askEvery))))
		for range 1 + r.IntN(2) {
			q := question{app: "reader", view: "person.partial", key: people[r.IntN(len(people))]}
			switch n := r.IntN(10); {
			case n < 2:
				q.app = "clerk"
			case n < 4:
				q.view = "RS02.partial"
			case n < 5:
				q.fields = "XM,LXDH"
			}
			w.asking.Go(func() { w.ask(context.WithoutCancel(ctx), q) })
		}
	}
}

// heal ends every fault.
func (w *world) heal() {
	w.history.put("heal", event{})
	w.armed.clear()
	for _, f := range w.refusals {
		f.Remove()
	}
	w.diskFull.Store(false)
	w.diskBad.Store(false)
	w.skew.Store(w.furthest)
	for _, p := range w.processes {
		if l := p.now(); l != nil {
			go l.line.Release() // it waits until the broker takes what was held
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.processes)) { // none may go on under the old catalogue or key
		if l := w.processes[name].now(); l != nil && (l.version != w.version() || l.ring != w.ring()) {
			l.kill()
		}
	}
}

// settle waits until every application's view of every person says that it is as
// of a time after everything was said.
func (w *world) settle(ctx context.Context) bool {
	wait(ctx, 20*time.Millisecond)
	quiet := time.Now()
	w.history.put("quiet", event{})
	for time.Since(quiet) < settleLimit {
		wait(ctx, 400*time.Millisecond)
		if w.level(ctx, quiet) {
			wait(ctx, ripening)
			w.history.put("settled", event{})
			return true
		}
	}
	w.history.put("stuck", event{"log": tail(w.said.String(), 6000)})
	return false
}

// level asks about everyone, and stops at the first answer that is not level.
func (w *world) level(ctx context.Context, quiet time.Time) bool {
	for _, view := range []string{"RS02.partial", "person.partial"} {
		for _, key := range people {
			a := w.ask(ctx, question{app: "reader", view: view, key: key})
			if a.status != http.StatusOK && a.status != http.StatusNotFound || !a.asOf.After(quiet) {
				return false
			}
		}
	}
	return true
}

// close ends all processes in good order.
func (w *world) close() {
	for _, name := range []string{"follower", "gateway", "connectors", "standby", "processors"} {
		if p := w.processes[name]; p != nil {
			p.end()
		}
	}
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }
