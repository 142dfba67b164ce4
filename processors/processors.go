// Package processors turns what departments say into what the city knows: it
// is the contract of a step and the loop that runs one exactly once. The steps
// are in the sub-packages (route, resolve), the pure parts they are made of
// beside them (authority, verification, masking).
//
// A Stage touches the world only through its Tx. All it reads is committed or
// its own; all it writes - records, state, timers - takes effect with the
// offsets of its input or not at all. Purity is what makes it exactly once:
// a stage imports no net, os, time.Now or random numbers.
//
// Metrics:
//
//	yiyuan_processors_stage_seconds{step}   one batch through a stage
//	yiyuan_processors_records_total{step}   records handed to a stage
//	yiyuan_processors_timers_total{step}    wake-ups delivered
//	yiyuan_processors_state_bytes_total{step}     bytes of state changes committed
//	yiyuan_processors_renewed_total{step}   entities looked at because the catalogue or the key has changed
//	yiyuan_processors_renewing_partitions{step}   partitions that are not wholly of the present catalogue and key
//	yiyuan_processors_mask_failures_total{view,field}   fields dropped because their mask failed
//	yiyuan_processors_state_damaged_total               times that state was damaged on the disk and was restored
package processors

import (
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
)

// Stage is the logic of a step. Each worker has one of its own, so a Stage need
// not be safe for concurrent use, and may keep what it has compiled but nothing
// that it has read.
type Stage interface {
	// Process handles one partition's records in order. Bad data is the stage's
	// own business (quarantine, by tx.Emit); an error it returns stops the step.
	Process(tx Tx, batch []bus.Record) error
	// Wake is called for a key whose time, set by Tx.WakeAt, has come.
	Wake(tx Tx, key []byte) error
}

// Tx is what a stage sees of one transaction: the state of one partition, and
// the way out. It is valid during one call of the stage.
type Tx interface {
	// Now is the time of this transaction. It never goes back within a partition
	// while the process lives.
	Now() time.Time
	// Partition is the number of the partition that is being processed.
	Partition() int32
	// Get returns the value of a key, nil if there is none. The bytes are valid
	// until the next call into Tx and must not be changed.
	Get(key []byte) ([]byte, error)
	// Scan visits the keys that begin with prefix, in order. visit may keep
	// neither key nor value, and may not write.
	Scan(prefix []byte, visit func(key, value []byte) error) error
	// Put sets a key. Key and value are copied.
	Put(key, value []byte)
	// Delete removes a key.
	Delete(key []byte)
	// Emit writes a record; its bytes must not be changed after.
	Emit(r bus.Record)
	// Renewed reports whether all that the partition keeps has been renewed, see
	// Renewer, as of the last transaction.
	Renewed() (bool, error)
	// WakeAt asks for Wake with this key at that time or soon after; the zero
	// time cancels. A key has one timer. Timers survive like all state.
	WakeAt(key []byte, at time.Time)
}

// Renewer is a Stage whose results depend on more than its records: on the
// catalogue it was made with, or on what is in force at a time. When that
// changes, all that it keeps is renewed in the background, a little in each
// transaction, exactly once.
type Renewer interface {
	// Generation names what results depend on at a time, an Edition in front. Once all is
	// renewed the step says of which catalogue it is (contract.Renewed).
	Generation(now time.Time) []byte
	// Renewable is the prefix of the keys to renew.
	Renewable() []byte
	// Renew brings what is kept under a key to the present generation. It is
	// called for every key that was there when the generation changed, and may
	// find that it is up to date.
	Renew(tx Tx, key []byte) error
}

// Ring is the key ring that a step's tokens are made with; *keyring.Keyring is one.
type Ring interface {
	// Fingerprint names the ring and its current version.
	Fingerprint() string
	// Knows recognises the ring's own fingerprints, whichever version was current.
	Knows(fingerprint string) bool
}
