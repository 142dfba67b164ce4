package postgres_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres"
	"github.com/yiyuan-bus/yiyuan/connectors/sourcetest"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
)

// database is a database of its own for one test, on the server that
// YIYUAN_TEST_POSTGRES names: superuser, wal_level=logical.
type database struct {
	*pgx.Conn
	name string
	dsn  string // file:PATH
}

func newDatabase(t *testing.T) database {
	t.Helper()
	return newDatabaseOn(t, usual)
}

// usual names the server that all tests run on.
const usual = "YIYUAN_TEST_POSTGRES"

// everywhere runs a test on a server of each major version that differs in what we use:
// the usual one, the oldest that is read, the first with failover slots, and the newest.
func everywhere(t *testing.T, test func(t *testing.T, server string)) {
	t.Helper()
	for _, server := range []string{usual, usual + "_12", usual + "_17", usual + "_18"} {
		t.Run(strings.TrimPrefix(strings.TrimPrefix(server, usual), "_"), func(t *testing.T) {
			t.Parallel()
			test(t, server)
		})
	}
}

// newDatabaseOn makes a database on the server that a variable names.
func newDatabaseOn(t *testing.T, variable string) database {
	t.Helper()
	server := os.Getenv(variable)
	if server == "" {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not set; CI must run against a real server", variable)
		}
		t.Skipf("%s is not set", variable)
	}
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails, says its documentation
	name := "yiyuan_test_" + hex.EncodeToString(b[:])
	admin, err := pgx.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Exec(t.Context(), "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8'"); err != nil {
		t.Fatal(err)
	}
	config := admin.Config().Copy()
	config.Database = name
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	u := url.URL{Scheme: "postgres", User: url.UserPassword(config.User, config.Password), Path: "/" + name, RawQuery: url.Values{"sslmode": {"disable"}, "host": {config.Host}, "port": {fmt.Sprint(config.Port)}}.Encode()}
	path := filepath.Join(t.TempDir(), "dsn")
	if err := os.WriteFile(path, []byte(u.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
		defer cancel()
		_ = conn.Close(ctx) // the database goes anyway
		defer admin.Close(ctx)
		// A slot stays in use for a moment after its connection has ended.
		for left := 1; left > 0 && ctx.Err() == nil; {
			for _, q := range []string{
				"SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = '" + name + "' AND active",
				"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '" + name + "' AND NOT active",
			} {
				if _, err := admin.Exec(ctx, q); err != nil {
					t.Logf("clean up: %v", err)
				}
			}
			if err := admin.QueryRow(ctx, "SELECT count(*) FROM pg_replication_slots WHERE database = '"+name+"'").Scan(&left); err != nil {
				t.Errorf("clean up: %v", err)
			}
		}
		for _, q := range []string{"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "'", "DROP DATABASE " + name} {
			if _, err := admin.Exec(ctx, q); err != nil {
				t.Errorf("clean up: %v", err)
			}
		}
	})
	return database{conn, name, "file:" + path}
}

func (db database) must(t *testing.T, sql ...string) {
	t.Helper()
	for _, q := range sql {
		if _, err := db.Exec(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

// dataset is one of our own, with a column of every type and a long text.
func dataset(id string) *schemas.Dataset {
	fields := []*schemas.Field{
		{Name: "REGION", Element: &schemas.Element{ID: "region", Kind: "text", Type: schemas.String, MaxLength: 20}},
		{Name: "ID", Element: &schemas.Element{ID: "id", Kind: "text", Type: schemas.String, MaxLength: 40}},
		{Name: "NOTE", Nullable: true, Element: &schemas.Element{ID: "note", Kind: "text", Type: schemas.String, MaxLength: 100_000}},
		{Name: "AMOUNT", Nullable: true, Element: &schemas.Element{ID: "amount", Kind: "amount", Type: schemas.Decimal, Precision: 18, Scale: 2}},
		{Name: "COUNT", Element: &schemas.Element{ID: "count", Kind: "count", Type: schemas.Long}},
		{Name: "FLAG", Nullable: true, Element: &schemas.Element{ID: "flag", Kind: "boolean", Type: schemas.Boolean}},
		{Name: "DAY", Nullable: true, Element: &schemas.Element{ID: "day", Kind: "date", Type: schemas.Date}},
		{Name: "AT", Nullable: true, Element: &schemas.Element{ID: "at", Kind: "timestamp", Type: schemas.Timestamp}},
		{Name: "LOCAL", Nullable: true, Element: &schemas.Element{ID: "local", Kind: "timestamp", Type: schemas.Timestamp}},
	}
	d := &schemas.Dataset{ID: id, Key: []string{"REGION", "ID"}, KeyIndex: []int{0, 1}, Fields: fields}
	var columns []schemas.Column
	for i, f := range fields {
		f.Index = i
		columns = append(columns, schemas.Column{Name: f.Name, Type: f.Element.Type, Precision: f.Element.Precision, Scale: f.Element.Scale, Nullable: f.Nullable})
	}
	d.Layout = schemas.MustLayout("yiyuan.raw", id, columns...)
	return d
}

const createTable = `CREATE TABLE %s (
	region varchar(20), id text, note text, amount numeric(18,2), count integer NOT NULL, flag boolean, day date,
	at timestamptz, local timestamp, secret text DEFAULT 'never shared', PRIMARY KEY (region, id))`

func (db database) table(t *testing.T, name string) {
	t.Helper()
	db.must(t, fmt.Sprintf(createTable, name), "ALTER TABLE "+name+" ALTER note SET STORAGE EXTERNAL")
}

func (db database) config(t *testing.T, options map[string]any) connectors.Config {
	t.Helper()
	k, err := keyring.New(keyring.Intl, map[int][]byte{1: []byte("a key that is long enough for it")}, 1)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]any{
		"dsn": db.dsn, "slot": db.name, "batch_rows": 3, "status": "1s",
		"tables": map[string]any{"public.t1": map[string]any{"dataset": "T01"}},
	}
	maps.Copy(all, options)
	datasets := []*schemas.Dataset{dataset("T01")}
	if tables, ok := all["tables"].(map[string]any); ok && len(tables) > 1 {
		datasets = append(datasets, dataset("T02"))
	}
	return connectors.Config{Name: "test-pg", Kind: "postgres", Datasets: datasets, Options: all, Keys: k}
}

func (db database) insert(t *testing.T, table string, from, to int) {
	t.Helper()
	for i := from; i <= to; i++ {
		db.must(t, fmt.Sprintf(`INSERT INTO %s VALUES ('north', 'R%04d', repeat('secret%d-', 600), %d.25, %d, %v, '2026-01-02', '2026-01-02 03:04:05.678+02', '2026-01-02 03:04:05.678')`,
			table, i, i, i, i, i%2 == 0))
	}
}

func keysOf(from, to int) []string {
	var out []string
	for i := from; i <= to; i++ {
		out = append(out, fmt.Sprintf("north|R%04d", i))
	}
	return out
}

func open(t *testing.T, cfg connectors.Config, after schemas.Position) connectors.Source {
	t.Helper()
	src, err := postgres.Open(t.Context(), cfg, after)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = src.Close() })
	return src
}

// collected is what a source yielded so far.
type collected struct {
	changes    []schemas.Change
	rejections []contract.Rejection
	batches    []connectors.Batch
	at         schemas.Position
}

// collect reads until the condition holds and the source has caught up.
func collect(t *testing.T, src connectors.Source, confirm bool, until func(*collected) bool) *collected {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), sourcetest.Patience)
	defer cancel()
	c := &collected{}
	for !until(c) {
		b, err := src.Read(ctx)
		if err != nil {
			t.Fatalf("read after %d changes: %v", len(c.changes), err)
		}
		c.changes = append(c.changes, b.Changes...)
		c.rejections = append(c.rejections, b.Rejections...)
		c.batches = append(c.batches, b)
		c.at = b.After
		if confirm {
			if err := src.(connectors.Confirmer).Confirm(ctx, b.After); err != nil {
				t.Fatal(err)
			}
		}
	}
	return c
}

// caughtUp is a condition: everything up to now has been read.
func caughtUp() func(*collected) bool {
	from := time.Now()
	return func(c *collected) bool {
		n := len(c.batches)
		return n > 0 && c.batches[n-1].CaughtUp.After(from) && len(c.batches[n-1].Changes) == 0
	}
}

func atLeast(n int) func(*collected) bool {
	return func(c *collected) bool { return len(c.changes)+len(c.rejections) >= n }
}

func TestConformance(t *testing.T) {
	t.Parallel()
	everywhere(t, conforms)
}

func conforms(t *testing.T, server string) {
	t.Helper()
	sourcetest.Run(t, sourcetest.Features{Replays: true, SnapshotSteps: true}, func(t *testing.T) sourcetest.Fixture {
		t.Helper()
		db := newDatabaseOn(t, server)
		db.table(t, "t1")
		db.table(t, "t2")
		db.insert(t, "t1", 1, 7)
		db.insert(t, "t2", 1, 4)
		cfg := db.config(t, map[string]any{"tables": map[string]any{
			"public.t1": map[string]any{"dataset": "T01"}, "public.t2": map[string]any{"dataset": "T02"},
		}})
		return sourcetest.Fixture{
			Kind: postgres.Kind, Config: cfg, Bursts: 3, Secrets: []string{"secret", "R000"},
			Want: map[string][]string{"T01": append(keysOf(2, 4), append(keysOf(6, 10), "south|R0005")...), "T02": keysOf(20, 21)},
			Write: func(t *testing.T, n int) {
				t.Helper()
				switch n {
				case 0:
					db.must(t, "BEGIN")
					db.insert(t, "t1", 8, 10)
					db.must(t, "SAVEPOINT s", "DELETE FROM t1", "ROLLBACK TO s", "DELETE FROM t1 WHERE id = 'R0001'", "UPDATE t1 SET count = count + 1", "COMMIT")
				case 1:
					db.must(t, "UPDATE t1 SET region = 'south' WHERE id = 'R0005'", "TRUNCATE t2")
				case 2:
					db.insert(t, "t2", 20, 21)
					db.must(t, "BEGIN", "DELETE FROM t2", "ROLLBACK", "UPDATE t2 SET amount = 'NaN' WHERE id = 'R0021'")
				}
			},
		}
	})
}

// rendered is a record as text, for comparison with what SQL says.
func rendered(d *schemas.Dataset, r schemas.Record) string {
	var parts []string
	for i, f := range d.Fields {
		v := r.Value(i)
		if v.IsNull() {
			parts = append(parts, "null")
			continue
		}
		parts = append(parts, element.Render(f.Element, v))
	}
	return strings.Join(parts, "|")
}

// contents reads a table as rendered would write it.
func (db database) contents(t *testing.T, table string) []string {
	t.Helper()
	rows, err := db.Query(t.Context(), `SELECT concat_ws('|', region, id, coalesce(note, 'null'), coalesce(amount::text, 'null'), count::text, coalesce(flag::text, 'null'), coalesce(day::text, 'null'),
		coalesce(to_char(at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD"T"HH24:MI:SS.MS') || '+08:00', 'null'), coalesce(to_char(local, 'YYYY-MM-DD"T"HH24:MI:SS.MS') || '+08:00', 'null')) FROM `+table)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// folded writes what changes add up to in the same way.
func folded(d *schemas.Dataset, changes []schemas.Change) []string {
	out := []string{}
	for _, r := range sourcetest.Fold(nil, changes)[d.ID] {
		out = append(out, rendered(d, r))
	}
	slices.Sort(out)
	return out
}
