package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/yiyuan-bus/yiyuan/connectors"
)

// TestEffects types what a department may do to a table that is published by us: what the
// connector's page says is refused is, and what it says is free is.
func TestEffects(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.table(t, "t1")
	src := open(t, db.config(t, nil), "") // makes the publication
	collect(t, src, true, caughtUp())
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	const retyped, dependent, nameless, wrongList = "0A000", "2BP01", "55000", "42P10"
	for _, c := range []struct{ sql, code string }{
		{"ALTER TABLE t1 ALTER note TYPE varchar(90000)", retyped},
		{"ALTER TABLE t1 DROP COLUMN note", dependent},
		{"ALTER TABLE t1 DROP COLUMN secret", ""},
		{"ALTER TABLE t1 ADD COLUMN more text", ""},
		{"ALTER TABLE t1 RENAME COLUMN note TO remark", ""},
		{"ALTER TABLE t1 RENAME COLUMN remark TO note", ""},
		{"INSERT INTO t1 (region, id, count) VALUES ('n', '1', 1)", ""},
		{"ALTER TABLE t1 REPLICA IDENTITY NOTHING", ""},
		{"UPDATE t1 SET count = 2", nameless},
		{"DELETE FROM t1", nameless},
		{"INSERT INTO t1 (region, id, count) VALUES ('n', '2', 1)", ""},
		{"ALTER TABLE t1 REPLICA IDENTITY FULL", ""},
		{"UPDATE t1 SET count = 2", wrongList},
		{"ALTER TABLE t1 REPLICA IDENTITY DEFAULT", ""},
		{"UPDATE t1 SET count = 2", ""},
		{"ALTER TABLE t1 DROP CONSTRAINT t1_pkey", ""},
		{"UPDATE t1 SET count = 3", nameless},
		{"DROP TABLE t1", ""},
	} {
		code := ""
		if _, err := db.Exec(t.Context(), c.sql); err != nil {
			p, ok := errors.AsType[*pgconn.PgError](err)
			if !ok {
				t.Fatalf("%s: %v", c.sql, err)
			}
			code = p.Code
		}
		if code != c.code {
			t.Errorf("%s: SQLSTATE %q, the page says %q", c.sql, code, c.code)
		}
	}
}

// TestIdentityBeyondTheList: a replica identity that the publication does not cover makes
// the department's own changes fail; it is said within a second, and passes.
func TestIdentityBeyondTheList(t *testing.T) {
	t.Parallel()
	for name, do := range map[string][]string{
		"full":          {"ALTER TABLE t1 REPLICA IDENTITY FULL"},
		"another index": {"ALTER TABLE t1 ALTER secret SET NOT NULL", "CREATE UNIQUE INDEX other ON t1 (region, id, secret)", "ALTER TABLE t1 REPLICA IDENTITY USING INDEX other"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t)
			db.table(t, "t1")
			db.insert(t, "t1", 1, 1)
			cfg := db.config(t, nil)
			src := open(t, cfg, "")
			at := collect(t, src, true, caughtUp()).at
			db.must(t, do...)
			if _, err := db.Exec(t.Context(), "UPDATE t1 SET count = 5"); err == nil {
				t.Fatal("the server updates")
			}
			if err := fails(t, src); !errors.Is(err, connectors.ErrWaiting) || !strings.Contains(err.Error(), "超出发布所列的列") {
				t.Errorf("it says %v", err)
			}
			if err := src.Close(); err != nil {
				t.Fatal(err)
			}
			db.free(t)
			db.must(t, "ALTER TABLE t1 REPLICA IDENTITY DEFAULT", "UPDATE t1 SET count = 5")
			if c := collect(t, open(t, cfg, at), true, caughtUp()); len(c.changes) != 1 {
				t.Errorf("%d changes, want one", len(c.changes))
			}
		})
	}
}
