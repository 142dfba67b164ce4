package postgres_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres"
)

// TestPooler: what stands between a source and its database is named, whether it refuses
// the session's settings or takes them and answers with a process that it made up.
func TestPooler(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.table(t, "t1")
	for name, answer := range map[string]func(*pgproto3.Backend){
		"refuses settings": func(b *pgproto3.Backend) {
			b.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "08P01", Message: "unsupported startup parameter: bytea_output"})
		},
		"makes up a process": func(b *pgproto3.Backend) {
			b.Send(&pgproto3.AuthenticationOk{})
			b.Send(&pgproto3.BackendKeyData{ProcessID: 7, SecretKey: []byte{1, 2, 3, 4}})
			b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
			if b.Flush() != nil {
				return
			}
			if _, err := b.Receive(); err != nil {
				return
			}
			b.Send(&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{{Name: []byte("pg_backend_pid"), DataTypeOID: 23, TypeModifier: -1}}})
			b.Send(&pgproto3.DataRow{Values: [][]byte{[]byte("4711")}})
			b.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})
			b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "dsn")
			if err := os.WriteFile(path, []byte("postgres://a@"+pooler(t, answer)+"/db?sslmode=disable"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := postgres.Open(t.Context(), db.config(t, map[string]any{"dsn": "file:" + path}), "")
			if !errors.Is(err, connectors.ErrConfig) || !strings.Contains(err.Error(), "连接池") || !strings.Contains(err.Error(), "host and port in the dsn") {
				t.Errorf("Open = %v, want that a pooler answers, and what to do", err)
			}
		})
	}
}

// pooler answers every connection; it returns where.
func pooler(t *testing.T, answer func(*pgproto3.Backend)) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b := pgproto3.NewBackend(c, c)
			if _, err := b.ReceiveStartupMessage(); err == nil {
				answer(b)
				_ = b.Flush() // who has gone needs no answer
			}
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

// TestLimitsOfARole: what a role's settings limit ends neither a read nor a stream.
func TestLimitsOfARole(t *testing.T) {
	t.Parallel()
	db := newDatabase(t)
	db.table(t, "t1")
	db.insert(t, "t1", 1, 3)
	role := db.role(t)
	db.must(t, "CREATE PUBLICATION p FOR TABLE t1")
	for limit, is := range map[string]string{
		"statement_timeout": "'1ms'", "lock_timeout": "'1ms'", "idle_in_transaction_session_timeout": "'1ms'",
		"idle_session_timeout":          "'500ms'", // what is asked once a second is idle longer
		"default_transaction_read_only": "on",
	} {
		db.must(t, "ALTER ROLE "+role+" SET "+limit+" = "+is)
	}
	src := open(t, db.config(t, map[string]any{"publication": "p", "dsn": db.as(t, role), "batch_rows": 1}), "")
	collect(t, src, true, caughtUp())
	db.insert(t, "t1", 4, 4)
	if c := collect(t, src, true, caughtUp()); len(c.changes) != 1 {
		t.Errorf("%d changes, want one", len(c.changes))
	}
}
