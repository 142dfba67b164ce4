package contract

import (
	"slices"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// SourceStatus is what the topic sources holds of one source, under its name:
// how far it has been read, how it does, and what a person has asked of it.
type SourceStatus struct {
	Position string `json:"position"`
	// Epoch is that of the source's changes: one that begins anew, with no
	// position, takes one above all it has had, so that what it reads then counts
	// as newer than whatever it said before.
	Epoch    uint64   `json:"epoch,omitempty"`
	At       int64    `json:"at"` // milliseconds: when this was written
	Datasets []string `json:"datasets,omitempty"`
	State    string   `json:"state,omitempty"` // one of the State constants
	// CaughtUp in milliseconds, 0 = unknown: everything the source committed
	// before this instant has been published.
	CaughtUp int64 `json:"caught_up,omitempty"`
	// Awaited are those of the datasets of which no first delivery has come whole: a
	// drop folder or a push endpoint that still waits for it is caught up with nothing,
	// and nobody knows yet who is not there. CaughtUp does not speak of them.
	Awaited []string `json:"awaited,omitempty"`
	// Complete are those of the datasets of which it has once published a complete
	// copy, and Announced those of which it has said so in their raw topics, see
	// Completion: as soon as all sources of a dataset have brought their part.
	Complete  []string `json:"complete,omitempty"`
	Announced []string `json:"announced,omitempty"`
	// Returned are those of the datasets that have left the catalogue and come back since it
	// delivered them: what it said of them is of nobody until it is read again, or, where it
	// cannot be, until it delivers them anew. They are awaited and not complete.
	Returned []string `json:"returned,omitempty"`
	// Catalogue is the period of the catalogue under which this was said.
	Catalogue string `json:"catalogue,omitempty"`
	Rows      int64  `json:"rows,omitempty"` // published so far
	Kind      string `json:"kind,omitempty"`
	Error     string `json:"error,omitempty"`
	// Restarts is how often it was opened again since it last published something.
	Restarts int `json:"restarts,omitempty"`
	// Lost, if not "", is why it cannot go on from its position: it stays failed,
	// over restarts too, until it is read again. Do is what a person does about it.
	Lost string `json:"lost,omitempty"`
	Do   string `json:"do,omitempty"`
	// Stop says that a person has stopped it, or retired it: a restart does not start it.
	// StoppedBy is who, as the operator's tools say ("" = not said), and StoppedAt when, in
	// milliseconds.
	Stop      bool   `json:"stop,omitempty"`
	StoppedBy string `json:"stopped_by,omitempty"`
	StoppedAt int64  `json:"stopped_at,omitempty"`
	// Left are datasets that it fed before and feeds no more; what it said of their
	// rows stands until another source that feeds them now is read again. Inherited
	// are the sources whose rows this one has so accounted for, and how many each had
	// published then.
	Left      []string         `json:"left,omitempty"`
	Inherited map[string]int64 `json:"inherited,omitempty"`
	// Resync is a person's order to read it again from the beginning, until that is done.
	Resync *Resync `json:"resync,omitempty"`
	// Backfills are persons' orders to read parts of it again beside its stream, until they are
	// done, in the order given.
	Backfills []Backfill `json:"backfills,omitempty"`
	Backfill  int64      `json:"backfill,omitempty"` // the number of the last one
	Reread    uint32     `json:"reread,omitempty"`   // rows that backfills have said since the epoch began
}

// Resync is how far reading a source again has come. What the department has no
// more is deleted at its end.
type Resync struct {
	Step   string `json:"step"`             // one of the Resync constants
	Accept int64  `json:"accept,omitempty"` // so many deletes a person has said yes to
	Rows   int64  `json:"rows,omitempty"`   // read again so far
	// Found, of so many rows that were there before, are to be deleted; known when
	// all are read.
	Found   int64 `json:"found,omitempty"`
	Of      int64 `json:"of,omitempty"`
	Deleted int64 `json:"deleted,omitempty"` // so far
}

// The steps of a resync.
const (
	ResyncAsked    = "asked"    // a person has asked for it
	ResyncReading  = "reading"  // all rows are read again
	ResyncDeleting = "deleting" // what did not come again is deleted
)

// The states of a source, as it says them of itself; Word tells which of them holds.
const (
	StateStarting = "starting" // for the first time
	StateRunning  = "running"
	StateSnapshot = "snapshot" // first rows are copied
	StateResync   = "resync"   // it is read again from the beginning
	StateWaiting  = "waiting"  // for something that passes by itself, such as a slot
	StateHeld     = "held"     // stands still until a person answers
	StateFailed   = "failed"
	StateSilent   = "silent" // nothing is heard of it, whatever it said last
	StateStopped  = "stopped"
	StateRetired  = "retired" // stopped for good
)

// States lists all of them.
func States() []string {
	return []string{StateStarting, StateRunning, StateSnapshot, StateResync, StateWaiting, StateHeld, StateFailed, StateSilent, StateStopped, StateRetired}
}

// StandsStill reports whether nothing of a source in that state comes through.
func StandsStill(state string) bool {
	switch state {
	case StateStarting, StateRunning, StateSnapshot, StateResync:
		return false
	}
	return true
}

// Fed reports whether the source fed a dataset that it does not feed now, because it
// is retired or the dataset was taken from it.
func (s SourceStatus) Fed(dataset string) bool {
	return s.State == StateRetired && slices.Contains(s.Datasets, dataset) || slices.Contains(s.Left, dataset)
}

// Void reports whether what it says of a dataset is of before that left the catalogue and
// came back. Builds that did not say under which catalogue they spoke said when.
func (s SourceStatus) Void(l *schemas.Lineage, dataset string) bool {
	if back, ever := l.Back[dataset]; s.Catalogue == "" && s.At != 0 {
		return ever && s.At < back.UnixMilli()
	}
	return l.Void(schemas.LinkName{Dataset: dataset}, s.Catalogue)
}

// SoleFeeder returns the one source that feeds a dataset, "" if there is none or there
// are several. Retired ones feed nothing.
func SoleFeeder(sources map[string]SourceStatus, dataset string) string {
	sole := ""
	for name, s := range sources {
		if s.State == StateRetired || !slices.Contains(s.Datasets, dataset) {
			continue
		}
		if sole != "" {
			return ""
		}
		sole = name
	}
	return sole
}
