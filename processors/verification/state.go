package verification

import (
	"time"

	"github.com/yiyuan-bus/yiyuan/processors/authority"
	"github.com/yiyuan-bus/yiyuan/processors/claim"
	"github.com/yiyuan-bus/yiyuan/schemas/condition"
)

// Phase is where a case stands for one entity.
type Phase uint8

// The phases. Idle cases are remembered only while they wait for a time.
const (
	Idle    Phase = iota
	Pending       // holds, but not yet for as long as the case asks
	Open
	Closed // was open once
)

// State is what is remembered of one case for one entity.
type State struct {
	Case     string // XV-04/paid
	Phase    Phase
	Since    int64 // milliseconds: Pending since
	OpenedAt int64
	ClosedAt int64
	Due      int64 // day number
	Reopened int64
	Version  int64  // of the finding, 0 before it first opens
	Wake     int64  // milliseconds: when time alone may change the outcome, 0 never
	Owner    string // department that must act
	Shown    uint64 // digest of the finding as last emitted
}

// Subject is what a Set is evaluated over.
type Subject struct {
	Dossier *claim.Dossier
	Golden  authority.Golden
	Now     time.Time
	// Complete reports whether a first complete copy of a dataset has come, so that
	// who is not in it is known not to be; nil = of all of them.
	Complete func(dataset string) bool
	// Recast reports whether what was last said of a case showed values otherwise than it
	// would now, so that it is to be said again; nil = of none.
	Recast func(name string) bool
}

// Fault says that a condition could not be evaluated. The finding stays as it was.
type Fault struct {
	Case string
	Err  error
}

// Evaluator evaluates a set again and again with the same scratch memory.
type Evaluator struct {
	set *Set
	run *condition.Evaluator
	in  *Subject

	known []bool // by case: it has a state
}
