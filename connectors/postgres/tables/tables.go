// Package tables looks at the tables of a PostgreSQL database from which a source is to be
// drafted: connectors/probe.
//
// Every question is asked in a session that is read only, under a short statement_timeout
// and lock_timeout. The catalogues of the system tell tables, columns, keys and comments; of
// the rows a bounded sample is counted (probe.Tally) as it comes, the first characters of
// each value, and nothing of it is kept. What the server says about data is not passed on,
// since it quotes them.
package tables

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/option"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres/guard"
	"github.com/yiyuan-bus/yiyuan/connectors/probe"
)

// most is how many tables are looked at that nobody has named.
const most = 100

// Look returns how tables are looked at, their values counted by tests.
func Look(tests *probe.Tests) probe.Look {
	return func(ctx context.Context, r probe.Request) (probe.Seen, error) {
		l := &looker{tests: tests, Request: r}
		if err := l.connect(ctx); err != nil {
			return probe.Seen{}, err
		}
		defer l.close(ctx)
		return l.look(ctx)
	}
}

func (l *looker) look(ctx context.Context) (seen probe.Seen, err error) {
	all, err := l.relations(ctx)
	if err != nil {
		return seen, err
	}
	chosen, notes, err := l.chosen(all)
	if err != nil {
		return seen, err
	}
	seen.Notes = notes
	for _, r := range chosen {
		if len(r.Refused) == 0 && r.oid != 0 {
			if err := l.table(ctx, r); err != nil {
				return seen, fmt.Errorf("table %q: %w", r.Full(), err)
			}
		}
		seen.Tables = append(seen.Tables, &r.Table)
	}
	b := binding{role: l.role, whole: map[string]bool{}, makes: l.made && !slices.ContainsFunc(chosen, func(r *relation) bool { return !r.owns && !l.super }), lists: guard.Since(l.sql, 15), roots: guard.Since(l.sql, 13)}
	for _, r := range chosen {
		b.whole[r.Full()] = r.full
	}
	seen.Source = b.text
	return seen, l.rights(ctx, &seen)
}

const relationsQuery = `SELECT n.nspname::text, c.relname::text, c.oid, c.relkind::text, c.relpersistence::text,
	CASE WHEN c.relispartition THEN (SELECT (rn.nspname || '.' || rc.relname) FROM pg_class rc JOIN pg_namespace rn ON rn.oid = rc.relnamespace WHERE rc.oid = pg_partition_root(c.oid)) ELSE '' END,
	coalesce(obj_description(c.oid, 'pg_class'), ''), row_security_active(c.oid), has_schema_privilege(n.oid, 'USAGE'), has_any_column_privilege(c.oid, 'SELECT'), pg_has_role(c.relowner, 'USAGE'),
	CASE WHEN c.relkind = 'p' THEN (SELECT coalesce(sum(greatest(l.reltuples, 0)), 0) FROM pg_partition_tree(c.oid) t JOIN pg_class l ON l.oid = t.relid WHERE t.isleaf) ELSE c.reltuples END::bigint
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1, 2`

// relations are all tables of the database, and what looks like one.
func (l *looker) relations(ctx context.Context) ([]*relation, error) {
	rows, err := l.sql.Query(ctx, relationsQuery)
	if err != nil {
		return nil, fmt.Errorf("表的清单读不了 / list tables: %w", told(err))
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*relation, error) {
		r := &relation{}
		err := row.Scan(&r.Schema, &r.Name, &r.oid, &r.kind, &r.persistence, &r.whole, &r.Comment, &r.filtered, &r.usable, &r.readable, &r.owns, &r.Rows)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("表的清单读不了 / list tables: %w", told(err))
	}
	return all, nil
}

// chosen are the tables to be looked at: those that are named, or all that can be.
func (l *looker) chosen(all []*relation) (chosen []*relation, notes []probe.Said, err error) {
	if len(l.Tables) > 0 {
		return l.named(all), nil, nil
	}
	views, hidden := 0, 0
	for _, r := range all {
		switch {
		case r.whole != "": // its root stands for it
		case r.kind != "r" && r.kind != "p" || r.persistence != "p":
			views++
		case !r.usable || !r.readable:
			hidden++
		default:
			r.Refused = l.refusals(r)
			chosen = append(chosen, r)
		}
	}
	if views > 0 {
		notes = append(notes, probe.Said{Chinese: fmt.Sprintf("略过 %d 个视图、外部表或不记日志的表：它们没有变更日志", views), English: fmt.Sprintf("%d views, foreign or unlogged tables are passed over: they have no log of changes", views)})
	}
	if hidden > 0 {
		notes = append(notes, probe.Said{Chinese: fmt.Sprintf("略过 %d 张角色 %s 无权读的表", hidden, l.role), English: fmt.Sprintf("%d tables that role %s may not read are passed over", hidden, l.role)})
	}
	switch {
	case len(chosen) == 0:
		return nil, nil, fmt.Errorf("没有角色 %[1]s 能读的表：请数据库管理员 GRANT USAGE ON SCHEMA 和 GRANT SELECT ON 要接入的表，或用 --table 指明哪一张 / role %[1]s can read no table: have a DBA GRANT USAGE ON SCHEMA and GRANT SELECT ON those that are wanted, or name one by --table: %[2]w", l.role, connectors.ErrConfig)
	case len(chosen) > most:
		return nil, nil, fmt.Errorf("能读的表有 %[1]d 张，太多了：用 --table 模式.表 逐张指明 / %[1]d tables can be read, which is too many: name those that are wanted by --table SCHEMA.TABLE: %[2]w", len(chosen), connectors.ErrConfig)
	}
	return chosen, notes, nil
}

// named are the tables that somebody has named; one that is not there is refused.
func (l *looker) named(all []*relation) (chosen []*relation) {
	known := make([]string, len(all))
	for i, r := range all {
		known[i] = r.Full()
	}
	for _, name := range l.Tables {
		schema, table, dotted := strings.Cut(name, ".")
		if !dotted {
			schema, table = "public", name
		}
		if slices.ContainsFunc(chosen, func(r *relation) bool { return r.Schema == schema && r.Name == table }) {
			continue
		}
		i := slices.IndexFunc(all, func(r *relation) bool { return r.Schema == schema && r.Name == table })
		if i < 0 {
			r := &relation{owns: true, Table: probe.Table{Schema: schema, Name: table}}
			r.Refused = []probe.Said{{Chinese: "没有这张表（大小写要一致）", English: "there is no such table (case counts)" + option.Nearest(r.Full(), known)}}
			chosen = append(chosen, r)
			continue
		}
		all[i].Refused = l.refusals(all[i])
		chosen = append(chosen, all[i])
	}
	return chosen
}

// refusals say why no source can read a table, and what to do.
func (l *looker) refusals(r *relation) []probe.Said {
	role, quoted := pgx.Identifier{l.role}.Sanitize(), pgx.Identifier{r.Schema, r.Name}.Sanitize()
	switch {
	case r.kind == "v" || r.kind == "m" || r.kind == "f":
		return []probe.Said{{Chinese: "是视图或外部表，没有变更日志：改用它所依据的表", English: "it is a view or a foreign table and has no log of changes: take the tables that it is made of"}}
	case r.whole != "":
		return []probe.Said{{Chinese: "是 " + r.whole + " 的分区：写 --table " + r.whole, English: "it is a partition: say --table " + r.whole}}
	case r.persistence != "p":
		return []probe.Said{{Chinese: "不记日志（UNLOGGED、临时表），不能复制：请部门改为普通表", English: "it has no log (UNLOGGED or temporary): have the department make it an ordinary table"}}
	case r.kind == "p" && !guard.Since(l.sql, 13):
		return []probe.Said{{Chinese: "是分区表，PostgreSQL 12 不能以它的名义复制：须 13 起", English: "it is partitioned, which PostgreSQL 12 cannot publish as one table: 13 or later can"}}
	case strings.Contains(r.Schema, "."):
		return []probe.Said{{Chinese: "模式的名称里有点，数据源文件写不了它：请部门改名", English: "its schema has a full stop in its name, which the source's file cannot say: have the department rename it"}}
	case !r.usable:
		return []probe.Said{{Chinese: "没有进入它的模式的权限：GRANT USAGE ON SCHEMA " + pgx.Identifier{r.Schema}.Sanitize() + " TO " + role, English: "no right to its schema: run this GRANT"}}
	case !r.readable:
		return []probe.Said{{Chinese: "没有读的权限：GRANT SELECT ON " + quoted + " TO " + role + "（或只给要共享的列）", English: "no right to read it: run this GRANT, of the columns that are to be shared alone if you will"}}
	case r.filtered:
		return []probe.Said{{Chinese: "对角色 " + l.role + " 启用了行级安全，只看得见部分行：ALTER ROLE " + role + " BYPASSRLS", English: "row level security shows the role only some of its rows: run this ALTER ROLE"}}
	}
	return nil
}

// table looks at one table: its columns, its key, its rows.
func (l *looker) table(ctx context.Context, r *relation) error {
	if err := l.columns(ctx, r); err != nil {
		return err
	}
	rows, err := l.sql.Query(ctx, `SELECT a.attname::text FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY k(num, place) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num
		WHERE i.indrelid = $1 AND i.indisprimary ORDER BY k.place`, r.oid)
	if err != nil {
		return fmt.Errorf("read primary key: %w", told(err))
	}
	if r.Key, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return fmt.Errorf("read primary key: %w", told(err))
	}
	covered, err := guard.Identity(ctx, l.sql, r.oid)
	if err != nil {
		return told(err)
	}
	r.full = covered == nil
	for _, k := range r.Key {
		if covered != nil && !slices.Contains(covered, k) {
			r.Notes = append(r.Notes, probe.Said{
				Chinese: "复制标识不含主键，删除时不知是哪一行：ALTER TABLE " + pgx.Identifier{r.Schema, r.Name}.Sanitize() + " REPLICA IDENTITY FULL",
				English: "its replica identity does not hold the key, so deletes would not name their row: run this ALTER TABLE",
			})
			break
		}
	}
	return l.sample(ctx, r)
}

// rights notes what the role lacks for being a source's.
func (l *looker) rights(ctx context.Context, seen *probe.Seen) error {
	var replicates bool
	if err := l.sql.QueryRow(ctx, `SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user`).Scan(&replicates); err != nil {
		return fmt.Errorf("read the role: %w", told(err))
	}
	if !replicates {
		role := pgx.Identifier{l.role}.Sanitize()
		seen.Notes = append(seen.Notes, probe.Said{Chinese: "角色没有 REPLICATION，运行时建不了复制槽：ALTER ROLE " + role + " REPLICATION（云数据库用其专门的授权）", English: "the role has no REPLICATION, without which no slot can be made: run this ALTER ROLE (a database of a cloud has a grant of its own for it)"})
	}
	return nil
}
