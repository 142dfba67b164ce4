package tables

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/probe"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// database is a database of its own, and a role that has no right to anything in it.
type database struct {
	*pgx.Conn
	role string
	dsn  string // of the owner
	as   string // of the role
}

func newDatabase(t *testing.T) database {
	t.Helper()
	return newDatabaseOn(t, "YIYUAN_TEST_POSTGRES")
}

// newDatabaseOn makes them on the server that a variable names.
func newDatabaseOn(t *testing.T, variable string) database {
	t.Helper()
	server := os.Getenv(variable)
	if server == "" {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not set; CI must run against a real server", variable)
		}
		t.Skipf("%s is not set", variable)
	}
	admin, err := pgx.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	name := "yiyuan_test_" + strings.ToLower(rand.Text()[:12])
	for _, q := range []string{"CREATE DATABASE " + name + " TEMPLATE template0 ENCODING 'UTF8'", "CREATE ROLE " + name + " LOGIN PASSWORD 'secret-of-the-role'"} {
		if _, err := admin.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	config := admin.Config().Copy()
	config.Database = name
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		_ = conn.Close(ctx) // the database goes anyway
		defer admin.Close(ctx)
		for _, q := range []string{"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "'", "DROP DATABASE " + name, "DROP ROLE " + name} {
			if _, err := admin.Exec(ctx, q); err != nil {
				t.Errorf("%s: %v", q, err)
			}
		}
	})
	reach := func(user *url.Userinfo) string {
		u := url.URL{Scheme: "postgres", User: user, Path: "/" + name, RawQuery: url.Values{"sslmode": {"disable"}, "host": {config.Host}, "port": {fmt.Sprint(config.Port)}}.Encode()}
		path := filepath.Join(t.TempDir(), "dsn")
		if err := os.WriteFile(path, []byte(u.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return "file:" + path
	}
	return database{conn, name, reach(url.UserPassword(config.User, config.Password)), reach(url.UserPassword(name, "secret-of-the-role"))}
}

func (db database) must(t *testing.T, sql ...string) {
	t.Helper()
	for _, q := range sql {
		if _, err := db.Exec(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

func city(t *testing.T) *schemas.Catalogue {
	t.Helper()
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

func look(t *testing.T, cat *schemas.Catalogue, dsn string, tables ...string) probe.Seen {
	t.Helper()
	seen, err := Look(probe.NewTests(cat))(t.Context(), probe.Request{DSN: dsn, Tables: tables, Sample: 1000, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

func of(t *testing.T, seen probe.Seen, name string) *probe.Table {
	t.Helper()
	for _, s := range seen.Tables {
		if s.Full() == name {
			return s
		}
	}
	t.Fatalf("%q was not looked at", name)
	return nil
}

// TestColumns: types of all sorts, down to what a domain is made of, what is NULL, what is
// left out and why; names that need quotes; comments as they stand.
func TestColumns(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"", "_12", "_17", "_18"} {
		t.Run(strings.TrimPrefix(version, "_"), func(t *testing.T) {
			t.Parallel()
			columns(t, newDatabaseOn(t, "YIYUAN_TEST_POSTGRES"+version))
		})
	}
}

func columns(t *testing.T, db database) {
	t.Helper()
	db.must(t, `CREATE SCHEMA "档案 x"`, `CREATE DOMAIN short AS varchar(18)`, `CREATE DOMAIN shorter AS short NOT NULL`, `CREATE TYPE colour AS ENUM ('red', 'blue')`,
		`CREATE TABLE "档案 x"."T ""1" ("select" text PRIMARY KEY, d shorter, c char(3), v varchar(7), n numeric(12,3), whole numeric(5), i bigint, f double precision, m money, day date, at timestamptz,
			yes boolean, e colour, u uuid, arr text[], j jsonb, b bytea, made text GENERATED ALWAYS AS (upper("select")) STORED, "b ""q'" text NOT NULL DEFAULT '')`,
		`COMMENT ON TABLE "档案 x"."T ""1" IS '一张表'`, `COMMENT ON COLUMN "档案 x"."T ""1".v IS E'第一行\n第二行'`,
		`INSERT INTO "档案 x"."T ""1" ("select", d, arr, j, b) VALUES ('k', '539902198503120013', '{a}', '{}', '\x00')`)
	cat := city(t)
	table := of(t, look(t, cat, db.dsn), `档案 x.T "1`)
	if table.Comment != "一张表" || !slices.Equal(table.Key, []string{"select"}) || table.Sampled != 1 || len(table.Refused) > 0 {
		t.Errorf("%+v", table)
	}
	type want struct {
		shape                    probe.Shape
		length, precision, scale int
		nullable, left           bool
	}
	for name, w := range map[string]want{
		"select": {shape: probe.Text}, "d": {shape: probe.Text, length: 18}, "c": {shape: probe.Text, length: 3, nullable: true}, "v": {shape: probe.Text, length: 7, nullable: true},
		"n": {shape: probe.Number, precision: 12, scale: 3, nullable: true}, "whole": {shape: probe.Number, precision: 5, nullable: true}, "i": {shape: probe.Whole, nullable: true},
		"f": {shape: probe.Number, nullable: true}, "m": {shape: probe.Number, nullable: true}, "day": {shape: probe.Day, nullable: true}, "at": {shape: probe.Moment, nullable: true},
		"yes": {shape: probe.Truth, nullable: true}, "e": {shape: probe.Text, nullable: true}, "u": {shape: probe.Text, nullable: true},
		"arr": {nullable: true, left: true}, "j": {nullable: true, left: true}, "b": {nullable: true, left: true},
		"made": {shape: probe.Text, nullable: true, left: true}, `b "q'`: {shape: probe.Text},
	} {
		c := table.Find(name)
		if c == nil {
			t.Errorf("no column %q", name)
			continue
		}
		if got := (want{c.Shape, c.Length, c.Precision, c.Scale, c.Nullable, c.Left.Chinese != ""}); got != w {
			t.Errorf("%s %s: %+v, want %+v", name, c.Type, got, w)
		}
	}
	if c := table.Find("d"); c.Values.Citizen != 1 || c.Domain != "shorter" {
		t.Errorf("of the domain: %+v", c.Values)
	}
	if c := table.Find(`b "q'`); c.Values.Blank != 1 {
		t.Errorf("a blank value: %+v", c.Values)
	}
	if len(table.Columns) != 19 {
		t.Errorf("%d columns", len(table.Columns))
	}
}

// TestRefused: what no source can read says why; what stands beside it is looked at all the
// same. Nobody's tables are listed that nobody may read.
func TestRefused(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.must(t, `CREATE SCHEMA hidden`, `CREATE SCHEMA "a.b"`, `CREATE TABLE good (id int PRIMARY KEY, xm text, secret text)`, `CREATE TABLE hidden.t (id int PRIMARY KEY)`, `CREATE TABLE closed (id int PRIMARY KEY)`,
		`CREATE TABLE policed (id int PRIMARY KEY)`, `ALTER TABLE policed ENABLE ROW LEVEL SECURITY`, `CREATE VIEW v AS SELECT 1 AS id`, `CREATE UNLOGGED TABLE u (id int PRIMARY KEY)`, `CREATE TABLE nokey (id int)`,
		`CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id)`, `CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (0) TO (10)`, `INSERT INTO parts VALUES (1), (2)`, `CREATE TABLE "a.b".t (id int PRIMARY KEY)`,
		`CREATE TABLE bytes (id bytea PRIMARY KEY)`,
		`GRANT SELECT (id, xm) ON good TO `+db.role, `GRANT SELECT ON policed, v, u, nokey, parts, part1, hidden.t, "a.b".t, bytes TO `+db.role)
	cat := city(t)
	wants := map[string]string{
		"good": "", "parts": "", "hidden.t": "GRANT USAGE ON SCHEMA", "closed": "GRANT SELECT ON", "policed": "BYPASSRLS", "v": "是视图", "u": "UNLOGGED", "nokey": "没有主键", "part1": "--table public.parts",
		"a.b.t": "没有这张表", "bytes": "主键的列", "god": `did you mean "public.god"`,
	}
	var names []string
	for name := range wants {
		names = append(names, name)
	}
	slices.Sort(names)
	seen := look(t, cat, db.as, names...)
	probe.Draft(cat, cat.Departments[0], seen.Tables)
	for name, want := range wants {
		full := name
		if !strings.Contains(name, ".") {
			full = "public." + name
		}
		table := of(t, seen, full)
		switch {
		case name == "god":
			if len(table.Refused) != 1 || !strings.Contains(table.Refused[0].English, "public.good") {
				t.Errorf("god: %v", table.Refused)
			}
		case want == "" && len(table.Refused) != 0, want != "" && (len(table.Refused) == 0 || !strings.Contains(table.Refused[0].Chinese, want)):
			t.Errorf("%s is refused by %v, want %q", name, table.Refused, want)
		}
	}
	good := of(t, seen, "public.good")
	if c := good.Find("secret"); c == nil || !strings.Contains(c.Left.English, "may not read") {
		t.Errorf("a column that may not be read: %+v", c)
	}
	if of(t, seen, "public.parts").Sampled != 2 {
		t.Errorf("of the partitioned table %d rows were looked at", of(t, seen, "public.parts").Sampled)
	}
	all := look(t, cat, db.as)
	var listed []string
	for _, s := range all.Tables {
		listed = append(listed, s.Name)
	}
	if slices.Sort(listed); !slices.Equal(listed, []string{"bytes", "good", "nokey", "parts", "policed"}) {
		t.Errorf("without names it looks at %q", listed)
	}
	told := fmt.Sprint(all.Notes)
	for _, want := range []string{"2 个视图", "3 张角色", "REPLICATION"} {
		if !strings.Contains(told, want) {
			t.Errorf("it does not say %q: %s", want, told)
		}
	}
}

// TestReadOnly: in the session nothing can be written, whatever the role is set to, and
// nothing takes long.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.must(t, `CREATE TABLE t (id int PRIMARY KEY)`, `GRANT ALL ON t TO `+db.role, `ALTER ROLE `+db.role+` SET default_transaction_read_only = off`, `ALTER ROLE `+db.role+` SET statement_timeout = 0`)
	l := &looker{Request: probe.Request{DSN: db.as, Timeout: 5 * time.Second}}
	if err := l.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer l.close(t.Context())
	for q, code := range map[string]string{`INSERT INTO t VALUES (1)`: "25006", `CREATE TEMP TABLE x (id int); INSERT INTO t VALUES (1)`: "25006", `SELECT pg_sleep(60)`: "57014"} {
		_, err := l.sql.Exec(t.Context(), q)
		if p, ok := errors.AsType[*pgconn.PgError](err); !ok || p.Code != code {
			t.Errorf("%s: %v, want SQLSTATE %s", q, err, code)
		}
	}
}

// TestLocked: a table that is locked, and so cannot be looked at in time, is drafted by its names.
func TestLocked(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.must(t, `CREATE TABLE t (id int PRIMARY KEY, xm text)`, `INSERT INTO t VALUES (1, '张三')`, `BEGIN`, `LOCK TABLE t IN ACCESS EXCLUSIVE MODE`)
	cat := city(t)
	seen, err := Look(probe.NewTests(cat))(t.Context(), probe.Request{DSN: db.dsn, Sample: 10, Timeout: 5 * time.Second})
	db.must(t, `ROLLBACK`)
	if err != nil {
		t.Fatal(err)
	}
	table := of(t, seen, "public.t")
	if table.Sampled != 0 || !strings.Contains(table.Unsampled.English, "no sample could be taken") || table.Find("xm").Values != nil || len(probe.Draft(cat, cat.Departments[0], seen.Tables)) != 1 {
		t.Errorf("%+v", table)
	}
}

// TestHuge: of large values the beginning is looked at, of many rows a sample, of no row more.
func TestHuge(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.must(t, `CREATE TABLE big (id int PRIMARY KEY, doc text)`, `INSERT INTO big SELECT i, repeat(md5(i::text), 100000) FROM generate_series(1, 3) i`,
		`CREATE TABLE many (id int PRIMARY KEY, xm text)`, `INSERT INTO many SELECT i, '张三' FROM generate_series(1, 60000) i`, `CREATE TABLE void (id int PRIMARY KEY)`, `ANALYZE`)
	cat := city(t)
	seen := look(t, cat, db.dsn)
	if c := of(t, seen, "public.big").Find("doc"); c.Values.Longer != 3 || c.Values.Long != 3_200_000 {
		t.Errorf("large values: %+v", c.Values)
	}
	if many := of(t, seen, "public.many"); many.Sampled < 100 || many.Sampled > 1000 || many.Rows < 50_000 {
		t.Errorf("of about %d rows %d were looked at", many.Rows, many.Sampled)
	}
	if void := of(t, seen, "public.void"); void.Sampled != 0 || !strings.Contains(void.Unsampled.English, "empty") || len(void.Refused) > 0 {
		t.Errorf("%+v", void)
	}
}

// TestWide: of a very wide table the first columns are looked at; without a sample none is.
func TestWide(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.must(t, `DO $$ BEGIN EXECUTE 'CREATE TABLE wide (id int PRIMARY KEY, ' || (SELECT string_agg('c' || i || ' int', ', ') FROM generate_series(1, 1500) i) || ')'; END $$`, `INSERT INTO wide (id, c1) VALUES (1, 1)`)
	cat := city(t)
	table := of(t, look(t, cat, db.dsn), "public.wide")
	if table.Sampled != 1 || table.Find("c1").Values.Filled != 1 || table.Find("c1500").Values != nil {
		t.Errorf("%d rows were looked at", table.Sampled)
	}
	seen, err := Look(probe.NewTests(cat))(t.Context(), probe.Request{DSN: db.dsn, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if table := of(t, seen, "public.wide"); table.Find("c1").Values != nil || !strings.Contains(table.Unsampled.English, "--sample 0") {
		t.Errorf("%+v", table.Unsampled)
	}
}

// TestSource: who makes the publication, and by which words: those are what a server takes.
func TestSource(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.must(t, `CREATE TABLE "T.1" ("Id" int PRIMARY KEY, xm text, doc jsonb)`, `CREATE TABLE whole (id int PRIMARY KEY, xm text)`, `ALTER TABLE whole REPLICA IDENTITY FULL`, `GRANT SELECT ON "T.1", whole TO `+db.role)
	cat := city(t)
	for dsn, makes := range map[string]string{db.dsn: "true", db.as: "false"} {
		seen := look(t, cat, dsn)
		text := seen.Source("ga-new", "env:GA_DSN", probe.Draft(cat, cat.Departments[0], seen.Tables))
		if !strings.Contains(text, "create_publication: "+makes) || strings.Contains(text, "secret-of-the-role") || !strings.Contains(text, "dsn: env:GA_DSN\n") {
			t.Errorf("want create_publication: %s and no secret:\n%s", makes, text)
		}
		var statement strings.Builder
		for line := range strings.Lines(text) {
			if sql, ok := strings.CutPrefix(line, "  #   "); ok {
				statement.WriteString(sql)
			}
		}
		db.must(t, "BEGIN", statement.String())
		var listed string
		err := db.QueryRow(t.Context(), `SELECT string_agg(tablename || ':' || array_to_string(attnames, ' '), ', ' ORDER BY tablename) FROM pg_publication_tables WHERE pubname = 'yiyuan_ga_new'`).Scan(&listed)
		if err != nil || listed != "T.1:Id xm, whole:id xm" {
			t.Errorf("it publishes %q, %v", listed, err)
		}
		db.must(t, `UPDATE whole SET xm = ''`, `DELETE FROM "T.1"`, "ROLLBACK")
	}
}

// TestUnreachable: what is wrong with the connection is said, and nothing of the string.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{"postgres://somebody:very-secret@127.0.0.1:1/x?sslmode=disable", "this is very-secret no string"} {
		path := filepath.Join(t.TempDir(), "dsn")
		if err := os.WriteFile(path, []byte(dsn), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Look(probe.NewTests(&schemas.Catalogue{}))(t.Context(), probe.Request{DSN: "file:" + path, Timeout: time.Second})
		if err == nil || strings.Contains(err.Error(), "very-secret") || errors.Is(err, connectors.ErrConfig) != !strings.HasPrefix(dsn, "postgres") {
			t.Errorf("%v", err)
		}
	}
}
