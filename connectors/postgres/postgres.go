// Package postgres reads a PostgreSQL database by logical replication: first
// the rows that are there, then every committed change, in commit order.
//
// It needs PostgreSQL 13 or later with wal_level=logical, a role with
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
// (facts.go). If something differs the source fails: with connectors.ErrPositionLost
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
// # Values
//
// Rows are read in text format with fixed session settings by both ways, so the
// same row gives the same bytes by snapshot and by stream. An unchanged TOAST
// value is schemas.Unavailable unless the replica identity is FULL; when a row
// changes its key it is looked up in the table. A change of key is a Delete and
// a Create. A row that its elements refuse is a rejection; the row's last good
// image stays.
package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

type source struct {
	cfg     connectors.Config
	options Options
	conn    *pgconn.Config
	zone    *time.Location
	log     *slog.Logger
	tables  map[string]*table // by schema.table
	byOID   map[uint32]*table
	slot    string // its name on the server
	dry     bool   // first rows only, see Dry
	want    facts  // that reading rests on
	heard   lsn    // the confirmed position of the slot when it was opened
	floor   lsn    // what the server has told us of
	watched time.Time

	life  context.Context //nolint:containedctx // ended by Close, lives as long as the receiver
	close context.CancelFunc

	sqlMu  sync.Mutex
	sql    *pgx.Conn
	export *pgconn.PgConn // holds the exported snapshot while Open lasts

	reading  sync.Mutex // held by Read, and by Close once Read was told to end
	at       position
	snapshot *snapshot

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
	s, err := prepare(cfg, o, after)
	if err != nil {
		return nil, fmt.Errorf("open postgres source %q: %w", cfg.Name, err)
	}
	s.dry = dry
	s.options.Snapshot = s.options.Snapshot || cfg.Again // what is read again is read whole
	s.life, s.close = context.WithCancel(context.WithoutCancel(ctx))
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open postgres source %q: %w", cfg.Name, clean(err)), s.Close())
	}
	return s, nil
}

func prepare(cfg connectors.Config, o Options, after schemas.Position) (*source, error) {
	zone, err := time.LoadLocation(o.Timezone)
	if err != nil {
		return nil, fmt.Errorf("时区不存在 / option %q: unknown time zone: %w", "timezone", connectors.ErrConfig)
	}
	conn, err := o.connection()
	if err != nil {
		return nil, err
	}
	at, err := parsePosition(after)
	if err != nil {
		return nil, err
	}
	s := &source{cfg: cfg, options: o, conn: conn, zone: zone, at: at, slot: cmp.Or(at.Slot, o.Slot), tables: map[string]*table{}, log: cfg.Log().With("source", cfg.Name)}
	fed := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(o.Tables)) {
		t, err := newTable(cfg, name, o.Tables[name], zone)
		if err != nil {
			return nil, err
		}
		if other, twice := fed[t.dataset.ID]; twice {
			return nil, fmt.Errorf("两张表对应同一数据集 / option %q: tables %q and %q feed one dataset: %w", "tables", other, name, connectors.ErrConfig)
		}
		fed[t.dataset.ID] = name
		s.tables[t.name()] = t
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
		if _, _, err := s.watch(ctx); err != nil {
			return connectors.Batch{}, err
		}
		b, err := s.snapshot.next(ctx)
		if err == nil && !s.at.Snapshot {
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
	return s.stream.next(ctx)
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
	st, err := newStream(ctx, s)
	if err != nil {
		return err
	}
	s.stream = st
	return nil
}

// Confirm implements connectors.Confirmer: the server may forget what is
// published. During a snapshot nothing is confirmed.
func (s *source) Confirm(_ context.Context, published schemas.Position) error {
	at, err := parsePosition(published)
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
	s.close()
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
	s.sqlMu.Lock()
	defer s.sqlMu.Unlock()
	if s.sql != nil {
		s.disconnect(s.sql.PgConn())
		s.sql = nil
	}
	return nil
}

// disconnect says goodbye for a moment at most; the server notices either way.
func (s *source) disconnect(conn *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.life), 2*time.Second)
	defer cancel()
	if err := conn.Close(ctx); err != nil {
		s.log.Debug("connection closed uncleanly", "error", clean(err))
	}
}

// clean keeps the values of rows out of errors: what the server says about
// data (SQLSTATE classes 22 and 23) quotes them.
func clean(err error) error {
	p, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err
	}
	if strings.HasPrefix(p.Code, "22") || strings.HasPrefix(p.Code, "23") {
		return fmt.Errorf("postgres refused data (SQLSTATE %s)", p.Code)
	}
	return err
}
