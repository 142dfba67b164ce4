package fault

import (
	"context"
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

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
)

// database is a PostgreSQL of the test's own, whose files it may put back.
type database struct {
	testing.TB
	dir, bin, address string
	as                *syscall.Credential
	runs              string // which copy of its files, "" = none
}

func ownDatabase(t testing.TB) *database {
	t.Helper()
	e2e.Service(t, "YIYUAN_TEST_POSTGRES") // where there is no test bed there is no further server either
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_ctl")
	if err != nil || len(bins) == 0 {
		t.Fatalf("no PostgreSQL server in /usr/lib/postgresql: %v", err)
	}
	dir, err := os.MkdirTemp("/tmp", "yiyuan-restored") //nolint:usetesting // the server's own user must reach it
	if err != nil {
		t.Fatal(err)
	}
	d := &database{TB: t, dir: dir, bin: filepath.Dir(bins[len(bins)-1]), address: e2e.FreePort(t)}
	t.Cleanup(func() {
		d.stop()
		_ = os.RemoveAll(dir) // of this test alone
	})
	if os.Geteuid() == 0 { // a server does not run as root
		u, err := user.Lookup("postgres")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(u.Uid) // numbers on unix
		gid, _ := strconv.Atoi(u.Gid)
		d.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func (d *database) run(name string, args ...string) {
	d.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(d.Context()), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = d.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: d.as}
	if err := cmd.Run(); err != nil {
		log, _ := os.ReadFile(filepath.Join(d.dir, "log")) // said below, if there is any
		d.Fatalf("%s %v: %v\n%s", filepath.Base(name), args, err, log)
	}
}

// create makes the files of a new server.
func (d *database) create(name string) {
	d.Helper()
	d.run(filepath.Join(d.bin, "initdb"), "-D", filepath.Join(d.dir, name), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
}

// start runs the server on a copy of its files, always at one address.
func (d *database) start(name string) {
	d.Helper()
	_, port, err := net.SplitHostPort(d.address)
	if err != nil {
		d.Fatal(err)
	}
	options := "-c listen_addresses=127.0.0.1 -c port=" + port + " -c unix_socket_directories='' -c wal_level=logical -c fsync=off"
	d.run(filepath.Join(d.bin, "pg_ctl"), "-D", filepath.Join(d.dir, name), "-l", filepath.Join(d.dir, "log"), "-o", options, "-w", "start")
	d.runs = name
}

func (d *database) stop() {
	d.Helper()
	if d.runs == "" {
		return
	}
	d.run(filepath.Join(d.bin, "pg_ctl"), "-D", filepath.Join(d.dir, d.runs), "-m", "fast", "-w", "stop")
	d.runs = ""
}

func (d *database) copy(from, to string) {
	d.Helper()
	d.run("cp", "-a", filepath.Join(d.dir, from), filepath.Join(d.dir, to))
}

// TestFaultRestored puts a department's database back from an earlier copy of its
// files, which then goes on and grows past what was read, and replaces it by another
// server, whose places in the log are lower. Both times the source stands still,
// over a kill too, and after the one command that it names lookups are what the
// table holds.
func TestFaultRestored(t *testing.T) {
	e2e.LongOnly(t)
	d := ownDatabase(t)
	d.create("live")
	d.start("live")
	t.Setenv("YIYUAN_TEST_POSTGRES", "postgres://postgres@"+d.address+"/postgres?sslmode=disable")
	r, roles := openResyncing(t, 20)
	p := r.RealPath
	first := r.epoch()

	d.stop()
	d.copy("live", "copy")
	d.start("live")
	p.SQL(t, "UPDATE %[1]s.t_czrk SET xm = '司马相如' WHERE sfzh = '"+citizen(0)+"'; "+insertResidents+resident(citizen(100), "上官婉儿"))
	p.Await(t, citizen(0), map[string]any{"XM": "司马**"})
	p.Await(t, citizen(100), map[string]any{"XM": "上官**"})
	d.stop()
	d.start("copy")
	p.SQL(t, "UPDATE %[1]s.t_czrk SET xm = '诸葛孔明' WHERE sfzh = '"+citizen(1)+"'; CREATE TABLE %[1]s.other AS SELECT repeat('x', 500) FROM generate_series(1, 20000)")
	r.lost("")
	r.restart()
	r.lost("")
	r.yiyuan("source", "resync", "ga-pg")
	r.killedOnTheWay()
	p.Await(t, citizen(0), map[string]any{"XM": "欧阳**"})
	p.Await(t, citizen(1), map[string]any{"XM": "诸葛**"})
	r.gone(citizen(100))
	second := r.epoch()
	r.same(first, second)

	d.stop()
	d.create("other")
	d.start("other")
	p.SQL(t, e2e.ResidentsTable)
	rows := namesakes(20)
	rows[0], rows[1] = resident(citizen(0), "夏侯惇"), resident(citizen(2), "欧阳建国") // 1 is not there any more, 2 comes once
	p.SQL(t, insertResidents+strings.Join(append(rows[:2], rows[3:]...), ","))
	r.lost("")
	r.restart()
	r.lost("")
	r.yiyuan("source", "resync", "ga-pg")
	r.killedOnTheWay()
	p.Await(t, citizen(0), map[string]any{"XM": "夏侯*"})
	r.gone(citizen(1))
	r.same(second, r.epoch())
	p.SQL(t, "UPDATE %[1]s.t_czrk SET xm = '上官婉儿' WHERE sfzh = '"+citizen(0)+"'") // and it goes on
	p.Await(t, citizen(0), map[string]any{"XM": "上官**"})
	r.until("runs", running)
	for _, role := range append(roles, r.source) {
		role.Stop()
	}
}
