// Package postgres reads a PostgreSQL database by logical replication: first
// the rows that are there, then every committed change, in commit order.
//
// It needs PostgreSQL 12 or later with wal_level=logical, a role with
// REPLICATION and SELECT on the tables, and one replication slot. It writes
// nothing into the database; where it may not create the publication it says
// which SQL a DBA must run.
//
// # Position
//
// The identity of an event is (commit LSN, index in the transaction). Changes
// and position are published in one Kafka transaction; the LSN is confirmed to
// the server only after it (Confirm). After a crash the server sends again what
// was not confirmed, and what the position covers is passed over exactly. A
// transaction too large for one batch is published in parts.
//
// # What reading rests on
//
// What was true when reading began is looked at once a second, and when the
// source is opened again: the cluster, its timeline and the end of its log, the
// slot, the publication with its operations, filters and column lists, the
// tables' oids and names, their replica identity, and our right to see all rows
// (package guard). If something differs the source fails: with connectors.ErrPositionLost
// where the server may have swallowed changes, and then stays so until it is read
// again; with an error that passes where nothing is lost and it goes on by itself
// once the database is as it was.
//
// A database that was put back from an earlier copy of its files is noticed by
// its log: it ends before our place, or it has no longer the transaction that was
// published last. For that the server is let forget one transaction later than it
// could, and sends it again at each connection (proof.go).
//
// # Snapshot
//
// The slot is created first, with an exported snapshot; the tables are read in
// that snapshot, ordered by key; then the stream starts at the slot's consistent
// point. If the snapshot is interrupted, the exported snapshot is lost but the
// slot is not: reading goes on behind the last published key with a newer
// snapshot, and the stream still starts at the old consistent point. Rows read
// late may so step back for a moment while the stream replays their history;
// the last event of each key decides, so the result is exact once the stream is
// through, and until then the source says so (StateSnapshot, no CaughtUp).
// Dropping the slot and starting over would be wrong: a row published by the
// first attempt and deleted before the second would never be deleted. The slot
// is dropped and made anew only when nothing was published at all.
//
// The key in the position is encrypted under the city's keys. Without keys, or
// after they changed, the table is read from its start again, which is as exact.
//
// # Backfill
//
// A table, or a range of its keys, is read again beside the stream (package backfill).
//
// # Parts
//
// A setting is what stays while the source is open; a server, on it, the database as it
// answers questions: the checks, the slot and the facts ask it. A watch holds the facts,
// by the guards, against where reading stands. A snapshot reads rows, with a position of
// its own; a stream receives the log, which its decoder turns into changes and its proof
// holds against what was read before. The source puts them together.
//
// # Values
//
// Rows are read in text format with fixed session settings by both ways, so the
// same row gives the same bytes by snapshot and by stream. An unchanged TOAST
// value is schemas.Unavailable unless the replica identity is FULL; when a row
// changes its key, or its version before was refused (missed.go), it is looked up
// in the table. A change of key is a Delete and a Create. A row that its elements
// refuse is a rejection; the row's last good image stays.
package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/backfill"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/place"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

type source struct {
	*server
	watch *watch
	dry   bool      // first rows only, see Dry
	heard place.LSN // the confirmed position of the slot when it was opened
	end   context.CancelFunc

	reading  sync.Mutex // held by Read, and by Close once Read was told to end
	at       place.Position
	snapshot *snapshot
	backfill *backfill.Backfill // nil: none is asked for

	mu     sync.Mutex
	closed bool
	stream *stream
}

// Open connects, checks tables, publication and slot, and prepares the snapshot
// or the stream. It implements connectors.Open.
func Open(ctx context.Context, cfg connectors.Config, after schemas.Position) (connectors.Source, error) {
	return open(ctx, cfg, after, false)
}

// Dry opens a source that yields every row that is there now and then ends, and
// leaves nothing behind in the database: no slot, no publication.
func Dry(ctx context.Context, cfg connectors.Config, _ schemas.Position) (connectors.Source, error) {
	return open(ctx, cfg, "", true)
}

func open(ctx context.Context, cfg connectors.Config, after schemas.Position, dry bool) (connectors.Source, error) {
	o, err := read(cfg)
	if err != nil {
		return nil, err
	}
	o.Snapshot = o.Snapshot || cfg.Again // what is read again is read whole
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	set, err := prepare(life, cfg, o)
	if err != nil {
		end()
		return nil, fmt.Errorf("open postgres source %q: %w", cfg.Name, err)
	}
	at, err := place.Parse(after)
	if err != nil {
		end()
		return nil, fmt.Errorf("open postgres source %q: %w", cfg.Name, err)
	}
	set.slot = cmp.Or(at.Slot, set.slot)
	db := &server{setting: set}
	s := &source{server: db, watch: &watch{server: db}, dry: dry, end: end, at: at}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open postgres source %q: %w", cfg.Name, clean(err)), s.Close())
	}
	return s, nil
}

// Read implements connectors.Source.
func (s *source) Read(ctx context.Context) (connectors.Batch, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	b, err := s.read(ctx)
	if err != nil {
		if s.life.Err() != nil {
			err = os.ErrClosed
		}
		return connectors.Batch{}, fmt.Errorf("read postgres source %q: %w", s.cfg.Name, clean(err))
	}
	return b, nil
}

func (s *source) read(ctx context.Context) (connectors.Batch, error) {
	if err := ctx.Err(); err != nil {
		return connectors.Batch{}, err
	}
	if s.at.Snapshot {
		if _, _, err := s.watch.look(ctx); err != nil {
			return connectors.Batch{}, err
		}
		s.snapshot.behind.Facts = s.watch.kept
		b, err := s.snapshot.next(ctx)
		if s.at = s.snapshot.behind; err == nil && !s.at.Snapshot {
			s.log.Info("snapshot finished", "rows", s.at.Rows)
		}
		return b, err
	}
	if s.dry {
		return connectors.Batch{}, io.EOF
	}
	if err := s.startStream(ctx); err != nil {
		return connectors.Batch{}, err
	}
	return s.stream.next(ctx, s.backfill)
}

func (s *source) startStream(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return os.ErrClosed
	}
	if s.stream != nil {
		return nil
	}
	st, err := newStream(ctx, s.watch, s.at, s.heard)
	if err != nil {
		return err
	}
	if s.stream, s.watch.log = st, st; s.cfg.Backfill != nil {
		s.backfill = backfill.New(s.cfg, s.forBackfill(), s.table(s.cfg.Backfill.Table), s.at)
	}
	return nil
}

// Confirm implements connectors.Confirmer: the server may forget what is
// published. During a snapshot nothing is confirmed.
func (s *source) Confirm(_ context.Context, published schemas.Position) error {
	at, err := place.Parse(published)
	if err != nil {
		return fmt.Errorf("confirm postgres source %q: %w", s.cfg.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream != nil && !at.Snapshot {
		s.stream.confirm(at.Kept)
	}
	return nil
}

// Close implements connectors.Source.
func (s *source) Close() error {
	s.end()
	s.reading.Lock()
	defer s.reading.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.stream != nil {
		s.stream.wait()
	}
	if s.snapshot != nil {
		s.snapshot.close()
	}
	if s.backfill != nil {
		s.backfill.Close()
	}
	s.server.close()
	return nil
}
