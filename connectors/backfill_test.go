package connectors_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/standing"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// fill reads rows of a backfill, a few at a time: those whose number lies within its range.
func (r *reader) fill(b *connectors.Batch) {
	const base = 1000 // above the minor of any first row
	part := &connectors.Backfilled{ID: r.part.ID, Since: schemas.Sequence{Major: r.part.Since, Minor: r.part.Minor}, About: int64(len(r.o.rows))}
	if r.part.Since == 0 {
		part.Since = schemas.Sequence{Major: uint64(r.next) + 1, Minor: base + r.part.Base + 1}
		r.part.Since, r.part.Minor = part.Since.Major, part.Since.Minor
	}
	for ; r.got < 200 && part.Rows < 3; r.got++ {
		key := "B" + strconv.Itoa(r.got)
		if value := r.o.rows[key]; value != "" && inRange(*r.part, key) {
			r.part.Rows++
			part.Rows++
			b.Changes = append(b.Changes, r.change(line{key, value}, schemas.Sequence{Major: uint64(r.next) + 1, Minor: base + r.part.Base + uint32(r.part.Rows)}))
		}
	}
	if part.Place = strconv.Itoa(r.got); r.got == 200 {
		part.Done, r.got = true, -1
	}
	b.Backfill = part
}

func inRange(bf contract.Backfill, key string) bool {
	number := func(key string, otherwise int) int {
		if n, err := strconv.Atoi(strings.TrimPrefix(key, "B")); err == nil {
			return n
		}
		return otherwise
	}
	n := number(key, 0)
	return n >= number(bf.From, 0) && n <= number(bf.To, 1<<30)
}

func within(_ context.Context, _ connectors.Config, bf contract.Backfill, rows []standing.Name) ([]bool, error) {
	out := make([]bool, len(rows))
	for i, row := range rows {
		out[i] = inRange(bf, row.Key)
	}
	return out, nil
}

// silently changes rows without a word in the log, which goes on.
func (o *office) silently(changes ...line) {
	o.restore(changes...)
	o.lost = false
}

func (w world) backfill(t *testing.T, bf contract.Backfill) {
	t.Helper()
	bf.Dataset, bf.Table = w.d.ID, "buildings"
	if err := connectors.Backfill(t.Context(), w.bus, "count", bf); err != nil {
		t.Fatal(err)
	}
}

// settled says that nothing is to be read again, up to the end of the log.
func (o *office) settled(told connectors.Told) bool {
	return current(told) && len(told.Status.Backfills) == 0 && strings.HasSuffix(told.Status.Position, ","+strconv.Itoa(len(o.log)))
}

// A table is right again once it was read again beside the log: what was missing, wrong and too
// many; under the same epoch, and the source is never anything but running.
func TestBackfillMends(t *testing.T) {
	w, o := full(t, 20)
	before := w.status(t)
	o.silently(line{"B3", ""}, line{"B4", ""}, line{"B5", "other"}, line{"B20", "new"})
	w.backfill(t, contract.Backfill{})
	if err := w.until(t, o.open, func(told connectors.Told) bool {
		if told.Status.State != contract.StateRunning {
			t.Errorf("meanwhile it is %s", told.Status.State)
		}
		return o.settled(told)
	}); err != nil {
		t.Fatal(err)
	}
	w.same(t, o)
	if after := w.status(t); after.Epoch != before.Epoch || after.CaughtUp < before.CaughtUp {
		t.Errorf("before %+v, after %+v", before, after)
	}
	o.set("B3", "came back")
	o.set("B20", "")
	o.silently(line{"B6", ""}, line{"B7", "once more"}) // where the log has not moved since: at the same place
	w.backfill(t, contract.Backfill{})
	if err := w.until(t, o.open, o.settled); err != nil {
		t.Fatal(err)
	}
	w.same(t, o)
	o.silently(line{"B7", "a third time"}, line{"B8", ""})
	w.backfill(t, contract.Backfill{})
	if err := w.until(t, o.open, o.settled); err != nil {
		t.Fatal(err)
	}
	w.same(t, o)
}

// Killed after whatever it has committed, and run again beside changes, it comes to the same:
// nothing lost, nothing twice.
func TestBackfillKilledAnywhere(t *testing.T) {
	killedAnywhere(t, 5, func(w world, o *office) {
		o.silently(line{"B3", ""}, line{"B4", ""}, line{"B5", "other"}, line{"B10", "new"})
		w.backfill(t, contract.Backfill{})
	})
}

// More deletes than the limit wait for a person, over restarts too, and all else goes on; too
// small an answer is none; who cancels has nothing deleted.
func TestBackfillAsksBeforeItDeletesMuch(t *testing.T) {
	w, o := full(t, 20)
	for i := range 9 {
		o.silently(line{"B" + strconv.Itoa(i), ""})
	}
	w.backfill(t, contract.Backfill{})
	held := func(told connectors.Told) bool {
		s := told.Status
		return len(s.Backfills) == 1 && s.Backfills[0].Step == contract.BackfillHeld && s.CaughtUp > 0 && strings.HasSuffix(s.Position, ","+strconv.Itoa(len(o.log)))
	}
	for round, accept := range []int64{0, 8} {
		if accept > 0 {
			if err := connectors.AcceptBackfill(t.Context(), w.bus, "count", 1, accept); err != nil {
				t.Fatal(err)
			}
		}
		o.set("B15", fmt.Sprint("round ", round)) // goes on
		if err := w.until(t, o.open, held); err != nil {
			t.Fatal(err)
		}
		if got := w.held(t); got["B15"] != fmt.Sprint("round ", round) || len(got) != 20 {
			t.Errorf("while it waits: %v", got)
		}
		word := w.status(t).Word("count", contract.Known{})
		if word.State != contract.StateStopped || word.Do == "" {
			t.Errorf("it says %+v", word)
		}
		running := w.status(t)
		running.State = contract.StateRunning
		if word = running.Word("count", contract.Known{}); word.Do != "yiyuan source resync count --backfill 1 --accept-deletes 9" || !strings.Contains(word.Why, "#1 buildings") {
			t.Errorf("it waits and says %+v", word)
		}
	}
	if err := connectors.AcceptBackfill(t.Context(), w.bus, "count", 2, 9); !errors.Is(err, connectors.ErrNoBackfill) {
		t.Errorf("another number was taken: %v", err)
	}
	if err := connectors.AcceptBackfill(t.Context(), w.bus, "count", 1, 9); err != nil {
		t.Fatal(err)
	}
	if err := w.until(t, o.open, o.settled); err != nil {
		t.Fatal(err)
	}
	w.same(t, o)
	before := maps.Clone(w.held(t))
	for i := 9; i < 15; i++ {
		o.silently(line{"B" + strconv.Itoa(i), ""})
	}
	w.backfill(t, contract.Backfill{})
	if err := w.until(t, o.open, held); err != nil {
		t.Fatal(err)
	}
	if err := connectors.CancelBackfill(t.Context(), w.bus, "count", 2); err != nil {
		t.Fatal(err)
	}
	if err := w.until(t, o.open, o.settled); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, w.held(t)); d != "" {
		t.Errorf("after it was cancelled (-want +got):\n%s", d)
	}
}

// Outside its range nothing is touched, and inside everything is.
func TestBackfillOfARange(t *testing.T) {
	w, o := full(t, 30)
	o.silently(line{"B2", ""}, line{"B3", "wrong, and stays"}, line{"B12", ""}, line{"B13", "other"}, line{"B25", ""})
	w.backfill(t, contract.Backfill{From: "B10", To: "B20"})
	if err := w.until(t, o.open, o.settled); err != nil {
		t.Fatal(err)
	}
	want := maps.Clone(o.rows)
	want["B2"], want["B3"], want["B25"] = "first", "first", "first"
	if d := cmp.Diff(want, w.held(t)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// A part is not ordered of a source that has to be read again as a whole; reading it whole
// takes with it what was ordered.
func TestBackfillAndTheWhole(t *testing.T) {
	w, o := full(t, 10)
	w.backfill(t, contract.Backfill{})
	if err := connectors.Resync(t.Context(), w.bus, "count", 0); err != nil {
		t.Fatal(err)
	}
	if err := connectors.Backfill(t.Context(), w.bus, "count", contract.Backfill{}); !errors.Is(err, connectors.ErrWhole) {
		t.Errorf("ordered beside a resync: %v", err)
	}
	if err := w.until(t, o.open, func(told connectors.Told) bool { return current(told) && told.Status.Resync == nil }); err != nil {
		t.Fatal(err)
	}
	if s := w.status(t); len(s.Backfills) != 0 {
		t.Errorf("it is ordered still: %+v", s.Backfills)
	}
	o.restore(line{"B3", ""})
	if err := connectors.Run(t.Context(), w.bus, w.codec, w.config(), o.open); !errors.Is(err, connectors.ErrPositionLost) {
		t.Fatalf("Run = %v", err)
	}
	if err := connectors.Backfill(t.Context(), w.bus, "count", contract.Backfill{}); !errors.Is(err, connectors.ErrWhole) {
		t.Errorf("ordered of a lost position: %v", err)
	}
}

func TestBackfillLeft(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(10_000_000)
	b := contract.Backfill{Step: contract.BackfillReading, Began: now.Add(-time.Minute).UnixMilli(), Rows: 250, About: 1000}
	if left := b.Left(now); left != 3*time.Minute {
		t.Errorf("a quarter took a minute, left %s", left)
	}
	if why, do := b.Progress("s", now); !strings.Contains(why, "约 25%") || !strings.Contains(why, "about 3 min left") || do != "" {
		t.Errorf("it says %q %q", why, do)
	}
	b.Rows = 1200 // more than was thought
	if why, _ := b.Progress("s", now); b.Left(now) != 0 || !strings.Contains(why, "99%") {
		t.Errorf("it says %q", why)
	}
}
