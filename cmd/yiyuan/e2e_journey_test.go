package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic/world"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// today is the city's today in tests that choose it.
var today = time.Date(2026, 11, 22, 12, 0, 0, 0, schemas.Zone)

// testKey is the master key of the tests' key ring, nextKey the one it is rotated to.
var (
	testKey = []byte("a key of the tests, 32 bytes long")
	nextKey = []byte("the key that comes after, 32 bytes")
)

func testKeys(t testing.TB) *keyring.Keyring {
	t.Helper()
	keys, err := keyring.New(keyring.Intl, map[int][]byte{1: testKey}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// ahead is a clock that stands at a day of the test's choice, runs as fast as
// the system's, and can be set forward.
type ahead struct {
	began time.Time
	by    atomic.Int64
}

func (c *ahead) now() time.Time {
	return today.Add(time.Since(c.began) + time.Duration(c.by.Load()))
}

// journey is a city in this process: broker, steps, and sources that end.
type journey struct {
	testing.TB
	app   *app
	clock *ahead
	base  time.Time // the city's today
	seed  int64
	ctx   context.Context
	// compacted: the broker may have dropped what is superseded, so a deletion
	// may stand without what it deleted.
	compacted bool
}

// begin opens the bus and starts the steps. They end with the test.
func begin(t testing.TB, seed int64, change func(*config)) *journey {
	t.Helper()
	cfg := defaultConfig()
	cfg.Bus.Embedded.Listen = "127.0.0.1:0"
	cfg.Processors.Instance = "test"
	if change != nil {
		change(&cfg)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context())) // the steps end before the test's context does
	a, err := newApp(ctx, cfg, testKeys(t), slog.New(slog.DiscardHandler))
	if err != nil {
		stop()
		t.Fatal(err)
	}
	j := &journey{TB: t, app: a, clock: &ahead{began: time.Now()}, base: today, seed: seed}
	a.clock = j.clock.now
	a.group, j.ctx = errgroup.WithContext(ctx)
	t.Cleanup(func() {
		stop()
		if err := a.group.Wait(); err != nil {
			t.Errorf("a part of the process failed: %v", err)
		}
		a.close()
	})
	if err := a.runProcessors(j.ctx); err != nil {
		t.Fatal(err)
	}
	return j
}

// options are the synthetic city's.
func (j *journey) options() synthetic.Options {
	return synthetic.Options{Seed: j.seed, Size: world.Tiny, Base: j.base}
}

// feed runs the thirteen departments' sources, with or without the corrections,
// until each has said everything.
func (j *journey) feed(correct bool) {
	j.Helper()
	group, ctx := errgroup.WithContext(j.ctx)
	for _, department := range synthetic.Departments() {
		o := j.options()
		o.Department, o.End, o.Correct = department, true, correct
		cfg := connectors.Config{
			Name: strings.ToLower(department) + "-live", Kind: "synthetic", Options: o.Map(),
			Logger: j.app.log, Keys: j.app.keys, Metrics: j.app.metrics, Catalogue: j.app.cat,
		}
		for _, d := range j.app.cat.Datasets {
			if d.Provider.ID == department {
				cfg.Datasets = append(cfg.Datasets, d)
			}
		}
		group.Go(func() error { return connectors.Run(ctx, j.app.bus, j.app.codec, cfg, synthetic.Open) })
	}
	if err := group.Wait(); err != nil {
		j.Fatal(err)
	}
}

// settle waits until every step has passed all there is and has gone through what
// waited for a first complete copy, then lets a minute pass: what is to stand for a
// while before it is found has stood.
func (j *journey) settle() {
	j.Helper()
	drain(j.ctx, j, j.app)
	await(j, "completions", time.Minute, func() string { // they follow the rows when those are of the present edition
		n, err := waking(j.ctx, j.app, contract.Route, func(key []byte, _ time.Time) bool {
			return key[len(key)-1] == 1 && !bytes.Contains(key, []byte{0})
		})
		if err != nil {
			j.Fatal(err)
		}
		if n > 0 {
			j.clock.by.Add(int64(time.Second))
			return fmt.Sprintf("%d wait", n)
		}
		return ""
	})
	for _, pass := range []time.Duration{0, time.Minute} {
		j.clock.by.Add(int64(pass))
		drain(j.ctx, j, j.app)
		j.awake()
	}
}

// awake waits until no wake-up of a step is due.
func (j *journey) awake() {
	j.Helper()
	await(j, "wake-ups", time.Minute, func() string {
		for _, step := range j.app.steps {
			n, err := waking(j.ctx, j.app, step.Name, func(_ []byte, at time.Time) bool { return !at.After(j.clock.now()) })
			if err != nil {
				j.Fatal(err)
			}
			if n > 0 {
				return fmt.Sprintf("%d of %s are due", n, step.Name)
			}
		}
		return ""
	})
}

// drain waits until each step, in the order a change passes them, has committed
// what stood in its inputs when the step before was done.
func drain(ctx context.Context, t testing.TB, a *app) {
	t.Helper()
	for _, step := range a.steps {
		ends, err := a.bus.EndOffsets(ctx, step.From...)
		if err != nil {
			t.Fatal(err)
		}
		await(t, "step "+step.Name, 3*time.Minute, func() string {
			if ctx.Err() != nil {
				t.Fatalf("step %s: %v", step.Name, context.Cause(ctx))
			}
			committed, err := a.bus.Committed(ctx, step.Name)
			if err != nil {
				return err.Error()
			}
			return lag(ends, committed)
		})
	}
}

// lag tells the first partition that stands before its end.
func lag(ends, committed map[contract.Topic]map[int32]int64) string {
	for topic, partitions := range ends {
		for p, end := range partitions {
			if at := committed[topic][p]; at < end {
				return fmt.Sprintf("%s/%d stands at %d of %d", topic, p, at, end)
			}
		}
	}
	return ""
}

// waking counts the wake-ups of a step that count. They are part of
// its state, and so in its changelog: 't', eight bytes of milliseconds, the key.
func waking(ctx context.Context, a *app, step string, counts func(key []byte, at time.Time) bool) (int, error) {
	type timer struct {
		partition int32 // a dataset's timer has the same key in each
		key       string
	}
	open := map[timer]bool{}
	err := a.bus.Replay(ctx, contract.State(step), func(r bus.Record) error {
		if bytes.HasPrefix(r.Key, []byte("t")) && len(r.Key) > 9 {
			open[timer{r.Partition, string(r.Key)}] = r.Value != nil
		}
		return nil
	})
	due := 0
	for t, there := range open {
		if there && counts([]byte(t.key[9:]), time.UnixMilli(int64(binary.BigEndian.Uint64([]byte(t.key[1:9]))))) {
			due++
		}
	}
	return due, err
}

// cell is one cell of a golden record: its value as text, and where it is from.
type cell struct {
	Value   string `json:"value"`
	Dataset string `json:"dataset"`
	Row     string `json:"row"`
	Flag    string `json:"flag,omitempty"`
}

// golden is all golden records: "entity key" -> field -> cell.
type golden map[string]map[string]cell

// golden reads the topics resolved.* and holds their versions against promise:
// each record of a key has a higher version than the one before, and differs.
func (j *journey) golden() golden {
	j.Helper()
	out, err := readGolden(j.ctx, j.app, j.compacted)
	if err != nil {
		j.Fatal(err)
	}
	return out
}

func readGolden(ctx context.Context, a *app, compacted bool) (golden, error) {
	out := golden{}
	var problems []error
	for _, e := range a.cat.Entities {
		if len(e.Fields) == 0 {
			continue
		}
		reader, versions, bodies := a.codec.Reader(e.ResolvedLayout()), map[string]int64{}, map[string]string{}
		err := a.bus.Replay(ctx, contract.Resolved(e.ID), func(r bus.Record) error {
			key := string(r.Key)
			name := e.ID + " " + key
			version := headerVersion(r)
			if version <= versions[key] {
				problems = append(problems, fmt.Errorf("version %d of %s follows %d", version, name, versions[key]))
			}
			versions[key] = version
			if r.Value == nil {
				if out[name] == nil && !compacted {
					problems = append(problems, fmt.Errorf("%s is deleted and was not there", name))
				}
				delete(out, name)
				delete(bodies, key)
				return nil
			}
			rec, err := reader.Decode(ctx, r.Value)
			if err != nil {
				return fmt.Errorf("decode %s: %w", name, err)
			}
			if said := rec.Get(schemas.VersionColumn).Int64(); said != version {
				problems = append(problems, fmt.Errorf("%s says version %d, its header %d", name, said, version))
			}
			cells := cellsOf(e, rec)
			out[name] = cells
			if story := tell(e, rec); story == bodies[key] {
				problems = append(problems, fmt.Errorf("version %d of %s says what the one before said", version, name))
			} else {
				bodies[key] = story
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, errors.Join(problems...)
}

// cellsOf writes a golden record's cells as text.
func cellsOf(e *schemas.Entity, rec schemas.Record) map[string]cell {
	cells := map[string]cell{}
	for _, f := range e.Fields {
		if v := rec.Get(f.Name); !v.IsNull() {
			cells[f.Name] = cell{Value: element.Render(f.Element, v)}
		}
	}
	for _, c := range rec.Get(schemas.CellsColumn).Records() {
		name := c.Get("field").Str()
		cells[name] = cell{Value: cells[name].Value, Dataset: c.Get("dataset").Str(), Row: c.Get("row").Str(), Flag: c.Get("flag").Str()}
	}
	return cells
}

// tell writes all of a golden record but its version and time.
func tell(e *schemas.Entity, rec schemas.Record) string {
	b := &strings.Builder{}
	for _, f := range e.Fields {
		fmt.Fprintf(b, "%q ", element.Render(f.Element, rec.Get(f.Name)))
	}
	for _, c := range rec.Get(schemas.CellsColumn).Records() {
		fmt.Fprintf(b, "%q %q %q %q %q %d", c.Get("field").Str(), c.Get("dataset").Str(), c.Get("row").Str(), c.Get("reason").Str(), c.Get("flag").Str(), c.Get("at").Int64())
		for _, l := range c.Get("losers").Records() {
			fmt.Fprintf(b, " -%q %q %q %q", l.Get("dataset").Str(), l.Get("row").Str(), l.Get("reason").Str(), l.Get("value").Str())
		}
	}
	return b.String()
}

func headerVersion(r bus.Record) int64 {
	var n int64
	if _, err := fmt.Sscanf(string(r.Header("ver")), "%x", &n); err != nil {
		return -1
	}
	return n
}
