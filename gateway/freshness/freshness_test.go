package freshness_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/freshness"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// log is a journey whose every position is set by hand.
type log struct {
	now       time.Time
	ends      map[contract.Topic]map[int32]int64
	open      map[contract.Topic]int64 // where a transaction is open
	committed map[string]map[contract.Topic]map[int32]int64
	applied   map[contract.Topic]map[int32]int64
	fail      error
	reader    int64
	polled    time.Duration
}

func (l *log) Applied(context.Context) (map[contract.Topic]map[int32]int64, error) {
	return l.applied, l.fail
}

func (l *log) Polled() (int64, time.Duration) { return l.reader, l.polled }

func (l *log) EndOffsets(_ context.Context, topics ...contract.Topic) (map[contract.Topic]map[int32]int64, error) {
	out := map[contract.Topic]map[int32]int64{}
	for _, t := range topics {
		out[t] = maps.Clone(l.ends[t])
	}
	return out, l.fail
}

func (l *log) StableOffsets(ctx context.Context, topics ...contract.Topic) (map[contract.Topic]map[int32]int64, error) {
	out, err := l.EndOffsets(ctx, topics...)
	for topic, at := range l.open {
		if out[topic] != nil {
			out[topic][0] = at
		}
	}
	return out, err
}

func (l *log) Committed(_ context.Context, group string) (map[contract.Topic]map[int32]int64, error) {
	return l.committed[group], l.fail
}

func (l *log) end(t contract.Topic, offset int64) { l.ends[t] = map[int32]int64{0: offset} }
func (l *log) commit(g string, t contract.Topic, offset int64) {
	if l.committed[g] == nil {
		l.committed[g] = map[contract.Topic]map[int32]int64{}
	}
	l.committed[g][t] = map[int32]int64{0: offset}
}

func setup(t *testing.T) (*log, *freshness.Tracker, *schemas.Catalogue, func()) {
	t.Helper()
	c, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	l := &log{now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), ends: map[contract.Topic]map[int32]int64{}, open: map[contract.Topic]int64{}, committed: map[string]map[contract.Topic]map[int32]int64{}, applied: map[contract.Topic]map[int32]int64{}}
	return setupOver(t, l, c)
}

func setupOver(t *testing.T, l *log, c *schemas.Catalogue) (*log, *freshness.Tracker, *schemas.Catalogue, func()) {
	t.Helper()
	tracker := freshness.New(c, l, l, func() time.Time { return l.now })
	step := func() {
		t.Helper()
		if err := tracker.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return l, tracker, c, step
}

func view(t *testing.T, c *schemas.Catalogue, id string) *schemas.View {
	t.Helper()
	v, err := c.View(id)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestJourney follows one moment past each step and checks that it never runs
// ahead of what it speaks about.
func TestJourney(t *testing.T) {
	t.Parallel()
	l, tracker, c, step := setup(t)
	row, golden := view(t, c, "GA01.partial"), view(t, c, "person.partial")
	is := func(what string, v *schemas.View, want time.Time) {
		t.Helper()
		if got, _ := tracker.View(v); !got.Equal(want) {
			t.Errorf("%s: as of %v, want %v", what, got, want)
		}
	}
	at := l.now.Add(-time.Second)
	l.end(contract.Raw("GA01"), 10)
	tracker.Observe(freshness.Source{Name: "ga", Datasets: []string{"GA01"}, State: "running", CaughtUp: at})
	step()
	is("before route", row, time.Time{})
	l.commit("route", contract.Raw("GA01"), 8)
	step()
	is("route is behind", row, time.Time{})
	l.commit("route", contract.Raw("GA01"), 10)
	l.end(contract.Shared("GA01.partial"), 5)
	l.end(contract.Claims("person"), 7)
	l.end(contract.Refused, 2)
	step()
	is("before the cache", row, time.Time{})
	l.applied[contract.Shared("GA01.partial")] = map[int32]int64{0: 5}
	step()
	is("in the cache, but what was refused is not known", row, time.Time{})
	l.applied[contract.Refused] = map[int32]int64{0: 2}
	step()
	is("in the cache", row, at)
	is("before resolve", golden, time.Time{})
	l.commit("resolve.person", contract.Claims("person"), 7)
	l.end(contract.Shared("person.partial"), 3)
	step()
	is("golden before the cache", golden, time.Time{})
	l.applied[contract.Shared("person.partial")] = map[int32]int64{0: 3}
	step()
	is("golden in the cache", golden, at)
	if _, stale := tracker.View(golden); stale {
		t.Error("fresh data are called stale")
	}
	l.now = l.now.Add(2 * time.Minute)
	if _, stale := tracker.View(golden); !stale {
		t.Error("real-time data two minutes old are not called stale")
	}
}

// TestMarkers: the cache never stands behind the last marker of a topic, and
// must not be believed to lack a record for ever because of it, nor to hold one
// that an open transaction still hides.
func TestMarkers(t *testing.T) {
	t.Parallel()
	l, tracker, c, step := setup(t)
	row := view(t, c, "GA01.partial")
	var last time.Time
	send := func() {
		last = l.now
		tracker.Observe(freshness.Source{Name: "ga", Datasets: []string{"GA01"}, State: "running", CaughtUp: last})
		step()
	}
	arrived := func() bool { got, _ := tracker.View(row); return got.Equal(last) }
	wait := func(d time.Duration) { l.now, l.polled = l.now.Add(d), l.polled+d; step() }
	topic := contract.Shared("GA01.partial")
	l.reader = 1
	l.end(topic, 10)
	l.applied[contract.Shared("GA01.partial")] = map[int32]int64{0: 8}
	send()
	if arrived() {
		t.Error("arrived before the reader had waited")
	}
	wait(600 * time.Millisecond)
	l.reader, l.polled = 2, 0
	wait(500 * time.Millisecond)
	if arrived() {
		t.Error("the waiting of a reader that is gone was counted")
	}
	wait(2 * time.Second)
	if !arrived() {
		t.Error("two positions that hold no record were waited for")
	}
	// A record may be behind an open transaction, for as long as that is open.
	l.end(topic, 11)
	l.open[topic] = 9
	send()
	wait(time.Hour)
	if arrived() {
		t.Error("a record behind an open transaction was passed over")
	}
	// It was aborted, and what it hid is on its way.
	delete(l.open, topic)
	wait(time.Second)
	if arrived() {
		t.Error("what the end of a transaction showed was not waited for")
	}
	wait(time.Second)
	if !arrived() {
		t.Error("aborted records were waited for for ever")
	}
	// The log grows behind the target by a transaction that is open: no matter.
	l.end(topic, 12)
	l.applied[contract.Shared("GA01.partial")] = map[int32]int64{0: 10}
	send()
	l.end(topic, 20)
	l.open[topic] = 12
	wait(3 * time.Second)
	if !arrived() {
		t.Error("a transaction behind the target held it up")
	}
}

func TestStates(t *testing.T) {
	t.Parallel()
	l, tracker, c, step := setup(t)
	d, err := c.Dataset("GA01")
	if err != nil {
		t.Fatal(err)
	}
	is := func(want freshness.State) {
		t.Helper()
		if got := tracker.Dataset(d).State; got != want {
			t.Errorf("state %q, want %q", got, want)
		}
	}
	is(freshness.Unknown)
	say := func(state string) {
		tracker.Observe(freshness.Source{Name: "ga", Datasets: []string{"GA01"}, State: state, CaughtUp: l.now})
		step()
	}
	say("running")
	is(freshness.Fresh)
	l.now = l.now.Add(50 * time.Second)
	is(freshness.Due)
	l.now = l.now.Add(20 * time.Second)
	is(freshness.Overdue)
	say("running")
	is(freshness.Fresh)
	say("failed")
	is(freshness.Stopped)
	// Another source takes the dataset over.
	tracker.Observe(freshness.Source{Name: "ga", Datasets: []string{"GA01"}, State: "retired"})
	tracker.Observe(freshness.Source{Name: "ga-2", Datasets: []string{"GA01"}, State: "running", CaughtUp: l.now})
	step()
	is(freshness.Fresh)
	if got := tracker.Dataset(d).Sources; !slices.Equal(got, []string{"ga-2"}) {
		t.Errorf("sources %v", got)
	}
	tracker.Forget("ga")
	tracker.Forget("ga-2")
	is(freshness.Unknown)
}

// TestTwoSources: a dataset is as current as the source that is furthest behind,
// stopped ones included, until that is retired.
func TestTwoSources(t *testing.T) {
	t.Parallel()
	l, tracker, c, step := setup(t)
	d, err := c.Dataset("GA01")
	if err != nil {
		t.Fatal(err)
	}
	row, golden := view(t, c, "GA01.partial"), view(t, c, "person.partial")
	say := func(name, state string) {
		tracker.Observe(freshness.Source{Name: name, Datasets: []string{"GA01"}, State: state, CaughtUp: l.now})
		step()
		step() // on the first the moment may have been on its way
	}
	is := func(state freshness.State, asOf time.Time, stale bool, sources ...string) {
		t.Helper()
		got := tracker.Dataset(d)
		if got.State != state || !got.AsOf.Equal(asOf) || !slices.Equal(got.Sources, sources) {
			t.Errorf("%s as of %v by %v, want %s as of %v by %v", got.State, got.AsOf, got.Sources, state, asOf, sources)
		}
		for _, v := range []*schemas.View{row, golden} {
			if at, old := tracker.View(v); !at.Equal(asOf) || old != stale {
				t.Errorf("%s: as of %v, stale %v, want %v, %v", v.ID, at, old, asOf, stale)
			}
		}
	}
	begun := l.now
	say("ga", "running")
	say("ga-2", "running")
	is(freshness.Fresh, begun, false, "ga", "ga-2")
	for _, state := range []string{"stopped", "failed"} {
		tracker.Observe(freshness.Source{Name: "ga", Datasets: []string{"GA01"}, State: state})
		l.now = l.now.Add(50 * time.Second)
		say("ga-2", "running")
		is(freshness.Stopped, begun, l.now.Sub(begun) > time.Minute, "ga", "ga-2")
	}
	say("ga", "running")
	is(freshness.Fresh, l.now, false, "ga", "ga-2")
	tracker.Observe(freshness.Source{Name: "ga", Datasets: []string{"GA01"}, State: "retired"})
	l.now = l.now.Add(2 * time.Minute)
	say("ga-2", "running")
	is(freshness.Fresh, l.now, false, "ga-2")
}

func TestErrorsLeaveItWhereItIs(t *testing.T) {
	t.Parallel()
	l, tracker, c, step := setup(t)
	at := l.now
	tracker.Observe(freshness.Source{Name: "ga", Datasets: []string{"GA01"}, State: "running", CaughtUp: at})
	step()
	l.fail = errors.New("away")
	tracker.Observe(freshness.Source{Name: "ga", Datasets: []string{"GA01"}, State: "running", CaughtUp: at.Add(time.Second)})
	if err := tracker.Step(t.Context()); !errors.Is(err, l.fail) {
		t.Errorf("step: %v", err)
	}
	if got, _ := tracker.View(view(t, c, "GA01.partial")); !got.Equal(at) {
		t.Errorf("as of %v, want %v", got, at)
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	c, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	friday := time.Date(2026, 11, 20, 10, 0, 0, 0, time.FixedZone("", 8*3600))
	for cycle, want := range map[string]time.Duration{
		"realtime": time.Minute, "daily": 3*24*time.Hour + 6*time.Hour, "weekly": 8 * 24 * time.Hour, "monthly": 35 * 24 * time.Hour,
		"quarterly": 100 * 24 * time.Hour, "halfyear": 190 * 24 * time.Hour, "yearly": 380 * 24 * time.Hour,
	} {
		if got := freshness.Deadline(cycle, &c.Calendar, friday).Sub(friday); got != want {
			t.Errorf("%s: %v, want %v", cycle, got, want)
		}
	}
}

// TestReturned: what a source said of a dataset before that left the catalogue makes it
// neither current nor complete when it is back, also if the source was retired.
func TestReturned(t *testing.T) {
	l, _, c, _ := setup(t)
	d, err := c.Dataset("GA01")
	if err != nil {
		t.Fatal(err)
	}
	c.Lineage.Step, c.Lineage.Absent, c.Lineage.First = 2, map[schemas.LinkName]int{{Dataset: d.ID}: 1}, map[string]int{"before": 0}
	c.Lineage.Back = map[string]time.Time{d.ID: l.now}
	l.end(contract.Raw(d.ID), 0)
	view := d.Views[0]
	for name, test := range map[string]struct {
		status  contract.SourceStatus
		missing bool
	}{
		"of before":                 {contract.SourceStatus{Catalogue: "before"}, true},
		"of before, retired":        {contract.SourceStatus{Catalogue: "before", State: contract.StateRetired}, true},
		"it waits":                  {contract.SourceStatus{Catalogue: c.Period(), Returned: []string{d.ID}}, true},
		"it waits, retired":         {contract.SourceStatus{Catalogue: c.Period(), Returned: []string{d.ID}, State: contract.StateRetired}, true},
		"retired since":             {contract.SourceStatus{Catalogue: c.Period(), State: contract.StateRetired}, false},
		"of now":                    {contract.SourceStatus{Catalogue: c.Period()}, false},
		"of a build that said when": {contract.SourceStatus{At: l.now.UnixMilli() - 1}, true},
		"of such a build, since":    {contract.SourceStatus{At: l.now.UnixMilli()}, false},
		"of nobody knows when":      {contract.SourceStatus{}, false},
	} {
		_, tracker, _, step := setupOver(t, l, c)
		test.status.Announced = []string{d.ID}
		tracker.Observe(freshness.Source{Name: "s", Datasets: []string{d.ID}, State: test.status.State, CaughtUp: l.now, Status: test.status})
		for range 4 {
			step()
		}
		if got := len(tracker.Missing(view)) > 0; got != test.missing {
			t.Errorf("%s: it is missing: %v", name, got)
		}
		if asOf, _ := tracker.View(view); !asOf.IsZero() != (!test.missing && test.status.State == "") {
			t.Errorf("%s: it is as of %s", name, asOf)
		}
		if got := tracker.Complete(d.ID); got == test.missing {
			t.Errorf("%s: it is complete: %v", name, got)
		}
	}
}
