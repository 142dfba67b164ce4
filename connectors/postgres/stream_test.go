package postgres_test

import (
	"encoding/json"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres"
	"github.com/yiyuan-bus/yiyuan/connectors/sourcetest"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
)

// TestRandomChangesAddUpToTheTable lets random transactions run while the
// source is stopped and opened again at random places, confirmed or not, also
// inside the snapshot.
func TestRandomChangesAddUpToTheTable(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t)
			db.table(t, "t1")
			if seed%3 == 2 {
				db.must(t, "ALTER TABLE t1 REPLICA IDENTITY FULL")
			}
			rng := mrand.New(mrand.NewPCG(seed, 7))
			for range 5 {
				db.random(t, rng)
			}
			cfg := db.config(t, nil)
			var all []schemas.Change
			var at schemas.Position
			for range 10 {
				src := open(t, cfg, at)
				db.random(t, rng)
				reads := rng.IntN(6)
				confirm := rng.IntN(2) == 0
				c := collect(t, src, confirm, func(c *collected) bool { return len(c.batches) > reads })
				db.random(t, rng)
				all, at = append(all, c.changes...), c.at
				if err := src.Close(); err != nil {
					t.Fatal(err)
				}
				db.random(t, rng)
			}
			src := open(t, cfg, at)
			c := collect(t, src, true, caughtUp())
			all = append(all, c.changes...)
			if d := cmp.Diff(db.contents(t, "t1"), folded(cfg.Datasets[0], all)); d != "" {
				t.Errorf("table and changes differ (-table +changes):\n%s", d)
			}
			last := schemas.Sequence{}
			for _, c := range all {
				if c.Op != schemas.Snapshot && c.Origin.Sequence.Compare(last) <= 0 {
					t.Fatalf("sequence %s does not follow %s", c.Origin.Sequence, last)
				}
				last = c.Origin.Sequence
			}
		})
	}
}

// random runs one transaction of inserts, updates, changes of key and deletes,
// some of them rolled back, now and then a truncate.
func (db database) random(t *testing.T, rng *mrand.Rand) {
	t.Helper()
	id := func() string { return fmt.Sprintf("'R%02d'", rng.IntN(15)) }
	note := func() string { return fmt.Sprintf("repeat('%c', %d)", 'a'+rune(rng.IntN(26)), 1+rng.IntN(2)*5000) }
	statement := func() string {
		switch rng.IntN(10) {
		case 0, 1, 2:
			return fmt.Sprintf(`INSERT INTO t1 (region, id, note, count, amount, day, at) VALUES ('n', %s, %s, %d, %d.5, '2026-02-0%d', '2026-02-03 04:05:06.789+00') ON CONFLICT (region, id) DO UPDATE SET count = excluded.count`,
				id(), note(), rng.IntN(99), rng.IntN(99), 1+rng.IntN(9))
		case 3, 4, 5:
			return fmt.Sprintf("UPDATE t1 SET count = count + 1 WHERE id = %s", id())
		case 6:
			return fmt.Sprintf("UPDATE t1 SET note = %s WHERE id = %s", note(), id())
		case 7:
			to := id()
			return fmt.Sprintf("UPDATE t1 SET id = %s WHERE id = %s AND NOT EXISTS (SELECT FROM t1 WHERE id = %s)", to, id(), to)
		case 8:
			return fmt.Sprintf("DELETE FROM t1 WHERE id = %s", id())
		default:
			return fmt.Sprintf("UPDATE t1 SET flag = NOT flag, local = '2026-03-04 05:06:07.089' WHERE id > %s", id())
		}
	}
	db.must(t, "BEGIN")
	for range 1 + rng.IntN(6) {
		if rng.IntN(4) == 0 {
			db.must(t, "SAVEPOINT s", statement(), statement(), "ROLLBACK TO s")
		}
		db.must(t, statement())
	}
	if rng.IntN(12) == 0 {
		// A snapshot that is being read holds the table against TRUNCATE.
		db.must(t, "SAVEPOINT t", "SET LOCAL lock_timeout = '100ms'")
		if _, err := db.Exec(t.Context(), "TRUNCATE t1"); err != nil {
			db.must(t, "ROLLBACK TO t")
		}
	}
	if rng.IntN(6) == 0 {
		db.must(t, "ROLLBACK")
		return
	}
	db.must(t, "COMMIT")
}

// TestSameBytesBothWays reads the same rows by snapshot and by stream.
func TestSameBytesBothWays(t *testing.T) {
	t.Parallel()
	everywhere(t, sameBytesBothWays)
}

func sameBytesBothWays(t *testing.T, server string) {
	t.Helper()
	db := newDatabaseOn(t, server)
	db.must(t, "CREATE DOMAIN moment AS timestamptz", "CREATE DOMAIN moment2 AS moment")
	db.table(t, "t1")
	db.table(t, "t2")
	db.must(t, "ALTER TABLE t1 ALTER at TYPE moment2", "ALTER TABLE t2 ALTER at TYPE moment2")
	rows := func(table string) []string {
		return []string{
			`INSERT INTO ` + table + ` VALUES ('n|%', 'ＡＢ', '  云岭  𠮷 ', 12345678901234.56, 7, true, '1949-10-01', '1986-05-04 12:00:00.123456 Asia/Shanghai', '1900-01-01')`,
			`INSERT INTO ` + table + ` VALUES ('n', 'null', null, null, 0, null, null, null, null)`,
			`INSERT INTO ` + table + ` VALUES ('n', 'long', repeat('long ', 5000), 0.1, 2147483647, false, '9999-12-31', '2026-06-01 00:00+00', '2026-06-01 23:59:59.999')`,
		}
	}
	db.must(t, rows("t1")...)
	cfg := db.config(t, map[string]any{"tables": map[string]any{
		"t1": map[string]any{"dataset": "T01"}, "t2": map[string]any{"dataset": "T02"},
	}})
	src := open(t, cfg, "")
	db.must(t, rows("t2")...)
	c := collect(t, src, true, atLeast(6))
	registry := codec.New(codec.NewMemory())
	encoded := map[string]map[string][]byte{}
	for _, x := range c.changes {
		w, err := registry.Writer(t.Context(), "x-value", cfg.Datasets[0].Layout)
		if err != nil {
			t.Fatal(err)
		}
		values := make([]schemas.Value, x.Record.Len())
		for i := range values {
			values[i] = x.Record.Value(i)
		}
		b, err := w.Append(nil, schemas.NewRecord(cfg.Datasets[0].Layout, values))
		if err != nil {
			t.Fatal(err)
		}
		if encoded[x.Dataset.ID] == nil {
			encoded[x.Dataset.ID] = map[string][]byte{}
		}
		encoded[x.Dataset.ID][x.Key] = b
	}
	if len(c.rejections) > 0 || len(encoded["T01"]) != 3 {
		t.Fatalf("%d rows by snapshot, rejections %+v", len(encoded["T01"]), c.rejections)
	}
	if d := cmp.Diff(encoded["T01"], encoded["T02"]); d != "" {
		t.Errorf("rows differ between snapshot and stream (-snapshot +stream):\n%s", d)
	}
}

func TestUnchangedLongValues(t *testing.T) {
	t.Parallel()
	for _, full := range []bool{false, true} {
		t.Run(fmt.Sprintf("full=%v", full), func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t)
			db.table(t, "t1")
			if full {
				db.must(t, "ALTER TABLE t1 REPLICA IDENTITY FULL")
			}
			db.insert(t, "t1", 1, 1)
			cfg := db.config(t, nil)
			src := open(t, cfg, "")
			db.must(t, "UPDATE t1 SET count = 99", "UPDATE t1 SET id = 'moved'")
			c := collect(t, src, true, atLeast(4))
			var ops []string
			for _, x := range c.changes {
				ops = append(ops, string(x.Op)+" "+x.Key)
			}
			if d := cmp.Diff([]string{"r north|R0001", "u north|R0001", "d north|R0001", "c north|moved"}, ops); d != "" {
				t.Fatalf("changes (-want +got):\n%s", d)
			}
			kind := schemas.KindUnavailable
			if full {
				kind = schemas.KindString
			}
			if got := c.changes[1].Record.Get("NOTE").Kind(); got != kind {
				t.Errorf("an unchanged long value is of kind %d, want %d", got, kind)
			}
			if !c.changes[3].Record.Get("NOTE").Equal(c.changes[0].Record.Get("NOTE")) {
				t.Error("a row that got a new key lost its long value")
			}
			if c.changes[2].Origin.Tx == "" || c.changes[2].Origin.Tx != c.changes[3].Origin.Tx || c.changes[3].Origin.At.IsZero() {
				t.Errorf("delete and create of a change of key: origins %+v, %+v", c.changes[2].Origin, c.changes[3].Origin)
			}
		})
	}
}

// TestRefusedValues: what the elements cannot hold is rejected with its place,
// its neighbours pass, the value shows nowhere.
func TestRefusedValues(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.table(t, "t1")
	bad := []string{
		`INSERT INTO t1 (region, id, count, amount) VALUES ('n', 'secret-nan', 1, 'NaN')`,
		`INSERT INTO t1 (region, id, count, at) VALUES ('n', 'secret-inf', 1, 'infinity')`,
		`INSERT INTO t1 (region, id, count, day) VALUES ('n', 'secret-bc', 1, '0044-03-15 BC')`,
		`INSERT INTO t1 (region, id, count) VALUES ('n', repeat('secret', 10), 1)`,
	}
	db.must(t, bad...)
	db.insert(t, "t1", 1, 1)
	src := open(t, db.config(t, nil), "")
	db.must(t, "DELETE FROM t1")
	db.must(t, bad...)
	db.insert(t, "t1", 2, 2)
	c := collect(t, src, true, func(c *collected) bool {
		n := len(c.changes)
		return n > 0 && c.changes[n-1].Key == "north|R0002"
	})
	fields := map[string]int{}
	for _, r := range c.rejections {
		fields[r.Field+" "+r.Reason]++
		if strings.Contains(fmt.Sprint(r), "secret") || r.Digest == "" || !strings.HasPrefix(r.Locator, "public.t1@") {
			t.Errorf("rejection %+v shows a value, or lacks its place", r)
		}
	}
	want := map[string]int{"AMOUNT invalid": 2, "AT invalid": 2, "DAY invalid": 2, "ID invalid": 3} // the last also when it is deleted
	if d := cmp.Diff(want, fields); d != "" {
		t.Errorf("rejections (-want +got):\n%s", d)
	}
}

// TestLargeTransaction comes in parts, resumes inside, and is not held in memory.
func TestLargeTransaction(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.table(t, "t1")
	cfg := db.config(t, map[string]any{"batch_rows": 500})
	src := open(t, cfg, "")
	collect(t, src, true, caughtUp())
	const n = 10_000
	db.must(t, fmt.Sprintf("INSERT INTO t1 (region, id, count) SELECT 'n', 'R' || i, i FROM generate_series(1, %d) i", n))
	first := collect(t, src, true, atLeast(n/3))
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	src = open(t, cfg, first.at)
	second := collect(t, src, true, caughtUp())
	all := append(first.changes, second.changes...)
	if len(all) != n {
		t.Fatalf("%d changes in two lives, want %d", len(all), n)
	}
	for i, c := range all {
		if c.Key != fmt.Sprintf("n|R%d", i+1) || c.Origin.Tx != all[0].Origin.Tx {
			t.Fatalf("change %d is %s", i, c.Origin.Sequence)
		}
	}
	for _, b := range append(first.batches, second.batches...) {
		if len(b.Changes) > 2*500 {
			t.Errorf("a batch of %d changes, want at most about 500", len(b.Changes))
		}
	}
}

// TestServerHearsFromAPausedSource lets nobody take what is read, for longer
// than the server waits for a sign of life.
func TestServerHearsFromAPausedSource(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.table(t, "t1")
	db.must(t, "ALTER DATABASE "+db.name+" SET wal_sender_timeout = '3s'")
	cfg := db.config(t, map[string]any{"batch_rows": 10, "status": "200ms"})
	src := open(t, cfg, "")
	collect(t, src, true, caughtUp())
	backend := func() (pid int, heard time.Time) {
		err := db.QueryRow(t.Context(), "SELECT pid, reply_time FROM pg_stat_replication JOIN pg_replication_slots ON active_pid = pid WHERE slot_name = $1", db.name).Scan(&pid, &heard)
		if err != nil {
			t.Fatalf("the server has cut the connection: %v", err)
		}
		return pid, heard
	}
	const n = 30_000
	db.must(t, fmt.Sprintf("INSERT INTO t1 (region, id, count) SELECT 'n', 'R' || i, i FROM generate_series(1, %d) i", n))
	pid, began := backend()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		<-tick.C
		now, heard := backend()
		if now != pid {
			t.Fatal("the source connected again: it was cut off while it was paused")
		}
		if heard.Sub(began) > 6*time.Second {
			break
		}
	}
	if c := collect(t, src, true, atLeast(n)); len(c.changes) != n {
		t.Errorf("%d changes, want %d", len(c.changes), n)
	}
}

// confirmed is what the server believes it may forget.
func (db database) confirmed(t *testing.T) string {
	t.Helper()
	var at string
	if err := db.QueryRow(t.Context(), "SELECT lpad(to_hex((confirmed_flush_lsn - '0/0')::bigint), 16, '0') FROM pg_replication_slots WHERE slot_name = $1", db.name).Scan(&at); err != nil {
		t.Fatal(err)
	}
	return at
}

// kept is what a position says may be forgotten.
func kept(t *testing.T, p schemas.Position) string {
	t.Helper()
	var at struct{ Kept string }
	if err := json.Unmarshal([]byte(p), &at); err != nil {
		t.Fatal(err)
	}
	var hi, lo uint32
	if _, err := fmt.Sscanf(at.Kept, "%X/%X", &hi, &lo); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%08x%08x", hi, lo)
}

// TestServerForgetsOnlyWhatIsConfirmed also shows that traffic on tables that
// are not ours lets the log go.
func TestServerForgetsOnlyWhatIsConfirmed(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.table(t, "t1")
	db.must(t, "CREATE TABLE other (x int)")
	src := open(t, db.config(t, nil), "")
	collect(t, src, true, caughtUp())
	before := db.confirmed(t)
	db.insert(t, "t1", 1, 3)
	c := collect(t, src, false, caughtUp())
	if now := db.confirmed(t); now > before && now >= kept(t, c.at) {
		t.Fatalf("the server may forget %s before it was confirmed", now)
	}
	until := func(what string, at schemas.Position) {
		t.Helper()
		deadline := time.Now().Add(sourcetest.Patience)
		for db.confirmed(t) < kept(t, at) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: the server stands at %s, want %s", what, db.confirmed(t), kept(t, at))
			}
		}
	}
	if err := src.(connectors.Confirmer).Confirm(t.Context(), c.at); err != nil {
		t.Fatal(err)
	}
	until("after Confirm", c.at)
	// Some log of others is kept, so that the last transaction can come again; much is not.
	var past string
	if err := db.QueryRow(t.Context(), "SELECT lpad(to_hex((pg_current_wal_lsn() - '0/0')::bigint), 16, '0')").Scan(&past); err != nil {
		t.Fatal(err)
	}
	db.must(t, "INSERT INTO other VALUES (1)", "SELECT pg_switch_wal()", "INSERT INTO other VALUES (2)", "SELECT pg_switch_wal()", "INSERT INTO other VALUES (3)")
	c = collect(t, src, true, caughtUp())
	if len(c.changes) > 0 {
		t.Errorf("%d changes of a table that is not mapped", len(c.changes))
	}
	if kept(t, c.at) < past {
		t.Errorf("the server keeps its log from %s, want from behind %s: nothing of ours has been in it since", kept(t, c.at), past)
	}
	until("traffic elsewhere", c.at)
}

func TestLostPositions(t *testing.T) {
	t.Parallel()
	spoil := map[string]func(t *testing.T, db database, p schemas.Position) schemas.Position{
		"slot dropped": func(t *testing.T, db database, p schemas.Position) schemas.Position {
			t.Helper()
			db.must(t, "SELECT pg_drop_replication_slot('"+db.name+"')")
			return p
		},
		"slot made anew": func(t *testing.T, db database, p schemas.Position) schemas.Position {
			t.Helper()
			db.must(t, "SELECT pg_drop_replication_slot('"+db.name+"')", "INSERT INTO t1 (region, id, count) VALUES ('n', 'lost', 1)",
				"SELECT pg_create_logical_replication_slot('"+db.name+"', 'pgoutput')")
			return p
		},
		"slot moved on": func(t *testing.T, db database, p schemas.Position) schemas.Position {
			t.Helper()
			db.insert(t, "t1", 50, 50)
			db.must(t, "SELECT pg_replication_slot_advance('"+db.name+"', pg_current_wal_flush_lsn())")
			return p
		},
		"slot of another plugin": func(t *testing.T, db database, p schemas.Position) schemas.Position {
			t.Helper()
			db.must(t, "SELECT pg_drop_replication_slot('"+db.name+"')", "SELECT pg_create_logical_replication_slot('"+db.name+"', 'test_decoding')")
			return p
		},
		"another cluster": func(_ *testing.T, _ database, p schemas.Position) schemas.Position {
			return schemas.Position(strings.Replace(string(p), `"system":"`, `"system":"1`, 1))
		},
		"another timeline": func(_ *testing.T, _ database, p schemas.Position) schemas.Position {
			return schemas.Position(strings.Replace(string(p), `"timeline":1`, `"timeline":2`, 1))
		},
	}
	for name, f := range spoil {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := newDatabase(t)
			db.table(t, "t1")
			db.insert(t, "t1", 1, 3)
			cfg := db.config(t, nil)
			src := open(t, cfg, "")
			c := collect(t, src, true, caughtUp())
			if err := src.Close(); err != nil {
				t.Fatal(err)
			}
			deadline := time.Now().Add(sourcetest.Patience)
			for active := true; active; {
				if err := db.QueryRow(t.Context(), "SELECT active FROM pg_replication_slots WHERE slot_name = $1", db.name).Scan(&active); err != nil || time.Now().After(deadline) {
					t.Fatalf("the slot stays in use: %v", err)
				}
			}
			again, err := postgres.Open(t.Context(), cfg, f(t, db, c.at))
			if err == nil {
				_ = again.Close() // the test has failed already
			}
			if !errors.Is(err, connectors.ErrPositionLost) || !strings.Contains(err.Error(), "yiyuan source resync test-pg") {
				t.Errorf("Open = %v, want ErrPositionLost with what to do", err)
			}
		})
	}
}

// TestDroppedColumnHoldsTheSource: rows are not sent out incomplete, and none
// is lost.
func TestDroppedColumnHoldsTheSource(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.table(t, "t1")
	cfg := db.config(t, map[string]any{"create_publication": false})
	db.must(t, "CREATE PUBLICATION "+db.name+" FOR TABLE t1")
	src := open(t, cfg, "")
	begun := collect(t, src, true, caughtUp())
	db.insert(t, "t1", 1, 2)
	db.must(t, "ALTER TABLE t1 RENAME amount TO amount_new")
	db.must(t, "UPDATE t1 SET count = 5")
	c := &collected{}
	var err error
	for err == nil {
		var b connectors.Batch
		if b, err = src.Read(t.Context()); err == nil {
			c.changes, c.at = append(c.changes, b.Changes...), b.After
		}
	}
	if !errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), "held") || len(c.changes) != 2 {
		t.Fatalf("after %d changes: %v, want the source held after 2", len(c.changes), err)
	}
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	cfg = db.config(t, map[string]any{"tables": map[string]any{"t1": map[string]any{"dataset": "T01", "columns": map[string]any{"amount_new": "AMOUNT"}, "renamed": map[string]any{"amount": "amount_new"}}}})
	// From before the rename, and from here: a position that a source is opened
	// with counts as confirmed.
	for _, at := range []struct {
		after schemas.Position
		want  int
	}{{begun.at, 4}, {c.at, 2}} {
		src = open(t, cfg, at.after)
		more := collect(t, src, false, caughtUp())
		if len(more.changes) != at.want || more.changes[at.want-1].Op != schemas.Update || more.changes[at.want-1].Record.Get("AMOUNT").IsNull() {
			t.Errorf("%d changes after the column was mapped, want %d", len(more.changes), at.want)
		}
		if err := src.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
