package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// parted is a running source of a partitioned table with two rows in each of two
// partitions, that has caught up.
func parted(t *testing.T) (database, connectors.Config, connectors.Source, schemas.Position) {
	t.Helper()
	db := newDatabase(t)
	db.table(t, "tmpl")
	db.must(t, "CREATE TABLE t1 (LIKE tmpl, PRIMARY KEY (region, id)) PARTITION BY LIST (region)",
		"CREATE TABLE t1_north PARTITION OF t1 FOR VALUES IN ('north')", "CREATE TABLE t1_south PARTITION OF t1 FOR VALUES IN ('south')",
		"CREATE PUBLICATION p FOR TABLE t1 WITH (publish_via_partition_root = true)",
		"INSERT INTO t1 (region, id, count) VALUES ('north', 'R0001', 1), ('north', 'R0002', 2), ('south', 'R0003', 3), ('south', 'R0004', 4)")
	cfg := db.config(t, map[string]any{"publication": "p"})
	src := open(t, cfg, "")
	return db, cfg, src, collect(t, src, true, caughtUp()).at
}

// TestNoRowsAreSent: whatever changes rows without a word in the log stops the
// source and is told, while it runs and when it happened while it was down.
func TestNoRowsAreSent(t *testing.T) {
	t.Parallel()
	const born = "CREATE TABLE t1_east PARTITION OF t1 FOR VALUES IN ('east')"
	tests := map[string]struct {
		whole bool // t1 is one table
		do    []string
		want  string
	}{
		"filled partition attached":     {false, []string{"CREATE TABLE t1_east (LIKE tmpl INCLUDING ALL)", "INSERT INTO t1_east (region, id, count) VALUES ('east', 'R0005', 5)", "ALTER TABLE t1 ATTACH PARTITION t1_east FOR VALUES IN ('east')"}, "分区"},
		"partition detached":            {false, []string{"ALTER TABLE t1 DETACH PARTITION t1_south"}, "分区"},
		"partition dropped":             {false, []string{"DROP TABLE t1_south"}, "分区"},
		"partition emptied":             {false, []string{"TRUNCATE t1_south"}, "分区"},
		"partition detached and back":   {false, []string{"ALTER TABLE t1 DETACH PARTITION t1_south", "TRUNCATE t1_south", "ALTER TABLE t1 ATTACH PARTITION t1_south FOR VALUES IN ('south')"}, "分区"},
		"partitions attached in levels": {false, []string{"CREATE TABLE t1_east (LIKE tmpl) PARTITION BY LIST (id)", "CREATE TABLE t1_east5 PARTITION OF t1_east FOR VALUES IN ('R0005')", "INSERT INTO t1_east (region, id, count) VALUES ('east', 'R0005', 5)", "ALTER TABLE t1 ATTACH PARTITION t1_east FOR VALUES IN ('east')"}, "分区"},
		"new partition emptied":         {false, []string{born, "\x00", "TRUNCATE t1_east"}, "分区"},
		"partition without log":         {false, []string{"CREATE UNLOGGED TABLE t1_east PARTITION OF t1 FOR VALUES IN ('east')"}, "UNLOGGED"},
		"partitions rewritten":          {false, []string{"ALTER TABLE t1 ALTER note TYPE text USING 'x' || note"}, "分区"},
		"table rewritten":               {true, []string{"ALTER TABLE t1 ALTER note TYPE text USING 'x' || note"}, "重写"},
		"column made again":             {true, []string{"ALTER TABLE t1 DROP note", "ALTER TABLE t1 ADD note text DEFAULT 'x'"}, "删除后重建"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := parted
			if tt.whole {
				start = watched
			}
			db, cfg, src, at := start(t)
			for _, q := range tt.do {
				if q == "\x00" { // what was done so far is seen, and harmless
					at = collect(t, src, true, caughtUp()).at
					continue
				}
				db.must(t, q)
			}
			db.loses(t, cfg, src, at, tt.want)
		})
	}
}

// TestHarmlessToRows: new partitions and what only writes a table anew do not stop
// a source, and all their rows come.
func TestHarmlessToRows(t *testing.T) {
	t.Parallel()
	db, _, src, _ := parted(t)
	db.must(t, "CREATE TABLE t1_east PARTITION OF t1 FOR VALUES IN ('east')", "INSERT INTO t1 (region, id, count) VALUES ('east', 'R0005', 5)",
		"BEGIN", "CREATE TABLE t1_west (LIKE tmpl INCLUDING ALL)", "ALTER TABLE t1 ATTACH PARTITION t1_west FOR VALUES IN ('west')", "COMMIT",
		"INSERT INTO t1 (region, id, count) VALUES ('west', 'R0006', 6)", "VACUUM FREEZE pg_inherits", "VACUUM FREEZE pg_attribute", "VACUUM t1", "ANALYZE t1")
	if c := collect(t, src, true, caughtUp()); len(c.changes) != 2 {
		t.Errorf("%d changes, want the two rows of new partitions", len(c.changes))
	}
	db, cfg, src, _ := watched(t)
	db.must(t, "VACUUM FULL t1", "CLUSTER t1 USING t1_pkey")
	collect(t, src, true, caughtUp())
	db.must(t, "ALTER TABLE t1 ALTER count SET STATISTICS 100", "ALTER TABLE t1 ALTER region TYPE varchar(30)", "ALTER TABLE t1 DROP secret", "ALTER TABLE t1 ADD secret text")
	collect(t, src, true, caughtUp())
	db.must(t, "TRUNCATE t1")
	c := collect(t, src, true, caughtUp())
	if len(c.changes) == 0 || c.changes[0].Op != schemas.Truncate {
		t.Errorf("%d changes, want the truncation", len(c.changes))
	}
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	collect(t, open(t, cfg, c.at), true, caughtUp())
}

// TestLeafIdentity: a partition decides by itself what names its rows in the log.
func TestLeafIdentity(t *testing.T) {
	t.Parallel()
	db, cfg, src, at := parted(t)
	db.must(t, "ALTER TABLE t1_south REPLICA IDENTITY NOTHING")
	if err := fails(t, src); errors.Is(err, connectors.ErrPositionLost) || !strings.Contains(err.Error(), "复制标识") {
		t.Errorf("it says %v", err)
	}
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	db.free(t)
	db.must(t, "ALTER TABLE t1_south REPLICA IDENTITY DEFAULT")
	collect(t, open(t, cfg, at), true, caughtUp())

	db.must(t, "CREATE TABLE t2 (LIKE tmpl, PRIMARY KEY (region, id)) PARTITION BY LIST (region)", "CREATE TABLE t2_all PARTITION OF t2 DEFAULT",
		"ALTER TABLE t2_all REPLICA IDENTITY NOTHING")
	_, err := postgres.Open(t.Context(), db.config(t, map[string]any{"slot": "other", "publication": "q", "tables": map[string]any{"public.t2": map[string]any{"dataset": "T01"}}}), "")
	if !errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), "t2_all REPLICA IDENTITY FULL") {
		t.Errorf("a partition without an identity: %v", err)
	}
}

// TestInheritance: rows of tables that inherit are not read through their parent.
func TestInheritance(t *testing.T) {
	t.Parallel()
	db, cfg, src, at := watched(t)
	db.must(t, "CREATE TABLE t1_child () INHERITS (t1)")
	if err := fails(t, src); errors.Is(err, connectors.ErrPositionLost) || !strings.Contains(err.Error(), "INHERITS") {
		t.Errorf("it says %v", err)
	}
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	db.free(t)
	if _, err := postgres.Open(t.Context(), cfg, ""); !errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), "public.t1_child") {
		t.Errorf("Open = %v", err)
	}
	db.must(t, "ALTER TABLE t1_child NO INHERIT t1")
	collect(t, open(t, cfg, at), true, caughtUp())
}
