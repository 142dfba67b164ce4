package connectors_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/embedded"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// counting is a source of numbered changes that fails where it is told to.
type counting struct {
	d       *schemas.Dataset
	from    int
	upto    int
	batch   int
	fail    func(at int) error
	mu      sync.Mutex
	confirm []string
	closed  bool
}

func (c *counting) Read(context.Context) (connectors.Batch, error) {
	if c.fail != nil {
		if err := c.fail(c.from); err != nil {
			return connectors.Batch{}, err
		}
	}
	if c.from >= c.upto {
		return connectors.Batch{}, io.EOF
	}
	var b connectors.Batch
	for range min(c.batch, c.upto-c.from) {
		c.from++
		b.Changes = append(b.Changes, building(c.d, c.from))
	}
	b.Rejections = []contract.Rejection{{Dataset: c.d.ID, Reason: contract.ReasonInvalid, Detail: "x", Source: "count", At: time.UnixMilli(1), Locator: strconv.Itoa(c.from)}}
	b.After = schemas.Position(strconv.Itoa(c.from))
	b.CaughtUp = time.UnixMilli(int64(c.from))
	return b, nil
}

func (c *counting) Confirm(_ context.Context, p schemas.Position) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.confirm = append(c.confirm, string(p))
	return nil
}

func (c *counting) Close() error { c.closed = true; return nil }

func building(d *schemas.Dataset, n int) schemas.Change {
	values := []schemas.Value{schemas.Text("B" + strconv.Itoa(n)), schemas.Text("x"), schemas.Int(3), schemas.Text("云岭路" + strconv.Itoa(n) + "号")}
	return schemas.Change{
		Dataset: d, Key: "B" + strconv.Itoa(n), Op: schemas.Create, Record: schemas.NewRecord(d.Layout, values),
		Origin: schemas.Origin{Source: "count", Sequence: schemas.Sequence{Major: uint64(n)}, At: time.UnixMilli(int64(n)), Tx: "t", TxIndex: n},
	}
}

type world struct {
	brokers []string
	bus     *bus.Bus
	codec   *codec.Codec
	cat     *schemas.Catalogue
	d       *schemas.Dataset
	part    bool // what is read again need not be all that there is
}

func newWorld(t *testing.T) world {
	t.Helper()
	broker, err := embedded.Start(t.Context(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	b, err := bus.Open(t.Context(), bus.Config{Brokers: broker.Addrs()}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	d, err := cat.Dataset("ZJ01")
	if err != nil {
		t.Fatal(err)
	}
	err = b.Ensure(t.Context(), contract.Spec{Topic: contract.Raw(d.ID), Compact: true}, contract.Spec{Topic: contract.Quarantine}, contract.Spec{Topic: contract.Sources, Compact: true, Partitions: 1})
	if err != nil {
		t.Fatal(err)
	}
	return world{broker.Addrs(), b, codec.New(codec.NewMemory()), cat, d, false}
}

func (w world) config() connectors.Config {
	cfg := connectors.Config{Name: "count", Kind: "counting", Datasets: []*schemas.Dataset{w.d}, Catalogue: w.cat, Metrics: prometheus.NewRegistry()}
	cfg.Reread.Backfill = &connectors.Backfilling{Within: within}
	if w.part {
		cfg.Reread.Part = func(_ connectors.Config, at schemas.Position) (chinese, english string) {
			return "到 " + string(at), "up to " + string(at)
		}
	}
	return cfg
}

// published returns keys of raw records in order of their sequence, and the
// number of rejections.
func (w world) published(t *testing.T) ([]string, int) {
	t.Helper()
	byPos := map[string]string{}
	var order []string
	err := w.bus.Replay(t.Context(), contract.Raw(w.d.ID), func(r bus.Record) error {
		if _, mark := contract.RefusedRow(r.Key); mark {
			return nil
		}
		pos := string(r.Header("pos"))
		if _, twice := byPos[pos]; twice {
			t.Errorf("%s was published twice", pos)
		}
		byPos[pos] = string(r.Key)
		order = append(order, pos)
		if string(r.Header("op")) != "c" || string(r.Header("cat")) != w.cat.Version || len(r.Header("run")) == 0 || !strings.HasPrefix(string(r.Header("tx")), "t,") {
			t.Errorf("headers of %s are not as the contract has them: %q", pos, r.Headers)
		}
		rec, err := w.codec.Reader(w.d.Layout).Decode(t.Context(), r.Value)
		if err != nil || rec.Value(0).Str() != string(r.Key) {
			t.Errorf("value of %s does not decode to its row: %v", pos, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(order)
	var keys []string
	for _, pos := range order {
		keys = append(keys, byPos[pos])
	}
	rejections := 0
	if err := w.bus.Replay(t.Context(), contract.Quarantine, func(bus.Record) error { rejections++; return nil }); err != nil {
		t.Fatal(err)
	}
	return keys, rejections
}

func (w world) status(t *testing.T) contract.SourceStatus {
	t.Helper()
	p, err := w.bus.Publisher(t.Context(), "count")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	return p.Status()
}

func want(n int) []string {
	var keys []string
	for i := 1; i <= n; i++ {
		keys = append(keys, "B"+strconv.Itoa(i))
	}
	return keys
}

func TestRunPublishesToTheEnd(t *testing.T) {
	w := newWorld(t)
	src := &counting{d: w.d, upto: 10, batch: 3}
	err := connectors.Run(t.Context(), w.bus, w.codec, w.config(), func(context.Context, connectors.Config, schemas.Position) (connectors.Source, error) { return src, nil })
	if err != nil {
		t.Fatal(err)
	}
	keys, rejections := w.published(t)
	if d := cmp.Diff(want(10), keys); d != "" || rejections != 4 {
		t.Errorf("rows (-want +got):\n%s\n%d rejections, want 4", d, rejections)
	}
	if d := cmp.Diff([]string{"3", "6", "9", "10"}, src.confirm); d != "" || !src.closed {
		t.Errorf("confirmed (-want +got):\n%s\nclosed %v", d, src.closed)
	}
	got := w.status(t)
	got.At = 0
	if d := cmp.Diff(contract.SourceStatus{Position: "10", Epoch: 1, Datasets: []string{"ZJ01"}, State: "stopped", CaughtUp: 10, Complete: []string{"ZJ01"}, Announced: []string{"ZJ01"}, Rows: 10, Kind: "counting", Catalogue: w.cat.Version}, got); d != "" {
		t.Errorf("status (-want +got):\n%s", d)
	}
}

// A source says that it is there before it reads anything, for whoever answers
// must not call current what lacks its rows: when it is new, and when it comes
// back after it was retired, but not each time.
func TestRunAnnounces(t *testing.T) {
	w := newWorld(t)
	for _, step := range []struct {
		retire bool
		want   []string // states written until the source is opened
	}{
		{want: []string{"starting"}},
		{want: []string{"starting", "running", "complete", "stopped"}},
		{retire: true, want: []string{"starting", "running", "complete", "stopped", "running", "complete", "stopped", "retired", "retired", "starting"}},
	} {
		if step.retire {
			if err := connectors.Retire(t.Context(), w.bus, "count", "op@host"); err != nil {
				t.Fatal(err)
			}
			if err := connectors.Start(t.Context(), w.bus, "count"); err != nil {
				t.Fatal(err)
			}
		}
		open := func(ctx context.Context, _ connectors.Config, after schemas.Position) (connectors.Source, error) {
			var states []string
			err := w.bus.Replay(ctx, contract.Sources, func(r bus.Record) error {
				var s contract.SourceStatus
				err := json.Unmarshal(r.Value, &s)
				if !slices.Equal(s.Datasets, []string{w.d.ID}) {
					t.Errorf("status %q is of %q, want %q", s.State, s.Datasets, w.d.ID)
				}
				if s.State == "running" && len(states) > 0 && states[len(states)-1] == "running" {
					s.State = "complete" // all that was read, and then says so
				}
				states = append(states, s.State)
				return err
			})
			if d := cmp.Diff(step.want, states); d != "" || err != nil {
				t.Errorf("said before the source is opened (-want +got):\n%s\n%v", d, err)
			}
			from, _ := strconv.Atoi(string(after))
			return &counting{d: w.d, from: from, upto: from + 1, batch: 1}, nil
		}
		if err := connectors.Run(t.Context(), w.bus, w.codec, w.config(), open); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRunResumesAfterTransientErrors(t *testing.T) {
	w := newWorld(t)
	failed := map[int]bool{}
	opens := []string{}
	open := func(_ context.Context, _ connectors.Config, after schemas.Position) (connectors.Source, error) {
		opens = append(opens, string(after))
		if len(opens) == 2 {
			return nil, errors.New("not yet")
		}
		from, _ := strconv.Atoi(string(after))
		return &counting{d: w.d, from: from, upto: 12, batch: 2, fail: func(at int) error {
			if (at == 4 || at == 8) && !failed[at] {
				failed[at] = true
				return errors.New("connection reset")
			}
			return nil
		}}, nil
	}
	if err := connectors.Run(t.Context(), w.bus, w.codec, w.config(), open); err != nil {
		t.Fatal(err)
	}
	keys, _ := w.published(t)
	if d := cmp.Diff(want(12), keys); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
	// A publisher that cannot tell what became of a commit is opened anew too, at
	// the same place: what counts is that no place is skipped or gone back to.
	if d := cmp.Diff([]string{"", "4", "8"}, slices.Compact(opens)); d != "" || len(opens) < 4 {
		t.Errorf("opened %d times, at (-want +got):\n%s", len(opens), d)
	}
}

// TestRunSaysWhatOpenWaitsFor: a source that waits while it is opened says so on the bus
// meanwhile, and no more when it reads.
func TestRunSaysWhatOpenWaitsFor(t *testing.T) {
	w := newWorld(t)
	cfg := w.config()
	var told []connectors.Told
	cfg.Tell = func(x connectors.Told) { told = append(told, x) }
	err := connectors.Run(t.Context(), w.bus, w.codec, cfg, func(ctx context.Context, cfg connectors.Config, _ schemas.Position) (connectors.Source, error) {
		if err := cfg.Waits(ctx, fmt.Errorf("for somebody: %w", connectors.ErrWaiting)); err != nil {
			return nil, err
		}
		if is := told[len(told)-1]; is.Status.State != contract.StateWaiting || !strings.Contains(is.Status.Error, "for somebody") {
			t.Errorf("while it is opened it says %+v", is)
		}
		return &counting{d: w.d, upto: 3, batch: 3}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, is := range told[len(told)-2:] {
		if is.Status.State == contract.StateWaiting || is.Status.Error != "" {
			t.Errorf("it has read, and says %+v", is.Status)
		}
	}
}

func TestRunFailsClosed(t *testing.T) {
	for _, fatal := range []error{connectors.ErrPositionLost, connectors.ErrConfig} {
		t.Run(fatal.Error(), func(t *testing.T) {
			w := newWorld(t)
			open := func(_ context.Context, _ connectors.Config, _ schemas.Position) (connectors.Source, error) {
				return &counting{d: w.d, upto: 12, batch: 2, fail: func(at int) error {
					if at == 4 {
						return fmt.Errorf("slot is gone: %w", fatal)
					}
					return nil
				}}, nil
			}
			if err := connectors.Run(t.Context(), w.bus, w.codec, w.config(), open); !errors.Is(err, fatal) {
				t.Errorf("Run = %v, want %v", err, fatal)
			}
			got := w.status(t)
			if got.State != contract.StateFailed || got.Position != "4" || !strings.Contains(got.Error, "slot is gone") {
				t.Errorf("status = %+v, want failed at 4 with its reason", got)
			}
		})
	}
}

func TestRunStopsWithContext(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	open := func(_ context.Context, _ connectors.Config, _ schemas.Position) (connectors.Source, error) {
		return &counting{d: w.d, upto: 4, batch: 2, fail: func(at int) error {
			if at == 4 {
				cancel()
				return ctx.Err()
			}
			return nil
		}}, nil
	}
	if err := connectors.Run(ctx, w.bus, w.codec, w.config(), open); err != nil {
		t.Errorf("Run = %v, want nil when the context ends", err)
	}
	if got := w.status(t); got.State != contract.StateStopped || got.Position != "4" {
		t.Errorf("status = %+v, want stopped at 4", got)
	}
}

// special yields batches that were made by hand.
type special struct {
	batches []connectors.Batch
}

func (s *special) Read(context.Context) (connectors.Batch, error) {
	if len(s.batches) == 0 {
		return connectors.Batch{}, io.EOF
	}
	b := s.batches[0]
	s.batches = s.batches[1:]
	return b, nil
}

func (s *special) Close() error { return nil }

func TestRunTakesOversizedRowsAside(t *testing.T) {
	w := newWorld(t)
	huge := building(w.d, 2)
	huge.Record = huge.Record.With(1, schemas.Text(strings.Repeat("x", 1<<20)))
	b := connectors.Batch{Changes: []schemas.Change{building(w.d, 1), huge, building(w.d, 3)}, After: "3"}
	err := connectors.Run(t.Context(), w.bus, w.codec, w.config(), func(context.Context, connectors.Config, schemas.Position) (connectors.Source, error) {
		return &special{[]connectors.Batch{b}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	keys, rejections := w.published(t)
	if d := cmp.Diff([]string{"B1", "B3"}, keys); d != "" || rejections != 1 {
		t.Errorf("rows (-want +got):\n%s\n%d rejections, want 1", d, rejections)
	}
	if marks := w.marks(t); len(marks) != 1 || marks[0].key != "B2" {
		t.Errorf("marks = %+v, want one of B2", marks)
	}
}

// mark is a record of the raw topic that says of a row that it was refused.
type mark struct {
	key, pos, about string
	partition       int32
}

func (w world) marks(t *testing.T) (out []mark) {
	t.Helper()
	err := w.bus.Replay(t.Context(), contract.Raw(w.d.ID), func(r bus.Record) error {
		row, ok := contract.RefusedRow(r.Key)
		if ok != (string(r.Header("op")) == "x") || ok && r.Value != nil {
			t.Errorf("a mark with op %q and %d bytes of content", r.Header("op"), len(r.Value))
		}
		if ok {
			out = append(out, mark{string(row), string(r.Header("pos")), contract.ParseAbout(r.Header("about"), "BZDZ"), r.Partition})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestRunMarksRefusedRows: of a row that the source refused and whose key is known the
// raw topic tells, in the row's own partition and with its place among the row's
// changes, and under a key of its own, or compaction would take the row for it.
func TestRunMarksRefusedRows(t *testing.T) {
	w := newWorld(t)
	at := func(n uint64) schemas.Origin {
		return schemas.Origin{Source: "count", Sequence: schemas.Sequence{Major: n}, At: time.UnixMilli(int64(n)), Tx: "t"}
	}
	cells := func(key string) []connectors.Cell {
		return []connectors.Cell{connectors.Text(key), connectors.Text("x"), connectors.Text("many"), connectors.Text("云岭路 7 号")}
	}
	b := connectors.Batch{Changes: []schemas.Change{building(w.d, 1), building(w.d, 2)}, After: "3"}
	for i, key := range []string{"B1", "", "B7"} {
		b.Rejections = append(b.Rejections, contract.Rejection{Dataset: w.d.ID, Reason: contract.ReasonInvalid, Detail: "x", Source: "count", At: time.UnixMilli(1), Locator: strconv.Itoa(i), Digest: strconv.Itoa(i)})
		b.Refuse(w.config().Keys, w.d, key, cells(key), at(uint64(11+i)), schemas.Spelling{})
	}
	err := connectors.Run(t.Context(), w.bus, w.codec, w.config(), func(context.Context, connectors.Config, schemas.Position) (connectors.Source, error) {
		return &special{[]connectors.Batch{b}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if keys, rejections := w.published(t); len(keys) != 2 || rejections != 3 {
		t.Errorf("rows %q and %d rejections, want B1, B2 and 3", keys, rejections)
	}
	n, err := w.bus.Partitions(t.Context(), contract.Raw(w.d.ID))
	if err != nil {
		t.Fatal(err)
	}
	marks := w.marks(t)
	slices.SortFunc(marks, func(a, b mark) int { return strings.Compare(a.key, b.key) })
	if len(marks) != 2 || marks[0].key != "B1" || marks[1].key != "B7" {
		t.Fatalf("marks = %+v, want B1 and B7", marks)
	}
	for _, m := range marks {
		if m.partition != bus.PartitionOf([]byte(m.key), n) || !strings.HasPrefix(m.pos, "count@") || m.about == "" {
			t.Errorf("mark %+v: another partition than its row's, or it does not say where it stands and whom it is about", m)
		}
	}
}

func TestRunTruncatesEveryPartition(t *testing.T) {
	w := newWorld(t)
	at := schemas.Origin{Source: "count", Sequence: schemas.Sequence{Major: 9}, At: time.UnixMilli(9)}
	na := building(w.d, 1)
	na.Record = na.Record.With(3, schemas.Unavailable)
	b := connectors.Batch{After: "9", Changes: []schemas.Change{na, {Dataset: w.d, Key: "B1", Op: schemas.Delete, Origin: at}, {Dataset: w.d, Op: schemas.Truncate, Origin: at}}}
	err := connectors.Run(t.Context(), w.bus, w.codec, w.config(), func(context.Context, connectors.Config, schemas.Position) (connectors.Source, error) {
		return &special{[]connectors.Batch{b}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	truncated, deleted, unavailable := map[int32]bool{}, 0, ""
	err = w.bus.Replay(t.Context(), contract.Raw(w.d.ID), func(r bus.Record) error {
		switch string(r.Header("op")) {
		case "t":
			truncated[r.Partition] = len(r.Key) == 0 && r.Value == nil
		case "d":
			if string(r.Key) == "B1" && r.Value == nil {
				deleted++
			}
		case "c":
			unavailable = string(r.Header("na"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := w.bus.Partitions(t.Context(), contract.Raw(w.d.ID)); len(truncated) != n || deleted != 1 || unavailable != "BZDZ" {
		t.Errorf("truncated %v of %d partitions, deleted %d rows, na %q", truncated, n, deleted, unavailable)
	}
}

// A source that panics is tried again; what it panicked with is told to nobody.
func TestRunPanics(t *testing.T) {
	w := newWorld(t)
	const canary = "539902198503120777"
	tries := 0
	var log bytes.Buffer
	cfg := w.config()
	cfg.Logger = slog.New(slog.NewJSONHandler(&log, nil))
	err := connectors.Run(t.Context(), w.bus, w.codec, cfg, func(_ context.Context, _ connectors.Config, after schemas.Position) (connectors.Source, error) {
		from, _ := strconv.Atoi(string(after))
		return &counting{d: w.d, from: from, upto: 4, batch: 2, fail: func(at int) error {
			if tries++; at == 2 && tries < 3 {
				panic(canary)
			}
			return nil
		}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if text := log.String(); strings.Contains(text, canary) || !strings.Contains(text, "runner_test.go:") {
		t.Errorf("the log says %s", text)
	}
}

// A source that begins with no position counts as newer than all it said before,
// whatever became of its status; one that goes on does not. A batch may say that
// a source with a position begins anew.
func TestRunCountsEpochs(t *testing.T) {
	w := newWorld(t)
	run := func(b ...connectors.Batch) (epoch uint64) {
		t.Helper()
		err := connectors.Run(t.Context(), w.bus, w.codec, w.config(), func(context.Context, connectors.Config, schemas.Position) (connectors.Source, error) {
			return &special{b}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var last schemas.Sequence
		err = w.bus.Replay(t.Context(), contract.Raw(w.d.ID), func(r bus.Record) error {
			_, text, _ := strings.Cut(string(r.Header("pos")), "@")
			at, err := schemas.ParseSequence(text)
			if at.Compare(last) > 0 {
				last = at
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if last.Epoch == 0 {
			t.Error("rows of a new source have epoch 0, that of those before there were epochs")
		}
		return w.status(t).Epoch
	}
	one := func(n int) connectors.Batch {
		return connectors.Batch{Changes: []schemas.Change{building(w.d, n)}, After: schemas.Position(strconv.Itoa(n))}
	}
	write := func(value []byte) {
		t.Helper()
		if err := w.bus.Append(t.Context(), bus.Record{Topic: contract.Sources, Partition: bus.ByKey, Key: []byte("count"), Value: value}); err != nil {
			t.Fatal(err)
		}
	}
	first := run(one(9))
	if got := run(one(10)); got != first {
		t.Errorf("a source that goes on has epoch %d, had %d", got, first)
	}
	write(nil)
	second := run(one(1))
	if second <= first {
		t.Errorf("after a tombstone epoch %d follows %d", second, first)
	}
	anew := one(2)
	anew.Anew = true
	third := run(anew, one(3))
	if third <= second {
		t.Errorf("read anew, epoch %d follows %d", third, second)
	}
	write([]byte(`{"position":"4","at":1,"state":"stopped"}`)) // as the build before there were epochs left it
	if got := run(one(5)); got != 0 {
		t.Errorf("a source that goes on from before there were epochs has epoch %d", got)
	}
}

// TestRunDatesNothingInTheFuture: a clock that is ahead, or a file dated 2099, is not
// the newest for good.
func TestRunDatesNothingInTheFuture(t *testing.T) {
	w := newWorld(t)
	ahead, before := time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC), time.UnixMilli(2)
	first, second := building(w.d, 1), building(w.d, 2)
	first.Origin.At, second.Origin.At = ahead, before
	rejection := contract.Rejection{Dataset: w.d.ID, Reason: contract.ReasonInvalid, Source: "count", At: ahead, Locator: "x"}
	b := connectors.Batch{Changes: []schemas.Change{first, second}, Rejections: []contract.Rejection{rejection}, After: "2", CaughtUp: ahead}
	at := map[string]time.Time{}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(connectors.Run(t.Context(), w.bus, w.codec, w.config(), func(context.Context, connectors.Config, schemas.Position) (connectors.Source, error) {
		return &special{[]connectors.Batch{b}}, nil
	}))
	must(w.bus.Replay(t.Context(), contract.Raw(w.d.ID), func(r bus.Record) error { at[string(r.Key)] = r.Time; return nil }))
	must(w.bus.Replay(t.Context(), contract.Quarantine, func(r bus.Record) error { at["quarantine"] = r.Time; return nil }))
	if now := time.Now(); at["B1"].After(now) || at["B1"].IsZero() || at["quarantine"].After(now) || !at["B2"].Equal(before) {
		t.Errorf("dated %v", at)
	}
	if s := w.status(t); time.UnixMilli(s.CaughtUp).After(time.Now()) || s.CaughtUp == 0 {
		t.Errorf("caught up to %v", time.UnixMilli(s.CaughtUp))
	}
}
