package contract

// SourceStatus is what the topic sources holds of one source, under its name:
// how far it has been read, and how it does.
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
	CaughtUp int64  `json:"caught_up,omitempty"`
	Rows     int64  `json:"rows,omitempty"` // published so far
	Kind     string `json:"kind,omitempty"`
	Error    string `json:"error,omitempty"`
}

// The states of a source.
const (
	StateStarting = "starting" // for the first time
	StateRunning  = "running"
	StateSnapshot = "snapshot"
	StateHeld     = "held" // stands still until a person answers
	StateFailed   = "failed"
	StateStopped  = "stopped"
	StateRetired  = "retired" // stopped for good
)
