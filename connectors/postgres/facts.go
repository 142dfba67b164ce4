package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

// facts are what reading rests on, as the server tells them: by kind, then by
// table ("" for the server, the slot and the publication).
type facts map[string]map[string]string

// look asks the server for all facts, in one statement that reads its catalogue
// only.
func (s *server) look(ctx context.Context) (facts, error) {
	var schemas, relations []string
	var oids []uint32
	names := slices.Sorted(maps.Keys(s.tables))
	for _, n := range names {
		schemas, relations, oids = append(schemas, s.tables[n].schema), append(relations, s.tables[n].relation), append(oids, s.tables[n].oid)
	}
	query := lookQuery
	if !s.since15() { // without filters, column lists and publications of schemas
		query = strings.NewReplacer("r.prqual::text", "NULL", "r.prattrs::text", "NULL", "pg_publication_namespace s WHERE", "(SELECT 0::oid AS oid, 0::oid AS xmin, 0::oid AS pnpubid, 0::oid AS pnnspid) s WHERE").Replace(query)
	}
	rows, err := s.sql.Query(ctx, query, s.options.Publication, s.slot, schemas, relations, oids)
	if err != nil {
		return nil, fmt.Errorf("数据库没有应答 / look at the database: %w", err)
	}
	seen := facts{}
	var kind, subject, value string
	_, err = pgx.ForEachRow(rows, []any{&kind, &subject, &value}, func() error {
		if seen[kind] == nil {
			seen[kind] = map[string]string{}
		}
		seen[kind][subject] = value
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("数据库没有应答 / look at the database: %w", err)
	}
	return seen, nil
}

const lookQuery = `WITH p AS MATERIALIZED (
	SELECT p.xmin::text AS version, p.* FROM pg_publication p WHERE p.pubname = $1
), w AS MATERIALIZED (
	SELECT u.schema || '.' || u.relation AS name, n.oid AS nsp, c.oid, c.relkind AS relkind, coalesce(c.oid, o.oid) AS id
	FROM unnest($3::text[], $4::text[], $5::oid[]) AS u(schema, relation, was) LEFT JOIN pg_class o ON o.oid = u.was
	LEFT JOIN pg_namespace n ON n.nspname = u.schema LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = u.relation
), l AS MATERIALIZED (
	SELECT w.name, t.isleaf, c.oid, c.relfilenode AS file, c.relpersistence AS persistence,
		CASE WHEN c.relreplident = 'f' THEN '*' ELSE coalesce(array_to_string((` + identityQuery + `), E'\x01'), '') END AS identity,
		(SELECT coalesce(bool_and(i.xmin = a.xmin), true) FROM pg_partition_ancestors(c.oid) up(relid) JOIN pg_inherits i ON i.inhrelid = up.relid
			JOIN pg_attribute a ON a.attrelid = i.inhrelid AND a.attname = 'tableoid' WHERE up.relid <> w.oid) AS born
	FROM w, LATERAL (SELECT w.oid AS relid, false AS isleaf UNION ALL SELECT relid, true FROM pg_partition_tree(w.oid) WHERE isleaf AND w.relkind = 'p') t
	JOIN pg_class c ON c.oid = t.relid
), e AS MATERIALIZED (
	SELECT w.name, r.oid, r.oid::text || '/' || r.xmin::text AS version, r.prqual::text AS filter, r.prattrs::text AS columns FROM w, p, pg_publication_rel r
	WHERE r.prpubid = p.oid AND (r.prrelid = w.id OR r.prrelid IN (SELECT relid FROM pg_partition_ancestors(w.id)))
	UNION ALL SELECT w.name, s.oid, concat_ws('/', s.oid, s.xmin, (SELECT d.xmin FROM pg_depend d
		WHERE d.classid = 'pg_class'::regclass AND d.objid = w.id AND d.objsubid = 0 AND d.refclassid = 'pg_namespace'::regclass)), NULL, NULL
	FROM w, p, pg_publication_namespace s WHERE s.pnpubid = p.oid AND s.pnnspid = w.nsp
)
SELECT f.kind, '', coalesce(f.value, '') FROM (VALUES
	('system', (SELECT system_identifier::text FROM pg_control_system())),
	('standby', pg_is_in_recovery()::text),
	('timeline', CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END),
	('end', CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_flush_lsn()::text END),
	('slot', EXISTS(SELECT FROM pg_replication_slots WHERE slot_name = $2)::text),
	('publication', EXISTS(SELECT FROM p)::text)) AS f(kind, value)
UNION ALL SELECT f.kind, '', coalesce(f.value, '') FROM pg_replication_slots s, LATERAL (VALUES
	('slot.ours', (s.plugin = 'pgoutput' AND s.database = current_database())::text),
	('slot.kept', (s.restart_lsn IS NOT NULL AND s.confirmed_flush_lsn IS NOT NULL AND s.wal_status <> 'lost'
		AND to_jsonb(s) ->> 'invalidation_reason' IS NULL AND coalesce(to_jsonb(s) ->> 'conflicting', 'false') = 'false')::text),
	('slot.confirmed', s.confirmed_flush_lsn::text), ('slot.active', s.active_pid::text)) AS f(kind, value) WHERE s.slot_name = $2
UNION ALL SELECT f.kind, '', f.value FROM p, LATERAL (VALUES
	('publication.version', p.oid::text || '/' || p.version), ('publication.owner', p.pubowner::text),
	('publication.operations', concat_ws(' ', p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate)),
	('publication.all', p.puballtables::text), ('publication.root', p.pubviaroot::text)) AS f(kind, value)
UNION ALL SELECT f.kind, w.name, coalesce(f.value, '') FROM w, LATERAL (VALUES
	('table', w.id::text),
	('table.name', (w.oid IS NOT NULL)::text),
	('table.logged', (SELECT coalesce(bool_and(l.persistence = 'p'), true)::text FROM l WHERE l.name = w.name)),
	('table.alone', (w.relkind = 'p' OR NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = w.id AND i.inhrelid NOT IN (SELECT id FROM w WHERE id IS NOT NULL)))::text),
	('table.leaves', (SELECT string_agg(l.oid || '/' || l.file || '=' || l.born, ',' ORDER BY l.oid) FROM l WHERE l.name = w.name AND l.isleaf)),
	('table.columns', (SELECT string_agg(a.attnum || ' ' || left(md5(a.attname), 12), ',' ORDER BY a.attnum) FROM pg_attribute a
		WHERE a.attrelid = w.id AND a.attnum > 0 AND NOT a.attisdropped)),
	('table.content', (SELECT c.relfilenode || ';' || (SELECT coalesce(string_agg(a.xmin::text || ' ' || left(md5(a.attname), 12), ',' ORDER BY a.attnum), '') FROM pg_attribute a
		WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) FROM pg_class c WHERE c.oid = w.id AND c.relkind = 'r')),
	('table.readable', CASE WHEN w.oid IS NULL THEN 'true' ELSE has_table_privilege(w.oid, 'SELECT')::text END),
	('table.visible', CASE WHEN w.oid IS NULL THEN 'true' ELSE (NOT row_security_active(w.oid))::text END),
	('table.identity', coalesce((SELECT string_agg(l.identity, E'\x02') FROM l WHERE l.name = w.name), '*')),
	('entry', (coalesce((SELECT puballtables FROM p), false) OR EXISTS (SELECT FROM e WHERE e.name = w.name))::text),
	('entry.version', (SELECT string_agg(e.version, ',' ORDER BY e.oid) FROM e WHERE e.name = w.name)),
	('entry.filter', (SELECT md5(string_agg(e.filter, ',' ORDER BY e.oid)) FROM e WHERE e.name = w.name)),
	('entry.columns', (SELECT md5(string_agg(e.columns, ',' ORDER BY e.oid)) FROM e WHERE e.name = w.name))) AS f(kind, value)`

// recall joins the facts of a position with those of now, which stand for the
// kinds that it does not have.
func recall(at position, now facts) (facts, error) {
	want := maps.Clone(now)
	if len(at.Facts) > 0 {
		var f facts
		if err := json.Unmarshal(at.Facts, &f); err != nil {
			return nil, fmt.Errorf("位置里的内容读不懂 / read facts of the position: %w", connectors.ErrPositionLost)
		}
		maps.Copy(want, f)
	}
	want["system"] = map[string]string{"": at.System}
	want["timeline"] = map[string]string{"": fmt.Sprintf("%08X", at.Timeline)}
	return want, nil
}

// origin is the database cluster and its history.
func (f facts) origin() (system string, timeline int32, err error) {
	line, err := strconv.ParseInt(f["timeline"][""], 16, 32)
	if err != nil {
		return "", 0, fmt.Errorf("数据库是备库，不能从它读取变更；请连到主库 / read timeline: the database is a standby, from which changes cannot be read: connect to the primary: %w", connectors.ErrConfig)
	}
	return f["system"][""], int32(line), nil
}
