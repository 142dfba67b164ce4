package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres"
	"github.com/yiyuan-bus/yiyuan/connectors/sourcetest"
)

// TestSlotWaitsForATransaction: while a transaction of the department's holds up the slot,
// it is said which one; the process that waited is killed and leaves its request with the
// server; the next one waits for the same, and reads when it has ended. It is for itself:
// each slot waits for every transaction of the server.
func TestSlotWaitsForATransaction(t *testing.T) { //nolint:paralleltest // see above
	for name, hold := range map[string]struct{ open, end, want string }{
		"running":  {"", "COMMIT", " 要等数据库里的事务（进程 "},
		"prepared": {"PREPARE TRANSACTION '%s'", "COMMIT PREPARED '%s'", " 要等数据库里的预备事务 '%s'"},
	} {
		t.Run(name, func(t *testing.T) {
			db := newDatabase(t)
			named := func(s string) string { return strings.ReplaceAll(s, "%s", db.name) }
			var most string
			if err := db.QueryRow(t.Context(), "SHOW max_prepared_transactions").Scan(&most); err != nil {
				t.Fatal(err)
			}
			if most == "0" && name == "prepared" {
				t.Skip("the server prepares no transactions")
			}
			db.table(t, "t1")
			db.insert(t, "t1", 1, 3)
			other, err := pgx.ConnectConfig(t.Context(), db.Config())
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close(context.WithoutCancel(t.Context()))
			run := func(sql string) {
				if _, err := other.Exec(t.Context(), sql); err != nil {
					t.Fatal(err)
				}
			}
			run("BEGIN")
			run("UPDATE t1 SET count = count + 1")
			if hold.open != "" {
				run(named(hold.open))
			}

			cfg := db.config(t, map[string]any{"publication": "p"})
			db.must(t, "CREATE PUBLICATION p FOR TABLE t1")
			cfg.Bus = "this bus"
			told := make(chan error, 100)
			cfg.Waits = func(_ context.Context, why error) error { told <- why; return nil }
			first, kill := context.WithCancel(t.Context())
			killed := make(chan error, 1)
			go func() {
				_, err := postgres.Open(first, cfg, "")
				killed <- err
			}()
			deadline := time.Now().Add(sourcetest.Patience)
			says := func(err error) bool { // others use the server, too
				t.Helper()
				if !errors.Is(err, connectors.ErrWaiting) {
					t.Fatalf("it says %v, want that it waits", err)
				}
				return strings.Contains(err.Error(), named(hold.want))
			}
			for said := false; !said; {
				select {
				case why := <-told:
					said = says(why)
				case <-time.After(time.Until(deadline)):
					t.Fatalf("it is not said that it waits for %s", named(hold.want))
				}
			}
			var slot string
			if err := db.QueryRow(t.Context(), "SELECT slot_name FROM pg_replication_slots WHERE database = $1", db.name).Scan(&slot); err != nil {
				t.Fatal(err)
			}
			kill()
			if err := <-killed; err == nil {
				t.Fatal("the slot did not wait")
			}
			db.abandon(t, slot)

			// Its request stands: the server notices nothing of a client that is gone.
			for said := false; !said; {
				_, err = postgres.Open(t.Context(), cfg, "")
				if said = says(err); !said && time.Now().After(deadline) {
					t.Fatal(err)
				}
			}
			run(named(hold.end))
			if c := collect(t, openWhenFree(t, cfg), true, caughtUp()); len(c.changes) != 3 {
				t.Errorf("%d rows, want three", len(c.changes))
			}
		})
	}
}

// abandon asks for a slot as a process does that is killed while it waits for it.
func (db database) abandon(t *testing.T, slot string) {
	t.Helper()
	c := db.Config().Config.Copy()
	c.RuntimeParams["replication"] = "database"
	conn, err := pgconn.ConnectConfig(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Conn().Close() })
	db.until(t, "SELECT count(*) = 0 FROM pg_replication_slots WHERE slot_name = $1", slot) // what was cancelled has let it go
	conn.Frontend().SendQuery(&pgproto3.Query{String: "CREATE_REPLICATION_SLOT " + slot + " LOGICAL pgoutput"})
	if err := conn.Frontend().Flush(); err != nil {
		t.Fatal(err)
	}
	db.until(t, "SELECT count(*) > 0 FROM pg_replication_slots WHERE slot_name = $1 AND active", slot)
}

// until waits until the server answers a question with yes.
func (db database) until(t *testing.T, question string, args ...any) {
	t.Helper()
	deadline := time.Now().Add(sourcetest.Patience)
	for yes := false; !yes; {
		if time.Now().After(deadline) {
			t.Fatalf("it stays untrue: %s", question)
		}
		if err := db.QueryRow(t.Context(), question, args...).Scan(&yes); err != nil {
			t.Fatal(err)
		}
	}
}

// openWhenFree opens a source that may have to wait for what was left before.
func openWhenFree(t *testing.T, cfg connectors.Config) connectors.Source {
	t.Helper()
	deadline := time.Now().Add(sourcetest.Patience)
	for {
		src, err := postgres.Open(t.Context(), cfg, "")
		switch {
		case err == nil:
			t.Cleanup(func() { _ = src.Close() })
			return src
		case !errors.Is(err, connectors.ErrWaiting) || time.Now().After(deadline):
			t.Fatal(err)
		}
	}
}
