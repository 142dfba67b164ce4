package postgres_test

import (
	"context"
	"fmt"
	"log/slog"
	mrand "math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/embedded"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres"
	"github.com/yiyuan-bus/yiyuan/connectors/sourcetest"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// breaking is a source whose reads and confirmations fail now and then, so that
// the runner builds publisher and source anew.
type breaking struct {
	connectors.Source
	rng *mrand.Rand
}

func (b breaking) Read(ctx context.Context) (connectors.Batch, error) {
	if b.rng.IntN(10) == 0 {
		return connectors.Batch{}, fmt.Errorf("cut off")
	}
	return b.Source.Read(ctx)
}

func (b breaking) Confirm(ctx context.Context, p schemas.Position) error {
	if b.rng.IntN(10) == 0 {
		return fmt.Errorf("cut off") // published, not confirmed
	}
	return b.Source.(connectors.Confirmer).Confirm(ctx, p)
}

// newBus is a bus of its own with the topics of T01.
func newBus(t *testing.T) *bus.Bus {
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
	if err := b.Ensure(t.Context(), contract.Spec{Topic: contract.Raw("T01"), Partitions: 1}, contract.Spec{Topic: contract.Quarantine}, contract.Spec{Topic: contract.Sources, Compact: true, Partitions: 1}); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestTwoCities: the same source file on two buses, run as ever: each reads the
// table for itself, one after the other and both at a time, and neither loses.
func TestTwoCities(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.table(t, "t1")
	db.insert(t, "t1", 1, 3)
	c := codec.New(codec.NewMemory())
	d := db.config(t, nil).Datasets[0]
	run := func(b *bus.Bus) (stop func()) {
		cfg := db.config(t, nil)
		cfg.Datasets = cfg.Datasets[:1]
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
	holds := func(where string, b *bus.Bus) {
		t.Helper()
		deadline := time.Now().Add(sourcetest.Patience)
		for diff := "nothing yet"; diff != ""; diff = cmp.Diff(db.contents(t, "t1"), folded(d, published(t, b, c, d))) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: table and topic differ (-table +topic):\n%s", where, diff)
			}
		}
	}
	first, second := newBus(t), newBus(t)
	stop := run(first)
	holds("first", first)
	stop()
	db.free(t)
	db.insert(t, "t1", 4, 4)
	stopSecond := run(second)
	holds("second", second)
	stop = run(first)
	holds("first, after the second has begun", first)
	db.insert(t, "t1", 5, 5)
	holds("first", first)
	holds("second", second)
	stop()
	stopSecond()
}

// TestExactlyOnceOnTheBus: under failures of the source no event is published
// twice, none is missing, and the topic adds up to the table.
func TestExactlyOnceOnTheBus(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.table(t, "t1")
	rng := mrand.New(mrand.NewPCG(3, 3))
	for range 5 {
		db.random(t, rng)
	}
	b := newBus(t)
	cfg := db.config(t, nil)
	cfg.Datasets = cfg.Datasets[:1]
	c := codec.New(codec.NewMemory())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	failures := mrand.New(mrand.NewPCG(4, 4))
	go func() {
		ended <- connectors.Run(ctx, b, c, cfg, func(ctx context.Context, cfg connectors.Config, after schemas.Position) (connectors.Source, error) {
			src, err := postgres.Open(ctx, cfg, after)
			if err != nil {
				return nil, err
			}
			return breaking{src, failures}, nil
		})
	}()
	for range 60 {
		db.random(t, rng)
	}
	db.insert(t, "t1", 9999, 9999)
	d := cfg.Datasets[0]
	var changes []schemas.Change
	deadline := time.Now().Add(2 * sourcetest.Patience)
	for last := ""; last != "north|R9999"; {
		if time.Now().After(deadline) {
			t.Fatalf("the last row does not arrive; %d changes did", len(changes))
		}
		changes, last = published(t, b, c, d), ""
		if n := len(changes); n > 0 {
			last = changes[n-1].Key
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if d := cmp.Diff(db.contents(t, "t1"), folded(d, changes)); d != "" {
		t.Errorf("table and topic differ (-table +topic):\n%s", d)
	}
}

// published reads a raw topic of one partition as changes.
func published(t *testing.T, b *bus.Bus, c *codec.Codec, d *schemas.Dataset) []schemas.Change {
	t.Helper()
	var changes []schemas.Change
	seen := map[string]bool{}
	reader := c.Reader(d.Layout)
	err := b.Replay(t.Context(), contract.Raw(d.ID), func(r bus.Record) error {
		pos := string(r.Header("pos"))
		if seen[pos] {
			t.Errorf("%s was published twice", pos)
		}
		seen[pos] = true
		x := schemas.Change{Dataset: d, Key: string(r.Key), Op: schemas.Op(r.Header("op")[0])}
		if r.Value != nil {
			var err error
			if x.Record, err = reader.Decode(t.Context(), r.Value); err != nil {
				return err
			}
			if string(r.Header("na")) == "NOTE" {
				x.Record = x.Record.With(2, schemas.Unavailable)
			}
		}
		changes = append(changes, x)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return changes
}
