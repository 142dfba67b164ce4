// Package sourcetest is the conformance suite that every Source passes: what
// the runner relies on, tried against a real system or a stand-in for it.
//
//	func TestConformance(t *testing.T) {
//		sourcetest.Run(t, sourcetest.Features{Replays: true}, func(t *testing.T) sourcetest.Fixture { ... })
//	}
package sourcetest

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Run runs the suite; each test gets a fixture of its own.
func Run(t *testing.T, f Features, fixture func(t *testing.T) Fixture) {
	t.Helper()
	tests := []struct {
		name string
		run  func(t *testing.T, f Features, s *session)
	}{
		{"Declares", declares},
		{"Delivers", delivers},
		{"Resumes", resumes},
		{"ResumesConfirmed", resumesConfirmed},
		{"IdleKeepsPosition", idleKeepsPosition},
		{"CancelReturns", cancelReturns},
		{"CloseIsIdempotent", closeIsIdempotent},
		{"CloseEndsRead", closeEndsRead},
		{"ForeignPositionFails", foreignPositionFails},
		{"ReadsAgain", readsAgain},
		{"Tries", tries},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSession(fixture(t))
			tt.run(t, f, s)
			s.checkSecrets(t)
		})
	}
}

func delivers(t *testing.T, _ Features, s *session) {
	src := s.open(t, "")
	s.write(t)
	batches := s.drain(t, src, true)
	got := changes(batches)
	if d := cmp.Diff(s.Want, keys(Fold(nil, got))); d != "" {
		t.Errorf("rows differ from what was written (-want +got):\n%s", d)
	}
	last := schemas.Sequence{}
	for i, c := range got {
		s.checkChange(t, i, c)
		if c.Origin.Sequence.Compare(last) <= 0 {
			t.Errorf("change %d: sequence %s does not follow %s", i, c.Origin.Sequence, last)
		}
		last = c.Origin.Sequence
	}
	for i, b := range batches {
		if len(b.Changes) > 0 && b.After == "" {
			t.Errorf("batch %d: changes without a position", i)
		}
		if b.State != "" && b.State != contract.StateSnapshot {
			t.Errorf("batch %d: state %q, want none but while first rows are copied", i, b.State)
		}
		for _, r := range b.Rejections {
			if r.Reason == "" || r.Detail == "" || r.Locator == "" || r.Source != s.Config.Name || r.At.IsZero() {
				t.Errorf("batch %d: a rejection lacks reason, detail, locator, source or time: %+v", i, r)
			}
		}
	}
}

func (s *session) checkChange(t *testing.T, i int, c schemas.Change) {
	t.Helper()
	if !slices.Contains(s.Config.Datasets, c.Dataset) {
		t.Fatalf("change %d: of a dataset that is not configured", i)
	}
	if c.Origin.Source != s.Config.Name || c.Origin.At.IsZero() {
		t.Errorf("change %d: origin lacks the source's name or the time", i)
	}
	switch c.Op {
	case schemas.Truncate:
		if c.Key != "" || !c.Record.IsZero() {
			t.Errorf("change %d: a truncate with a key or a record", i)
		}
	case schemas.Delete:
		if c.Key == "" || !c.Record.IsZero() {
			t.Errorf("change %d: a delete without a key or with a record", i)
		}
	case schemas.Create, schemas.Update, schemas.Snapshot:
		if c.Record.Layout() != c.Dataset.Layout {
			t.Fatalf("change %d: a record of another layout", i)
		}
		values := make([]schemas.Value, c.Record.Len())
		for n := range values {
			values[n] = c.Record.Value(n)
		}
		if key, err := connectors.Key(c.Dataset, values); err != nil || key != c.Key {
			t.Errorf("change %d: its key is not that of its record", i)
		}
	default:
		t.Errorf("change %d: unknown op %q", i, c.Op)
	}
}

// event is what must be the same when a change is read again.
type event struct {
	Dataset, Key string
	Op           schemas.Op
	Sequence     string
	Record       schemas.Record
}

func events(changes []schemas.Change) []event {
	out := make([]event, len(changes))
	for i, c := range changes {
		out[i] = event{c.Dataset.ID, c.Key, c.Op, c.Origin.Sequence.String(), c.Record}
	}
	return out
}

// Same compares records by what they hold.
var Same = cmp.Comparer(func(a, b schemas.Record) bool { return a.Equal(b) })

// resumes reopens the source behind every batch without any confirmation: what
// a crash at that place would do.
func resumes(t *testing.T, f Features, s *session) {
	if !f.Replays {
		t.Log("declared: this source does not replay")
		return
	}
	src := s.open(t, "")
	s.write(t)
	batches := s.drain(t, src, false)
	if err := src.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	all := Fold(nil, changes(batches))
	for i, b := range batches {
		if b.After == "" || i > 0 && b.After == batches[i-1].After {
			continue
		}
		again := s.open(t, b.After)
		tail := s.drain(t, again, false)
		if err := again.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
		folded := Fold(Fold(nil, changes(batches[:i+1])), changes(tail))
		if d := cmp.Diff(keys(all), keys(folded)); d != "" || !cmp.Equal(all, folded, Same) {
			t.Errorf("reopened after batch %d: rows differ (-want +got):\n%s", i, d)
		}
		if f.SnapshotSteps && b.State == contract.StateSnapshot {
			continue
		}
		if d := cmp.Diff(events(changes(batches[i+1:])), events(changes(tail)), Same); d != "" {
			t.Errorf("reopened after batch %d: another tail (-want +got):\n%s", i, d)
		}
	}
}

// resumesConfirmed stops and reopens between bursts, as an orderly restart does.
func resumesConfirmed(t *testing.T, f Features, s *session) {
	var got []schemas.Change
	var at schemas.Position
	for n := range s.Bursts {
		src := s.open(t, at)
		s.Write(t, n)
		batches := s.drain(t, src, true)
		if err := src.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
		got = append(got, changes(batches)...)
		at = batches[len(batches)-1].After
	}
	src := s.open(t, at)
	if more := changes(s.drain(t, src, true)); len(more) > 0 && f.Replays {
		t.Errorf("%d changes came again after they were confirmed", len(more))
	}
	if d := cmp.Diff(s.Want, keys(Fold(nil, got))); d != "" {
		t.Errorf("rows differ from what was written (-want +got):\n%s", d)
	}
}

func idleKeepsPosition(t *testing.T, f Features, s *session) {
	if f.Ends {
		t.Log("declared: this source ends")
		return
	}
	src := s.open(t, "")
	s.write(t)
	batches := s.drain(t, src, true)
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	b, err := src.Read(ctx)
	if err != nil {
		t.Fatalf("idle read: %v", err)
	}
	if took := time.Since(began); took > 2*connectors.IdleRead {
		t.Errorf("an idle read took %s, want at most about %s", took, connectors.IdleRead)
	}
	if len(b.Changes) > 0 {
		t.Errorf("an idle read yielded %d changes", len(b.Changes))
	}
	last := batches[len(batches)-1].After
	if last != "" && b.After == "" {
		t.Errorf("an idle read lost the position")
	}
}

func cancelReturns(t *testing.T, f Features, s *session) {
	src := s.open(t, "")
	if !f.Ends {
		s.drain(t, src, true)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := src.Read(ctx); err != nil {
				ended <- err
				return
			}
		}
	}()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) && (!f.Ends || !errors.Is(err, io.EOF)) {
			t.Errorf("a cancelled read returned %v, want context.Canceled", err)
		}
	case <-time.After(Patience):
		t.Fatal("a cancelled read does not return")
	}
	if f.Ends {
		return
	}
	// A cancelled read is no failure: the source can be read again.
	s.write(t)
	if d := cmp.Diff(s.Want, keys(Fold(nil, changes(s.drain(t, src, true))))); d != "" {
		t.Errorf("rows differ after a cancelled read (-want +got):\n%s", d)
	}
}

func closeIsIdempotent(t *testing.T, _ Features, s *session) {
	src := s.open(t, "")
	for range 3 {
		if err := src.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	if _, err := src.Read(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("a read after Close returned %v, want an error at once", err)
	}
}

func closeEndsRead(t *testing.T, f Features, s *session) {
	src := s.open(t, "")
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := src.Read(t.Context()); err != nil {
				ended <- err
				return
			}
		}
	}()
	time.AfterFunc(50*time.Millisecond, func() {
		if err := src.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	select {
	case err := <-ended:
		if !f.Ends && errors.Is(err, io.EOF) {
			t.Errorf("a source that does not end said io.EOF")
		}
	case <-time.After(Patience):
		t.Fatal("Close does not end a read")
	}
}

func foreignPositionFails(t *testing.T, _ Features, s *session) {
	src, err := s.Kind.Open(t.Context(), s.Config, "not a position of any source \xff")
	if err == nil {
		t.Errorf("a position of nobody was accepted")
		_ = src.Close() // the test has failed already
		return
	}
	if !errors.Is(err, connectors.ErrPositionLost) {
		t.Errorf("open with a foreign position: %v, want ErrPositionLost", err)
	}
}
