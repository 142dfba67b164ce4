package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// TestFaultRegistry cuts connectors and steps off from an outside schema
// registry. What is known goes on, also where a source has to begin anew. Rows
// of a schema that appears meanwhile wait, alone: no good row goes to quarantine
// and no process ends; once the registry is back they come through.
func TestFaultRegistry(t *testing.T) {
	inTurn(t)
	const number = "539902198503120013"
	p := openRealPath(t)
	database, line := p.interpose(t), interpose(t, p.registry)
	p.outside = map[string]string{roleConnectors: line.address, roleProcessors: line.address}
	p.sql(t, `INSERT INTO %s.t_czrk (sfzh, xm, xbdm, mzdm, csrq, hjdxzqhdm, hjdz) VALUES ('`+number+`', '欧阳建国', '1', '01', '1985-03-12', '539902', '云岭市岭东区')`)
	name := func(xm string) { p.sql(t, "UPDATE %s.t_czrk SET xm = '"+xm+"' WHERE sfzh = '"+number+"'") }
	lives := func(region int) {
		p.drops(t, fmt.Sprintf("%d.csv", region), fmt.Sprintf("公民身份号码,登记号,居住地行政区划,居住地址,联系电话,起始日期,终止日期\n%s,R1,%d,云岭市岭西区,19900001234,2026-01-02,\n", number, region))
	}
	server := p.launch(t, roleGateway) // the registry is its own
	await(t, "registry", time.Minute, func() string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.registry+"/subjects", nil)
		if err != nil {
			t.Fatal(err)
		}
		if a := reply(http.DefaultClient.Do(req)); a.status != http.StatusOK {
			return a.body
		}
		return ""
	})
	processor, source := p.launch(t, roleProcessors), p.launch(t, roleConnectors)
	lives(539902)
	p.await(t, number, map[string]any{"XM": "欧阳**", "JZDXZQHDM": "539902"})
	p.dated(t, number)
	j := visit(t, strings.Split(p.brokers, ","), p.prefix, 0, time.Now())

	line.set(disturbance{held: true})
	database.reset() // the source begins anew, under the schema it had
	name("司马相如")
	p.await(t, number, map[string]any{"XM": "司马**"})

	source.stop()
	p.catalogue = p.rename(t)
	runs(t, 0, "apply", "--yes", "--config", p.configure(t, roleConnectors))
	p.bindTable(t, map[string]string{"sfzh": "GMSFHM"}, nil, "CYM")
	p.outside[roleConnectors] = p.registry // it may register; the steps cannot look it up
	source = p.launch(t, roleConnectors)
	name("诸葛孔明")
	committed := time.Now()
	waits := "该主题等待" // what route says of it
	await(t, "the topic waits", time.Minute, func() string {
		if !processor.running() {
			t.Fatalf("the processor ended: %v\n%s", processor.err, processor.log.tail(4000))
		}
		if !strings.Contains(string(processor.log.bytes()), waits) {
			return processor.log.tail(500)
		}
		return ""
	})
	lives(539903)
	p.await(t, number, map[string]any{"XM": "司马**", "JZDXZQHDM": "539903"}) // the other dataset goes on
	if at := p.asOf(t, number); at.After(committed) {
		t.Errorf("an answer is as of %v, but lacks what was committed before %v", at, committed)
	}
	name("上官婉儿")
	line.set(disturbance{})
	healed := time.Now()
	p.await(t, number, map[string]any{"XM": "上官**"})
	took := time.Since(healed)
	if took > 15*time.Second {
		t.Errorf("all there %v after the registry was back, want 15 s", took)
	}
	if q := j.quarantined(); len(q) > 0 {
		t.Errorf("quarantine holds %v", q)
	}
	for _, r := range []*process{source, processor, server} {
		r.stop()
	}
	t.Logf("all there %v after the registry was back", took.Round(time.Millisecond))
}

// rename copies the catalogue and gives residents a field for a former name.
func (p *realPath) rename(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(p.dir, "catalogue")
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
