package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/place"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// slotWait is how long a slot may be held by a connection that is on its way out.
const slotWait = 5 * time.Second

type slotState struct {
	plugin, database string
	active           bool
	pid              uint32 // of whoever reads it, or makes it
}

// readSlot returns nil if there is no slot of that name.
func (s *server) readSlot(ctx context.Context) (*slotState, error) {
	deadline := time.Now().Add(slotWait)
	for {
		var st slotState
		err := s.sql.QueryRow(ctx, `SELECT coalesce(plugin, ''), coalesce(database, ''), active, coalesce(active_pid, 0) FROM pg_replication_slots WHERE slot_name = $1`, s.slot).
			Scan(&st.plugin, &st.database, &st.active, &st.pid)
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
func (s *server) awaitSlot(ctx context.Context) error {
	st, err := s.readSlot(ctx)
	if err == nil && st != nil && st.active {
		return fmt.Errorf("复制槽 %q 仍被另一连接占用，等它放开后自行继续 / wait for slot %q: another connection reads it: %w", s.slot, s.slot, connectors.ErrWaiting)
	}
	return err
}

// marked is the name of the slot that this bus makes for a source. Its mark is the
// bus's own: a slot without a stored position that bears it is left over from an
// attempt of ours, any other belongs to somebody else, perhaps another city with
// the same source file, and is never touched.
func marked(base, bus, source string) string {
	if bus == "" {
		return base
	}
	const mark = 8
	sum := sha256.Sum256([]byte(bus + "\x00" + source))
	if len(base) > 63-1-mark {
		base = base[:63-1-mark]
	}
	return base + "_" + hex.EncodeToString(sum[:])[:mark]
}

// claimSlot frees the slot's name. Nothing was ever published from the position
// that is to come, so a slot of ours has nothing to give that a new one has not.
func (s *server) claimSlot(ctx context.Context) error {
	s.slot = marked(s.options.Slot, s.cfg.Bus, s.cfg.Name)
	st, err := s.readSlot(ctx)
	switch {
	case err != nil:
		return err
	case st == nil:
		return nil
	case s.cfg.Bus == "" || st.plugin != "pgoutput" || st.database != s.conn.Database:
		return fmt.Errorf("复制槽 %q 已存在，且不是本数据源的，不会动它；请在选项 slot 中另取名字，或确认无人使用后由数据库管理员删除 / create slot %q: the name is taken (plugin %q, database %q, active %v) and not ours: choose another in option %q, or have a DBA drop it once nobody needs it: %w",
			s.slot, s.slot, st.plugin, st.database, st.active, "slot", connectors.ErrConfig)
	case st.active: // an earlier connection of ours that is on its way out, or still waits for a long transaction
		if why := s.holdsUp(ctx, st.pid); why != nil {
			return why
		}
		return fmt.Errorf("复制槽 %q 仍被本数据源先前的连接占用，放开后自行继续 / wait for slot %q: an earlier connection of this source holds it: %w", s.slot, s.slot, connectors.ErrWaiting)
	}
	s.log.Warn("slot without a stored position dropped", "slot", s.slot)
	if _, err := s.sql.Exec(ctx, "SELECT pg_drop_replication_slot($1)", s.slot); err != nil {
		return fmt.Errorf("drop slot %q: %w", s.slot, err)
	}
	return nil
}

// others are the slots of this database that were made for a source of this name
// by somebody else: another city, or a build that did not mark its slots.
func others(ctx context.Context, db *pgx.Conn, base, ours string) ([]string, error) {
	rows, err := db.Query(ctx, `SELECT slot_name::text FROM pg_replication_slots WHERE database = current_database() AND plugin = 'pgoutput' AND slot_name <> $2
		AND (slot_name = $1 OR slot_name ~ ('^' || $1 || '_[0-9a-f]{8}$')) ORDER BY 1`, base, ours)
	if err != nil {
		return nil, fmt.Errorf("read slots: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// newSlot is a slot that was made, and where it begins.
type newSlot struct {
	start    place.LSN
	snapshot string         // exported, "" if none was wanted
	export   *pgconn.PgConn // holds it; whoever takes the snapshot over keeps it beyond
}

// createSlot makes the slot, with an exported snapshot if one is wanted.
func (s *server) createSlot(ctx context.Context) (*newSlot, error) {
	if err := s.claimSlot(ctx); err != nil {
		return nil, err
	}
	foreign, err := others(ctx, s.sql, s.options.Slot, s.slot)
	if err != nil {
		return nil, err
	}
	for _, name := range foreign {
		s.log.Warn("a slot of this source's name is not of this bus and is left alone; it keeps log until a DBA drops it", "slot", name)
	}
	export, err := s.dial(ctx, true)
	if err != nil {
		return nil, err
	}
	action := "NOEXPORT_SNAPSHOT"
	if s.options.Snapshot {
		action = "EXPORT_SNAPSHOT"
	}
	var start pglogrepl.LSN
	made, err := s.replicate(ctx, export, pglogrepl.CreateReplicationSlotOptions{Mode: pglogrepl.LogicalReplication, SnapshotAction: action})
	if err == nil {
		start, err = pglogrepl.ParseLSN(made.ConsistentPoint)
	}
	if err != nil {
		s.disconnect(export)
		return nil, fmt.Errorf("create slot %q: %w", s.slot, err)
	}
	s.log.Info("slot created", "slot", s.slot, "start", start.String())
	return &newSlot{start: place.LSN(start), snapshot: made.SnapshotName, export: export}, nil
}

// replicate creates the slot, for which the server waits until every transaction that runs
// has ended, and says meanwhile for which one.
func (s *server) replicate(ctx context.Context, export *pgconn.PgConn, o pglogrepl.CreateReplicationSlotOptions) (pglogrepl.CreateReplicationSlotResult, error) {
	type outcome struct {
		made pglogrepl.CreateReplicationSlotResult
		err  error
	}
	done := make(chan outcome, 1)
	pid := export.PID()
	go func() {
		made, err := pglogrepl.CreateReplicationSlot(ctx, export, s.slot, "pgoutput", o)
		done <- outcome{made, err}
	}()
	for {
		select {
		case o := <-done:
			return o.made, o.err
		case <-time.After(slotTold):
		}
		if why := s.holdsUp(ctx, pid); why != nil && s.cfg.Waits != nil {
			s.log.Info("the slot waits for a transaction", "for", why)
			if err := s.cfg.Waits(ctx, why); err != nil {
				s.log.Warn("what the slot waits for was not said", "error", err)
			}
		}
	}
}

// slotTold is how soon, and how often, it is said what a slot waits for.
const slotTold = 2 * time.Second

// holdsUp is what a process of the server waits for, nil: for nothing that is known.
func (s *server) holdsUp(ctx context.Context, pid uint32) error {
	var what, who string
	var since time.Time
	err := s.sql.QueryRow(ctx, `SELECT what, who, since FROM (
			SELECT '' AS what, concat_ws(' ', a.pid, a.usename, nullif(a.application_name, '')) AS who, coalesce(a.xact_start, a.backend_start, now()) AS since
			FROM unnest(pg_blocking_pids($1)) b(pid) JOIN pg_stat_activity a USING (pid)
			UNION ALL SELECT 'prepared', quote_literal(p.gid), p.prepared FROM pg_prepared_xacts p
			WHERE p.database = current_database() AND 0 = ANY (pg_blocking_pids($1))) AS w ORDER BY since LIMIT 1`, int32(pid)).
		Scan(&what, &who, &since)
	at := since.In(schemas.Zone).Format(time.DateTime)
	switch {
	case err != nil:
		return nil //nolint:nilerr // none, or it cannot be told: then it is waited for without a word
	case what == "prepared":
		return fmt.Errorf("复制槽 %[1]q 要等数据库里的预备事务 %[2]s（自 %[3]s）结束才能使用；请数据库管理员提交或回滚它（COMMIT PREPARED、ROLLBACK PREPARED）/ wait for slot %[1]q: prepared transaction %[2]s, since %[3]s, has to end first: have a DBA COMMIT or ROLLBACK PREPARED it: %[4]w", s.slot, who, at, connectors.ErrWaiting)
	}
	return fmt.Errorf("复制槽 %[1]q 要等数据库里的事务（进程 %[2]s，自 %[3]s）结束才能使用 / wait for slot %[1]q: the transaction of process %[2]s, since %[3]s, has to end first: %[4]w", s.slot, who, at, connectors.ErrWaiting)
}
