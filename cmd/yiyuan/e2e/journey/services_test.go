package journey

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
)

// TestRealPath runs the three roles as three processes on real services: rows
// changed by SQL and a GB18030 file dropped into a folder reach the gateway's
// answer over Kafka and Redis, and programs of others read the same masked
// record from Kafka, by the registry's interface, of which Confluent's client finds
// all that it looks for.
func TestRealPath(t *testing.T) {
	p := e2e.OpenRealPath(t)
	p.Deletes = true
	p.Admin = e2e.FreePort(t)
	const number = "539902198503120013"
	p.SQL(t, `INSERT INTO %s.t_czrk (sfzh, xm, xbdm, mzdm, csrq, hjdxzqhdm, hjdz, hyzkdm) VALUES ('`+number+`', '欧阳建国', '1', '01', '1985-03-12', '539902', '云岭市岭东区东关街道和平路1号', '10')`)
	connectors, processors, server := p.Launch(t, e2e.ConnectorsRole), p.Launch(t, e2e.ProcessorsRole), p.Launch(t, e2e.GatewayRole)

	p.Await(t, number, map[string]any{
		"GMSFHM": "539902************", "XM": "欧阳**", "XBDM": "1", "CSRQ": "1985", "HJDXZQHDM": "539902", "HJDZ": "云岭市岭东区",
		"JZDXZQHDM": nil, "JZDZ": nil, "HYZKDM": "10", "LXDH": nil, "GA03": []any{},
	})

	p.SQL(t, `UPDATE %s.t_czrk SET xm = '司马相如', hyzkdm = '20' WHERE sfzh = '`+number+`'`)
	took := p.Await(t, number, map[string]any{"XM": "司马**", "HYZKDM": "20"})

	p.Drops(t, "居住登记.csv", "公民身份号码,登记号,居住地行政区划,居住地址,联系电话,起始日期,终止日期\n"+
		number+",R1,539903,云岭市岭西区金桥街道河滨路２号,19900001234,2026/1/2,\n")
	want := map[string]any{
		"GMSFHM": "539902************", "XM": "司马**", "XBDM": "1", "CSRQ": "1985", "HJDXZQHDM": "539902", "HJDZ": "云岭市岭东区",
		"JZDXZQHDM": "539903", "JZDZ": "云岭市岭西区", "HYZKDM": "20", "LXDH": "199****1234", "GA03": []any{},
	}
	p.Await(t, number, want)
	t.Logf("from the SQL commit to the gateway's answer: %v", took)

	t.Run("python", func(t *testing.T) { python(t, p, e2e.Keys(t).Token("key:person.partial", number), want) })
	t.Run("confluent", func(t *testing.T) {
		e2e.Subscriber{Kafka: p.Brokers, Registry: "http://" + p.Registry, Key: e2e.RegistryKey, Prefix: p.Prefix, Topic: "shared.person.partial", Want: want}.Confluents(t)
	})
	t.Run("kcat", func(t *testing.T) { kcat(t, p, e2e.Keys(t).Token("key:person.partial", number), want) })

	t.Run("backfill", func(t *testing.T) { backfill(t, p, number) })

	p.SQL(t, `DELETE FROM %s.t_czrk WHERE sfzh = '`+number+`'`)
	p.Await(t, number, map[string]any{"XM": nil, "HJDZ": nil, "JZDZ": "云岭市岭西区"})
	if status, body := p.Ask(t, "no key", number); status != http.StatusUnauthorized || strings.Contains(body, number) {
		t.Errorf("without a key: %d %s", status, body)
	}
	retire := []string{"source", "retire", "ga-pg", "--drop", "--gateway", "http://" + p.Admin}
	if said := e2e.Runs(t, 0, retire...); !strings.Contains(said, "已删除复制槽") || !strings.Contains(said, "已删除发布") || !strings.Contains(said, "retired") {
		t.Errorf("retire --drop says\n%s", said)
	}
	if said := e2e.Runs(t, 0, retire...); !strings.Contains(said, "没有复制槽") {
		t.Errorf("once more it says\n%s", said)
	}
	server.Stop()
	processors.Stop()
	connectors.Stop()
}

// backfill has a table read again beside its stream, by command, and waits until it is.
func backfill(t *testing.T, p *e2e.RealPath, number string) {
	t.Helper()
	order := func(args ...string) []string {
		return append([]string{"source", "resync", "ga-pg", "--gateway", "http://" + p.Admin}, args...)
	}
	if said := e2e.Runs(t, 0, order("--table", p.Schema+".t_czrk", "--from", `["`+number+`"]`, "--rate", "1000")...); !strings.Contains(said, "running") || strings.Contains(said, number) {
		t.Errorf("ordered, it says\n%s", said)
	}
	e2e.Await(t, "the backfill", func() string {
		said := e2e.Runs(t, 0, "source", "ls", "--gateway", "http://"+p.Admin)
		if strings.Contains(said, "#1 ") {
			return said
		}
		return ""
	})
	for _, refused := range []struct {
		code int
		args []string
	}{{1, []string{"--table", "nobody.t"}}, {1, []string{"--table", p.Schema + ".t_czrk", "--from", `["a", "b"]`}}, {4, []string{"--backfill", "1", "--cancel"}}} {
		if said := e2e.Runs(t, refused.code, order(refused.args...)...); said == "" {
			t.Errorf("%q is refused without a word", refused.args)
		}
	}
}

// python reads the record with a client of another language.
func python(t *testing.T, p *e2e.RealPath, token string, want map[string]any) {
	t.Helper()
	python := e2e.Service(t, "YIYUAN_TEST_PYTHON")
	cmd := exec.CommandContext(e2e.Bounded(t), python, "-B", "testdata/interop.py", p.Brokers, "http://"+p.Registry, p.Prefix+"shared.person.partial", token, "60")
	var talk strings.Builder
	cmd.Stderr = &talk
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("interop.py: %v\n%s", err, talk.String())
	}
	var seen struct {
		Record     map[string]any               `json:"record"`
		Headers    map[string]string            `json:"headers"`
		Attributes map[string]map[string]string `json:"attributes"`
	}
	if err := json.Unmarshal(out, &seen); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if diff := e2e.Unlike(want, seen.Record); diff != "" {
		t.Errorf("the Python client reads otherwise than the gateway answers: %s", diff)
	}
	if len(seen.Headers["ver"]) != 16 {
		t.Errorf("headers %v", seen.Headers)
	}
	if got := seen.Attributes["XM"]["mask"]; got != "partial" {
		t.Errorf("the registered schema says of XM %v", seen.Attributes["XM"])
	}
}

// kcat reads the topic with another, which must be built with Avro to decode it.
func kcat(t *testing.T, p *e2e.RealPath, token string, want map[string]any) {
	t.Helper()
	if _, err := exec.LookPath("kcat"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("kcat is not there: this test must run here")
		}
		t.Skip("kcat is not there")
	}
	read := func(more ...string) (string, error) {
		args := append([]string{"-b", p.Brokers, "-t", p.Prefix + "shared.person.partial", "-C", "-e", "-q", "-X", "isolation.level=read_committed"}, more...)
		out, err := exec.CommandContext(e2e.Bounded(t), "kcat", args...).CombinedOutput()
		last := strings.TrimSpace(string(out))
		return last[max(0, strings.LastIndex(last, token+" ")):], err // the record may hold line ends itself
	}
	ways := [][]string{{"-f", "%k %s\n"}, {"-f", "%k %s\n", "-s", "value=avro", "-r", "http://" + p.Registry}}
	for _, way := range ways {
		last, err := read(way...)
		if strings.Contains(last, "lacks Avro") {
			t.Log("this kcat is built without Avro")
			continue
		}
		if err != nil {
			t.Fatalf("kcat: %v: %s", err, last)
		}
		if !strings.HasPrefix(last, token+" ") {
			t.Errorf("kcat does not show the key %s: %q", token, last)
		}
		for name, value := range want {
			if text, ok := value.(string); ok && !strings.Contains(last, text) {
				t.Errorf("kcat does not show %s %s: %q", name, text, last)
			}
		}
	}
}
