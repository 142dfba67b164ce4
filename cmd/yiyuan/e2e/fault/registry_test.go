package fault

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// TestFaultRegistry cuts connectors and steps off from an outside schema
// registry. What is known goes on, also where a source has to begin anew. Rows
// of a schema that appears meanwhile wait, alone: no good row goes to quarantine
// and no process ends; once the registry is back they come through.
func TestFaultRegistry(t *testing.T) {
	e2e.InTurn(t)
	const number = "539902198503120013"
	p := e2e.OpenRealPath(t)
	fake := srfake.New()
	t.Cleanup(fake.Close)
	outside := strings.TrimPrefix(fake.URL(), "http://")
	database, line := cuttable(t, p), interpose(t, outside)
	p.Outside = map[string]string{e2e.ConnectorsRole: line.address, e2e.ProcessorsRole: line.address, e2e.GatewayRole: outside}
	p.SQL(t, `INSERT INTO %s.t_czrk (sfzh, xm, xbdm, mzdm, csrq, hjdxzqhdm, hjdz) VALUES ('`+number+`', '欧阳建国', '1', '01', '1985-03-12', '539902', '云岭市岭东区')`)
	name := func(xm string) { p.SQL(t, "UPDATE %s.t_czrk SET xm = '"+xm+"' WHERE sfzh = '"+number+"'") }
	lives := func(region int) {
		p.Drops(t, fmt.Sprintf("%d.csv", region), fmt.Sprintf("公民身份号码,登记号,居住地行政区划,居住地址,联系电话,起始日期,终止日期\n%s,R1,%d,云岭市岭西区,19900001234,2026-01-02,\n", number, region))
	}
	server := p.Launch(t, e2e.GatewayRole)
	processor, source := p.Launch(t, e2e.ProcessorsRole), p.Launch(t, e2e.ConnectorsRole)
	lives(539902)
	p.Await(t, number, map[string]any{"XM": "欧阳**", "JZDXZQHDM": "539902"})
	dated(t, p, number)
	j := e2e.Visit(t, strings.Split(p.Brokers, ","), p.Prefix, 0, time.Now())

	line.set(disturbance{held: true})
	database.reset() // the source begins anew, under the schema it had
	name("司马相如")
	p.Await(t, number, map[string]any{"XM": "司马**"})

	source.Stop()
	p.Catalogue = rename(t, p)
	e2e.Runs(t, 0, "apply", "--yes", "--config", p.Configure(t, e2e.ConnectorsRole))
	p.BindTable(t, map[string]string{"sfzh": "GMSFHM"}, nil, "CYM")
	p.Outside[e2e.ConnectorsRole] = outside // it may register; the steps cannot look it up
	source = p.Launch(t, e2e.ConnectorsRole)
	name("诸葛孔明")
	committed := time.Now()
	waits := "该主题等待" // what route says of it
	e2e.Await(t, "the topic waits", func() string {
		if !processor.Running() {
			t.Fatalf("the processor ended: %v\n%s", processor.Err, processor.Stderr.Tail(4000))
		}
		if !strings.Contains(string(processor.Stderr.Bytes()), waits) {
			return processor.Stderr.Tail(500)
		}
		return ""
	})
	lives(539903)
	p.Await(t, number, map[string]any{"XM": "司马**", "JZDXZQHDM": "539903"}) // the other dataset goes on
	if at := asOf(t, p, number); at.After(committed) {
		t.Errorf("an answer is as of %v, but lacks what was committed before %v", at, committed)
	}
	name("上官婉儿")
	line.set(disturbance{})
	healed := time.Now()
	p.Await(t, number, map[string]any{"XM": "上官**"})
	took := time.Since(healed)
	if q := quarantined(j); len(q) > 0 {
		t.Errorf("quarantine holds %v", q)
	}
	for _, r := range []*e2e.Process{source, processor, server} {
		r.Stop()
	}
	t.Logf("all there %v after the registry was back", took.Round(time.Millisecond))
}

// rename copies the catalogue and gives residents a field for a former name.
func rename(t *testing.T, p *e2e.RealPath) string {
	t.Helper()
	dir := filepath.Join(p.Dir, "catalogue")
	if err := os.CopyFS(dir, yunling.Files()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "datasets", "GA01.yaml")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	more := strings.Replace(string(b), "\nviews:", "\n  - {name: CYM, title: 曾用名, english: Former name, element: person_name, nullable: true}\nviews:", 1)
	if err := os.WriteFile(file, []byte(more), 0o600); err != nil || more == string(b) {
		t.Fatalf("GA01 has no new field: %v", err)
	}
	return dir
}
