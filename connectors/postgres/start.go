package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/guard"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/place"
)

// start makes the checks that need the server. Its order matters: the slot is
// made last, so that a refused configuration leaves nothing behind.
func (s *source) start(ctx context.Context) error {
	err := s.connect(ctx)
	if err != nil {
		return err
	}
	check := &checks{server: s.server, fresh: s.at.System == ""}
	if err := check.checkServer(ctx); err != nil {
		return err
	}
	exported := ""
	switch {
	case s.dry:
		err = s.rehearse(ctx, check)
	case check.fresh:
		var made *newSlot
		if made, err = s.begin(ctx, check); made != nil {
			defer s.disconnect(made.export) // whoever took the snapshot over keeps it
			exported = made.snapshot
		}
	default:
		err = s.resume(ctx, check)
	}
	if err != nil {
		return err
	}
	s.watch.from = s.at
	if s.at.Snapshot {
		if s.snapshot, err = newSnapshot(ctx, s.setting, s.at, exported, s.dry); err == nil {
			s.at = s.snapshot.behind
		}
	}
	return err
}

// begin makes all checks of a source that was never read, then its slot, and
// notes the facts that reading rests on from here.
func (s *source) begin(ctx context.Context, check *checks) (*newSlot, error) {
	if err := check.checkTables(ctx); err != nil {
		return nil, err
	}
	if err := check.checkPublication(ctx); err != nil {
		return nil, err
	}
	made, err := s.createSlot(ctx)
	if err != nil {
		return nil, err
	}
	s.at = place.Position{
		Slot: s.slot, Tables: slices.Sorted(maps.Keys(s.tables)), Start: made.start, Snapshot: s.options.Snapshot, Flush: made.start, Kept: made.start,
	}
	want, err := s.look(ctx)
	if err != nil {
		return made, err
	}
	if s.at.System, s.at.Timeline, err = want.Origin(); err != nil {
		return made, err
	}
	s.know(want)
	s.rest(want)
	return made, s.watch.hold(want)
}

// rest notes the facts that reading rests on.
func (s *source) rest(want guard.Facts) {
	s.watch.want, s.watch.kept = want, want.Kept()
	s.watch.from, s.at.Facts = s.at, s.watch.kept
}

// resume holds the database against the stored position before anything else:
// what a DBA should mend is told only when mending it will do.
func (s *source) resume(ctx context.Context, check *checks) error {
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
	want, err := guard.Recall(s.at.Facts, s.at.System, s.at.Timeline, now)
	if err != nil {
		return err
	}
	s.know(want)
	s.rest(want)
	if now, err = s.look(ctx); err != nil { // with the tables' former oids
		return err
	}
	if err := s.watch.hold(now); err != nil {
		return err
	}
	if err := check.checkTables(ctx); err != nil {
		return err
	}
	if err := check.checkPublication(ctx); err != nil {
		return err
	}
	if err := s.watch.hold(now); err != nil { // with the tables' columns
		return err
	}
	s.watch.grow(now)
	s.at.Facts = s.watch.kept
	s.heard = place.LSN(now.Confirmed())
	return nil
}

// rehearse prepares the first rows without a slot.
func (s *source) rehearse(ctx context.Context, check *checks) error {
	if err := check.checkTables(ctx); err != nil {
		return err
	}
	published, err := check.published(ctx)
	if err != nil {
		return err
	}
	for n, t := range s.tables {
		t.filter = published[n].filter
	}
	s.at = place.Position{Tables: slices.Sorted(maps.Keys(s.tables)), Start: 1, Snapshot: true}
	return nil
}
