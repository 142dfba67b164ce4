package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	Others   []string      // slots of the source's name that are not this bus's
	Tables   error         // what is wrong with the mapped tables, nil: nothing
}

// Examine looks at the database of a source and changes nothing there. It fails
// when the database cannot be reached.
func Examine(ctx context.Context, cfg connectors.Config) (Health, error) {
	o := defaults(cfg)
	if err := cfg.Decode(&o); err != nil {
		return Health{}, err
	}
	s, err := prepare(cfg, o, "")
	if err != nil {
		return Health{}, err
	}
	s.life, s.close = context.WithCancel(context.WithoutCancel(ctx))
	defer s.Close() //nolint:errcheck // nothing was written
	if err := s.connect(ctx); err != nil {
		return Health{}, clean(err)
	}
	h := Health{Slot: marked(o.Slot, cfg.Bus, cfg.Name), Left: -1}
	asked := time.Now()
	var now time.Time
	if err := s.sql.QueryRow(ctx, "SELECT current_setting('wal_level'), current_setting('server_version'), clock_timestamp()").Scan(&h.WALLevel, &h.Version, &now); err != nil {
		return h, fmt.Errorf("read server settings: %w", clean(err))
	}
	h.Ahead = now.Sub(asked.Add(time.Since(asked) / 2))
	switch err := s.checkTables(ctx); {
	case errors.Is(err, connectors.ErrConfig):
		h.Tables = err
	case err != nil:
		return h, clean(err)
	}
	return h, h.slots(ctx, s)
}

// slots finds the slot of the source: the one that bears this bus's mark, or the
// one that a build before marks has made.
func (h *Health) slots(ctx context.Context, s *source) error {
	names, err := others(ctx, s.sql, s.options.Slot, "")
	if err != nil {
		return clean(err)
	}
	if !slices.Contains(names, h.Slot) && slices.Contains(names, s.options.Slot) {
		h.Slot = s.options.Slot
	}
	if s.cfg.Bus == "" && len(names) > 0 && !slices.Contains(names, h.Slot) {
		h.Slot = names[0]
	}
	h.Others = slices.DeleteFunc(names, func(n string) bool { return n == h.Slot })
	err = s.sql.QueryRow(ctx, `SELECT coalesce(wal_status, ''), active, coalesce(safe_wal_size, -1),
		coalesce(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END, restart_lsn), 0)::bigint
		FROM pg_replication_slots WHERE slot_name = $1`, h.Slot).Scan(&h.Status, &h.Active, &h.Left, &h.Retained)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read slot %q: %w", h.Slot, clean(err))
	}
	h.There = true
	return nil
}
