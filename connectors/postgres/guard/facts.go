package guard

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

// Facts are what reading rests on, as the server tells them: by kind, then by
// table ("" for the server, the slot and the publication).
type Facts map[string]map[string]string

// Ground is what a source rests on, and whose facts are asked.
type Ground struct {
	Publication, Slot string
	Tables            map[string]Table // by schema.table
	Snapshot          bool             // first rows are read from the tables, too
	// Lost makes the error that stops the source until it is read again.
	Lost func(zh, en string) error
}

// Table is a table of a source.
type Table struct {
	Schema, Relation string
	OID              uint32   // when reading began, 0: it has not
	Columns          []string // mapped, nil while they are not looked up
	Key              []string // of them, those of the dataset's key
}

var unnamed = regexp.MustCompile(`[^a-z0-9_]+`)

// DefaultName is what a source's publication is called, and what the name of its slot begins
// with, where its options say nothing.
func DefaultName(source string) string {
	name := "yiyuan_" + unnamed.ReplaceAllString(strings.ToLower(source), "_")
	return name[:min(len(name), 63)]
}

// Look asks the server for all facts, in one statement that reads its catalogue
// only.
func Look(ctx context.Context, sql *pgx.Conn, of Ground) (Facts, error) {
	var schemas, relations []string
	var oids []uint32
	for _, n := range slices.Sorted(maps.Keys(of.Tables)) {
		t := of.Tables[n]
		schemas, relations, oids = append(schemas, t.Schema), append(relations, t.Relation), append(oids, t.OID)
	}
	query := lookQuery
	if !Since(sql, 13) { // without publishing by root, and a word on the log that a slot needs
		query = strings.NewReplacer("p.pubviaroot", "false", "s.wal_status <> 'lost'", "true").Replace(query)
	}
	if !Since(sql, 15) { // without filters, column lists and publications of schemas
		query = strings.NewReplacer("r.prqual::text", "NULL", "r.prattrs::text", "NULL", "r.prattrs::int2[]", "NULL::int2[]", "pg_publication_namespace s WHERE", "(SELECT 0::oid AS oid, 0::oid AS xmin, 0::oid AS pnpubid, 0::oid AS pnnspid) s WHERE").Replace(query)
	}
	rows, err := sql.Query(ctx, query, of.Publication, of.Slot, schemas, relations, oids)
	if err != nil {
		return nil, fmt.Errorf("数据库没有应答 / look at the database: %w", err)
	}
	seen := Facts{}
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

// Since says whether the server has what came with a major version.
func Since(sql *pgx.Conn, major int) bool {
	text := sql.PgConn().ParameterStatus("server_version") // 15.14 (Debian …), 19beta1
	if end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		text = text[:end]
	}
	is, err := strconv.Atoi(text)
	return err == nil && is >= major
}

// Identity lists the columns of the index that is a table's replica identity; nil: the
// whole row is.
func Identity(ctx context.Context, sql *pgx.Conn, table uint32) ([]string, error) {
	var identity string
	names := []string{}
	err := sql.QueryRow(ctx, `SELECT c.relreplident::text, coalesce((`+identityQuery+`), '{}')
		FROM pg_class c WHERE c.oid = $1`, table).Scan(&identity, &names)
	if err != nil {
		return nil, fmt.Errorf("read replica identity: %w", err)
	}
	if identity == "f" {
		return nil, nil
	}
	return names, nil
}

// identityQuery lists the columns that name a row of c in the log. The index of
// a deferrable key is none.
const identityQuery = `SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
	WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END`

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
	SELECT w.name, r.oid, r.oid::text || '/' || r.xmin::text AS version, r.prqual::text AS filter, r.prattrs::text AS columns,
		(SELECT array_agg(a.attname::text) FROM pg_attribute a WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs::int2[])) AS names FROM w, p, pg_publication_rel r
	WHERE r.prpubid = p.oid AND (r.prrelid = w.id OR r.prrelid IN (SELECT relid FROM pg_partition_ancestors(w.id)))
	UNION ALL SELECT w.name, s.oid, concat_ws('/', s.oid, s.xmin, (SELECT d.xmin FROM pg_depend d
		WHERE d.classid = 'pg_class'::regclass AND d.objid = w.id AND d.objsubid = 0 AND d.refclassid = 'pg_namespace'::regclass)), NULL, NULL, NULL
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
	('table.hidden', (SELECT string_agg(left(md5(a.attname), 12), ',' ORDER BY a.attnum) FROM pg_attribute a
		WHERE a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped AND NOT has_column_privilege(w.oid, a.attnum, 'SELECT'))),
	('table.visible', CASE WHEN w.oid IS NULL THEN 'true' ELSE (NOT row_security_active(w.oid))::text END),
	('table.identity', coalesce((SELECT string_agg(l.identity, E'\x02') FROM l WHERE l.name = w.name), '*')),
	('entry', (coalesce((SELECT puballtables FROM p), false) OR EXISTS (SELECT FROM e WHERE e.name = w.name))::text),
	('entry.covers', (NOT EXISTS (SELECT FROM e, l WHERE e.name = w.name AND l.name = w.name AND (l.identity = '*' AND e.names IS NOT NULL
		OR NOT string_to_array(nullif(l.identity, ''), E'\x01') <@ e.names)))::text),
	('entry.version', (SELECT string_agg(e.version, ',' ORDER BY e.oid) FROM e WHERE e.name = w.name)),
	('entry.filter', (SELECT md5(string_agg(e.filter, ',' ORDER BY e.oid)) FROM e WHERE e.name = w.name)),
	('entry.columns', (SELECT md5(string_agg(e.columns, ',' ORDER BY e.oid)) FROM e WHERE e.name = w.name))) AS f(kind, value)`

// Recall joins the facts that a position kept, of a cluster and its timeline, with those
// of now, which stand for the kinds that it does not have.
func Recall(kept json.RawMessage, system string, timeline int32, now Facts) (Facts, error) {
	want := maps.Clone(now)
	if len(kept) > 0 {
		var f Facts
		if err := json.Unmarshal(kept, &f); err != nil {
			return nil, fmt.Errorf("位置里的内容读不懂 / read facts of the position: %w", connectors.ErrPositionLost)
		}
		maps.Copy(want, f)
	}
	want["system"] = map[string]string{"": system}
	want["timeline"] = map[string]string{"": fmt.Sprintf("%08X", timeline)}
	return want, nil
}

// Origin is the database cluster and its history.
func (f Facts) Origin() (system string, timeline int32, err error) {
	line, err := strconv.ParseInt(f["timeline"][""], 16, 32)
	if err != nil {
		return "", 0, fmt.Errorf("数据库是备库，不能从它读取变更；请连到主库 / read timeline: the database is a standby, from which changes cannot be read: connect to the primary: %w", connectors.ErrConfig)
	}
	return f["system"][""], int32(line), nil
}

// OIDs are the tables that are there, by name.
func (f Facts) OIDs() map[string]uint32 {
	out := map[string]uint32{}
	for name, text := range f["table"] {
		if oid, err := strconv.ParseUint(text, 10, 32); err == nil {
			out[name] = uint32(oid)
		}
	}
	return out
}

// End is where the server's log ends; 0: it did not say.
func (f Facts) End() pglogrepl.LSN { return place(f["end"][""]) }

// Confirmed is what the slot has been told that it may forget.
func (f Facts) Confirmed() pglogrepl.LSN { return place(f["slot.confirmed"][""]) }

func place(text string) pglogrepl.LSN {
	at, err := pglogrepl.ParseLSN(text)
	if err != nil {
		return 0
	}
	return at
}
