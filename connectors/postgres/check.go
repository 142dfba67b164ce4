package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/guard"
)

// checks hold the server, the tables and the publication against what the options ask of
// them, and look the tables' columns up.
type checks struct {
	*server
	fresh bool // nothing was read before; else hold looks at what can be mended meanwhile
}

func (s *checks) checkServer(ctx context.Context) error {
	var level, version string
	err := s.sql.QueryRow(ctx, "SELECT current_setting('wal_level'), current_setting('server_version_num')").Scan(&level, &version)
	if err != nil {
		return fmt.Errorf("read server settings: %w", err)
	}
	if level != "logical" {
		return fmt.Errorf("数据库 wal_level 须为 logical，改后重启 / check server: wal_level is %q: set wal_level = logical and restart the server: %w", level, connectors.ErrConfig)
	}
	if version < "120000" || len(version) < 6 {
		return fmt.Errorf("须为 PostgreSQL 12 及以上 / check server: version %s: want PostgreSQL 12 or later: %w", version, connectors.ErrConfig)
	}
	return nil
}

func (s *checks) checkTables(ctx context.Context) error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(s.tables)) {
		if err := s.checkTable(ctx, s.tables[name]); err != nil {
			if !errors.Is(err, connectors.ErrConfig) {
				return err
			}
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

func (s *checks) checkTable(ctx context.Context, t *table) error {
	var oid uint32
	var visible, logged bool
	var children []string
	err := s.sql.QueryRow(ctx, `SELECT c.oid, c.relkind::text, NOT row_security_active(c.oid),
			c.relpersistence = 'p' AND NOT EXISTS (SELECT FROM pg_partition_tree(c.oid) t JOIN pg_class l ON l.oid = t.relid WHERE l.relpersistence <> 'p'),
			ARRAY(SELECT cn.nspname || '.' || cc.relname FROM pg_inherits i JOIN pg_class cc ON cc.oid = i.inhrelid JOIN pg_namespace cn ON cn.oid = cc.relnamespace
				WHERE i.inhparent = c.oid AND c.relkind <> 'p' ORDER BY 1)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`, t.schema, t.relation).
		Scan(&oid, &t.kind, &visible, &logged, &children)
	children = slices.DeleteFunc(children, func(name string) bool { return s.tables[name] != nil })
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("没有这张表 / check table %q: there is no such table: %w", t.name(), connectors.ErrConfig)
	case err != nil:
		return fmt.Errorf("check table %q: %w", t.name(), err)
	case t.kind != "r" && t.kind != "p":
		return fmt.Errorf("不是表（视图、外部表不能复制）/ check table %q: it is no table (a view or foreign table cannot be replicated): %w", t.name(), connectors.ErrConfig)
	case t.kind == "p" && !guard.Since(s.sql, 13):
		return fmt.Errorf("PostgreSQL 12 不能以分区表的名义复制 / check table %q: it is partitioned, which PostgreSQL 12 cannot publish as one table: want PostgreSQL 13 or later: %w", t.name(), connectors.ErrConfig)
	case !logged && s.fresh:
		return fmt.Errorf("不记日志的表（UNLOGGED、临时表）不能复制 / check table %q: it has no log (UNLOGGED or temporary) and cannot be replicated: %w", t.name(), connectors.ErrConfig)
	case len(children) > 0 && s.fresh:
		return fmt.Errorf("有继承它的子表（INHERITS），子表的行读不到；把子表也列入本数据源，或解除继承 / check table %q: %s inherit from it, and their rows are not read: list them in this source too, or end the inheritance: %w", t.name(), strings.Join(children, ", "), connectors.ErrConfig)
	case !visible && s.fresh:
		return fmt.Errorf("表 %q 对本角色启用了行级安全，只看得见部分行；请数据库管理员执行 ALTER ROLE %s BYPASSRLS / check table %q: it shows this role only some rows (row level security): have a DBA run ALTER ROLE %s BYPASSRLS: %w",
			t.name(), pgx.Identifier{s.conn.User}.Sanitize(), t.name(), pgx.Identifier{s.conn.User}.Sanitize(), connectors.ErrConfig)
	}
	existing, err := s.readColumns(ctx, oid)
	if err != nil {
		return fmt.Errorf("check table %q: %w", t.name(), err)
	}
	if t.columns, err = t.resolve(existing); err != nil {
		return err
	}
	if err := s.checkRights(t); err != nil {
		return err
	}
	return s.checkIdentity(ctx, t, oid)
}

// checkRights refuses a table whose first rows may not be read; the right to the mapped
// columns is enough.
func (s *checks) checkRights(t *table) error {
	var hidden []string
	for _, c := range t.columns {
		if c.hidden {
			hidden = append(hidden, pgx.Identifier{c.name}.Sanitize())
		}
	}
	if len(hidden) == 0 || !s.fresh || !s.options.Snapshot {
		return nil
	}
	role := pgx.Identifier{s.conn.User}.Sanitize()
	if len(hidden) == len(t.columns) {
		return fmt.Errorf("没有读表 %[1]q 的权限，请执行 GRANT SELECT ON %[2]s TO %[3]s / check table %[1]q: no right to read it: run GRANT SELECT ON %[2]s TO %[3]s: %[4]w", t.name(), t.quoted(), role, connectors.ErrConfig)
	}
	return fmt.Errorf("没有读表 %[1]q 的列 %[2]s 的权限，请执行 GRANT SELECT (%[2]s) ON %[3]s TO %[4]s / check table %[1]q: no right to read its columns %[2]s: run GRANT SELECT (%[2]s) ON %[3]s TO %[4]s: %[5]w",
		t.name(), strings.Join(hidden, ", "), t.quoted(), role, connectors.ErrConfig)
}

// checkIdentity refuses a table, or one of its partitions, whose deletes would not
// name their row.
func (s *checks) checkIdentity(ctx context.Context, t *table, oid uint32) error {
	if !s.fresh {
		return nil // hold looks at it
	}
	rows, err := s.sql.Query(ctx, `SELECT $1::oid, $2::text UNION ALL SELECT t.relid, t.relid::regclass::text FROM pg_partition_tree($1::oid) t WHERE t.isleaf AND t.relid <> $1::oid`, oid, t.quoted())
	if err != nil {
		return fmt.Errorf("read partitions of table %q: %w", t.name(), err)
	}
	names := map[uint32]string{}
	var one uint32
	var name string
	if _, err := pgx.ForEachRow(rows, []any{&one, &name}, func() error { names[one] = name; return nil }); err != nil {
		return fmt.Errorf("read partitions of table %q: %w", t.name(), err)
	}
	for _, one := range slices.Sorted(maps.Keys(names)) {
		covered, err := guard.Identity(ctx, s.sql, one)
		if err != nil {
			return fmt.Errorf("check table %q: %w", t.name(), err)
		}
		for _, k := range t.keyColumns() {
			if covered != nil && !slices.Contains(covered, k.name) {
				return fmt.Errorf("表的复制标识不含主键列，删除时不知是哪一行 / check table %q: its replica identity does not hold column %q, so deletes would not name their row: add a primary key with it, or run ALTER TABLE %s REPLICA IDENTITY FULL: %w",
					t.name(), k.name, names[one], connectors.ErrConfig)
			}
		}
	}
	return nil
}

func (s *checks) readColumns(ctx context.Context, table uint32) ([]column, error) {
	rows, err := s.sql.Query(ctx, `WITH RECURSIVE base(oid, typ) AS (
			SELECT t.oid, t.oid FROM pg_type t
			UNION ALL SELECT b.oid, t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.typ WHERE t.typtype = 'd')
		SELECT a.attname, a.atttypid, (SELECT b.typ FROM base b JOIN pg_type t ON t.oid = b.typ WHERE b.oid = a.atttypid AND t.typtype <> 'd'),
			a.attgenerated <> '', NOT has_column_privilege(a.attrelid, a.attnum, 'SELECT')
		FROM pg_attribute a WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`, table)
	if err != nil {
		return nil, fmt.Errorf("read columns: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (column, error) {
		var c column
		err := row.Scan(&c.name, &c.oid, &c.base, &c.generated, &c.hidden)
		return c, err
	})
}

// checkPublication creates the publication or holds it against the tables.
func (s *checks) checkPublication(ctx context.Context) error {
	var all, insert, update, remove, truncate, viaRoot bool
	byRoot := "false"
	if guard.Since(s.sql, 13) {
		byRoot = "pubviaroot"
	}
	err := s.sql.QueryRow(ctx, `SELECT puballtables, pubinsert, pubupdate, pubdelete, pubtruncate, `+byRoot+` FROM pg_publication WHERE pubname = $1`, s.options.Publication).
		Scan(&all, &insert, &update, &remove, &truncate, &viaRoot)
	if errors.Is(err, pgx.ErrNoRows) && s.fresh {
		return s.createPublication(ctx)
	}
	if err != nil {
		return fmt.Errorf("check publication %q: %w", s.options.Publication, err)
	}
	name := pgx.Identifier{s.options.Publication}.Sanitize()
	if !s.fresh && !(insert && update && remove && truncate) {
		return s.lost(fmt.Sprintf("发布 %q 未包含全部操作", s.options.Publication), fmt.Sprintf("publication %q leaves out some operations", s.options.Publication))
	}
	if !insert || !update || !remove || !truncate {
		return fmt.Errorf("发布未包含全部操作 / check publication %q: it leaves out some operations: run ALTER PUBLICATION %s SET (publish = 'insert, update, delete, truncate'): %w", s.options.Publication, name, connectors.ErrConfig)
	}
	if all {
		s.log.Warn("publication is for all tables: more than the mapped tables leaves the database", "publication", s.options.Publication)
	}
	published, err := s.published(ctx)
	if err != nil {
		return err
	}
	var problems []error
	for _, n := range slices.Sorted(maps.Keys(s.tables)) {
		t := s.tables[n]
		p, ok := published[n]
		listed, err := s.listed(ctx, t)
		switch {
		case err != nil:
			return err
		case t.kind == "p" && !viaRoot:
			problems = append(problems, fmt.Errorf("发布未按分区根表发送 / check publication %q: %s is partitioned: run ALTER PUBLICATION %s SET (publish_via_partition_root = true): %w", s.options.Publication, n, name, connectors.ErrConfig))
			continue
		case !ok:
			problems = append(problems, fmt.Errorf("发布中缺少这张表 / check publication %q: it lacks %s: run ALTER PUBLICATION %s ADD TABLE %s: %w", s.options.Publication, n, name, listed, connectors.ErrConfig))
			continue
		}
		var lacks []string
		for _, c := range t.columns {
			if p.columns != nil && !slices.Contains(p.columns, c.name) {
				lacks = append(lacks, strconv.Quote(c.name))
			}
		}
		if t.filter = p.filter; t.filter != "" {
			listed += " WHERE (" + t.filter + ")"
		}
		if len(lacks) > 0 {
			problems = append(problems, fmt.Errorf("发布的列清单缺少所映射的列 / check publication %q: its column list of %s lacks %s: run BEGIN; ALTER PUBLICATION %[4]s DROP TABLE %[5]s; ALTER PUBLICATION %[4]s ADD TABLE %[6]s; COMMIT; if the publication is of this source alone, else name another in option %[7]q: %[8]w",
				s.options.Publication, n, strings.Join(lacks, ", "), name, t.quoted(), listed, "publication", connectors.ErrConfig))
		}
	}
	return errors.Join(problems...)
}

type publishedTable struct {
	columns []string // nil = all
	filter  string
}

func (s *checks) published(ctx context.Context) (map[string]publishedTable, error) {
	// Column lists and row filters came with PostgreSQL 15.
	extra := `NULL::name[], ''`
	if guard.Since(s.sql, 15) {
		extra = `attnames, coalesce(rowfilter, '')`
	}
	rows, err := s.sql.Query(ctx, `SELECT schemaname || '.' || tablename, `+extra+` FROM pg_publication_tables WHERE pubname = $1`, s.options.Publication)
	if err != nil {
		return nil, fmt.Errorf("read publication %q: %w", s.options.Publication, err)
	}
	out := map[string]publishedTable{}
	var name string
	var p publishedTable
	_, err = pgx.ForEachRow(rows, []any{&name, &p.columns, &p.filter}, func() error {
		out[name] = publishedTable{slices.Clone(p.columns), p.filter}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read publication %q: %w", s.options.Publication, err)
	}
	return out, nil
}

// createPublication publishes the mapped columns of the mapped tables and
// nothing else: what is not shared should not leave the database.
func (s *checks) createPublication(ctx context.Context) error {
	var parts []string
	for _, n := range slices.Sorted(maps.Keys(s.tables)) {
		part, err := s.listed(ctx, s.tables[n])
		if err != nil {
			return err
		}
		parts = append(parts, part)
	}
	name := pgx.Identifier{s.options.Publication}.Sanitize()
	statement := "CREATE PUBLICATION " + name + " FOR TABLE " + strings.Join(parts, ", ")
	if guard.Since(s.sql, 13) {
		statement += " WITH (publish_via_partition_root = true)"
	}
	if !s.options.CreatePublication {
		return fmt.Errorf("没有这个发布，请数据库管理员执行 / find publication %q: have a DBA run %s: %w", s.options.Publication, statement, connectors.ErrConfig)
	}
	err := pgx.BeginFunc(ctx, s.sql, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "COMMENT ON PUBLICATION "+name+" IS '"+s.mark()+"'")
		return err
	})
	if err != nil {
		if p, ok := errors.AsType[*pgconn.PgError](err); ok && p.Code == "42501" {
			return fmt.Errorf("没有建发布的权限，请数据库管理员执行 / create publication %q: no right to: have a DBA run %s: %w", s.options.Publication, statement, connectors.ErrConfig)
		}
		return fmt.Errorf("create publication %q: %w", s.options.Publication, err)
	}
	s.log.Info("publication created", "publication", s.options.Publication)
	return nil
}

// listed is a table as the publication is to name it: with the mapped columns and, as
// the server demands, the whole replica identity. Before PostgreSQL 15 and with REPLICA
// IDENTITY FULL no list is possible.
func (s *checks) listed(ctx context.Context, t *table) (string, error) {
	var oid uint32
	err := s.sql.QueryRow(ctx, `SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`,
		t.schema, t.relation).Scan(&oid)
	if err != nil {
		return "", fmt.Errorf("read table %q: %w", t.name(), err)
	}
	names, err := guard.Identity(ctx, s.sql, oid)
	if err != nil || names == nil || !guard.Since(s.sql, 15) {
		return t.quoted(), err
	}
	for _, c := range t.columns {
		if !slices.Contains(names, c.name) {
			names = append(names, c.name)
		}
	}
	for i, n := range names {
		names[i] = pgx.Identifier{n}.Sanitize()
	}
	return t.quoted() + " (" + strings.Join(names, ", ") + ")", nil
}
