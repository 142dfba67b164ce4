package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// TestFaultSource cuts a department's database off from its connector while its
// rows change: everything held, then only the replies lost, each until the
// connector has given up on them, and then the connections broken. Meanwhile the
// source says so, answers say as of when they are, the process's other source
// goes on, and the database keeps what is not on the bus yet. Healed, each
// change comes once and in order.
func TestFaultSource(t *testing.T) {
	inTurn(t)
	p := openRealPath(t)
	line := p.interpose(t)
	people := []string{"539902198503120013", "539902199001010011"}
	said := map[string][]string{} // addresses by person, in order
	for _, number := range people {
		p.sql(t, `INSERT INTO %s.t_czrk (sfzh, xm, xbdm, mzdm, csrq, hjdxzqhdm, hjdz) VALUES ('`+number+`', '欧阳建国', '1', '01', '`+number[6:14]+`', '539902', '云岭市岭东区')`)
		said[number] = []string{"云岭市岭东区"}
	}
	moves := 0
	move := func() { // everybody, in one transaction each
		moves++
		for _, number := range people {
			at := fmt.Sprintf("云岭市岭东区和平路%d号", moves)
			p.sql(t, `UPDATE %s.t_czrk SET hjdz = '`+at+`', hyzkdm = '`+[]string{"10", "20"}[moves%2]+`' WHERE sfzh = '`+number+`'`)
			said[number] = append(said[number], at)
		}
	}
	roles := []*process{p.launch(t, roleConnectors), p.launch(t, roleProcessors), p.launch(t, roleGateway)}
	p.await(t, people[0], map[string]any{"XM": "欧阳**"})
	j := visit(t, strings.Split(p.brokers, ","), p.prefix, 0, time.Now())
	arrived := func() string { return cmp.Diff(said, j.addresses()) }

	var story []string
	for i, how := range []disturbance{{held: true}, {deaf: true}} {
		what := []string{"held", "replies lost"}[i]
		move()
		await(t, "rows", time.Minute, arrived)
		line.set(how)
		cut := time.Now()
		move()
		first := time.Now()
		p.drops(t, fmt.Sprintf("%d.csv", i), fmt.Sprintf("公民身份号码,登记号,居住地行政区划,居住地址,联系电话,起始日期,终止日期\n%s,R%d,539903,云岭市岭西区金桥街道河滨路%d号,1990000%04d,2026-01-02,\n", people[i], i, i+1, i))
		p.await(t, people[i], map[string]any{"JZDZ": "云岭市岭西区"}) // the other source goes on
		p.paused(t, j, "ga-pg", "数据库")
		story = append(story, fmt.Sprintf("%s: said after %v", what, time.Since(cut).Round(100*time.Millisecond)))
		move()
		if at := p.asOf(t, people[0]); at.After(first) {
			t.Errorf("%s: an answer is as of %v, but lacks what was committed before %v", what, at, first)
		}
		if at := j.addresses()[people[0]]; len(at) > len(said[people[0]])-2 {
			t.Fatalf("%s: the line was not cut: %v", what, at)
		}
		p.kept(t, j)
		move()
		line.set(disturbance{})
		healed := time.Now()
		await(t, "rows", time.Minute, func() string { p.kept(t, j); return arrived() })
		took := time.Since(healed)
		if took > 15*time.Second {
			t.Errorf("%s: all there %v after it healed, want 15 s", what, took)
		}
		story[i] += fmt.Sprintf(", all there %v after it healed", took.Round(100*time.Millisecond))
	}
	for range 3 {
		move()
		line.reset()
		line.set(disturbance{replyCut: true})
		move()
		await(t, "rows", time.Minute, func() string { p.kept(t, j); return arrived() })
	}
	p.await(t, people[0], map[string]any{"HYZKDM": []string{"10", "20"}[moves%2]})
	since := time.Now()
	await(t, "as of", time.Minute, func() string {
		if at := p.asOf(t, people[0]); at.Before(since) {
			return at.String()
		}
		return ""
	})
	if q := j.quarantined(); len(q) > 0 {
		t.Errorf("quarantine holds %v", q)
	}
	for _, r := range roles {
		r.stop()
	}
	if diff := arrived(); diff != "" {
		t.Errorf("rows (-said +published):\n%s", diff)
	}
	t.Log(strings.Join(story, "; "))
}

// interpose puts a proxy between the database and its source.
func (p *realPath) interpose(t *testing.T) *proxy {
	t.Helper()
	u, err := url.Parse(p.dsn)
	if err != nil {
		t.Fatal("YIYUAN_TEST_POSTGRES is no URL")
	}
	line := interpose(t, u.Host)
	u.Host = line.address
	file := filepath.Join(p.dir, "dsn")
	if err := os.WriteFile(file, []byte(u.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	p.reach = "file:" + file
	p.bindTable(t, map[string]string{"sfzh": "GMSFHM"}, nil)
	return line
}

// addresses are those that were published of each person, in order.
func (j *journey) addresses() map[string][]string {
	j.Helper()
	d, err := j.app.cat.Dataset("GA01")
	if err != nil {
		j.Fatal(err)
	}
	reader, out := j.app.codec.Reader(d.Layout), map[string][]string{}
	err = j.app.bus.Replay(j.ctx, contract.Raw(d.ID), func(r bus.Record) error {
		rec, err := reader.Decode(j.ctx, r.Value)
		out[string(r.Key)] = append(out[string(r.Key)], rec.Get("HJDZ").Str())
		return err
	})
	if err != nil {
		j.Fatal(err)
	}
	return out
}

// asOf is what an answer says of itself.
func (p *realPath) asOf(t *testing.T, number string) time.Time {
	t.Helper()
	status, body := p.ask(t, appKey, number)
	var answer struct {
		AsOf time.Time `json:"as_of"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.AsOf.IsZero() {
		t.Fatalf("an answer does not say as of when it is: %d %s", status, body)
	}
	return answer.AsOf
}

// dated waits until answers say as of when they are, which a city that has only
// just begun does not know yet.
func (p *realPath) dated(t *testing.T, number string) {
	t.Helper()
	await(t, "as of", time.Minute, func() string {
		if _, body := p.ask(t, appKey, number); strings.Contains(body, `"as_of":null`) {
			return body
		}
		return ""
	})
}

// kept holds what the database may forget against what is committed on the bus:
// it may never be ahead.
func (p *realPath) kept(t *testing.T, j *journey) {
	t.Helper()
	ctx := bounded(t, 30*time.Second)
	db, err := pgx.Connect(ctx, p.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(ctx)
	var confirmed string
	if err := db.QueryRow(ctx, "SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name ~ ('^' || $1 || '_[0-9a-f]{8}$')", "yiyuan_"+p.schema).Scan(&confirmed); err != nil {
		t.Fatal(err)
	}
	var at struct{ Flush string }
	if err := json.Unmarshal([]byte(statuses(j.ctx, t, j.app)["ga-pg"].Position), &at); err != nil {
		t.Fatal(err)
	}
	var ahead bool
	if err := db.QueryRow(ctx, "SELECT $1::pg_lsn > $2::pg_lsn", confirmed, at.Flush).Scan(&ahead); err != nil || ahead {
		t.Fatalf("the database may forget up to %s, the bus is at %s: %v", confirmed, at.Flush, err)
	}
}
