package freshness

import (
	"cmp"
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// State says in one word how a dataset does.
type State string

// The states of a dataset.
const (
	Fresh   State = "fresh"   // within its cycle
	Due     State = "due"     // soon to be older than its cycle allows
	Overdue State = "overdue" // older than its cycle allows
	Stopped State = "stopped" // a source of it says that it stands still: stopped, failed, silent, waiting
	Unknown State = "unknown" // no source has been heard
)

// Dataset is how a dataset does.
type Dataset struct {
	State   State
	AsOf    time.Time // all its source committed before is in its views; zero = unknown
	Seen    time.Time // when its source was last heard
	Lag     time.Duration
	Sources []string
}

// Deadline returns until when data of the cycle may be as old as asOf.
func Deadline(cycle string, calendar *schemas.Calendar, asOf time.Time) time.Time {
	const day = 24 * time.Hour
	switch cycle {
	case "realtime":
		return asOf.Add(time.Minute)
	case "daily":
		return calendar.Add(asOf.In(schemas.Zone), 1).Add(6 * time.Hour)
	case "weekly":
		return asOf.Add(8 * day)
	case "monthly":
		return asOf.Add(35 * day)
	case "quarterly":
		return asOf.Add(100 * day)
	case "halfyear":
		return asOf.Add(190 * day)
	}
	return asOf.Add(380 * day)
}

// View returns as of when a view was at the last Step, and whether that is
// older than the cycle of a dataset it is made of allows. A view none of whose
// datasets has been heard is of an unknown time, which is stale, and so is one of which
// another catalogue is in force (Former).
func (t *Tracker) View(v *schemas.View) (asOf time.Time, stale bool) {
	views := t.views.Load()
	if views == nil || t.Former(v) {
		return time.Time{}, true
	}
	m := (*views)[v.ID]
	return m.asOf, m.asOf.IsZero() || t.clock().After(m.until)
}

// Missing returns the datasets of a view of which no complete copy has come through at
// the last Step: its source has not been heard, has delivered nothing yet, or is still
// copying. As long as there is one, nobody can say that somebody is not there. It is to
// be asked before the record is looked for.
func (t *Tracker) Missing(v *schemas.View) []string {
	views := t.views.Load()
	if views == nil {
		return []string{v.ID}
	}
	return (*views)[v.ID].missing
}

// missing reports whether no complete copy of a dataset has ever come through: at is as
// of when it has. One that the operator says is not connected, or whose sources were
// retired, is not waited for; but one that has come back to the catalogue is, until it is
// delivered. mu is held.
func (t *Tracker) missing(dataset string, at time.Time) bool {
	if !at.IsZero() || slices.Contains(t.without, dataset) {
		return false
	}
	retiredOnes := false
	for _, s := range t.sources {
		if slices.Contains(s.Datasets, dataset) {
			if s.State != contract.StateRetired {
				return true
			}
			retiredOnes = retiredOnes || !t.void(s, dataset)
		}
	}
	return !retiredOnes
}

// settleViews works out what View answers until the next Step.
func (t *Tracker) settleViews() {
	t.mu.RLock()
	defer t.mu.RUnlock()
	out := make(map[string]moment, len(t.related))
	for _, d := range t.catalogue.Datasets {
		at := t.rows[d.ID]
		for _, v := range d.Views {
			m := moment{asOf: at, until: Deadline(d.Cycle, &t.catalogue.Calendar, at)}
			if t.missing(d.ID, at) {
				m.missing = []string{d.ID}
			}
			out[v.ID] = m
		}
	}
	for _, e := range t.catalogue.Entities {
		for _, v := range e.Views {
			out[v.ID] = t.settleView(e, v)
		}
	}
	for id := range t.renewing {
		m := out[id]
		m.renewing = true
		out[id] = m
	}
	t.views.Store(&out)
}

// settleView takes the oldest of the datasets a view is made of. One that is
// not connected in this deployment does not count; one that is and has not
// come through yet makes the whole unknown. Those that are missing are all named.
func (t *Tracker) settleView(e *schemas.Entity, v *schemas.View) moment {
	var out moment
	unknown := false
	for _, id := range t.related[v.ID] {
		d, err := t.catalogue.Dataset(id)
		if err != nil {
			continue
		}
		at := t.golden[e.ID][id]
		if t.missing(id, at) {
			out.missing = append(out.missing, id)
		}
		if len(t.active(id)) == 0 {
			continue
		}
		if at.IsZero() {
			unknown = true
			continue
		}
		until := Deadline(d.Cycle, &t.catalogue.Calendar, at)
		if out.asOf.IsZero() || at.Before(out.asOf) {
			out.asOf = at
		}
		if out.until.IsZero() || until.Before(out.until) {
			out.until = until
		}
	}
	if unknown {
		return moment{missing: out.missing}
	}
	return out
}

// Dataset returns how a dataset does.
func (t *Tracker) Dataset(d *schemas.Dataset) Dataset {
	now := t.clock()
	t.mu.RLock()
	defer t.mu.RUnlock()
	out := Dataset{State: Unknown, AsOf: t.rows[d.ID], Sources: []string{}}
	active := t.active(d.ID)
	if len(active) == 0 {
		return out
	}
	halted := false
	for _, s := range active {
		out.Sources = append(out.Sources, s.Name)
		if s.Seen.After(out.Seen) {
			out.Seen = s.Seen
		}
		halted = halted || contract.StandsStill(s.now(now).State)
	}
	slices.Sort(out.Sources)
	if !out.AsOf.IsZero() {
		out.Lag = max(now.Sub(out.AsOf), 0)
	}
	end := Deadline(d.Cycle, &t.catalogue.Calendar, out.AsOf)
	switch {
	case halted:
		out.State = Stopped
	case out.AsOf.IsZero():
		out.State = Unknown
	case now.After(end):
		out.State = Overdue
	case now.Sub(out.AsOf) > end.Sub(out.AsOf)*3/4:
		out.State = Due
	default:
		out.State = Fresh
	}
	return out
}

// Complete reports whether a first complete copy of a dataset has been said to the
// steps: rules that speak of absence wait for it.
func (t *Tracker) Complete(dataset string) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, s := range t.sources {
		if slices.Contains(s.Status.Announced, dataset) && !t.void(s, dataset) {
			return true
		}
	}
	return false
}

// Sources returns what every source last said, by name.
func (t *Tracker) Sources() []Source {
	t.mu.RLock()
	defer t.mu.RUnlock()
	out := make([]Source, 0, len(t.sources))
	now := t.clock()
	for _, s := range t.sources {
		out = append(out, s.now(now))
	}
	slices.SortFunc(out, func(a, b Source) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
