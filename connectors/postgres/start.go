package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

// connect opens the connection for all questions.
func (s *source) connect(ctx context.Context) error {
	config, err := pgx.ParseConfig("")
	if err != nil {
		return fmt.Errorf("prepare connection: %w", err)
	}
	config.Config = *s.conn.Copy()
	if s.sql, err = pgx.ConnectConfig(ctx, config); err != nil {
		return fmt.Errorf("数据库连不上 / connect: %w", err)
	}
	return nil
}

// start makes the checks that need the server. Its order matters: the slot is
// made last, so that a refused configuration leaves nothing behind.
func (s *source) start(ctx context.Context) error {
	err := s.connect(ctx)
	if err != nil {
		return err
	}
	if err := s.checkServer(ctx); err != nil {
		return err
	}
	if s.dry {
		return s.rehearse(ctx)
	}
	exported := ""
	if s.at.System == "" {
		defer s.releaseExport()
		exported, err = s.begin(ctx)
	} else {
		err = s.resume(ctx)
	}
	if err != nil {
		return err
	}
	if s.at.Snapshot {
		s.snapshot, err = newSnapshot(ctx, s, exported)
	}
	return err
}

// begin makes all checks of a source that was never read, then its slot, and
// notes the facts that reading rests on from here.
func (s *source) begin(ctx context.Context) (exported string, err error) {
	if err := s.checkTables(ctx); err != nil {
		return "", err
	}
	if err := s.checkPublication(ctx); err != nil {
		return "", err
	}
	if exported, err = s.createSlot(ctx); err != nil {
		return "", err
	}
	if s.want, err = s.look(ctx); err != nil {
		return "", err
	}
	if s.at.System, s.at.Timeline, err = s.want.origin(); err != nil {
		return "", err
	}
	s.know(s.want)
	s.at.Facts = s.want.kept()
	return exported, s.hold(s.want, s.want)
}

// know notes which tables are meant by their names.
func (s *source) know(f facts) {
	s.byOID = map[uint32]*table{}
	for name, text := range f["table"] {
		if oid, err := strconv.ParseUint(text, 10, 32); err == nil && s.tables[name] != nil {
			s.tables[name].oid = uint32(oid)
			s.byOID[uint32(oid)] = s.tables[name]
		}
	}
}

// resume holds the database against the stored position before anything else:
// what a DBA should mend is told only when mending it will do.
func (s *source) resume(ctx context.Context) error {
	if s.at.Slot != "" && !strings.HasPrefix(s.slot, s.options.Slot) && s.slot != marked(s.options.Slot, s.cfg.Bus, s.cfg.Name) {
		s.log.Warn("option slot takes effect when the source is read again", "slot", s.slot, "option", s.options.Slot)
	}
	// Of a table that is new to the source nothing can be lost.
	if names := slices.Sorted(maps.Keys(s.tables)); !slices.Equal(names, s.at.Tables) {
		return fmt.Errorf("表的清单与已存位置不符：新增的表另建数据源，或重读本数据源：yiyuan source resync %s / compare tables with stored position: it covers %q: a table that is added needs a source of its own, or read this source again: yiyuan source resync %s: %w",
			s.cfg.Name, s.at.Tables, s.cfg.Name, connectors.ErrConfig)
	}
	if err := s.awaitSlot(ctx); err != nil {
		return err
	}
	now, err := s.look(ctx)
	if err != nil {
		return err
	}
	if s.want, err = recall(s.at, now); err != nil {
		return err
	}
	s.know(s.want)
	if now, err = s.look(ctx); err != nil { // with the tables' former oids
		return err
	}
	if err := s.hold(s.want, now); err != nil {
		return err
	}
	if err := s.checkTables(ctx); err != nil {
		return err
	}
	if err := s.checkPublication(ctx); err != nil {
		return err
	}
	if err := s.hold(s.want, now); err != nil { // with the tables' columns
		return err
	}
	s.at.Facts = s.want.kept()
	s.takeUp(now)
	s.heard = parseLSN(now["slot.confirmed"][""])
	return nil
}

// rehearse prepares the first rows without a slot.
func (s *source) rehearse(ctx context.Context) error {
	if err := s.checkTables(ctx); err != nil {
		return err
	}
	published, err := s.published(ctx)
	if err != nil {
		return err
	}
	for n, t := range s.tables {
		t.filter = published[n].filter
	}
	s.at = position{Tables: slices.Sorted(maps.Keys(s.tables)), Start: 1, Snapshot: true}
	s.snapshot, err = newSnapshot(ctx, s, "")
	return err
}
