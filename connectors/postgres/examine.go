package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/guard"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// health is what an operator wants to know of a source's database.
type health struct {
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
func Examine(ctx context.Context, cfg connectors.Config, begun bool) (connectors.Examined, error) {
	h, err := healthOf(ctx, cfg)
	if err != nil {
		return connectors.Examined{}, err
	}
	return connectors.Examined{Found: h.judge(cfg.Name, begun), Clock: true, Ahead: h.Ahead}, nil
}

// judge says what is good and bad in it; begun says that the source has read it before.
func (h health) judge(source string, begun bool) []connectors.Finding {
	var found []connectors.Finding
	say := func(grade connectors.Grade, what, do string) {
		found = append(found, connectors.Finding{Grade: grade, What: what, Do: do})
	}
	if h.WALLevel != "logical" {
		say(connectors.Problem, fmt.Sprintf("wal_level = %s", h.WALLevel), "设 wal_level = logical 并重启数据库 / set wal_level = logical and restart the server")
	}
	if h.Tables != nil {
		say(connectors.Problem, "所映射的表读不了 / the mapped tables cannot be read: "+firstLine(h.Tables), "按其所说处理，全部列在数据源的状态里 / do as it says; its status lists all")
	}
	if len(h.Others) > 0 {
		say(connectors.Warning, "另有同名的复制槽，不是本总线的，不会动它，但它会占住日志 / other slots of this name, not this bus's, are left alone but keep log: "+strings.Join(h.Others, ", "),
			"确认无人使用后由数据库管理员执行 / once nobody needs it, have a DBA run: SELECT pg_drop_replication_slot('"+h.Others[0]+"')")
	}
	text := fmt.Sprintf("PostgreSQL %s，槽 %s %s，保留 %d MiB 日志 / slot retains %d MiB", h.Version, h.Slot, h.Status, h.Retained>>20, h.Retained>>20)
	switch {
	case !h.There && begun:
		say(connectors.Problem, fmt.Sprintf("复制槽 %q 没了，其间的变更已丢失 / the slot is gone, and with it the changes since", h.Slot), contract.ResyncCommand(source))
	case !h.There:
		say(connectors.Fine, fmt.Sprintf("PostgreSQL %s，还没有复制槽 %q，首次运行时会建 / no slot yet, it is made at the first run", h.Version, h.Slot), "")
	case h.Status == "lost" || h.Status == "unreserved":
		say(connectors.Problem, text, "日志已被或即将被清除：调大 max_slot_wal_keep_size，再重读 / its log is gone or about to go: raise max_slot_wal_keep_size, then read the source again: "+contract.ResyncCommand(source))
	case !h.Active || h.Retained > 10<<30:
		say(connectors.Warning, text, "没人在读该槽或读得太慢，日志会占满磁盘；启动数据源或删除该槽 / nobody reads it, or too slowly, and the log fills the disk: start the source or drop the slot")
	default:
		say(connectors.Fine, text, "")
	}
	return found
}

// firstLine is an error's first line.
func firstLine(err error) string {
	line, more, _ := strings.Cut(err.Error(), "\n")
	if more != "" {
		line += " …"
	}
	return line
}

func healthOf(ctx context.Context, cfg connectors.Config) (health, error) {
	o, err := read(cfg)
	if err != nil {
		return health{}, err
	}
	set, err := prepare(ctx, cfg, o)
	if err != nil {
		return health{}, err
	}
	s := &server{setting: set}
	defer s.close()
	if err := s.connect(ctx); err != nil {
		return health{}, clean(err)
	}
	h := health{Slot: marked(o.Slot, cfg.Bus, cfg.Name), Left: -1}
	asked := time.Now()
	var now time.Time
	if err := s.sql.QueryRow(ctx, "SELECT current_setting('wal_level'), current_setting('server_version'), clock_timestamp()").Scan(&h.WALLevel, &h.Version, &now); err != nil {
		return h, fmt.Errorf("read server settings: %w", clean(err))
	}
	h.Ahead = now.Sub(asked.Add(time.Since(asked) / 2))
	switch err := (&checks{server: s, fresh: true}).checkTables(ctx); {
	case errors.Is(err, connectors.ErrConfig):
		h.Tables = err
	case err != nil:
		return h, clean(err)
	}
	return h, h.slots(ctx, s)
}

// slots finds the slot of the source: the one that bears this bus's mark, or the
// one that a build before marks has made.
func (h *health) slots(ctx context.Context, s *server) error {
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
	kept := "'', active, -1"
	if guard.Since(s.sql, 13) {
		kept = "coalesce(wal_status, ''), active, coalesce(safe_wal_size, -1)"
	}
	err = s.sql.QueryRow(ctx, `SELECT `+kept+`,
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
