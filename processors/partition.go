package processors

import (
	"time"

	"github.com/yiyuan-bus/yiyuan/processors/state"
)

// The kinds of state key: a stage's own, its timers by time, its timers by key.
const (
	kindOwn    = 'k'
	kindTimer  = 't'
	kindWaking = 'w'
)

// partition is one partition's state and what the open transaction changed in it.
type partition struct {
	number  int32
	state   *state.Partition
	changed map[string]int // state key -> its place in changes
	changes []change       // in the order of their first change

	renewed  []byte // the generation that all of it is of; nil = to be looked up
	sameKeys bool   // its state was made with the present key ring
}

// change is the last change of a key; its bytes are the batch's. A nil value
// deletes.
type change struct{ key, value []byte }

// overlay is what the open transactions of a worker have changed, over what is
// committed, and their time.
type overlay struct {
	store *state.Store
	batch *state.Batch // nil if nothing is open
	now   time.Time
}

func (o *overlay) open() *state.Batch {
	if o.batch == nil {
		o.batch = o.store.Batch()
	}
	return o.batch
}
