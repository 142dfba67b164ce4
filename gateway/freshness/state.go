package freshness

import (
	"cmp"
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// State says in one word how a dataset does.
type State string

// The states of a dataset.
const (
	Fresh   State = "fresh"   // within its cycle
	Due     State = "due"     // soon to be older than its cycle allows
	Overdue State = "overdue" // older than its cycle allows
	Stopped State = "stopped" // its source says that it has stopped or failed
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

// beijing is the zone of working days.
var beijing = time.FixedZone("Asia/Shanghai", 8*60*60)

// Within reports whether data as of the given moment are as fresh at now as
// the cycle promises.
func Within(cycle string, calendar *schemas.Calendar, asOf, now time.Time) bool {
	return !now.After(Deadline(cycle, calendar, asOf))
}

// Deadline returns until when data of the cycle may be as old as asOf.
func Deadline(cycle string, calendar *schemas.Calendar, asOf time.Time) time.Time {
	const day = 24 * time.Hour
	switch cycle {
	case "realtime":
		return asOf.Add(time.Minute)
	case "daily":
		return calendar.Add(asOf.In(beijing), 1).Add(6 * time.Hour)
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

// View returns as of when a view is, and whether that is older than the cycle
// of a dataset it is made of allows. A view none of whose datasets has been
// heard is of an unknown time, which is stale.
func (t *Tracker) View(v *schemas.View) (asOf time.Time, stale bool) {
	now := t.clock()
	t.mu.RLock()
	defer t.mu.RUnlock()
	if v.Dataset != nil {
		asOf = t.rows[v.Dataset.ID]
		return asOf, asOf.IsZero() || !Within(v.Dataset.Cycle, &t.catalogue.Calendar, asOf, now)
	}
	heard := false
	for _, id := range t.related[v.ID] {
		if len(t.active(id)) == 0 {
			continue // not connected in this deployment
		}
		d, err := t.catalogue.Dataset(id)
		at := t.golden[v.Owner][id]
		if err != nil || at.IsZero() {
			return time.Time{}, true
		}
		if !heard || at.Before(asOf) {
			asOf = at
		}
		heard = true
		stale = stale || !Within(d.Cycle, &t.catalogue.Calendar, at, now)
	}
	return asOf, stale || !heard
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
	stopped := true
	for _, s := range active {
		out.Sources = append(out.Sources, s.Name)
		if s.Seen.After(out.Seen) {
			out.Seen = s.Seen
		}
		stopped = stopped && (s.State == "stopped" || s.State == "failed")
	}
	slices.Sort(out.Sources)
	if !out.AsOf.IsZero() {
		out.Lag = max(now.Sub(out.AsOf), 0)
	}
	end := Deadline(d.Cycle, &t.catalogue.Calendar, out.AsOf)
	switch {
	case stopped:
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

// Sources returns what every source last said, by name.
func (t *Tracker) Sources() []Source {
	t.mu.RLock()
	defer t.mu.RUnlock()
	out := make([]Source, 0, len(t.sources))
	for _, s := range t.sources {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Source) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
