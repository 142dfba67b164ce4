// Package store is what the gateway asks of its cache: records kept under keyed
// digests, in generations, with how far each view has been written. Package redis
// does it; package fill writes it, package question reads it.
package store

import (
	"context"
	"errors"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/quota"
)

// Errors of a Store. Neither is ever answered as "not there".
var (
	// ErrNotLoaded says that the cache does not (yet, or any more) hold the view
	// whole: a missing key proves nothing.
	ErrNotLoaded = errors.New("view is not loaded")
	// ErrMixedReply says that the cache answered with something that belongs to
	// another question. The answer has been thrown away.
	ErrMixedReply = errors.New("cache answered another question")
	// ErrBehind says that a generation has not yet come as far as another.
	ErrBehind = errors.New("generation is behind")
	// ErrLost says that the cache no longer stands where the writer left it: it
	// was emptied or went back in time. The writer starts again from the marks.
	ErrLost = errors.New("cache lost what was written")
	// ErrRemoving says that what was left of a view is being removed: nothing can be
	// written until all of it is gone.
	ErrRemoving = errors.New("what was left of the view is being removed")
)

// Digest is the keyed digest under which a record is kept. The cache never
// sees the key it was made from.
type Digest [16]byte

// Generation names one copy of the shared views in the cache.
type Generation string

// Stored is what the cache holds under one key. A zero Version means that
// there is nothing; a deleted record is nothing too.
type Stored struct {
	Version uint64
	Time    time.Time // the source's commit time
	Value   []byte    // framed record; nil if there is none
	Moved   bool      // deleted because it stands under another key from this version on

	// Withheld says that the view has records of a catalogue under which it showed
	// otherwise: they are not kept, and come again as the view shows them now. It is said
	// of every key alike, found or not: whether somebody who is not found is one of them,
	// or is not there, is nobody's to know.
	Withheld bool
}

// Found reports whether there is a record.
func (s Stored) Found() bool { return s.Value != nil }

// Write is one record, or its deletion if Value is nil, on its way into the cache.
type Write struct {
	Key     Digest
	Version uint64
	Time    time.Time
	Value   []byte
	Moved   bool // of a deletion: the record stands under another key from this version on

	Withheld bool // without a value: there is one that is not shown, see Stored
}

// Batch is a run of records of one partition of one view. From is the offset
// the writer had reached before it (-1: none), Next the one it has reached with it.
type Batch struct {
	View      string
	Partition int32
	From      int64
	Next      int64
	Writes    []Write
}

// Progress says how far the cache itself says a view has been written.
type Progress struct {
	Next     map[int32]int64 // by partition: the offset after the last record written
	Live     int64           // records held, without the deleted ones
	Newest   time.Time       // newest source commit time written
	Withheld int64           // records that are not kept, since the view showed otherwise, see Stored
	Ready    bool            // the view is complete
}

// Store answers lookups. Get fills into[i] with what is kept of view under
// keys[i]; all of it stood in the cache at one moment. In the same step it makes
// what reserve asks for (nil: nothing) and writes there what came of it, also
// when it fails. It returns ErrNotLoaded when the view is not complete, whether
// or not the keys are there, and ErrMixedReply when the reply does not belong to
// the question.
type Store interface {
	Get(ctx context.Context, view string, keys []Digest, into []Stored, reserve *quota.Reservation) error
}

// Sink takes what the shared topics say. Every method may be called again with
// the same arguments and changes nothing then.
type Sink interface {
	// Apply writes a batch and its position as one step. A record never
	// replaces a newer one. It returns ErrLost if the cache does not hold
	// everything before b.From any more.
	Apply(ctx context.Context, g Generation, b Batch) error
	// Progress returns how far each view stands in generation g.
	Progress(ctx context.Context, g Generation, views []string) (map[string]Progress, error)
	// Seal declares that view is complete. have is what the caller believes to
	// have written of each partition (-1: nothing); if the cache holds less it
	// returns ErrLost.
	Seal(ctx context.Context, g Generation, view string, have map[int32]int64) error
}

// Generations are the copies of the shared views in the cache. Readers use the
// current one.
type Generations interface {
	// Current returns the current generation and makes the first one if there is none.
	Current(ctx context.Context) (Generation, error)
	// Begin returns the name of a new, empty generation.
	Begin(ctx context.Context) (Generation, error)
	// Flip makes to the current generation if from still is (ErrLost if not) and
	// if to has come as far as from in every one of views (ErrBehind if not), so
	// that no reader goes back in time.
	Flip(ctx context.Context, from, to Generation, views []string) error
	// Drop unlinks everything of generation g, a little at a time.
	Drop(ctx context.Context, g Generation) error
}

// Remover takes out of the cache what was left in it.
type Remover interface {
	// RemoveFormer removes, a little at a time until ctx ends, what is kept of views
	// that are not in keep, and of generations that are not current, once loaded says
	// that the present ones are complete. What somebody else uses stays until he is
	// gone. Several may do so at once.
	RemoveFormer(ctx context.Context, keep []string, loaded func() bool) error
}

// Cache is everything the gateway asks of its cache; package redis has it.
type Cache interface {
	Store
	quota.Store
	Sink
	Generations
	Remover
}
