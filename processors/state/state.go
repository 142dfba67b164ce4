// Package state keeps what steps remember in one Pebble database a process. It
// holds committed state only: a batch is written after its transaction has
// committed, in one piece together with the changelog offset it reaches. What
// is lost with a crash is rolled forward from the changelog.
//
// Keys are prefixed by step and partition, so that a partition can be dropped
// by one range delete.
package state

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/yiyuan-bus/yiyuan/schemas/private"
)

// Store is the database of one process. It is safe for concurrent use.
type Store struct {
	db      *pebble.DB
	options *pebble.Options
	fs      vfs.FS
	lock    *pebble.Lock
	loading string        // folder of tables that are being made
	loads   atomic.Uint64 // tables made, for their names
	loaders atomic.Int64  // open ones
	brim    *brim

	noticed  sync.Once
	damaged  chan struct{} // closed when damage is noticed
	evidence error         // the first sign of it
}

// Options say where the database is. FS nil is the disk, or memory if Dir is "".
type Options struct {
	Dir   string
	FS    vfs.FS
	Cache int64 // bytes; 128 MiB
	// Full hears that the disk is full, and that there is room again. Whoever
	// writes is held in between.
	Full func(full bool)
}

// place returns the file system and the folder.
func (o Options) place() (fs vfs.FS, dir string) {
	switch {
	case o.FS != nil:
		return o.FS, o.Dir
	case o.Dir == "":
		return vfs.NewMem(), "state"
	}
	return vfs.Default, o.Dir
}

// Discard removes a database that is not open, so that it is restored from its
// changelogs. The folder itself stays: it may be a mount.
func Discard(o Options) error {
	fs, dir := o.place()
	names, err := fs.List(dir)
	if err != nil {
		return fmt.Errorf("discard state %q: %w", dir, err)
	}
	for _, name := range names {
		if err := fs.RemoveAll(fs.PathJoin(dir, name)); err != nil {
			return fmt.Errorf("discard state %q: %w", dir, err)
		}
	}
	return nil
}

// Open opens the database in a folder that is its owner's alone: dossiers stand in it as
// they are. The error is ErrInUse if another process has it, ErrDamaged if it cannot be
// read as it was written.
func Open(o Options) (*Store, error) {
	fs, dir := o.place()
	if o.FS == nil && o.Dir != "" {
		if _, err := private.Folder(dir); err != nil && !errors.Is(err, private.ErrOpen) {
			return nil, fmt.Errorf("open state %q: %w", dir, err)
		}
	}
	lock, err := claim(fs, dir)
	if err != nil {
		return nil, fmt.Errorf("open state %q: %w", dir, err)
	}
	s, err := open(o, fs, dir, lock)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return s, nil
}

// open opens the database in a folder that nobody else has.
func open(o Options, fs vfs.FS, dir string, lock *pebble.Lock) (*Store, error) {
	if err := checkManifest(fs, dir); err != nil {
		return nil, fmt.Errorf("open state %q: %w", dir, err)
	}
	full := newBrim(fs, dir, o.Full)
	if o.FS == nil && o.Dir != "" {
		fs = vfs.OnDiskFull(fs, full.wait)
	}
	size := o.Cache
	if size == 0 {
		size = 128 << 20
	}
	cache := pebble.NewCache(size)
	defer cache.Unref()
	options := &pebble.Options{
		FS: fs, Lock: lock, Cache: cache, MemTableSize: 64 << 20, MemTableStopWritesThreshold: 4, LBaseMaxBytes: 128 << 20, Logger: quiet{},
		FormatMajorVersion:         pebble.FormatNewest,
		CompactionConcurrencyRange: func() (lower, upper int) { return 1, 2 },
	}
	for i := range options.Levels {
		// Most reads are of one key or a few beside it, and many are of a key that
		// is not there. Of a large state most blocks are not at hand: reading a
		// small one as it is costs less than a large one to be unpacked.
		options.Levels[i] = pebble.LevelOptions{
			BlockSize: 8 << 10, IndexBlockSize: 256 << 10, FilterPolicy: bloom.FilterPolicy(10),
			Compression: func() *sstable.CompressionProfile { return sstable.NoCompression },
		}
	}
	s := &Store{options: options, fs: fs, lock: lock, loading: fs.PathJoin(dir, "loading"), damaged: make(chan struct{}), brim: full}
	options.EventListener = &pebble.EventListener{DataCorruption: func(info pebble.DataCorruptionInfo) {
		s.noticed.Do(func() {
			s.evidence = fmt.Errorf("%w: %s: %w", ErrDamaged, info.Path, info.Details)
			close(s.damaged)
		})
	}}
	options.EnsureDefaults()
	var err error
	if s.db, err = pebble.Open(dir, options); err != nil {
		if pebble.IsCorruptionError(err) {
			err = fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return nil, fmt.Errorf("open state %q: %w", dir, err)
	}
	if err := errors.Join(fs.RemoveAll(s.loading), fs.MkdirAll(s.loading, 0o700)); err != nil {
		return nil, errors.Join(fmt.Errorf("open state %q: %w", dir, err), s.db.Close())
	}
	return s, nil
}

// Close closes the database. On a full disk it gives up with ErrFull.
func (s *Store) Close() error {
	s.brim.end()
	closed := make(chan error, 1)
	go func() { closed <- errors.Join(s.db.Close(), s.lock.Close()) }()
	select {
	case err := <-closed:
		if err != nil {
			return fmt.Errorf("close state: %w", err)
		}
		return nil
	case <-s.brim.stranded:
		return ErrFull
	}
}

// Stranded is closed when Guard's context has ended while writers are held by a
// full disk: they do not come back, and nobody may wait for them.
func (s *Store) Stranded() <-chan struct{} { return s.brim.stranded }

// Guard waits until ctx ends, which also ends all waiting for room, or until
// something that was read turns out to be damaged: then it returns ErrDamaged,
// and nothing read since can be relied on to be there.
func (s *Store) Guard(ctx context.Context) error {
	select {
	case <-ctx.Done():
		s.brim.end()
		return ctx.Err()
	case <-s.damaged:
		return s.evidence
	}
}

// Damage returns ErrDamaged if damage has been noticed.
func (s *Store) Damage() error {
	select {
	case <-s.damaged:
		return s.evidence
	default:
		return nil
	}
}

// Partition is the state of one partition of one step.
type Partition struct {
	store  *Store
	prefix []byte // data keys: prefix 'd' key; the position: prefix 'p'
}

// The kinds of key below a partition's prefix.
const (
	kindData     = 'd'
	kindPosition = 'p'
)

// appendKey appends the database's key of a state key.
func (p *Partition) appendKey(dst, key []byte) []byte {
	dst = append(dst, p.prefix...)
	dst = append(dst, kindData)
	return append(dst, key...)
}

// Position returns the changelog offset the state has reached and when; false
// if there is no state.
func (p *Partition) Position() (offset int64, at time.Time, found bool, err error) {
	v, closer, err := p.store.db.Get(p.positionKey())
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, time.Time{}, false, nil
	}
	if err != nil {
		return 0, time.Time{}, false, fmt.Errorf("read state position: %w", err)
	}
	if len(v) == 16 {
		offset, at, found = int64(binary.BigEndian.Uint64(v)), time.UnixMilli(int64(binary.BigEndian.Uint64(v[8:]))), true
	}
	if err := closer.Close(); err != nil {
		return 0, time.Time{}, false, fmt.Errorf("read state position: %w", err)
	}
	return offset, at, found, nil
}

func (p *Partition) positionKey() []byte {
	return append(append([]byte(nil), p.prefix...), kindPosition)
}

func position(offset int64, at time.Time) []byte {
	v := binary.BigEndian.AppendUint64(make([]byte, 0, 16), uint64(offset))
	return binary.BigEndian.AppendUint64(v, uint64(at.UnixMilli()))
}

// Partition returns the state of a partition. Step names hold no zero byte.
func (s *Store) Partition(step string, partition int32) *Partition {
	p := make([]byte, 0, len(step)+6)
	p = append(p, step...)
	p = append(p, 0)
	p = binary.BigEndian.AppendUint32(p, uint32(partition))
	return &Partition{s, p}
}

// Reset drops the partition's state and position.
func (p *Partition) Reset() error {
	end := append(append([]byte(nil), p.prefix...), 0xFF)
	if err := p.store.db.DeleteRange(p.prefix, end, pebble.Sync); err != nil {
		return fmt.Errorf("reset state: %w", err)
	}
	return nil
}

// Bind says of which changelog a step's state is: id is the topic's own, which
// changes when the topic is deleted and made again. State of another changelog
// is dropped, since offsets into that one say nothing about this.
func (s *Store) Bind(step string, id []byte) error {
	key := append([]byte(step), 0)
	v, closer, err := s.db.Get(key)
	switch {
	case errors.Is(err, pebble.ErrNotFound):
	case err != nil:
		return fmt.Errorf("read the changelog of state %q: %w", step, err)
	default:
		same := bytes.Equal(v, id)
		if err := closer.Close(); err != nil {
			return fmt.Errorf("read the changelog of state %q: %w", step, err)
		}
		if same {
			return nil
		}
	}
	b := s.db.NewBatch()
	if err := errors.Join(b.DeleteRange(key, append([]byte(step), 1), nil), b.Set(key, id, nil), b.Commit(pebble.Sync)); err != nil {
		return fmt.Errorf("bind state %q to its changelog: %w", step, err)
	}
	return nil
}

// Batch is a set of changes that become visible and durable in one piece.
// Scanning it sees its own changes over what is committed. Not for concurrent
// use.
type Batch struct {
	b     *pebble.Batch
	scans map[*Partition]*scan
}

// scan is an iterator used again from scan to scan of one partition: making one
// costs more than the scan. It shows the batch's changes as they are, and what
// is committed as it was when the batch first scanned the partition.
type scan struct {
	it     *pebble.Iterator
	inUse  bool
	bounds [2][2][]byte // of this scan and the one before, which pebble still compares with
	turn   int
}

// Batch begins a batch.
func (s *Store) Batch() *Batch { return &Batch{s.db.NewIndexedBatch(), map[*Partition]*scan{}} }

// Get appends the committed value of a key to dst; found is false if there is
// none. What batches hold is not seen.
func (p *Partition) Get(dst, key []byte) (value []byte, found bool, err error) {
	var room [96]byte
	v, closer, err := p.store.db.Get(p.appendKey(room[:0], key))
	if errors.Is(err, pebble.ErrNotFound) {
		return dst, false, nil
	}
	if err != nil {
		return dst, false, fmt.Errorf("read state: %w", err)
	}
	dst = append(dst, v...)
	if err := closer.Close(); err != nil {
		return dst, false, fmt.Errorf("read state: %w", err)
	}
	return dst, true, nil
}

// Any reports whether a committed key lies from low (inclusive) to high
// (exclusive).
func (p *Partition) Any(low, high []byte) (bool, error) {
	it, err := p.store.db.NewIter(p.options(nil, nil, low, high))
	if err != nil {
		return false, fmt.Errorf("scan state: %w", err)
	}
	found := it.First()
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return false, fmt.Errorf("scan state: %w", err)
	}
	return found, nil
}

// Scan visits the keys from low (inclusive) to high (exclusive; nil = the last)
// in order until visit returns false or an error. visit must not change the
// batch, and may keep neither key nor value.
func (b *Batch) Scan(p *Partition, low, high []byte, visit func(key, value []byte) (bool, error)) error {
	it, done, err := b.iterate(p, low, high)
	if err != nil {
		return fmt.Errorf("scan state: %w", err)
	}
	skip := len(p.prefix) + 1
	for ok := it.First(); ok; ok = it.Next() {
		more, err := visit(it.Key()[skip:], it.Value())
		if err != nil {
			return errors.Join(err, done())
		}
		if !more {
			break
		}
	}
	if err := errors.Join(it.Error(), done()); err != nil {
		return fmt.Errorf("scan state: %w", err)
	}
	return nil
}

// iterate returns an iterator over a range and what ends its use.
func (b *Batch) iterate(p *Partition, low, high []byte) (*pebble.Iterator, func() error, error) {
	c := b.scans[p]
	if c == nil {
		c = &scan{}
		b.scans[p] = c
	}
	if c.inUse { // a scan within a scan
		it, err := b.b.NewIter(p.options(nil, nil, low, high))
		if err != nil {
			return nil, nil, err
		}
		return it, it.Close, nil
	}
	bounds := &c.bounds[c.turn]
	c.turn = 1 - c.turn
	options := p.options(bounds[0], bounds[1], low, high)
	bounds[0], bounds[1] = options.LowerBound, options.UpperBound
	if c.it == nil {
		it, err := b.b.NewIter(options)
		if err != nil {
			return nil, nil, err
		}
		c.it = it
	} else {
		c.it.SetOptions(options) // shows what has changed in the batch since
	}
	c.inUse = true
	return c.it, c.release, nil
}

func (c *scan) release() error {
	c.inUse = false
	return nil
}

// options are those of a range of the partition, in the room given.
func (p *Partition) options(lower, upper, low, high []byte) *pebble.IterOptions {
	o := &pebble.IterOptions{LowerBound: p.appendKey(lower[:0], low)}
	if high == nil {
		o.UpperBound = append(append(upper[:0], p.prefix...), kindData+1)
	} else {
		o.UpperBound = p.appendKey(upper[:0], high)
	}
	return o
}

// settle ends what scans keep open.
func (b *Batch) settle() error {
	var errs []error
	for _, c := range b.scans {
		if c.it != nil {
			errs = append(errs, c.it.Close())
		}
	}
	clear(b.scans)
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("scan state: %w", err)
	}
	return nil
}

// Set puts a key of a partition; a nil value deletes it. It returns its own
// copies, which stay as they are until the batch is committed or closed.
func (b *Batch) Set(p *Partition, key, value []byte) (ownKey, ownValue []byte, err error) {
	n := len(p.prefix) + 1 + len(key)
	if value == nil {
		op := b.b.DeleteDeferred(n)
		p.appendKey(op.Key[:0], key)
		return op.Key[len(p.prefix)+1:], nil, op.Finish()
	}
	op := b.b.SetDeferred(n, len(value))
	p.appendKey(op.Key[:0], key)
	copy(op.Value, value)
	return op.Key[len(p.prefix)+1:], op.Value[:len(value):len(value)], op.Finish()
}

// Reach records the changelog offset a partition has reached with this batch.
func (b *Batch) Reach(p *Partition, offset int64, at time.Time) error {
	return b.b.Set(p.positionKey(), position(offset, at), nil)
}

// Commit applies the batch. It is not synced: what a crash takes is a tail of
// whole batches, and the changelog gives it back.
func (b *Batch) Commit() error {
	if err := b.settle(); err != nil {
		return err
	}
	if err := b.b.Commit(pebble.NoSync); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	return b.Close()
}

// Abandon drops what has not been committed and leaves what Set returned as it
// is, for those who may still be reading it.
func (b *Batch) Abandon() error { return b.settle() }

// Close drops what has not been committed. Nobody may hold what Set returned.
func (b *Batch) Close() error {
	if err := errors.Join(b.settle(), b.b.Close()); err != nil {
		return fmt.Errorf("drop state changes: %w", err)
	}
	return nil
}

type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}

// Fatalf is called when the database can no longer be trusted.
func (quiet) Fatalf(format string, args ...any) { panic(fmt.Sprintf("state: "+format, args...)) }
