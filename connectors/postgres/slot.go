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
	plugin, database string
	active           bool
}

// readSlot returns nil if there is no slot of that name.
func (s *source) readSlot(ctx context.Context) (*slotState, error) {
	deadline := time.Now().Add(slotWait)
	for {
		var st slotState
		err := s.sql.QueryRow(ctx, `SELECT coalesce(plugin, ''), coalesce(database, ''), active FROM pg_replication_slots WHERE slot_name = $1`, s.slot).
			Scan(&st.plugin, &st.database, &st.active)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, nil //nolint:nilnil // no slot is an answer
		}
		if err != nil {
			return nil, fmt.Errorf("read slot %q: %w", s.slot, err)
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

// awaitSlot waits for an earlier connection of ours that is on its way out.
func (s *source) awaitSlot(ctx context.Context) error {
	st, err := s.readSlot(ctx)
	if err == nil && st != nil && st.active {
		return fmt.Errorf("复制槽 %q 仍被另一连接占用，等它放开后自行继续 / wait for slot %q: another connection reads it", s.slot, s.slot)
	}
	return err
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
				s.slot, st.plugin, st.database, st.active, "slot", connectors.ErrConfig)
		}
		s.log.Warn("slot without a stored position dropped", "slot", s.slot)
		if _, err := s.sql.Exec(ctx, "SELECT pg_drop_replication_slot($1)", s.slot); err != nil {
			return "", fmt.Errorf("drop slot %q: %w", s.slot, err)
		}
	}
	if s.export, err = s.replicate(ctx); err != nil {
		return "", err
	}
	action := "NOEXPORT_SNAPSHOT"
	if s.options.Snapshot {
		action = "EXPORT_SNAPSHOT"
	}
	made, err := pglogrepl.CreateReplicationSlot(ctx, s.export, s.slot, "pgoutput", pglogrepl.CreateReplicationSlotOptions{Mode: pglogrepl.LogicalReplication, SnapshotAction: action})
	if err != nil {
		return "", fmt.Errorf("create slot %q: %w", s.slot, err)
	}
	start, err := pglogrepl.ParseLSN(made.ConsistentPoint)
	if err != nil {
		return "", fmt.Errorf("create slot %q: %w", s.slot, err)
	}
	s.at = position{
		Tables: slices.Sorted(maps.Keys(s.tables)), Start: lsn(start), Snapshot: s.options.Snapshot, Flush: lsn(start), Kept: lsn(start),
	}
	s.log.Info("slot created", "slot", s.slot, "start", s.at.Start.String())
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
