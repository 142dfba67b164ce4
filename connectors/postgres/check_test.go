package postgres_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

func TestRefusedConfigurations(t *testing.T) {
	t.Parallel()
	one := func(table string, more map[string]any) map[string]any {
		options := map[string]any{"dataset": "T01"}
		for k, v := range more {
			options[k] = v
		}
		return map[string]any{"tables": map[string]any{table: options}}
	}
	half := filepath.Join(t.TempDir(), "half.pem")
	if err := os.WriteFile(half, []byte("-----BEGIN CERTIFICATE-----\nAAAA\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		sql     []string
		options map[string]any
		want    string
	}{
		{"no such table", nil, one("public.nope", nil), "there is no such table"},
		{"a view", []string{"CREATE VIEW v AS SELECT * FROM t1"}, one("public.v", nil), "it is no table"},
		{"no log", []string{"CREATE UNLOGGED TABLE u (LIKE t1 INCLUDING ALL)"}, one("public.u", nil), "it has no log"},
		{"no dataset", nil, map[string]any{"tables": map[string]any{"t1": map[string]any{"dataset": "T99"}}}, "not among its datasets"},
		{"two tables, one dataset", nil, map[string]any{"tables": map[string]any{"t1": map[string]any{"dataset": "T01"}, "t2": map[string]any{"dataset": "T01"}}}, "feed one dataset"},
		{"unknown field", nil, one("t1", map[string]any{"columns": map[string]any{"note": "NO_SUCH"}}), `no field "NO_SUCH"`},
		{"unknown column", nil, one("t1", map[string]any{"columns": map[string]any{"no_such": "NOTE"}}), "column no_such"},
		{"no column for a field", []string{"ALTER TABLE t1 DROP note"}, nil, "nothing feeds NOTE"},
		{"absent required field", nil, one("t1", map[string]any{"absent": []any{"COUNT"}}), "is required"},
		{"no primary key", []string{"ALTER TABLE t1 DROP CONSTRAINT t1_pkey"}, nil, "REPLICA IDENTITY FULL"},
		{"another primary key", []string{"ALTER TABLE t1 DROP CONSTRAINT t1_pkey", "ALTER TABLE t1 ADD PRIMARY KEY (id)"}, nil, `does not hold column "region"`},
		{"replica identity nothing", []string{"ALTER TABLE t1 REPLICA IDENTITY NOTHING"}, nil, "replica identity"},
		{"publication may not be made", nil, map[string]any{"create_publication": false}, "have a DBA run CREATE PUBLICATION"},
		{"publication lacks the table", []string{"CREATE PUBLICATION p FOR TABLE other"}, map[string]any{"publication": "p"}, `ADD TABLE "public"."t1" ("region", "id", "note", "amount", "count", "flag", "day", "at", "local"): `},
		{"publication lacks a table without a list", []string{"ALTER TABLE t1 REPLICA IDENTITY FULL", "CREATE PUBLICATION p FOR TABLE other"}, map[string]any{"publication": "p"}, `ADD TABLE "public"."t1": `},
		{"publication lacks operations", []string{"CREATE PUBLICATION p FOR TABLE t1 WITH (publish = 'insert')"}, map[string]any{"publication": "p"}, "leaves out some operations"},
		{"publication lacks columns", []string{"CREATE PUBLICATION p FOR TABLE t1 (region, id, count)"}, map[string]any{"publication": "p"}, `lacks "note", "amount", "flag", "day", "at", "local": run `},
		{"partitions by themselves", []string{"CREATE TABLE pt (LIKE t1, PRIMARY KEY (region, id)) PARTITION BY LIST (region)", "CREATE TABLE pt1 PARTITION OF pt DEFAULT", "CREATE PUBLICATION p FOR TABLE pt"}, func() map[string]any {
			o := one("pt", nil)
			o["publication"] = "p"
			return o
		}(), "publish_via_partition_root"},
		{"slot name", nil, map[string]any{"slot": "Not A Slot"}, "lower-case letters"},
		{"password in the file", nil, map[string]any{"dsn": "postgres://u:hunter2@127.0.0.1/x"}, "holds a password"},
		{"password among the words", nil, map[string]any{"dsn": "host=127.0.0.1 password=hunter2"}, "holds a password"},
		{"no connection string", nil, map[string]any{"dsn": "postgres://u@127.0.0.1:port/hunter2"}, "not a connection string"},
		{"half an authority", nil, map[string]any{"dsn": "host=127.0.0.1 sslrootcert=" + half}, "half written"},
		{"time zone", nil, map[string]any{"timezone": "Mars/Olympus"}, "unknown time zone"},
		{"slot of somebody else", []string{"SELECT pg_create_logical_replication_slot(current_database()::text, 'test_decoding')"}, nil, "the name is taken"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t)
			db.table(t, "t1")
			db.table(t, "t2")
			db.must(t, "CREATE TABLE other (x int PRIMARY KEY)")
			db.must(t, tt.sql...)
			src, err := postgres.Open(t.Context(), db.config(t, tt.options), "")
			if err == nil {
				_ = src.Close() // the test has failed already
			}
			if !errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Open = %v, want ErrConfig with %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows the password: %v", err)
			}
			var slots int
			if err := db.QueryRow(t.Context(), "SELECT count(*) FROM pg_replication_slots WHERE slot_name = $1 AND plugin = 'pgoutput'", db.name).Scan(&slots); err != nil || slots > 0 {
				t.Errorf("a refused configuration left a slot behind (%v)", err)
			}
		})
	}
}

// TestPublicationHoldsNothingElse: columns that are not shared do not leave the
// database.
func TestPublicationHoldsNothingElse(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.table(t, "t1")
	open(t, db.config(t, nil), "")
	var columns []string
	err := db.QueryRow(t.Context(), "SELECT attnames::text[] FROM pg_publication_tables WHERE pubname = $1", db.name).Scan(&columns)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"region", "id", "note", "amount", "count", "flag", "day", "at", "local"}, columns); d != "" {
		t.Errorf("published columns (-want +got):\n%s", d)
	}
}

// TestStatementsToldPublishNothingElse: what a database administrator is told to run leads
// there, and no more than the mapped columns leaves the database.
func TestStatementsToldPublishNothingElse(t *testing.T) {
	t.Parallel()
	told := regexp.MustCompile(`run ((?:CREATE PUBLICATION|ALTER PUBLICATION|BEGIN;).*?)(?:; if the publication|: ` + connectors.ErrConfig.Error() + `)`)
	for name, tt := range map[string]struct {
		sql, filter string
		options     map[string]any
	}{
		"made":    {"SELECT 1", "", map[string]any{"publication": "p", "create_publication": false}},
		"added":   {"CREATE PUBLICATION p FOR TABLE other", "", map[string]any{"publication": "p"}},
		"columns": {"CREATE PUBLICATION p FOR TABLE other, t1 (region, id) WHERE (id <> 'R0002')", "(id <> 'R0002'::text)", map[string]any{"publication": "p"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t)
			db.table(t, "t1")
			db.must(t, "CREATE TABLE other (x int PRIMARY KEY)", tt.sql)
			_, err := postgres.Open(t.Context(), db.config(t, tt.options), "")
			m := told.FindStringSubmatch(fmt.Sprint(err))
			if m == nil {
				t.Fatalf("Open = %v, want a statement to run", err)
			}
			db.must(t, strings.Split(m[1], "; ")...)
			open(t, db.config(t, tt.options), "")
			var columns []string
			var filter string
			if err := db.QueryRow(t.Context(), "SELECT attnames::text[], coalesce(rowfilter, '') FROM pg_publication_tables WHERE pubname = 'p' AND tablename = 't1'").Scan(&columns, &filter); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([]string{"region", "id", "note", "amount", "count", "flag", "day", "at", "local"}, columns); d != "" || filter != tt.filter {
				t.Errorf("published columns (-want +got):\n%s\nwhere %q, want %q", d, filter, tt.filter)
			}
		})
	}
}

func TestPartitionsAndFilters(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.table(t, "tmpl")
	db.must(t, "CREATE TABLE t1 (LIKE tmpl, PRIMARY KEY (region, id)) PARTITION BY LIST (region)",
		"CREATE TABLE t1_north PARTITION OF t1 FOR VALUES IN ('north')", "CREATE TABLE t1_rest PARTITION OF t1 DEFAULT",
		"CREATE PUBLICATION "+db.name+" FOR TABLE t1 WHERE (id <> 'R0002') WITH (publish_via_partition_root = true)")
	db.insert(t, "t1", 1, 3)
	src := open(t, db.config(t, nil), "")
	db.insert(t, "t1", 4, 5)
	db.must(t, "UPDATE t1 SET region = 'south' WHERE id = 'R0004'", "UPDATE t1 SET count = 1 WHERE id = 'R0002'")
	c := collect(t, src, true, caughtUp())
	got := folded(dataset("T01"), c.changes)
	want := []string{}
	for _, row := range db.contents(t, "t1") {
		if !strings.Contains(row, "R0002") {
			want = append(want, row)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
}

func TestWithoutSnapshot(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.table(t, "t1")
	db.insert(t, "t1", 1, 3)
	src := open(t, db.config(t, map[string]any{"snapshot": false}), "")
	db.insert(t, "t1", 4, 4)
	c := collect(t, src, true, caughtUp())
	if len(c.changes) != 1 || c.changes[0].Key != "north|R0004" {
		t.Errorf("%d changes, want the one after the start", len(c.changes))
	}
}

// TestSnapshotAgainAfterNothing: a slot that is left over from an attempt of ours
// that published nothing is made again.
func TestSnapshotAgainAfterNothing(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.table(t, "t1")
	db.insert(t, "t1", 1, 5)
	cfg := db.config(t, nil)
	cfg.Bus = "here"
	first := open(t, cfg, "")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	db.must(t, "DELETE FROM t1 WHERE id = 'R0001'")
	c := collect(t, open(t, cfg, ""), true, caughtUp())
	if len(c.changes) != 4 {
		t.Errorf("%d changes, want the four rows that are there", len(c.changes))
	}
	if n := db.slots(t); n != 1 {
		t.Errorf("%d slots, want one", n)
	}
}

func (db database) slots(t *testing.T) (n int) {
	t.Helper()
	if err := db.QueryRow(t.Context(), "SELECT count(*) FROM pg_replication_slots WHERE database = $1", db.name).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestAnotherCity: the same source file on another bus leaves the first one's slot
// alone, whether it is read at that moment or not, and both go on.
func TestAnotherCity(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.table(t, "t1")
	db.insert(t, "t1", 1, 3)
	here, there := db.config(t, nil), db.config(t, nil)
	here.Bus, there.Bus = "here", "there"
	src := open(t, here, "")
	at := collect(t, src, true, caughtUp()).at
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	db.free(t)
	db.insert(t, "t1", 4, 4)
	other := open(t, there, "")
	if c := collect(t, other, true, caughtUp()); len(c.changes) != 4 {
		t.Errorf("there: %d changes, want all four rows", len(c.changes))
	}
	src = open(t, here, at)
	if c := collect(t, src, true, caughtUp()); len(c.changes) != 1 {
		t.Errorf("here: %d changes, want the one since", len(c.changes))
	}
	db.insert(t, "t1", 5, 5)
	for where, s := range map[string]connectors.Source{"here": src, "there": other} {
		if c := collect(t, s, true, caughtUp()); len(c.changes) != 1 {
			t.Errorf("%s: %d changes while both run, want one", where, len(c.changes))
		}
	}
	if err := errors.Join(src.Close(), other.Close()); err != nil {
		t.Fatal(err)
	}
	db.free(t)
	if c := collect(t, open(t, here, ""), true, caughtUp()); len(c.changes) != 5 {
		t.Errorf("read again here: %d changes, want all five rows", len(c.changes))
	}
	if n := db.slots(t); n != 2 {
		t.Errorf("%d slots, want one a city", n)
	}
	seen, err := postgres.Examine(t.Context(), here, true)
	if err != nil || !seen.Clock || len(seen.Found) != 2 || seen.Found[0].Grade != connectors.Warning || !strings.Contains(seen.Found[0].What, db.name) || seen.Found[1].Grade != connectors.Fine {
		t.Errorf("examined: %+v, %v; want our slot at work and the other named", seen, err)
	}
}

// TestSlotOfUnknownOwner: a slot that does not bear this bus's mark is not ours
// without a stored position, also if its name is what the option says.
func TestSlotOfUnknownOwner(t *testing.T) {
	t.Parallel()
	for _, bus := range []string{"", "here"} {
		db := newDatabase(t)
		db.table(t, "t1")
		var at string
		if err := db.QueryRow(t.Context(), "SELECT lsn::text FROM pg_create_logical_replication_slot($1, 'pgoutput')", db.name).Scan(&at); err != nil {
			t.Fatal(err)
		}
		cfg := db.config(t, nil)
		cfg.Bus = bus
		src, err := postgres.Open(t.Context(), cfg, "")
		switch {
		case bus != "" && err != nil:
			t.Errorf("beside an unmarked slot: %v", err)
		case bus == "" && (!errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), "不会动它") || !strings.Contains(err.Error(), "slot")):
			t.Errorf("it says %v, want that the name is taken", err)
		}
		if err == nil {
			if err := src.Close(); err != nil {
				t.Error(err)
			}
		}
		var still bool
		if err := db.QueryRow(t.Context(), "SELECT confirmed_flush_lsn = $2::pg_lsn FROM pg_replication_slots WHERE slot_name = $1", db.name, at).Scan(&still); err != nil || !still {
			t.Errorf("the slot that was there: untouched %v, %v", still, err)
		}
	}
}

// TestDry reads everything once and leaves nothing behind.
func TestDry(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.table(t, "t1")
	db.insert(t, "t1", 1, 7)
	src, err := postgres.Dry(t.Context(), db.config(t, nil), "")
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close() // ended with the test
	rows := 0
	for err == nil {
		var b connectors.Batch
		b, err = src.Read(t.Context())
		rows += len(b.Changes)
	}
	if !errors.Is(err, io.EOF) || rows != 7 {
		t.Errorf("%d rows, then %v", rows, err)
	}
	var publications int
	if err := db.QueryRow(t.Context(), "SELECT count(*) FROM pg_publication").Scan(&publications); err != nil || publications+db.slots(t) != 0 {
		t.Errorf("left behind: %d publications, %d slots, %v", publications, db.slots(t), err)
	}
}

// TestSnapshotGoesOnBehindItsKey counts rows read after an interruption, with
// and without the keys that hide them in the position.
func TestSnapshotGoesOnBehindItsKey(t *testing.T) {
	t.Parallel()
	for _, keyed := range []bool{true, false} {
		t.Run(fmt.Sprintf("keyed=%v", keyed), func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t)
			db.table(t, "t1")
			db.insert(t, "t1", 1, 10)
			cfg := db.config(t, nil)
			want := 4
			if !keyed {
				cfg.Keys, want = nil, 10
			}
			src := open(t, cfg, "")
			first := collect(t, src, true, atLeast(6))
			if strings.Contains(string(first.at), "R0006") || strings.Contains(string(first.at), "north") {
				t.Errorf("the position shows a key: %s", first.at)
			}
			if err := src.Close(); err != nil {
				t.Fatal(err)
			}
			db.must(t, "DELETE FROM t1 WHERE id = 'R0002'", "UPDATE t1 SET count = 0 WHERE id = 'R0009'")
			if !keyed {
				want--
			}
			src = open(t, cfg, first.at)
			second := collect(t, src, true, caughtUp())
			again := 0
			for _, c := range second.changes {
				if c.Op == schemas.Snapshot {
					again++
				}
			}
			if again != want {
				t.Errorf("%d rows read after the interruption, want %d", again, want)
			}
			if d := cmp.Diff(db.contents(t, "t1"), folded(dataset("T01"), append(first.changes, second.changes...))); d != "" {
				t.Errorf("rows (-want +got):\n%s", d)
			}
		})
	}
}

// TestRightsToColumns: the right to the mapped columns is enough, and what is lacking is
// named with the statement that grants it.
func TestRightsToColumns(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.table(t, "t1")
	db.insert(t, "t1", 1, 3)
	role := db.role(t)
	db.must(t, "CREATE PUBLICATION p FOR TABLE t1", "REVOKE SELECT ON t1 FROM "+role)
	cfg := db.config(t, map[string]any{"publication": "p", "dsn": db.as(t, role)})
	refused := func(want string) {
		t.Helper()
		if _, err := postgres.Open(t.Context(), cfg, ""); !errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("Open = %v, want %s", err, want)
		}
	}
	refused(`GRANT SELECT ON "public"."t1" TO "` + role + `"`)
	db.must(t, "GRANT SELECT (region, id, amount, count, flag, day, at) ON t1 TO "+role)
	refused(`GRANT SELECT ("note", "local") ON "public"."t1" TO "` + role + `"`)
	db.must(t, "GRANT SELECT (note, local) ON t1 TO "+role) // not secret
	src := open(t, cfg, "")
	c := collect(t, src, true, caughtUp())
	if len(c.changes) != 3 {
		t.Errorf("%d rows, want three", len(c.changes))
	}
	db.must(t, "REVOKE SELECT (note) ON t1 FROM "+role)
	if err := fails(t, src); !errors.Is(err, connectors.ErrWaiting) || !strings.Contains(err.Error(), "权限") {
		t.Errorf("it says %v; want the right, and that it waits", err)
	}
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	db.free(t)
	db.must(t, "GRANT SELECT (note) ON t1 TO "+role)
	collect(t, open(t, cfg, c.at), true, caughtUp())
}

// TestGeneratedColumn: a column that the server does not log is refused in words of its
// own, unless its field is said to be absent.
func TestGeneratedColumn(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.table(t, "t1")
	db.must(t, "ALTER TABLE t1 DROP flag", "ALTER TABLE t1 ADD flag boolean GENERATED ALWAYS AS (count > 0) STORED")
	_, err := postgres.Open(t.Context(), db.config(t, nil), "")
	if !errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), `"flag" 是由其他列算出的`) {
		t.Errorf("Open = %v, want that the column is generated", err)
	}
	db.must(t, "INSERT INTO t1 (region, id, count) VALUES ('north', 'R0001', 1)")
	src := open(t, db.config(t, map[string]any{"tables": map[string]any{"t1": map[string]any{"dataset": "T01", "absent": []string{"FLAG"}}}}), "")
	if c := collect(t, src, true, caughtUp()); len(c.changes) != 1 {
		t.Errorf("%d rows, want one", len(c.changes))
	}
}
