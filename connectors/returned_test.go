package connectors_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// away takes the dataset out of the catalogue and puts it back, since the source last ran.
func (w world) away() {
	step := w.cat.Lineage.Step
	w.cat.Lineage.Absent = map[schemas.LinkName]int{{Dataset: w.d.ID}: step + 1}
	w.cat.Lineage.First = map[string]int{w.cat.Version: 0}
	w.cat.Lineage.Step = step + 2
}

// TestReturned: what a source whose position was kept said of a dataset before that left
// the catalogue is neither complete nor current when it comes back, over restarts and
// whatever it goes on to say, until it is read again.
func TestReturned(t *testing.T) {
	w := newWorld(t)
	at := time.UnixMilli(5)
	whole := connectors.Batch{Changes: []schemas.Change{building(w.d, 1)}, After: "1", CaughtUp: at}
	said := func(when string, returned, complete bool) {
		t.Helper()
		s, none, it := w.said(t), []string(nil), []string{w.d.ID}
		want := contract.SourceStatus{Complete: none, Announced: none, Returned: none, Awaited: none}
		if complete {
			want.Complete, want.Announced = it, it
		}
		if returned {
			want.Returned, want.Awaited = it, it
		}
		got := contract.SourceStatus{Complete: s.Complete, Announced: s.Announced, Returned: s.Returned, Awaited: s.Awaited}
		for _, list := range []*[]string{&got.Complete, &got.Announced, &got.Returned, &got.Awaited} {
			if len(*list) == 0 {
				*list = nil
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", when, d)
		}
	}
	w.run(t, "count", whole)
	said("at first", false, true)
	w.away()
	w.run(t, "count", connectors.Batch{Changes: []schemas.Change{building(w.d, 2)}, After: "2", CaughtUp: at})
	said("when it has returned", true, false)
	w.run(t, "count", connectors.Batch{After: "2", CaughtUp: at})
	said("after a restart", true, false)
	if n := len(w.completions(t)); n != 4 {
		t.Errorf("that a copy is complete is said %d times, want once in each partition, of before", n)
	}
	if err := connectors.Resync(t.Context(), w.bus, "count", 9); err != nil {
		t.Fatal(err)
	}
	w.run(t, "count", connectors.Batch{Changes: []schemas.Change{building(w.d, 1)}, After: "3", CaughtUp: at})
	said("read again", false, true)
	if n := len(w.completions(t)); n != 8 {
		t.Errorf("then it is said %d times in all, want once more in each partition", n)
	}
}

// halfway is a source that fails for good behind its batches.
type halfway struct{ said }

func (h *halfway) Read(ctx context.Context) (connectors.Batch, error) {
	b, err := h.said.Read(ctx)
	if err != nil {
		err = fmt.Errorf("half way: %w", connectors.ErrConfig)
	}
	return b, err
}

// TestReturnedWhileReadAgain: what was read again before the dataset left went with it.
func TestReturnedWhileReadAgain(t *testing.T) {
	w := newWorld(t)
	w.run(t, "count", connectors.Batch{Changes: []schemas.Change{building(w.d, 1)}, After: "1", CaughtUp: time.UnixMilli(5)})
	if err := connectors.Resync(t.Context(), w.bus, "count", 0); err != nil {
		t.Fatal(err)
	}
	broken := func(context.Context, connectors.Config, schemas.Position) (connectors.Source, error) {
		return &halfway{said{[]connectors.Batch{{Changes: []schemas.Change{building(w.d, 1)}, After: "2", State: contract.StateSnapshot}}}}, nil
	}
	if err := connectors.Run(t.Context(), w.bus, w.codec, w.config(), broken); err == nil {
		t.Fatal("it did not end half way")
	}
	before := w.said(t)
	if before.Resync == nil || before.Resync.Step != contract.ResyncReading || before.Position == "" {
		t.Fatalf("it is not being read again: %v, at %q", before.Resync, before.Position)
	}
	w.away()
	if err := connectors.Run(t.Context(), w.bus, w.codec, w.config(), broken); err == nil {
		t.Fatal("it did not end half way again")
	}
	if s := w.said(t); s.Epoch <= before.Epoch || len(s.Returned) == 0 || len(s.Awaited) == 0 || len(s.Complete) > 0 {
		t.Errorf("epoch %d after %d, awaited %q, complete %q: it is not read from the beginning", s.Epoch, before.Epoch, s.Awaited, s.Complete)
	}
}

// TestReturnedByPush: a source that cannot be read again has delivered with its next rows.
func TestReturnedByPush(t *testing.T) {
	w := newWorld(t)
	run := func(b connectors.Batch) contract.SourceStatus {
		t.Helper()
		cfg := w.config()
		cfg.Reread.Cannot = "不能重读 / cannot"
		if err := connectors.Run(t.Context(), w.bus, w.codec, cfg, func(context.Context, connectors.Config, schemas.Position) (connectors.Source, error) {
			return &said{[]connectors.Batch{b}}, nil
		}); err != nil {
			t.Fatal(err)
		}
		return w.said(t)
	}
	at := time.UnixMilli(5)
	run(connectors.Batch{Changes: []schemas.Change{building(w.d, 1)}, After: "1", CaughtUp: at})
	w.away()
	if s := run(connectors.Batch{After: "1", CaughtUp: at}); len(s.Returned) != 1 || len(s.Awaited) != 1 || len(s.Complete) > 0 {
		t.Errorf("when it has returned: returned %q, awaited %q, complete %q", s.Returned, s.Awaited, s.Complete)
	}
	if s := run(connectors.Batch{Changes: []schemas.Change{building(w.d, 2)}, After: "2", CaughtUp: at}); len(s.Returned) > 0 || len(s.Awaited) > 0 || len(s.Complete) != 1 {
		t.Errorf("with its next rows: returned %q, awaited %q, complete %q", s.Returned, s.Awaited, s.Complete)
	}
}
