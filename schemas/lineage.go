package schemas

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Lineage is what the bus knows of the catalogues before this one: what was published
// under them may stand in topics and caches still. Package lineage makes it; its zero
// value is that nothing was in force before. It is immutable once made.
type Lineage struct {
	// Step is how many catalogues were in force before this one.
	Step int
	// Absent is, by each link and each dataset that was not in all of them, how many were
	// in force before the last one without it.
	Absent map[LinkName]int
	// Back are the datasets that have left and come back, and when the catalogue that
	// brought them back came into force, by the broker's clock.
	Back map[string]time.Time
	// Lost are the datasets that were in force once and are no more, as they were last.
	Lost map[string]*Dataset
	// First is, by the version of each, how many were in force before it the first time.
	First map[string]int
	// Withdrawn are, by the version of an earlier catalogue, the views that it had and
	// this one has not: what was published of them is taken back.
	Withdrawn map[string][]*View
	// Known are, by the id of a view, the catalogues under which it was as it is now.
	Known map[string]Known
	// Evidence is the same of the evidence of findings, by CaseName; nil = all is as it is.
	Evidence map[string]Known
}

// LinkName names a way in which rows of a dataset speak about an entity; with nothing but
// Dataset, the dataset itself.
type LinkName struct{ Entity, Dataset, Role string }

// Void reports whether what rows said by a link until a period is nothing any more: there
// was a time since without the link, in which nobody was told of rows that went. All rows
// that stand are said again. Of a period that nobody knows it is false. What was published
// of a dataset that has left since and come back is nothing either, and is not said again:
// its sources bring it anew.
func (l *Lineage) Void(link LinkName, period string) bool {
	absent, ever := l.Absent[link]
	if !ever {
		return false
	}
	version, step, numbered := cutPeriod(period)
	if !numbered {
		first, known := l.First[version]
		if !known {
			return false
		}
		step = first
	}
	return step <= absent
}

// Known says of a view since when it has been as it is now: what was published of it
// before may show more than it does, or say it masked while it is not.
type Known struct {
	Step     int             // how many catalogues came into force before that, 0 = all of them had it so
	Versions map[string]bool // of the catalogues since
	Before   map[string]bool // of those of them that were in force before that, too
}

// Believes reports whether a record that was published of a view in a period
// (Catalogue.Period) is what the view shows now.
func (l *Lineage) Believes(view, period string) bool {
	if l == nil {
		return true
	}
	return l.Known[view].believes(period)
}

// BelievesEvidence reports whether what a finding of a case (CaseName), published in a
// period of the catalogue, shows of values is what it shows now. Of a case that there is
// no more it is not: nobody says what may be shown of it.
func (l *Lineage) BelievesEvidence(name, period string) bool {
	if l == nil || l.Evidence == nil {
		return true
	}
	k, there := l.Evidence[name]
	return there && k.believes(period)
}

func (k Known) believes(period string) bool {
	version, step, numbered := cutPeriod(period)
	return k.Step == 0 || numbered && step >= k.Step && k.Versions[version] || !numbered && k.Versions[version] && !k.Before[version]
}

// Gone returns the views that were in force once and are no more, each once, sorted by id.
func (l *Lineage) Gone() []*View {
	all := map[string]*View{}
	for _, version := range slices.Sorted(maps.Keys(l.Withdrawn)) {
		for _, v := range l.Withdrawn[version] {
			all[v.ID] = v
		}
	}
	return sorted(all)
}

// Left returns the views that are to be taken back of what was last published in a
// period. Of one that is not known it is all that were ever withdrawn.
func (l *Lineage) Left(period string) []*View {
	version, _, _ := cutPeriod(period)
	if views, known := l.Withdrawn[version]; known || len(l.Withdrawn) == 0 {
		return views
	}
	return l.Gone()
}

// StoredAs is under which name the cache keeps a view: one that did not always show what it
// shows now has another than before, under which nothing of before is found.
func (l *Lineage) StoredAs(view string) string {
	if k := l.Known[view]; k.Step > 0 {
		return view + "~" + strconv.Itoa(k.Step)
	}
	return view
}

// period names the time for which the catalogue of a version is in force behind it.
func (l *Lineage) period(version string) string {
	if l.Step == 0 {
		return version
	}
	return version + "@" + strconv.Itoa(l.Step)
}

// cutPeriod reads what period wrote. Without a number it is the first, or of a build that
// did not number them: then it is taken for the first, since all is said again.
func cutPeriod(period string) (version string, step int, numbered bool) {
	version, number, found := strings.Cut(period, "@")
	if !found {
		return version, 0, false
	}
	step, err := strconv.Atoi(number)
	return version, step, err == nil
}
