package e2e

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

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic"
	"github.com/yiyuan-bus/yiyuan/connectors/synthetic/world"
	"github.com/yiyuan-bus/yiyuan/processors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// Today is the city's today in tests that choose it.
var Today = time.Date(2026, 11, 22, 12, 0, 0, 0, schemas.Zone)

// Ahead is a clock that stands at a day of the test's choice, runs as fast as
// the system's, and can be set forward.
type Ahead struct {
	Began time.Time
	by    atomic.Int64
}

// Now is the time by this clock.
func (c *Ahead) Now() time.Time {
	return Today.Add(time.Since(c.Began) + time.Duration(c.by.Load()))
}

// Journey is the test's own view of a city that runs, in another process or in this one: its bus as any of its steps sees it, and sources that end.
type Journey struct {
	testing.TB
	Bus     *bus.Bus
	Brokers []string
	Prefix  string
	Cat     *schemas.Catalogue
	Codec   *codec.Codec
	Keys    *keyring.Keyring
	Steps   []processors.Step
	Clock   *Ahead    // of a city in this process
	Base    time.Time // the city's today
	Seed    int64
	Ctx     context.Context
	// compacted: the broker may have dropped what is superseded, so a deletion
	// may stand without what it deleted.
	Compacted bool
}

// Options are the synthetic city's.
func (j *Journey) Options() synthetic.Options {
	return synthetic.Options{Seed: j.Seed, Size: world.Tiny, Base: j.Base}
}

// Feed runs the thirteen departments' sources, with or without the corrections,
// until each has said everything.
func (j *Journey) Feed(correct bool) {
	j.Helper()
	group, ctx := errgroup.WithContext(j.Ctx)
	for _, department := range synthetic.Departments() {
		o := j.Options()
		o.Department, o.End, o.Correct = department, true, correct
		cfg := connectors.Config{
			Name: strings.ToLower(department) + "-live", Kind: "synthetic", Options: o.Map(),
			Logger: slog.New(slog.DiscardHandler), Keys: j.Keys, Metrics: prometheus.NewRegistry(), Catalogue: j.Cat,
		}
		for _, d := range j.Cat.Datasets {
			if d.Provider.ID == department {
				cfg.Datasets = append(cfg.Datasets, d)
			}
		}
		group.Go(func() error { return connectors.Run(ctx, j.Bus, j.Codec, cfg, synthetic.Open) })
	}
	if err := group.Wait(); err != nil {
		j.Fatal(err)
	}
}

// Settle waits until every step has passed all there is and has gone through what
// waited for a first complete copy, then lets a minute pass: what is to stand for a
// while before it is found has stood.
func (j *Journey) Settle() {
	j.Helper()
	Drain(j.Ctx, j, j)
	Await(j, "completions", func() string { // they follow the rows when those are of the present edition
		n, err := Waking(j.Ctx, j, contract.Route, func(key []byte, _ time.Time) bool {
			return key[len(key)-1] == 1 && !bytes.Contains(key, []byte{0})
		})
		if err != nil {
			j.Fatal(err)
		}
		if n > 0 {
			j.Clock.by.Add(int64(time.Second))
			return fmt.Sprintf("%d wait", n)
		}
		return ""
	})
	for _, pass := range []time.Duration{0, time.Minute} {
		j.Clock.by.Add(int64(pass))
		Drain(j.Ctx, j, j)
		j.awake()
	}
}

// awake waits until no wake-up of a step is due.
func (j *Journey) awake() {
	j.Helper()
	Await(j, "wake-ups", func() string {
		for _, step := range j.Steps {
			n, err := Waking(j.Ctx, j, step.Name, func(_ []byte, at time.Time) bool { return !at.After(j.Clock.Now()) })
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

// Drain waits until each step, in the order a change passes them, has committed
// what stood in its inputs when the step before was done.
func Drain(ctx context.Context, t testing.TB, j *Journey) {
	t.Helper()
	for _, step := range j.Steps {
		ends, err := j.Bus.EndOffsets(ctx, step.From...)
		if err != nil {
			t.Fatal(err)
		}
		Await(t, "step "+step.Name, func() string {
			if ctx.Err() != nil {
				t.Fatalf("step %s: %v", step.Name, context.Cause(ctx))
			}
			committed, err := j.Bus.Committed(ctx, step.Name)
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

// Waking counts the wake-ups of a step that count. They are part of
// its state, and so in its changelog: 't', eight bytes of milliseconds, the key.
func Waking(ctx context.Context, j *Journey, step string, counts func(key []byte, at time.Time) bool) (int, error) {
	type timer struct {
		partition int32 // a dataset's timer has the same key in each
		key       string
	}
	open := map[timer]bool{}
	err := j.Bus.Replay(ctx, contract.State(step), func(r bus.Record) error {
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

// Cell is one cell of a golden record: its value as text, and where it is from.
type Cell struct {
	Value   string `json:"value"`
	Dataset string `json:"dataset"`
	Row     string `json:"row"`
	Flag    string `json:"flag,omitempty"`
}

// golden is all golden records: "entity key" -> field -> cell.
type golden map[string]map[string]Cell

// golden reads the topics resolved.* and holds their versions against promise:
// each record of a key has a higher version than the one before, and differs.
func (j *Journey) golden() golden {
	j.Helper()
	out, err := readGolden(j.Ctx, j, j.Compacted)
	if err != nil {
		j.Fatal(err)
	}
	return out
}

func readGolden(ctx context.Context, j *Journey, compacted bool) (golden, error) {
	out := golden{}
	var problems []error
	for _, e := range j.Cat.Entities {
		if len(e.Fields) == 0 {
			continue
		}
		reader, versions, bodies := j.Codec.Reader(e.ResolvedLayout()), map[string]int64{}, map[string]string{}
		err := j.Bus.Replay(ctx, contract.Resolved(e.ID), func(r bus.Record) error {
			key := string(r.Key)
			name := e.ID + " " + key
			version := HeaderVersion(r)
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
			cells := CellsOf(e, rec)
			out[name] = cells
			if story := Tell(e, rec); story == bodies[key] {
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

// CellsOf writes a golden record's cells as text.
func CellsOf(e *schemas.Entity, rec schemas.Record) map[string]Cell {
	cells := map[string]Cell{}
	for _, f := range e.Fields {
		if v := rec.Get(f.Name); !v.IsNull() {
			cells[f.Name] = Cell{Value: element.Render(f.Element, v)}
		}
	}
	for _, c := range rec.Get(schemas.CellsColumn).Records() {
		name := c.Get("field").Str()
		cells[name] = Cell{Value: cells[name].Value, Dataset: c.Get("dataset").Str(), Row: c.Get("row").Str(), Flag: c.Get("flag").Str()}
	}
	return cells
}

// Tell writes all of a golden record but its version and time.
func Tell(e *schemas.Entity, rec schemas.Record) string {
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

// HeaderVersion is the version in the header of a record, -1 if there is none.
func HeaderVersion(r bus.Record) int64 {
	var n int64
	if _, err := fmt.Sscanf(string(r.Header("ver")), "%x", &n); err != nil {
		return -1
	}
	return n
}
