package fault

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
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// TestFaultSource cuts a department's database off from its connector while its
// rows change: everything held, then only the replies lost, each until the
// connector has given up on them, and then the connections broken. Meanwhile the
// source says so, answers say as of when they are, the process's other source
// goes on, and the database keeps what is not on the bus yet. Healed, each
// change comes once and in order.
func TestFaultSource(t *testing.T) {
	e2e.InTurn(t)
	p := e2e.OpenRealPath(t)
	line := cuttable(t, p)
	people := []string{"539902198503120013", "539902199001010011"}
	said := map[string][]string{} // addresses by person, in order
	for _, number := range people {
		p.SQL(t, `INSERT INTO %s.t_czrk (sfzh, xm, xbdm, mzdm, csrq, hjdxzqhdm, hjdz) VALUES ('`+number+`', '欧阳建国', '1', '01', '`+number[6:14]+`', '539902', '云岭市岭东区')`)
		said[number] = []string{"云岭市岭东区"}
	}
	moves := 0
	move := func() { // everybody, in one transaction each
		moves++
		for _, number := range people {
			at := fmt.Sprintf("云岭市岭东区和平路%d号", moves)
			p.SQL(t, `UPDATE %s.t_czrk SET hjdz = '`+at+`', hyzkdm = '`+[]string{"10", "20"}[moves%2]+`' WHERE sfzh = '`+number+`'`)
			said[number] = append(said[number], at)
		}
	}
	roles := []*e2e.Process{p.Launch(t, e2e.ConnectorsRole), p.Launch(t, e2e.ProcessorsRole), p.Launch(t, e2e.GatewayRole)}
	p.Await(t, people[0], map[string]any{"XM": "欧阳**"})
	p.Drops(t, "first.csv", "公民身份号码,登记号,居住地行政区划,居住地址,联系电话,起始日期,终止日期\n539902198903129770,R9,539903,云岭市岭西区,19900009999,2026-01-02,\n")
	dated(t, p, people[0]) // or the line is cut before all that an answer is made of has come once
	j := e2e.Visit(t, strings.Split(p.Brokers, ","), p.Prefix, 0, time.Now())
	arrived := func() string { return cmp.Diff(said, addresses(j)) }

	var story []string
	for i, how := range []disturbance{{held: true}, {deaf: true}} {
		what := []string{"held", "replies lost"}[i]
		move()
		e2e.Await(t, "rows", arrived)
		line.set(how)
		cut := time.Now()
		move()
		first := time.Now()
		p.Drops(t, fmt.Sprintf("%d.csv", i), fmt.Sprintf("公民身份号码,登记号,居住地行政区划,居住地址,联系电话,起始日期,终止日期\n%s,R%d,539903,云岭市岭西区金桥街道河滨路%d号,1990000%04d,2026-01-02,\n", people[i], i, i+1, i))
		p.Await(t, people[i], map[string]any{"JZDZ": "云岭市岭西区"}) // the other source goes on
		paused(t, p, j, "ga-pg", "数据库")
		story = append(story, fmt.Sprintf("%s: said after %v", what, time.Since(cut).Round(100*time.Millisecond)))
		move()
		if at := asOf(t, p, people[0]); at.After(first) {
			t.Errorf("%s: an answer is as of %v, but lacks what was committed before %v", what, at, first)
		}
		if at := addresses(j)[people[0]]; len(at) > len(said[people[0]])-2 {
			t.Fatalf("%s: the line was not cut: %v", what, at)
		}
		kept(t, p, j)
		move()
		line.set(disturbance{})
		healed := time.Now()
		e2e.Await(t, "rows", func() string { kept(t, p, j); return arrived() })
		story[i] += fmt.Sprintf(", all there %v after it healed", time.Since(healed).Round(100*time.Millisecond))
	}
	for range 3 {
		move()
		line.reset()
		line.set(disturbance{replyCut: true})
		move()
		e2e.Await(t, "rows", func() string { kept(t, p, j); return arrived() })
	}
	p.Await(t, people[0], map[string]any{"HYZKDM": []string{"10", "20"}[moves%2]})
	since := time.Now()
	e2e.Await(t, "as of", func() string {
		if at := asOf(t, p, people[0]); at.Before(since) {
			return at.String()
		}
		return ""
	})
	if q := quarantined(j); len(q) > 0 {
		t.Errorf("quarantine holds %v", q)
	}
	for _, r := range roles {
		r.Stop()
	}
	if diff := arrived(); diff != "" {
		t.Errorf("rows (-said +published):\n%s", diff)
	}
	t.Log(strings.Join(story, "; "))
}

// cuttable puts a proxy between the database and its source.
func cuttable(t *testing.T, p *e2e.RealPath) *proxy {
	t.Helper()
	u, err := url.Parse(p.DSN)
	if err != nil {
		t.Fatal("YIYUAN_TEST_POSTGRES is no URL")
	}
	line := interpose(t, u.Host)
	u.Host = line.address
	file := filepath.Join(p.Dir, "dsn")
	if err := os.WriteFile(file, []byte(u.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Reach = "file:" + file
	p.BindTable(t, map[string]string{"sfzh": "GMSFHM"}, nil)
	return line
}

// addresses are those that were published of each person, in order.
func addresses(j *e2e.Journey) map[string][]string {
	j.Helper()
	d, err := j.Cat.Dataset("GA01")
	if err != nil {
		j.Fatal(err)
	}
	reader, out := j.Codec.Reader(d.Layout), map[string][]string{}
	err = j.Bus.Replay(j.Ctx, contract.Raw(d.ID), func(r bus.Record) error {
		rec, err := reader.Decode(j.Ctx, r.Value)
		out[string(r.Key)] = append(out[string(r.Key)], rec.Get("HJDZ").Str())
		return err
	})
	if err != nil {
		j.Fatal(err)
	}
	return out
}

// asOf is what an answer says of itself.
func asOf(t *testing.T, p *e2e.RealPath, number string) time.Time {
	t.Helper()
	status, body := p.Ask(t, e2e.AppKey, number)
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
func dated(t *testing.T, p *e2e.RealPath, number string) {
	t.Helper()
	e2e.Await(t, "as of", func() string {
		if _, body := p.Ask(t, e2e.AppKey, number); strings.Contains(body, `"as_of":null`) {
			return body
		}
		return ""
	})
}

// kept holds what the database may forget against what is committed on the bus:
// it may never be ahead.
func kept(t *testing.T, p *e2e.RealPath, j *e2e.Journey) {
	t.Helper()
	ctx := e2e.Bounded(t)
	db, err := pgx.Connect(ctx, p.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(ctx)
	var confirmed string
	if err := db.QueryRow(ctx, "SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name ~ ('^' || $1 || '_[0-9a-f]{8}$')", "yiyuan_"+p.Schema).Scan(&confirmed); err != nil {
		t.Fatal(err)
	}
	var at struct{ Flush string }
	if err := json.Unmarshal([]byte(e2e.Statuses(j.Ctx, t, j)["ga-pg"].Position), &at); err != nil {
		t.Fatal(err)
	}
	var ahead bool
	if err := db.QueryRow(ctx, "SELECT $1::pg_lsn > $2::pg_lsn", confirmed, at.Flush).Scan(&ahead); err != nil || ahead {
		t.Fatalf("the database may forget up to %s, the bus is at %s: %v", confirmed, at.Flush, err)
	}
}
