package fault

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/connectors/fleet"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/identifier"
)

// citizen is the nth number of the unassigned region code.
func citizen(n int) string {
	first := fmt.Sprintf("53990219%02d%02d%02d%03d", 50+n/1000%50, n/27%12+1, n%27+1, n%1000)
	return first + string(identifier.CitizenCheck(first))
}

// resident is a row of the table, for an INSERT.
func resident(number, name string) string {
	date := number[6:10] + "-" + number[10:12] + "-" + number[12:14]
	return "('" + number + "', '" + name + "', '1', '01', '" + date + "', '539902', '云岭市岭东区')"
}

const insertResidents = "INSERT INTO %[1]s.t_czrk (sfzh, xm, xbdm, mzdm, csrq, hjdxzqhdm, hjdz) VALUES "

// resyncing is a city whose register of residents comes from a database that
// breaks what its source goes by.
type resyncing struct {
	*e2e.RealPath
	all    *testing.T // processes live as long as it
	t      *testing.T // the part that runs
	j      *e2e.Journey
	source *e2e.Process
}

// namesakes are the rows of so many residents of one name.
func namesakes(n int) []string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = resident(citizen(i), "欧阳建国")
	}
	return rows
}

// openResyncing runs the roles apart, over a table of so many people.
func openResyncing(t *testing.T, people int) (r *resyncing, roles []*e2e.Process) {
	t.Helper()
	p := e2e.OpenRealPath(t)
	p.Admin = e2e.FreePort(t)
	p.SQL(t, insertResidents+strings.Join(namesakes(people), ","))
	r = &resyncing{RealPath: p, all: t, t: t}
	r.source = p.Launch(t, e2e.ConnectorsRole)
	roles = []*e2e.Process{p.Launch(t, e2e.ProcessorsRole), p.Launch(t, e2e.GatewayRole)}
	p.Await(t, citizen(0), map[string]any{"XM": "欧阳**"})
	r.j = e2e.Visit(t, strings.Split(p.Brokers, ","), p.Prefix, 0, time.Now())
	return r, roles
}

// TestFaultResync takes a source's position from it in every way that an outsider
// can, on a real database: changes swallowed by the publication, the slot dropped,
// the position gone, rows deleted meanwhile. Each time the source stands still over
// a kill, names one command, and after that command, whatever is killed on the way,
// lookups are what the table holds, under an epoch that has risen once.
func TestFaultResync(t *testing.T) {
	e2e.InTurn(t)
	r, roles := openResyncing(t, 40)
	p := r.RealPath
	first := r.epoch()

	t.Run("swallowed", func(t *testing.T) {
		r.t = t
		p.SQL(t, "ALTER PUBLICATION yiyuan_%[1]s SET (publish = 'insert')")
		p.SQL(t, "UPDATE %s.t_czrk SET xm = '司马相如' WHERE sfzh = '"+citizen(0)+"'")
		p.SQL(t, "DELETE FROM %s.t_czrk WHERE sfzh IN ('"+citizen(1)+"', '"+citizen(2)+"')")
		r.lost("publish")
		p.SQL(t, "ALTER PUBLICATION yiyuan_%[1]s SET (publish = 'insert, update, delete, truncate')") // as if nothing had been
		r.restart()
		r.lost("publish")
		if said := r.yiyuan("source", "resync", "ga-pg", "--dry-run"); !strings.Contains(said, "GA01: 38 行，新增 0，改变 1，删除 2，退回 0") {
			t.Errorf("the trial says %q", said)
		}
		r.lost("publish") // a trial mends nothing
		r.yiyuan("source", "resync", "ga-pg")
		r.killedOnTheWay()
		p.Await(t, citizen(0), map[string]any{"XM": "司马**"})
		r.gone(citizen(1), citizen(2))
		r.same(first, r.epoch())
	})
	t.Run("renamed", func(t *testing.T) { // nothing is lost: it waits, and goes on by itself
		r.t = t
		epoch := r.epoch()
		p.SQL(t, "ALTER TABLE %[1]s.t_czrk RENAME TO t_alt")
		r.until("waits", func(s fleet.Line) bool {
			return s.State == contract.StateWaiting && strings.Contains(s.Reason, "t_czrk")
		})
		p.SQL(t, "ALTER TABLE %[1]s.t_alt RENAME TO t_czrk; UPDATE %[1]s.t_czrk SET xm = '诸葛孔明' WHERE sfzh = '"+citizen(0)+"'")
		p.Await(t, citizen(0), map[string]any{"XM": "诸葛**"})
		if r.epoch() != epoch {
			t.Error("the epoch has risen")
		}
	})
	t.Run("slot dropped", func(t *testing.T) {
		r.t = t
		before := r.epoch()
		r.source.Kill()
		r.dropSlot()
		var deleted []string
		for n := 3; n < 13; n++ {
			deleted = append(deleted, citizen(n))
		}
		p.SQL(t, "DELETE FROM %s.t_czrk WHERE sfzh IN ('"+strings.Join(deleted, "','")+"')")
		p.SQL(t, insertResidents+resident(citizen(100), "上官婉儿"))
		r.source = p.Launch(r.all, e2e.ConnectorsRole)
		r.lost("yiyuan_" + p.Schema)
		r.yiyuan("source", "resync", "ga-pg")
		held := func(s fleet.Line) bool { return s.State == contract.StateHeld }
		said := r.until("asks", held)
		r.restart()
		if again := r.until("asks again", held); again.Do != said.Do || !strings.Contains(again.Reason, "GA01 10/38") {
			t.Errorf("it asks %q, %q; before it was killed %q", again.Reason, again.Do, said.Do)
		}
		p.Await(t, citizen(3), map[string]any{"XM": "欧阳**"}) // nothing is deleted before somebody says so
		command := regexp.MustCompile(`→ yiyuan (.*)`).FindStringSubmatch(r.yiyuan("source", "ls"))
		if command == nil || !strings.Contains(command[1], "--accept-deletes 10") {
			t.Fatalf("source ls names no command: %q", command)
		}
		r.yiyuan(strings.Fields(command[1])...)
		r.killedOnTheWay()
		p.Await(t, citizen(100), map[string]any{"XM": "上官**"})
		r.gone(deleted...)
		r.same(before, r.epoch())
	})
	t.Run("position gone", func(t *testing.T) { // as by hand in the topic
		r.t = t
		before := r.epoch()
		r.source.Kill()
		if err := r.j.Bus.Append(t.Context(), bus.Record{Topic: contract.Sources, Partition: r.partition(), Key: []byte("ga-pg")}); err != nil {
			t.Fatal(err)
		}
		p.SQL(t, "UPDATE %s.t_czrk SET xm = '夏侯惇' WHERE sfzh = '"+citizen(0)+"'; DELETE FROM %[1]s.t_czrk WHERE sfzh = '"+citizen(20)+"'")
		r.source = p.Launch(r.all, e2e.ConnectorsRole)
		p.Await(t, citizen(0), map[string]any{"XM": "夏侯*"}) // though its places in the log are no later than before
		if r.epoch() <= before {
			t.Error("the epoch has not risen")
		}
		r.yiyuan("source", "resync", "ga-pg") // nobody told of what was deleted meanwhile
		r.gone(citizen(20))
		r.until("runs", running)
	})
	r.t = t
	if diff := cmp.Diff(r.table(), r.residents()); diff != "" {
		t.Errorf("table and bus differ (-table +bus):\n%s", diff)
	}
	if q := quarantined(r.j); len(q) > 0 {
		t.Errorf("quarantine holds %v", q)
	}
	for _, role := range append(roles, r.source) {
		role.Stop()
	}
}

// yiyuan runs a command against the admin listener.
func (r *resyncing) yiyuan(args ...string) string {
	r.t.Helper()
	out, err := exec.CommandContext(e2e.Bounded(r.t), "yiyuan", append(args, "--gateway", "http://"+r.Admin)...).CombinedOutput()
	if err != nil {
		r.t.Fatalf("yiyuan %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func (r *resyncing) restart() {
	r.t.Helper()
	r.source.Kill()
	r.source = r.Launch(r.all, e2e.ConnectorsRole)
	e2e.Await(r.t, "operators are answered", func() string {
		r.source.Alive()
		req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+r.Admin+"/livez", nil)
		if err != nil {
			r.t.Fatal(err)
		}
		if a := e2e.Reply(http.DefaultClient.Do(req)); a.Status != http.StatusOK {
			return a.Body
		}
		return ""
	})
}

// until waits until the process says so of its source: not what one before it has
// left in the topic.
func (r *resyncing) until(what string, is func(fleet.Line) bool) fleet.Line {
	r.t.Helper()
	var s fleet.Line
	e2e.Await(r.t, what, func() string {
		r.source.Alive()
		var page struct{ Sources []fleet.Line }
		req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+r.Admin+"/sources", nil)
		if err != nil {
			r.t.Fatal(err)
		}
		a := e2e.Reply(http.DefaultClient.Do(req))
		if err := json.Unmarshal([]byte(a.Body), &page); err != nil {
			return a.Body
		}
		i := slices.IndexFunc(page.Sources, func(s fleet.Line) bool { return s.Name == "ga-pg" })
		if i < 0 || !is(page.Sources[i]) {
			return a.Body
		}
		s = page.Sources[i]
		return ""
	})
	return s
}

func running(s fleet.Line) bool { return s.Resync == nil && s.State == contract.StateRunning }

// lost waits until the source stands still for what it names, and names the one
// command that mends it.
func (r *resyncing) lost(name string) {
	r.t.Helper()
	const command = "yiyuan source resync ga-pg"
	s := r.until("position lost", func(s fleet.Line) bool { return s.State == contract.StateFailed && s.Do == command })
	if !strings.Contains(s.Reason, name) || !strings.Contains(s.Reason, command) {
		r.t.Errorf("it says %q", s.Reason)
	}
}

// killedOnTheWay kills the process at each step of the resync, and lets it go on.
func (r *resyncing) killedOnTheWay() {
	r.t.Helper()
	for range 2 {
		r.restart()
	}
	r.until("read again", running)
}

func (r *resyncing) epoch() uint64 {
	r.t.Helper()
	return e2e.Statuses(r.t.Context(), r.t, r.j)["ga-pg"].Epoch
}

// same holds the bus against the table, and the epochs that were published since
// one: there must be a single one, the newest.
func (r *resyncing) same(since, now uint64) {
	r.t.Helper()
	if now <= since {
		r.t.Errorf("epoch %d after %d", now, since)
	}
	if diff := cmp.Diff(r.table(), r.residents()); diff != "" {
		r.t.Errorf("table and bus differ (-table +bus):\n%s", diff)
	}
	epochs := map[uint64]bool{}
	err := r.j.Bus.Replay(r.t.Context(), contract.Raw("GA01"), func(rec bus.Record) error {
		_, at, _ := strings.Cut(string(rec.Header("pos")), "@")
		s, err := schemas.ParseSequence(at)
		if s.Epoch > since {
			epochs[s.Epoch] = true
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(epochs)); !slices.Equal(got, []uint64{now}) {
		r.t.Errorf("rows were published under epochs %v after %d, want %d alone", got, since, now)
	}
}

// residents are the names that the raw topic comes to; an event that is there
// twice is told.
func (r *resyncing) residents() map[string]string {
	r.t.Helper()
	d, err := r.j.Cat.Dataset("GA01")
	if err != nil {
		r.t.Fatal(err)
	}
	reader, out, seen := r.j.Codec.Reader(d.Layout), map[string]string{}, map[string]bool{}
	err = r.j.Bus.Replay(r.t.Context(), contract.Raw(d.ID), func(rec bus.Record) error {
		if at := string(rec.Header("pos")); seen[at] {
			r.t.Errorf("%s was published twice", at)
		} else {
			seen[at] = true
		}
		if rec.Value == nil {
			delete(out, string(rec.Key))
			return nil
		}
		row, err := reader.Decode(r.t.Context(), rec.Value)
		out[string(rec.Key)] = row.Get("XM").Str()
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

// table is what the department's table holds.
func (r *resyncing) table() map[string]string {
	r.t.Helper()
	out := map[string]string{}
	r.query(func(ctx context.Context, db *pgx.Conn) error {
		rows, err := db.Query(ctx, "SELECT sfzh, xm FROM "+r.Schema+".t_czrk")
		if err != nil {
			return err
		}
		var number, name string
		_, err = pgx.ForEachRow(rows, []any{&number, &name}, func() error {
			out[number] = name
			return nil
		})
		return err
	})
	return out
}

func (r *resyncing) dropSlot() {
	r.t.Helper()
	e2e.Await(r.t, "slot is free", func() string {
		left := 0
		r.query(func(ctx context.Context, db *pgx.Conn) error {
			if _, err := db.Exec(ctx, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name ~ ('^' || $1::text) AND NOT active", "yiyuan_"+r.Schema); err != nil {
				return err
			}
			return db.QueryRow(ctx, "SELECT count(*) FROM pg_replication_slots WHERE slot_name ~ ('^' || $1::text)", "yiyuan_"+r.Schema).Scan(&left)
		})
		if left > 0 {
			return "it is in use"
		}
		return ""
	})
}

func (r *resyncing) query(do func(context.Context, *pgx.Conn) error) {
	r.t.Helper()
	ctx := e2e.Bounded(r.t)
	db, err := pgx.Connect(ctx, r.DSN)
	if err != nil {
		r.t.Fatal(err)
	}
	defer db.Close(ctx)
	if err := do(ctx, db); err != nil {
		r.t.Fatal(err)
	}
}

// gone waits until nobody finds these people any more.
func (r *resyncing) gone(numbers ...string) {
	r.t.Helper()
	for _, number := range numbers {
		e2e.Await(r.t, "gone", func() string {
			if status, body := r.Ask(r.t, e2e.AppKey, number); status == http.StatusOK || status == 0 {
				return fmt.Sprintf("%d %s", status, body)
			}
			return ""
		})
	}
}

// partition is where the status of the source stands.
func (r *resyncing) partition() int32 {
	r.t.Helper()
	at := int32(-1)
	err := r.j.Bus.Replay(r.t.Context(), contract.Sources, func(rec bus.Record) error {
		if string(rec.Key) == "ga-pg" {
			at = rec.Partition
		}
		return nil
	})
	if err != nil || at < 0 {
		r.t.Fatalf("no status of the source: %v", err)
	}
	return at
}
