package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres"
	"github.com/yiyuan-bus/yiyuan/connectors/sourcetest"
	"github.com/yiyuan-bus/yiyuan/connectors/standing"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// another is a further connection to the database.
func (db database) another(t *testing.T) database {
	t.Helper()
	conn, err := pgx.ConnectConfig(t.Context(), db.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	db.Conn = conn
	return db
}

// begun is a table of so many rows, and how far a source has read it.
func (db database) begun(t *testing.T, rows int) (connectors.Config, schemas.Position) {
	t.Helper()
	db.table(t, "t1")
	db.insert(t, "t1", 1, rows)
	cfg := db.config(t, nil)
	src := open(t, cfg, "")
	at := collect(t, src, true, caughtUp()).at
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	db.free(t)
	return cfg, at
}

// asked is an order as the runner passes it to a source that is opened.
func asked(t *testing.T, cfg connectors.Config, ask connectors.Ask) *contract.Backfill {
	t.Helper()
	order, err := postgres.Kind.Reread.Backfill.Order(cfg, ask)
	if err != nil {
		t.Fatal(err)
	}
	order.ID, order.Step = 1, contract.BackfillAsked
	return &order
}

// progress is what a runner writes into the order.
func progress(order *contract.Backfill, batches []connectors.Batch) (done bool) {
	for _, b := range batches {
		if b.Backfill == nil {
			continue
		}
		order.Step, order.Since, order.Minor, order.Place, order.Rows = contract.BackfillReading, b.Backfill.Since.Major, b.Backfill.Since.Minor, b.Backfill.Place, order.Rows+b.Backfill.Rows
		done = done || b.Backfill.Done
	}
	return done
}

// TestBackfillBesideTheStream: a table is read again while four sessions change it, in
// transactions that stay open for a while, and the source is opened again in between. Of what
// is known before half is struck out: the backfill must bring it again, nothing older must
// take the place of what is newer, and each row's last word has its highest place.
func TestBackfillBesideTheStream(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t)
			db.table(t, "t1")
			rng := mrand.New(mrand.NewPCG(seed, 11))
			db.must(t, "INSERT INTO t1 (region, id, count, note) SELECT 'n', 'R' || lpad(n::text, 2, '0'), n, 'x' FROM generate_series(0, 60) n")
			cfg := db.config(t, nil)
			src := open(t, cfg, "")
			c := collect(t, src, true, caughtUp())
			known := slices.DeleteFunc(c.changes, func(schemas.Change) bool { return rng.IntN(2) == 0 })
			if err := src.Close(); err != nil {
				t.Fatal(err)
			}
			var stop atomic.Bool
			var writers sync.WaitGroup
			for n := range uint64(4) {
				conn, rng := db.another(t), mrand.New(mrand.NewPCG(seed, 100+n))
				writers.Go(func() {
					for !stop.Load() {
						conn.scatter(t, rng)
					}
				})
			}
			t.Cleanup(func() { stop.Store(true); writers.Wait() })
			order := asked(t, cfg, connectors.Ask{Table: "t1"})
			done := false
			for lives := 0; !done; lives++ {
				db.free(t)
				one := *order
				cfg.Backfill = &one
				src = open(t, cfg, c.at)
				reads := rng.IntN(20)
				c = collect(t, src, true, func(c *collected) bool {
					last := len(c.batches) > 0 && c.batches[len(c.batches)-1].Backfill != nil && c.batches[len(c.batches)-1].Backfill.Done
					return last || lives < 3 && len(c.batches) > reads
				})
				known = append(known, c.changes...)
				done = progress(order, c.batches)
				if err := src.Close(); err != nil {
					t.Fatal(err)
				}
			}
			stop.Store(true)
			writers.Wait()
			cfg.Backfill = nil
			db.free(t)
			src = open(t, cfg, c.at)
			known = append(known, collect(t, src, true, caughtUp()).changes...)
			if d := cmp.Diff(db.contents(t, "t1"), folded(cfg.Datasets[0], known)); d != "" {
				t.Errorf("table and changes differ (-table +changes):\n%s", d)
			}
			places := map[string]schemas.Sequence{}
			for _, c := range known {
				if at, ever := places[c.Key]; ever && c.Origin.Sequence.Compare(at) <= 0 {
					t.Fatalf("a row's word at %s follows that at %s", c.Origin.Sequence, at)
				}
				places[c.Key] = c.Origin.Sequence
			}
		})
	}
}

// scatter runs a transaction that stays open while others commit.
func (db database) scatter(t *testing.T, rng *mrand.Rand) {
	id := func() string { return fmt.Sprintf("'R%02d'", rng.IntN(80)) }
	run := func(sql string) {
		if _, err := db.Exec(context.WithoutCancel(t.Context()), sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
	run("BEGIN")
	// In the order of their keys, so that no two sessions wait for one another.
	ids := []string{id(), id(), id()}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		switch rng.IntN(4) {
		case 0:
			run("DELETE FROM t1 WHERE region = 'n' AND id = " + id)
		case 1:
			run("UPDATE t1 SET note = repeat('z', " + fmt.Sprint(1+rng.IntN(2)*5000) + ") WHERE region = 'n' AND id = " + id)
		default:
			run("INSERT INTO t1 (region, id, count) VALUES ('n', " + id + ", 1) ON CONFLICT (region, id) DO UPDATE SET count = t1.count + 1")
		}
		if rng.IntN(3) == 0 {
			run("SELECT pg_sleep(0.002)")
		}
	}
	if rng.IntN(6) == 0 {
		run("ROLLBACK")
	} else {
		run("COMMIT")
	}
}

// TestBackfillWaitsForWhatIsOpen: rows that a transaction which began earlier may have changed
// are not read before it has ended, and it says so; the stream goes on. Not beside others: while
// a transaction is open no slot is made on the server.
func TestBackfillWaitsForWhatIsOpen(t *testing.T) { //nolint:paralleltest // see above
	db := newDatabase(t)
	cfg, at := db.begun(t, 5)
	other := db.another(t)
	other.must(t, "BEGIN", "UPDATE t1 SET count = 77 WHERE id = 'R0003'")
	cfg.Backfill = asked(t, cfg, connectors.Ask{Table: "public.t1"})
	src := open(t, cfg, at)
	said := func(c *collected) bool {
		return slices.ContainsFunc(c.batches, func(b connectors.Batch) bool { return b.Backfill != nil && b.Backfill.Why != "" })
	}
	c := collect(t, src, true, said)
	if len(c.changes) > 0 {
		t.Fatalf("%d rows were read beside an open transaction", len(c.changes))
	}
	db.insert(t, "t1", 6, 6)
	if c = collect(t, src, true, atLeast(1)); c.changes[0].Key != "north|R0006" {
		t.Errorf("the stream brought %s", c.changes[0].Key)
	}
	other.must(t, "COMMIT")
	c = collect(t, src, true, func(c *collected) bool {
		return slices.ContainsFunc(c.batches, func(b connectors.Batch) bool { return b.Backfill != nil && b.Backfill.Done })
	})
	for _, one := range c.changes {
		if one.Key == "north|R0003" && one.Record.Get("COUNT").Int64() != 77 {
			t.Errorf("an older version follows: %v", one.Record)
		}
	}
}

// TestBackfillOfARange: rows between two keys, both included, as the server sorts them; and
// which of those that are gone lie there.
func TestBackfillOfARange(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	cfg, at := db.begun(t, 20)
	cfg.Backfill = asked(t, cfg, connectors.Ask{Table: "t1", From: []string{"north", "R0004"}, To: []string{"north", "R0011"}})
	for _, secret := range []string{"R0004", "R0011", "north"} {
		if strings.Contains(cfg.Backfill.From+cfg.Backfill.To, secret) {
			t.Errorf("the order shows its keys: %+v", cfg.Backfill)
		}
	}
	src := open(t, cfg, at)
	c := collect(t, src, true, func(c *collected) bool {
		n := len(c.batches)
		return n > 0 && c.batches[n-1].Backfill != nil && c.batches[n-1].Backfill.Done
	})
	var keys []string
	for _, one := range c.changes {
		keys = append(keys, one.Key)
	}
	if d := cmp.Diff(keysOf(4, 11), keys); d != "" {
		t.Errorf("rows read again (-want +got):\n%s", d)
	}
	db.must(t, "DELETE FROM t1 WHERE id IN ('R0004', 'R0007', 'R0012')")
	inside, err := postgres.Kind.Reread.Backfill.Within(t.Context(), cfg, *cfg.Backfill, names("north|R0003", "north|R0004", "north|R0005", "north|R0007", "north|R0011a", "north|R0012", "south|R0001", "north", "north|R0010|x"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]bool{false, true, false, true, false, false, false, false, false}, inside); d != "" {
		t.Errorf("gone within the range (-want +got):\n%s", d)
	}
}

func names(keys ...string) (out []standing.Name) {
	for _, key := range keys {
		out = append(out, standing.Name{Key: key})
	}
	return out
}

// TestBackfillOnTheBus: what the topic says wrongly, a row too many, one too few, an old value,
// is right again once the table was read again beside the stream, and nothing else is touched.
func TestBackfillOnTheBus(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.table(t, "t1")
	db.insert(t, "t1", 1, 40)
	b := newBus(t)
	cfg := db.config(t, nil)
	cfg.Datasets = cfg.Datasets[:1]
	d, c := cfg.Datasets[0], codec.New(codec.NewMemory())
	run := func() (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- connectors.Run(ctx, b, c, cfg, postgres.Open) }()
		return func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	cfg.Reread = postgres.Kind.Reread
	holds := func(what string) {
		t.Helper()
		deadline := time.Now().Add(sourcetest.Patience)
		for diff := "nothing yet"; diff != ""; diff = cmp.Diff(db.contents(t, "t1"), folded(d, published(t, b, c, d))) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: table and topic differ (-table +topic):\n%s", what, diff)
			}
		}
	}
	stop := run()
	holds("first")
	db.must(t, "DELETE FROM t1 WHERE id = 'R0040'", "UPDATE t1 SET count = 900 WHERE id = 'R0010'")
	holds("changed")
	stop()
	db.free(t)
	plant(t, b, d)
	if diff := cmp.Diff(db.contents(t, "t1"), folded(d, published(t, b, c, d))); diff == "" {
		t.Fatal("nothing was planted")
	}
	order, err := cfg.Reread.Backfill.Order(cfg, connectors.Ask{Table: "t1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := connectors.Backfill(t.Context(), b, cfg.Name, order); err != nil {
		t.Fatal(err)
	}
	stop = run()
	holds("read again")
	deadline := time.Now().Add(sourcetest.Patience)
	for s := status(t, b, cfg.Name); len(s.Backfills) > 0; s = status(t, b, cfg.Name) {
		if time.Now().After(deadline) {
			t.Fatalf("the order stays: %+v", s.Backfills)
		}
	}
	db.insert(t, "t1", 50, 51)
	holds("after it")
	stop()
}

// plant publishes under the source's name what is not so: the row that was deleted last, the
// delete of one that is there, and one's former value.
func plant(t *testing.T, b *bus.Bus, d *schemas.Dataset) {
	t.Helper()
	p, err := b.Publisher(t.Context(), "test-pg")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	first := map[string]bus.Record{}
	var last schemas.Sequence
	err = b.Replay(t.Context(), contract.Raw(d.ID), func(r bus.Record) error {
		if _, at, ok := contract.ParsePos(r.Header(contract.Pos)); ok {
			last = at
		}
		if _, ever := first[string(r.Key)]; !ever {
			r.Key, r.Value, r.Headers = slices.Clone(r.Key), slices.Clone(r.Value), slices.Clone(r.Headers)
			first[string(r.Key)] = r
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var records []bus.Record
	for n, key := range []string{"north|R0040", "north|R0010", "north|R0020"} {
		r := first[key]
		r.Topic, r.Partition = contract.Raw(d.ID), bus.ByKey
		last.Minor += uint32(n) + 1
		for i, h := range r.Headers {
			switch {
			case h.Key == contract.Pos:
				r.Headers[i].Value = contract.AppendPos(nil, "test-pg", last)
			case h.Key == contract.Operation && key == "north|R0020":
				r.Headers[i].Value, r.Value = []byte("d"), nil
			}
		}
		records = append(records, r)
	}
	if err := p.Publish(t.Context(), records, p.Status()); err != nil {
		t.Fatal(err)
	}
}

// status is what a source last said of itself.
func status(t *testing.T, b *bus.Bus, name string) (s contract.SourceStatus) {
	t.Helper()
	err := b.Replay(t.Context(), contract.Sources, func(r bus.Record) error {
		if string(r.Key) != name {
			return nil
		}
		s = contract.SourceStatus{}
		return json.Unmarshal(r.Value, &s)
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestBackfillRefused: what cannot be ordered is refused with why.
func TestBackfillRefused(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	cfg := db.config(t, nil)
	for name, ask := range map[string]connectors.Ask{
		"no such table": {Table: "t9"}, "no table": {}, "a short key": {Table: "t1", From: []string{"north"}}, "a long key": {Table: "t1", To: []string{"a", "b", "c"}},
		"a window": {Table: "t1", Window: "at night"}, "a rate": {Table: "t1", Rate: -1},
	} {
		if _, err := postgres.Kind.Reread.Backfill.Order(cfg, ask); !errors.Is(err, connectors.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
	cfg.Keys = nil
	if _, err := postgres.Kind.Reread.Backfill.Order(cfg, connectors.Ask{Table: "t1", From: []string{"a", "b"}}); !errors.Is(err, connectors.ErrConfig) {
		t.Errorf("without keys: %v", err)
	}
}
