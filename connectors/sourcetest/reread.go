package sourcetest

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// readsAgain opens the source at its beginning though it was read before, as a
// resync does: it yields every row that the department has, and says that it has
// caught up no sooner, or what is not yielded would be deleted. Killed in the
// middle it goes on. A kind that cannot says why.
func readsAgain(t *testing.T, f Features, s *session) {
	if why := s.Kind.Reread.Cannot; why != "" {
		if zh, en, ok := strings.Cut(why, " / "); !ok || zh == "" || en == "" {
			t.Errorf("it says %q, want why it cannot be read again in both tongues", why)
		}
		return
	}
	all := s.readOnce(t)
	s.Config.Again = true
	src := s.open(t, "")
	if s.Redeliver != nil {
		b, err := src.Read(t.Context())
		for ; err == nil && b.Held == "" && len(b.Changes) == 0 && b.CaughtUp.IsZero(); b, err = src.Read(t.Context()) {
		}
		if err != nil || b.Held == "" {
			t.Fatalf("nobody has delivered again, and it says %+v, %v, want that it waits", b, err)
		}
		s.Redeliver(t)
	}
	batches := s.drain(t, src, false)
	if err := src.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	alike(t, "read again", all, Fold(nil, changes(batches)), rejections(batches))
	if last := batches[len(batches)-1]; !f.Ends && last.State != "" {
		t.Errorf("all is read, and its state is %q: nobody would know that it has ended", last.State)
	}
	for i, b := range batches[:len(batches)-1] {
		if !b.CaughtUp.IsZero() && len(changes(batches[i+1:])) > 0 {
			t.Errorf("batch %d says that it has caught up, and rows follow", i)
		}
	}
	if !f.Replays {
		return
	}
	for i := len(batches) / 2; i < len(batches); i++ {
		if batches[i].After == "" {
			continue
		}
		tail := s.drain(t, s.open(t, batches[i].After), false)
		alike(t, "killed in the middle", all, Fold(Fold(nil, changes(batches[:i+1])), changes(tail)), rejections(batches))
		break
	}
}

// alike holds rows that were read again against those that were read first. A row
// that is refused, each time it is read, may lack: what stands of it stays.
func alike(t *testing.T, when string, all, got map[string]map[string]schemas.Record, refused int) {
	t.Helper()
	lack := 0
	for dataset, rows := range all {
		for key, first := range rows {
			record, ok := got[dataset][key]
			switch {
			case !ok:
				lack++
			case !record.Equal(first):
				t.Errorf("%s: a row of %s is another than before", when, dataset)
			}
		}
		for key := range got[dataset] {
			if _, ok := rows[key]; !ok {
				t.Errorf("%s: %s has a row that was not there", when, dataset)
			}
		}
	}
	if lack > refused {
		t.Errorf("%s: %d rows lack, %d were refused (-first +again):\n%s", when, lack, refused, cmp.Diff(keys(all), keys(got)))
	}
}

func rejections(batches []connectors.Batch) (n int) {
	for _, b := range batches {
		n += len(b.Rejections)
	}
	return n
}

// readOnce reads all there is, confirms it, and returns what it adds up to.
func (s *session) readOnce(t *testing.T) map[string]map[string]schemas.Record {
	t.Helper()
	s.Config.Bus = "the bus of the suite" // what a source makes at the department bears its mark
	src := s.open(t, "")
	s.write(t)
	all := Fold(nil, changes(s.drain(t, src, true)))
	if err := src.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	return all
}

// tries reads the source for a trial, beside the one that is open: it yields every
// row once and ends, and the other goes on as if nothing had been.
func tries(t *testing.T, f Features, s *session) {
	if s.Kind.Reread.Dry == nil {
		t.Log("declared: this kind has no trial")
		return
	}
	s.Config.Bus = "the bus of the suite"
	src := s.open(t, "")
	s.write(t)
	batches := s.drain(t, src, true)
	all := Fold(nil, changes(batches))
	cfg := s.Config
	cfg.Again = true
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	trial, err := s.Kind.Reread.Dry(ctx, cfg, "")
	if err != nil {
		t.Fatalf("open for a trial: %v", err)
	}
	defer trial.Close() //nolint:errcheck // it was only read
	var tried []connectors.Batch
	for {
		b, err := trial.Read(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("read for a trial: %v", err)
		}
		tried = append(tried, b)
	}
	if f.Ends { // it says a history, and what comes later is not there yet
		return
	}
	got := changes(tried)
	seen := map[string]bool{}
	for _, c := range got {
		if at := c.Dataset.ID + "|" + c.Key; seen[at] {
			t.Error("a row came twice")
		} else {
			seen[at] = true
		}
	}
	alike(t, "a trial", all, Fold(nil, got), rejections(tried))
	if err := src.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	again := s.open(t, batches[len(batches)-1].After)
	if more := changes(s.drain(t, again, true)); len(more) > 0 {
		t.Errorf("%d changes came again after a trial", len(more))
	}
}
