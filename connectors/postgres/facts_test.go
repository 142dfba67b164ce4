package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres"
	"github.com/yiyuan-bus/yiyuan/connectors/sourcetest"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// fails reads until the source ends and returns why.
func fails(t *testing.T, src connectors.Source) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), sourcetest.Patience)
	defer cancel()
	for {
		if _, err := src.Read(ctx); err != nil {
			if ctx.Err() != nil {
				t.Fatal("the source runs on")
			}
			return err
		}
	}
}

// free waits until nobody reads the slot.
func (db database) free(t *testing.T) {
	t.Helper()
	db.until(t, "SELECT count(*) = 0 FROM pg_replication_slots WHERE database = $1 AND active", db.name)
}

func saysLost(t *testing.T, err error, want string) {
	t.Helper()
	if !errors.Is(err, connectors.ErrPositionLost) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "yiyuan source resync test-pg") {
		t.Errorf("it says %v; want position lost, %s, and the remedy", err, want)
	}
}

// loses expects a running source to stop for good, saying what is wanted, and to say
// it again when it is opened at its position.
func (db database) loses(t *testing.T, cfg connectors.Config, src connectors.Source, at schemas.Position, want string) {
	t.Helper()
	saysLost(t, fails(t, src), want)
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	db.free(t)
	_, err := postgres.Open(t.Context(), cfg, at)
	saysLost(t, err, want)
}

// swallowing is what a DBA can do that makes the server swallow changes for good,
// and, where there is one, how to take it back.
var swallowing = map[string]struct {
	do, undo []string
	want     string // before it is undone
}{
	"operations":         {[]string{"ALTER PUBLICATION p SET (publish = 'insert')"}, []string{"ALTER PUBLICATION p SET (publish = 'insert, update, delete, truncate')"}, "操作清单"},
	"row filter":         {[]string{"ALTER PUBLICATION p SET TABLE t1 WHERE (id <> 'R0002')"}, []string{"ALTER PUBLICATION p SET TABLE t1"}, "行过滤"},
	"column list":        {[]string{"ALTER PUBLICATION p SET TABLE t1 (region, id, note, amount, count, day, at, local)"}, []string{"ALTER PUBLICATION p SET TABLE t1"}, "列清单"},
	"column list, whole": {[]string{"ALTER PUBLICATION p SET TABLE t1 (region, id, note, amount, count, flag, day, at, local)"}, nil, "列清单"},
	"owner":              {[]string{"ALTER PUBLICATION p OWNER TO pg_database_owner"}, []string{"ALTER PUBLICATION p OWNER TO CURRENT_USER"}, "属主"},
	"by root":            {[]string{"ALTER PUBLICATION p SET (publish_via_partition_root = true)"}, []string{"ALTER PUBLICATION p SET (publish_via_partition_root = false)"}, "分区根表"},
	"table taken out":    {[]string{"ALTER PUBLICATION p DROP TABLE t1"}, []string{"ALTER PUBLICATION p ADD TABLE t1"}, "不再有表"},
	"other tables":       {[]string{"ALTER PUBLICATION p SET TABLE other"}, []string{"ALTER PUBLICATION p SET TABLE t1"}, "不再有表"},
	"dropped":            {[]string{"DROP PUBLICATION p"}, []string{"CREATE PUBLICATION p FOR TABLE t1"}, "被删除"},
	"table made again":   {[]string{"DROP TABLE t1", fmt.Sprintf(createTable, "t1"), "ALTER PUBLICATION p ADD TABLE t1"}, nil, "删除、换掉或重建"},
	"table gone":         {[]string{"DROP TABLE t1"}, nil, "删除、换掉或重建"},
	"tables swapped":     {[]string{"CREATE TABLE t1_new (LIKE t1 INCLUDING ALL)", "ALTER PUBLICATION p ADD TABLE t1_new", "ALTER TABLE t1 RENAME TO t1_old", "ALTER TABLE t1_new RENAME TO t1"}, []string{"ALTER TABLE t1 RENAME TO t1_new", "ALTER TABLE t1_old RENAME TO t1"}, "删除、换掉或重建"},
}

// TestSwallowedWhileRunning: whatever makes the server swallow changes is noticed
// and told by name, and is not forgotten by opening the source again.
func TestSwallowedWhileRunning(t *testing.T) {
	t.Parallel()
	for name, tt := range swallowing {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, cfg, src, at := watched(t)
			db.must(t, tt.do...)
			db.loses(t, cfg, src, at, tt.want)
		})
	}
}

// TestSwallowedForAMoment: nobody looked while it was so, because the source was
// down; the changes of that time are missing all the same.
func TestSwallowedForAMoment(t *testing.T) {
	t.Parallel()
	for name, tt := range swallowing {
		if tt.undo == nil || name == "tables swapped" { // that one lost nothing when it is put back
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, cfg, src, at := watched(t)
			if err := src.Close(); err != nil {
				t.Fatal(err)
			}
			db.free(t)
			db.must(t, tt.do...)
			db.must(t, "UPDATE t1 SET flag = NOT flag WHERE id = 'R0002'")
			db.must(t, tt.undo...)
			db.must(t, "VACUUM FREEZE pg_publication", "VACUUM FREEZE pg_publication_rel")
			_, err := postgres.Open(t.Context(), cfg, at)
			saysLost(t, err, "改")
		})
	}
}

// TestSwallowedBySchema: a table that leaves a published schema is out of the
// publication meanwhile, and one without log is in it for nothing.
func TestSwallowedBySchema(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		publication, want string
		do                []string
	}{
		"moved away and back": {"FOR TABLES IN SCHEMA public", "移出又加回", []string{"CREATE SCHEMA away", "ALTER TABLE t1 SET SCHEMA away", "DELETE FROM away.t1", "ALTER TABLE away.t1 SET SCHEMA public"}},
		"schema taken out":    {"FOR TABLES IN SCHEMA public", "不再有表", []string{"CREATE SCHEMA away", "ALTER PUBLICATION p SET TABLES IN SCHEMA away"}},
		"without log":         {"FOR ALL TABLES", "UNLOGGED", []string{"ALTER TABLE t1 SET UNLOGGED", "DELETE FROM t1"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t)
			db.table(t, "t1")
			db.must(t, "CREATE PUBLICATION p "+tt.publication)
			db.insert(t, "t1", 1, 3)
			cfg := db.config(t, map[string]any{"publication": "p"})
			src := open(t, cfg, "")
			at := collect(t, src, true, caughtUp()).at
			db.must(t, tt.do...)
			db.loses(t, cfg, src, at, tt.want)
		})
	}
}

// watched is a running source that has caught up, on a publication named p.
func watched(t *testing.T) (database, connectors.Config, connectors.Source, schemas.Position) {
	t.Helper()
	db := newDatabase(t)
	db.table(t, "t1")
	db.must(t, "CREATE TABLE other (x int PRIMARY KEY)", "CREATE PUBLICATION p FOR TABLE t1")
	db.insert(t, "t1", 1, 3)
	cfg := db.config(t, map[string]any{"publication": "p"})
	src := open(t, cfg, "")
	return db, cfg, src, collect(t, src, true, caughtUp()).at
}

// TestHarmlessChanges: what swallows nothing does not stop a source.
func TestHarmlessChanges(t *testing.T) {
	t.Parallel()
	db, cfg, src, _ := watched(t)
	db.must(t, "ALTER PUBLICATION p ADD TABLE other", "ALTER TABLE t1 ADD more text", "CREATE INDEX ON t1 (count)", "ANALYZE t1", "VACUUM FREEZE pg_publication",
		"VACUUM FULL pg_publication_rel", "GRANT SELECT ON t1 TO PUBLIC", "ALTER TABLE t1 REPLICA IDENTITY FULL", "COMMENT ON TABLE t1 IS 'x'")
	db.must(t, "INSERT INTO other VALUES (1)")
	collect(t, src, true, caughtUp())
	db.must(t, "DELETE FROM t1 WHERE id = 'R0001'", "ALTER TABLE t1 REPLICA IDENTITY DEFAULT", "ALTER PUBLICATION p DROP TABLE other")
	// Under its other name the table is still the table.
	db.must(t, "BEGIN", "ALTER TABLE t1 RENAME TO elsewhere", "DELETE FROM elsewhere WHERE id = 'R0002'", "ALTER TABLE elsewhere RENAME TO t1", "COMMIT")
	c := collect(t, src, true, caughtUp())
	if len(c.changes) != 2 || c.changes[1].Key != "north|R0002" {
		t.Errorf("%d changes, want the two deletes", len(c.changes))
	}
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	collect(t, open(t, cfg, c.at), true, caughtUp())
}

// TestWaitsUntilMended: what swallows nothing but leaves the source without its
// ground is told, and the source goes on by itself when it is as it was.
func TestWaitsUntilMended(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ do, undo, want string }{
		"renamed":            {"ALTER TABLE t1 RENAME TO t1_moved", "ALTER TABLE t1_moved RENAME TO t1", "改名"},
		"replica identity":   {"ALTER TABLE t1 REPLICA IDENTITY NOTHING", "ALTER TABLE t1 REPLICA IDENTITY DEFAULT", "复制标识"},
		"right taken away":   {"REVOKE SELECT ON t1 FROM %s", "GRANT SELECT ON t1 TO %s", "权限"},
		"row level security": {"ALTER TABLE t1 ENABLE ROW LEVEL SECURITY", "ALTER ROLE %s BYPASSRLS", "行级安全"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t)
			db.table(t, "t1")
			db.must(t, "CREATE PUBLICATION p FOR TABLE t1")
			db.insert(t, "t1", 1, 3)
			role := db.role(t)
			cfg := db.config(t, map[string]any{"publication": "p", "dsn": db.as(t, role)})
			src := open(t, cfg, "")
			at := collect(t, src, true, caughtUp()).at
			run := func(q string) { db.must(t, strings.ReplaceAll(q, "%s", role)) }
			run(tt.do)
			fails(t, src)
			if err := src.Close(); err != nil {
				t.Fatal(err)
			}
			db.free(t)
			_, err := postgres.Open(t.Context(), cfg, at)
			if !errors.Is(err, connectors.ErrWaiting) || errors.Is(err, connectors.ErrPositionLost) || errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("it says %v; want %s, and that it waits", err, tt.want)
			}
			db.free(t)
			run(tt.undo)
			db.insert(t, "t1", 4, 4)
			if c := collect(t, open(t, cfg, at), true, caughtUp()); len(c.changes) != 1 {
				t.Errorf("%d changes after it was mended, want one", len(c.changes))
			}
		})
	}
}

// TestNamelessRows: under another replica identity a delete does not say which
// row it was, also if the identity was set back before anybody looked.
func TestNamelessRows(t *testing.T) {
	t.Parallel()
	for _, q := range []string{"DELETE FROM t1 WHERE id = 'R0001'", "UPDATE t1 SET id = 'R0009' WHERE id = 'R0001'"} {
		db, cfg, src, _ := watched(t)
		db.must(t, "ALTER TABLE t1 ADD serial int GENERATED ALWAYS AS IDENTITY", "CREATE UNIQUE INDEX other_index ON t1 (serial)")
		at := collect(t, src, true, caughtUp()).at
		db.must(t, "BEGIN", "ALTER TABLE t1 REPLICA IDENTITY USING INDEX other_index", q, "ALTER TABLE t1 REPLICA IDENTITY DEFAULT", "COMMIT")
		saysLost(t, fails(t, src), "复制标识")
		if err := src.Close(); err != nil {
			t.Fatal(err)
		}
		saysLost(t, fails(t, open(t, cfg, at)), "复制标识")
	}
}

// role makes a role that reads t1 and is nobody special.
func (db database) role(t *testing.T) string {
	t.Helper()
	role := db.name + "_role"
	db.must(t, "CREATE ROLE "+role+" LOGIN REPLICATION", "GRANT SELECT ON t1 TO "+role)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
		defer cancel()
		if _, err := db.Exec(ctx, "DROP OWNED BY "+role+"; DROP ROLE "+role); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	return role
}

// as is the connection string of another role.
func (db database) as(t *testing.T, role string) string {
	t.Helper()
	text, err := os.ReadFile(strings.TrimPrefix(db.dsn, "file:"))
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(string(text))
	if err != nil {
		t.Fatal("no URL")
	}
	u.User = url.User(role)
	path := filepath.Join(t.TempDir(), "dsn")
	if err := os.WriteFile(path, []byte(u.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return "file:" + path
}

// TestRowLevelSecurity: some of the rows are never taken for all of them.
func TestRowLevelSecurity(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.table(t, "t1")
	db.insert(t, "t1", 1, 5)
	role := db.role(t)
	db.must(t, "CREATE PUBLICATION p FOR TABLE t1", "ALTER TABLE t1 ENABLE ROW LEVEL SECURITY", "CREATE POLICY a_few ON t1 FOR SELECT USING (id < 'R0003')")
	cfg := db.config(t, map[string]any{"publication": "p", "dsn": db.as(t, role), "batch_rows": 1})
	src, err := postgres.Open(t.Context(), cfg, "")
	if err == nil {
		t.Errorf("opened, %d of 5 rows read", len(collect(t, src, true, caughtUp()).changes))
		_ = src.Close() // the test has failed already
	} else if !errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), "行级安全") || !strings.Contains(err.Error(), "BYPASSRLS") {
		t.Errorf("Open = %v, want ErrConfig that names row level security and the remedy", err)
	}
	db.must(t, "ALTER ROLE "+role+" BYPASSRLS")
	src = open(t, cfg, "")
	c := collect(t, src, true, atLeast(2))
	db.must(t, "ALTER ROLE "+role+" NOBYPASSRLS")
	if err := fails(t, src); errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), "行级安全") {
		t.Errorf("in the middle of the first rows it says %v, want row level security, and to be tried again", err)
	}
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	db.must(t, "ALTER ROLE "+role+" BYPASSRLS")
	rest := collect(t, open(t, cfg, c.at), true, caughtUp())
	if d := cmp.Diff(db.contents(t, "t1"), folded(dataset("T01"), append(c.changes, rest.changes...))); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
}
