package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

// Health is what an operator wants to know of a source's database.
type Health struct {
	WALLevel string // must be logical
	Version  string
	Ahead    time.Duration // its clock before ours
	Slot     string        // name
	There    bool          // the slot exists; it is made when the source first runs
	Active   bool          // somebody reads it
	Status   string        // wal_status: reserved, extended, unreserved, lost
	Retained int64         // bytes of log that the slot keeps
	Left     int64         // bytes until the server drops the slot; -1 = no limit
}

// Examine looks at the database of a source and changes nothing there.
func Examine(ctx context.Context, cfg connectors.Config) (Health, error) {
	o := defaults(cfg)
	if err := cfg.Decode(&o); err != nil {
		return Health{}, err
	}
	reach, err := o.connection()
	if err != nil {
		return Health{}, err
	}
	config, err := pgx.ParseConfig("")
	if err != nil {
		return Health{}, fmt.Errorf("prepare connection: %w", err)
	}
	config.Config = *reach
	db, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return Health{}, fmt.Errorf("connect: %w", clean(err))
	}
	defer db.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing was written
	h := Health{Slot: o.Slot, Left: -1}
	asked := time.Now()
	var now time.Time
	if err := db.QueryRow(ctx, "SELECT current_setting('wal_level'), current_setting('server_version'), clock_timestamp()").Scan(&h.WALLevel, &h.Version, &now); err != nil {
		return h, fmt.Errorf("read server settings: %w", clean(err))
	}
	h.Ahead = now.Sub(asked.Add(time.Since(asked) / 2))
	err = db.QueryRow(ctx, `SELECT coalesce(wal_status, ''), active, coalesce(safe_wal_size, -1),
		coalesce(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END, restart_lsn), 0)::bigint
		FROM pg_replication_slots WHERE slot_name = $1`, o.Slot).Scan(&h.Status, &h.Active, &h.Left, &h.Retained)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
	case err != nil:
		return h, fmt.Errorf("read slot %q: %w", o.Slot, clean(err))
	default:
		h.There = true
	}
	return h, nil
}
