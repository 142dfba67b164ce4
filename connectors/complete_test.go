package connectors_test

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// said is a source that returns batches and ends.
type said struct{ batches []connectors.Batch }

func (s *said) Read(context.Context) (connectors.Batch, error) {
	if len(s.batches) == 0 {
		return connectors.Batch{}, io.EOF
	}
	b := s.batches[0]
	s.batches = s.batches[1:]
	return b, nil
}

func (s *said) Close() error { return nil }

// completions lists the control records of the dataset's raw topic, and of each how
// many rows stand before it.
func (w world) completions(t *testing.T) []string {
	t.Helper()
	ends, err := w.bus.EndOffsets(t.Context(), contract.Raw(w.d.ID))
	if err != nil {
		t.Fatal(err)
	}
	left := map[int32]int64{}
	for p, end := range ends[contract.Raw(w.d.ID)] {
		if end > 0 {
			left[p] = end
		}
	}
	// Readers of the bus are not shown them.
	client, err := kgo.NewClient(kgo.SeedBrokers(w.brokers...), kgo.ConsumeTopics(string(contract.Raw(w.d.ID))), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())) // the markers of transactions tell how far it is read
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var out []string
	for len(left) > 0 {
		fetches := client.PollFetches(t.Context())
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			for _, h := range r.Headers {
				if h.Key == contract.ControlHeader {
					out = append(out, string(h.Value))
				}
			}
			if r.Offset >= left[r.Partition]-1 {
				delete(left, r.Partition)
			}
		})
	}
	return out
}

func (w world) run(t *testing.T, name string, batches ...connectors.Batch) {
	t.Helper()
	cfg := w.config()
	cfg.Name = name
	err := connectors.Run(t.Context(), w.bus, w.codec, cfg, func(context.Context, connectors.Config, schemas.Position) (connectors.Source, error) {
		return &said{batches}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// That a copy is complete is said by the last of its sources, when all have brought
// their part: not by one that is copying, still waits for a delivery, or stands still.
func TestCompletion(t *testing.T) {
	w := newWorld(t)
	at := time.UnixMilli(5)
	part := connectors.Batch{Changes: []schemas.Change{building(w.d, 1)}, After: "1", State: contract.StateSnapshot}
	whole := connectors.Batch{Changes: []schemas.Change{building(w.d, 2)}, After: "2", CaughtUp: at}
	w.run(t, "west", part)
	w.run(t, "count", part, whole)
	if got := w.completions(t); len(got) != 0 {
		t.Errorf("while one source copies: %q", got)
	}
	w.run(t, "west", connectors.Batch{CaughtUp: at, After: "2", Awaited: []string{w.d.ID}})
	if got := w.completions(t); len(got) != 0 {
		t.Errorf("while one waits for its first delivery: %q", got)
	}
	w.run(t, "west", whole)
	got := strings.Join(w.completions(t), ", ")
	for _, want := range []string{"complete ZJ01 0/4", "complete ZJ01 1/4", "complete ZJ01 2/4", "complete ZJ01 3/4"} {
		if strings.Count(got, want) != 1 {
			t.Errorf("said %q, want %q once", got, want)
		}
	}
}

// A source that is given up is not waited for.
func TestCompletionWithoutARetiredSource(t *testing.T) {
	w := newWorld(t)
	w.run(t, "west", connectors.Batch{Changes: []schemas.Change{building(w.d, 1)}, After: "1", State: contract.StateSnapshot})
	w.run(t, "count", connectors.Batch{Changes: []schemas.Change{building(w.d, 2)}, After: "2", CaughtUp: time.UnixMilli(5)})
	if got := w.completions(t); len(got) != 0 {
		t.Errorf("while one source copies: %q", got)
	}
	if err := connectors.Retire(t.Context(), w.bus, "west", "op@host"); err != nil {
		t.Fatal(err)
	}
	if got := w.completions(t); len(got) != 4 {
		t.Errorf("once it is retired: %q, want one in each partition", got)
	}
}

// What has begun to come in is awaited until the source has caught up with it: as of
// its last word nothing of it was there, and nobody knows who is not.
func TestAwaitedUntilCaughtUp(t *testing.T) {
	w := newWorld(t)
	at := time.UnixMilli(5)
	awaited := func(when string, want ...string) {
		t.Helper()
		if d := cmp.Diff(want, w.said(t).Awaited); d != "" {
			t.Errorf("%s (-want +got):\n%s", when, d)
		}
	}
	w.run(t, "count", connectors.Batch{After: "0", CaughtUp: at, Awaited: []string{w.d.ID}})
	awaited("before the first delivery", w.d.ID)
	w.run(t, "count", connectors.Batch{Changes: []schemas.Change{building(w.d, 1)}, After: "1"})
	awaited("with its first rows", w.d.ID)
	w.run(t, "count", connectors.Batch{After: "1", Held: "a person must answer"})
	awaited("while it is held", w.d.ID)
	w.run(t, "count", connectors.Batch{Changes: []schemas.Change{building(w.d, 2)}, After: "2", CaughtUp: at})
	awaited("caught up")
}

// What a source begins to feed later is awaited too, whatever it was caught up with.
func TestAwaitedFromWhenItIsFed(t *testing.T) {
	w := newWorld(t)
	other := *w.d
	other.ID = "ZJ99"
	if err := w.bus.Ensure(t.Context(), contract.Spec{Topic: contract.Raw(other.ID), Compact: true}); err != nil {
		t.Fatal(err)
	}
	serve := func(datasets []*schemas.Dataset, b connectors.Batch) []string {
		t.Helper()
		cfg := w.config()
		cfg.Datasets = datasets
		err := connectors.Run(t.Context(), w.bus, w.codec, cfg, func(context.Context, connectors.Config, schemas.Position) (connectors.Source, error) {
			return &said{[]connectors.Batch{b}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return w.said(t).Awaited
	}
	at := time.UnixMilli(5)
	serve([]*schemas.Dataset{&other}, connectors.Batch{After: "0", CaughtUp: at})
	if got := serve([]*schemas.Dataset{&other, w.d}, connectors.Batch{Changes: []schemas.Change{building(w.d, 1)}, After: "1"}); !slices.Equal(got, []string{w.d.ID}) {
		t.Errorf("with its first rows %v is awaited, want %s", got, w.d.ID)
	}
	if got := serve([]*schemas.Dataset{&other, w.d}, connectors.Batch{After: "1", CaughtUp: at}); len(got) > 0 {
		t.Errorf("caught up %v is awaited", got)
	}
}
