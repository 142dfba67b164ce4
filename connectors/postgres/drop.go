package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/place"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// mark is the comment of a publication that this source has made, by which it is known
// when the source is given up: of this bus, of this source.
func (s *setting) mark() string {
	return "yiyuan " + marked(s.options.Slot, s.cfg.Bus, s.cfg.Name)
}

// Drop removes the slot of a source that is down, and the publication if the source has
// made it. It implements connectors.Kind.Drop.
func Drop(ctx context.Context, cfg connectors.Config, at schemas.Position) ([]string, error) {
	stand, err := place.Parse(at)
	if err != nil && !errors.Is(err, connectors.ErrPositionLost) { // of another kind: then nothing of it is here
		return nil, err
	}
	s, err := reach(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer s.close()
	s.slot = cmp.Or(stand.Slot, marked(s.options.Slot, cfg.Bus, cfg.Name))
	slot, err := s.dropSlot(ctx)
	if err != nil {
		return nil, err
	}
	publication, err := s.dropPublication(ctx)
	if err != nil {
		return []string{slot}, err
	}
	return []string{slot, publication}, nil
}

func (s *server) dropSlot(ctx context.Context) (string, error) {
	st, err := s.readSlot(ctx)
	switch {
	case err != nil:
		return "", clean(err)
	case st == nil:
		return fmt.Sprintf("没有复制槽 %[1]q / there is no slot %[1]q", s.slot), nil
	case st.plugin != "pgoutput" || st.database != s.conn.Database:
		return fmt.Sprintf("复制槽 %[1]q 不是本数据源的，未动 / slot %[1]q is not of this source and was left", s.slot), nil
	case st.active:
		return "", fmt.Errorf("复制槽 %[1]q 仍有连接在读，稍后再试 / drop slot %[1]q: a connection reads it, try again: %[2]w", s.slot, connectors.ErrWaiting)
	}
	if _, err := s.sql.Exec(ctx, "SELECT pg_drop_replication_slot($1)", s.slot); err != nil {
		return "", fmt.Errorf("drop slot %q: %w", s.slot, clean(err))
	}
	return fmt.Sprintf("已删除复制槽 %[1]q / slot %[1]q is dropped", s.slot), nil
}

func (s *server) dropPublication(ctx context.Context) (string, error) {
	name := s.options.Publication
	var comment string
	err := s.sql.QueryRow(ctx, "SELECT coalesce(obj_description(oid, 'pg_publication'), '') FROM pg_publication WHERE pubname = $1", name).Scan(&comment)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Sprintf("没有发布 %[1]q / there is no publication %[1]q", name), nil
	case err != nil:
		return "", fmt.Errorf("read publication %q: %w", name, clean(err))
	case comment != s.mark():
		return fmt.Sprintf("发布 %[1]q 不是本数据源建的，未动；不再用时由数据库管理员执行 DROP PUBLICATION %[2]s / publication %[1]q was not made by this source and was left; once nobody needs it, have a DBA run DROP PUBLICATION %[2]s", name, pgx.Identifier{name}.Sanitize()), nil
	}
	if _, err := s.sql.Exec(ctx, "DROP PUBLICATION "+pgx.Identifier{name}.Sanitize()); err != nil {
		return "", fmt.Errorf("drop publication %q: %w", name, clean(err))
	}
	return fmt.Sprintf("已删除发布 %[1]q / publication %[1]q is dropped", name), nil
}
