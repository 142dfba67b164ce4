package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

// slotWait is how long a slot may be held by a connection that is on its way out.
const slotWait = 5 * time.Second

type slotState struct {
	plugin, database, status string
	active                   bool
	confirmed                *string
}

// readSlot returns nil if there is no slot of that name.
func (s *source) readSlot(ctx context.Context) (*slotState, error) {
	deadline := time.Now().Add(slotWait)
	for {
		var st slotState
		err := s.sql.QueryRow(ctx, `SELECT coalesce(plugin, ''), coalesce(database, ''), coalesce(wal_status, ''), active, confirmed_flush_lsn::text
			FROM pg_replication_slots WHERE slot_name = $1`, s.options.Slot).Scan(&st.plugin, &st.database, &st.status, &st.active, &st.confirmed)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, nil //nolint:nilnil // no slot is an answer
		}
		if err != nil {
			return nil, fmt.Errorf("read slot %q: %w", s.options.Slot, err)
		}
		if !st.active || time.Now().After(deadline) {
			return &st, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// checkSlot holds the slot against the stored position. The server would start
// a slot that is ahead without a word, and the changes between would be lost.
func (s *source) checkSlot(ctx context.Context) error {
	st, err := s.readSlot(ctx)
	if err != nil {
		return err
	}
	const advice = "changes may be lost; reset the position of this source for a new snapshot"
	switch {
	case st == nil:
		return fmt.Errorf("复制槽已不存在，变更可能已丢失；重置本数据源的位置以重读全表 / find slot %q: it is gone: %s: %w", s.options.Slot, advice, connectors.ErrPositionLost)
	case st.plugin != "pgoutput" || st.database != s.conn.Database:
		return fmt.Errorf("复制槽不是本数据源的；重置本数据源的位置以重读全表 / check slot %q: it is not the slot of this source (plugin %q, database %q): %s: %w", s.options.Slot, st.plugin, st.database, advice, connectors.ErrPositionLost)
	case st.status == "lost" || st.confirmed == nil:
		return fmt.Errorf("复制槽所需的日志已被删除，变更可能已丢失；重置本数据源的位置以重读全表 / check slot %q: the server removed the log it needs (wal_status %q): %s: %w", s.options.Slot, st.status, advice, connectors.ErrPositionLost)
	}
	confirmed, err := pglogrepl.ParseLSN(*st.confirmed)
	if err != nil {
		return fmt.Errorf("check slot %q: %w", s.options.Slot, err)
	}
	if stored := max(s.at.Flush, s.at.Start); lsn(confirmed) > stored {
		return fmt.Errorf("check slot %q: it stands at %s, ahead of the stored position %s: something else read it, or it was made anew: %s: %w",
			s.options.Slot, lsn(confirmed), stored, advice, connectors.ErrPositionLost)
	}
	return nil
}

// createSlot makes the slot, with an exported snapshot if one is wanted, and
// sets the first position. Nothing was ever published from this position, so a
// slot of our name that is left over from an attempt that got no further is
// dropped: it has nothing to give that the new one has not.
func (s *source) createSlot(ctx context.Context) (string, error) {
	st, err := s.readSlot(ctx)
	if err != nil {
		return "", err
	}
	if st != nil {
		if st.active || st.plugin != "pgoutput" || st.database != s.conn.Database {
			return "", fmt.Errorf("create slot %q: the name is taken (plugin %q, database %q, active %v): choose another in option %q: %w",
				s.options.Slot, st.plugin, st.database, st.active, "slot", connectors.ErrConfig)
		}
		s.log.Warn("slot without a stored position dropped", "slot", s.options.Slot)
		if _, err := s.sql.Exec(ctx, "SELECT pg_drop_replication_slot($1)", s.options.Slot); err != nil {
			return "", fmt.Errorf("drop slot %q: %w", s.options.Slot, err)
		}
	}
	if s.export, err = s.replicate(ctx); err != nil {
		return "", err
	}
	action := "NOEXPORT_SNAPSHOT"
	if s.options.Snapshot {
		action = "EXPORT_SNAPSHOT"
	}
	made, err := pglogrepl.CreateReplicationSlot(ctx, s.export, s.options.Slot, "pgoutput", pglogrepl.CreateReplicationSlotOptions{Mode: pglogrepl.LogicalReplication, SnapshotAction: action})
	if err != nil {
		return "", fmt.Errorf("create slot %q: %w", s.options.Slot, err)
	}
	start, err := pglogrepl.ParseLSN(made.ConsistentPoint)
	if err != nil {
		return "", fmt.Errorf("create slot %q: %w", s.options.Slot, err)
	}
	s.at = position{
		System: s.system, Timeline: s.line, Tables: slices.Sorted(maps.Keys(s.tables)), Start: lsn(start),
		Snapshot: s.options.Snapshot, Flush: lsn(start),
	}
	s.log.Info("slot created", "slot", s.options.Slot, "start", s.at.Start.String())
	return made.SnapshotName, nil
}

// releaseExport ends the connection that holds the exported snapshot: whoever
// took the snapshot over keeps it.
func (s *source) releaseExport() {
	if s.export != nil {
		s.disconnect(s.export)
		s.export = nil
	}
}

// replicate opens a connection that speaks the replication protocol.
func (s *source) replicate(ctx context.Context) (*pgconn.PgConn, error) {
	c := s.conn.Copy()
	c.RuntimeParams["replication"] = "database"
	conn, err := pgconn.ConnectConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("数据库连不上 / connect for replication: %w", err)
	}
	return conn, nil
}
