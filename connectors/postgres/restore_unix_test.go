//go:build unix

package postgres_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres"
	"github.com/yiyuan-bus/yiyuan/connectors/sourcetest"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// cluster is a database server of the test's own, whose files it may put back.
type cluster struct {
	dir  string // of all copies of its files
	bin  string
	port string
	as   *syscall.Credential
	runs string
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	bins, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pg_ctl") // the pattern is well formed
	if len(bins) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("no PostgreSQL server in /usr/lib/postgresql; CI must run one")
		}
		t.Skip("no PostgreSQL server in /usr/lib/postgresql")
	}
	dir, err := os.MkdirTemp("/tmp", "yiyuan-restore") //nolint:usetesting // the server's own user must reach it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c := &cluster{dir: dir, bin: filepath.Dir(bins[len(bins)-1])}
	if os.Geteuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			t.Skip("a server does not run as root, and there is no user postgres")
		}
		uid, _ := strconv.Atoi(u.Uid) // numbers on unix
		gid, _ := strconv.Atoi(u.Gid)
		c.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	c.run(t, filepath.Join(c.bin, "initdb"), "-D", c.path("live"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--wal-segsize=1")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, c.port, _ = net.SplitHostPort(listener.Addr().String()) // an address of the system's
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if c.runs != "" {
			c.stop(t, "immediate")
		}
	})
	return c
}

func (c *cluster) path(name string) string { return filepath.Join(c.dir, name) }

func (c *cluster) run(t *testing.T, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = c.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.as}
	if err := cmd.Run(); err != nil {
		log, _ := os.ReadFile(c.path("log")) // said below, if there is any
		t.Fatalf("%s %v: %v\n%s", filepath.Base(name), args, err, log)
	}
}

func (c *cluster) start(t *testing.T, name string) database {
	t.Helper()
	options := "-c listen_addresses=127.0.0.1 -c port=" + c.port + " -c unix_socket_directories='' -c wal_level=logical -c fsync=off -c autovacuum=off"
	c.run(t, filepath.Join(c.bin, "pg_ctl"), "-D", c.path(name), "-l", c.path("log"), "-o", options, "-w", "start")
	c.runs = name
	dsn := "postgres://postgres@127.0.0.1:" + c.port + "/postgres?sslmode=disable"
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) }) // the server is gone by then
	file := filepath.Join(t.TempDir(), "dsn")
	if err := os.WriteFile(file, []byte(dsn), 0o600); err != nil {
		t.Fatal(err)
	}
	return database{conn, "postgres", "file:" + file}
}

func (c *cluster) stop(t *testing.T, how string) {
	t.Helper()
	c.run(t, filepath.Join(c.bin, "pg_ctl"), "-D", c.path(c.runs), "-m", how, "-w", "stop")
	c.runs = ""
}

// copy copies the files of a server that does not run.
func (c *cluster) copy(t *testing.T, from, to string) {
	t.Helper()
	c.run(t, "cp", "-a", c.path(from), c.path(to))
}

// grow lets the log grow beyond everything that was read, by other people's work.
func (db database) grow(t *testing.T) {
	t.Helper()
	for range 20 {
		db.must(t, "INSERT INTO other VALUES (1)", "SELECT pg_switch_wal()")
	}
}

// TestRestored puts a database back from copies of its files, made at different
// times: same system identifier, same timeline.
func TestRestored(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	db := c.start(t, "live")
	db.table(t, "t1")
	db.must(t, "CREATE TABLE other (x int)")
	db.insert(t, "t1", 1, 3)
	begin := func(how string) database { c.stop(t, how); return c.start(t, "live") }
	c.stop(t, "fast")
	c.copy(t, "live", "without slot")
	db = c.start(t, "live")
	cfg := db.config(t, nil)
	read := func(db database, at schemas.Position) schemas.Position {
		t.Helper()
		cfg.Options["dsn"] = db.dsn
		src := open(t, cfg, at)
		got := collect(t, src, true, caughtUp()).at
		if err := src.Close(); err != nil {
			t.Fatal(err)
		}
		db.free(t)
		return got
	}
	at := read(db, "")
	db.insert(t, "t1", 4, 4)
	at = read(db, at)
	c.stop(t, "fast")
	c.copy(t, "live", "before")
	db = c.start(t, "live")
	db.insert(t, "t1", 5, 20)
	last := read(db, at)
	c.stop(t, "fast")
	c.copy(t, "live", "after")
	db = c.start(t, "live")
	db.grow(t)
	quiet := read(db, last)
	db = begin("immediate") // a crash is no restore
	read(db, quiet)
	c.stop(t, "immediate")

	tests := []struct {
		name, from string
		promote    bool
		at         schemas.Position
		do         func(db database)
		want       string // "" = goes on, with one change
	}{
		{"shorter", "before", false, last, nil, "日志的末端在已读位置之前"},
		{"grown past our place", "before", false, last, func(db database) { db.insert(t, "t1", 30, 60) }, "已没有上次读到的事务"},
		{"grown past our place by others", "before", false, last, func(db database) { db.grow(t) }, "已没有上次读到的事务"},
		{"grown past our place, long after our last row", "before", false, quiet, func(db database) { db.insert(t, "t1", 30, 60); db.grow(t); db.grow(t) }, "已没有上次读到的事务"},
		{"a copy younger than our last row", "after", false, quiet, func(db database) { db.insert(t, "t1", 30, 30); db.grow(t); db.grow(t) }, "已没有上次读到的事务"},
		{"a copy of the moment", "after", false, last, func(db database) { db.insert(t, "t1", 30, 30) }, ""},
		{"without the slot", "without slot", false, last, func(db database) { db.insert(t, "t1", 30, 60) }, "已不存在"},
		{"the slot made again by hand, behind our place", "without slot", false, last, func(db database) {
			db.must(t, "CREATE PUBLICATION postgres FOR TABLE t1", "SELECT pg_create_logical_replication_slot('postgres', 'pgoutput')")
			db.insert(t, "t1", 30, 60)
		}, "变更可能已丢失"},
		{"the slot made again by hand, ahead", "without slot", false, last, func(db database) {
			db.insert(t, "t1", 30, 60)
			db.must(t, "CREATE PUBLICATION postgres FOR TABLE t1", "SELECT pg_create_logical_replication_slot('postgres', 'pgoutput')")
		}, "变更可能已丢失"},
		{"the log that the slot needs removed", "after", false, last, func(db database) {
			db.must(t, "ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'", "SELECT pg_reload_conf()")
			db.grow(t)
			// The server reads its settings when it gets round to it, and looks at slots at checkpoints.
			for deadline, lost := time.Now().Add(sourcetest.Patience), false; !lost; {
				if time.Now().After(deadline) {
					t.Fatal("the server keeps the log")
				}
				db.must(t, "CHECKPOINT")
				if err := db.QueryRow(t.Context(), "SELECT wal_status = 'lost' FROM pg_replication_slots").Scan(&lost); err != nil {
					t.Fatal(err)
				}
			}
		}, "已被数据库删除"},
		{"another timeline", "before", true, last, nil, "时间线"},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name := fmt.Sprintf("restored%d", i)
			c.copy(t, tt.from, name)
			if tt.promote {
				c.run(t, "touch", filepath.Join(c.path(name), "standby.signal"))
			}
			db := c.start(t, name)
			defer c.stop(t, "immediate")
			if tt.promote {
				c.run(t, filepath.Join(c.bin, "pg_ctl"), "-D", c.path(name), "-w", "promote")
			}
			if tt.do != nil {
				tt.do(db)
			}
			cfg.Options["dsn"] = db.dsn
			src, err := postgres.Open(t.Context(), cfg, tt.at)
			if err == nil {
				defer src.Close() // ended with the test
				if tt.want == "" {
					if got := collect(t, src, true, caughtUp()); len(got.changes) != 1 {
						t.Errorf("%d changes, want the one since", len(got.changes))
					}
					return
				}
				err = fails(t, src)
			}
			saysLost(t, err, tt.want)
		})
	}
}

// TestRestoredWhileRunning: the server goes and comes back as it once was, under
// a source that is open.
func TestRestoredWhileRunning(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	db := c.start(t, "live")
	db.table(t, "t1")
	db.insert(t, "t1", 1, 3)
	cfg := db.config(t, nil)
	src := open(t, cfg, "")
	at := collect(t, src, true, caughtUp()).at
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	c.stop(t, "fast")
	c.copy(t, "live", "before")
	db = c.start(t, "live")
	cfg.Options["dsn"] = db.dsn
	src = open(t, cfg, at)
	db.insert(t, "t1", 4, 9)
	at = collect(t, src, true, caughtUp()).at
	c.stop(t, "immediate")
	db = c.start(t, "before")
	cfg.Options["dsn"] = db.dsn
	if err := fails(t, src); strings.Contains(err.Error(), connectors.ErrConfig.Error()) {
		t.Errorf("it says %v", err)
	}
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := postgres.Open(t.Context(), cfg, at)
	saysLost(t, err, "日志的末端在已读位置之前")
}
