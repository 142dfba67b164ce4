package engine

import (
	"time"

	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Transaction says what one worker of a step reads and how it commits.
type Transaction struct {
	Group     string           // the step's name: consumer group and transactional id, prefixed
	From      []contract.Topic // inputs, all with the same partition count
	Changelog contract.Topic   // the step's state, same partition count
	// Member names this worker among all workers of the group, stable over
	// restarts: "host-0". It fences its elder self.
	Member     string
	MaxRecords int           // records of one transaction at the most; 20,000
	MaxBytes   int           // of keys and values read and emitted in one transaction, give or take a poll; 16 MiB
	Interval   time.Duration // how long a transaction may go on taking in records; 100 ms
	IdlePoll   time.Duration // how long to wait for records before looking at timers; 500 ms
}

func (t Transaction) withDefaults() Transaction {
	if t.MaxRecords == 0 {
		t.MaxRecords = 20_000
	}
	if t.MaxBytes == 0 {
		t.MaxBytes = 16 << 20
	}
	if t.Interval == 0 {
		t.Interval = 100 * time.Millisecond
	}
	if t.IdlePoll == 0 {
		t.IdlePoll = 500 * time.Millisecond
	}
	return t
}

// Worker is what Transact drives: a step's state and logic for the partitions
// it holds. Handle, Wake, Due, Seal, Commit and Abort are called from one
// goroutine, so that nothing of one transaction runs beside anything of
// another. Those of Restorer are called from others, while other partitions are
// being worked on, and only for a partition that is being taken over: it is handed
// to the first when that is done.
type Worker interface {
	// Restorer: with Position a partition is the worker's, and whoever else in this
	// process still works on its local state may not change it any more.
	Restorer
	// Release says that no partition is the worker's any more.
	Release()
	// Handle processes committed records of one partition of one topic. The
	// slice is used again after it returns. With ErrLater that topic waits and is
	// tried again, while the others go on.
	Handle(tx *Tx, records []kafka.Record) error
	// Wake runs what is due on the partitions held.
	Wake(tx *Tx, partitions []int32) error
	// Due reports whether Wake has anything to do.
	Due(partitions []int32) bool
	// Seal writes the state's changes to the changelog, by tx.Log.
	Seal(tx *Tx) error
	// Commit makes the state's changes durable once the transaction is
	// committed; next is the changelog offset after what each partition logged.
	// ErrHandedOver says that it did not, because a partition is another worker's
	// by now: the changelog has the changes.
	Commit(next map[int32]int64) error
	// Abort drops the state's changes.
	Abort()
}

// Standby is warm state of partitions that another process holds: it follows the
// changelog so that taking one over means rolling forward its tail only.
type Standby interface {
	// Restorer: of partitions that are no worker's of this process.
	Restorer
	// Wanted returns the partitions to be kept warm now.
	Wanted() []int32
}
