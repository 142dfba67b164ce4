package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/terminal"
)

// TestRealPath runs the three roles as three processes on real services: rows
// changed by SQL and a GB18030 file dropped into a folder reach the gateway's
// answer over Kafka and Redis, and programs of others read the same masked
// record from Kafka, by the registry's interface.
func TestRealPath(t *testing.T) {
	p := openRealPath(t)
	const number = "539902198503120013"
	p.sql(t, `INSERT INTO %s.t_czrk (sfzh, xm, xbdm, mzdm, csrq, hjdxzqhdm, hjdz, hyzkdm) VALUES ('`+number+`', '欧阳建国', '1', '01', '1985-03-12', '539902', '云岭市岭东区东关街道和平路1号', '10')`)
	connectors, processors, server := p.launch(t, roleConnectors), p.launch(t, roleProcessors), p.launch(t, roleGateway)

	p.await(t, number, map[string]any{
		"GMSFHM": "539902************", "XM": "欧阳**", "XBDM": "1", "CSRQ": "1985", "HJDXZQHDM": "539902", "HJDZ": "云岭市岭东区",
		"JZDXZQHDM": nil, "JZDZ": nil, "HYZKDM": "10", "LXDH": nil, "GA03": []any{},
	})

	p.sql(t, `UPDATE %s.t_czrk SET xm = '司马相如', hyzkdm = '20' WHERE sfzh = '`+number+`'`)
	took := p.await(t, number, map[string]any{"XM": "司马**", "HYZKDM": "20"})

	p.drops(t, "居住登记.csv", "公民身份号码,登记号,居住地行政区划,居住地址,联系电话,起始日期,终止日期\n"+
		number+",R1,539903,云岭市岭西区金桥街道河滨路２号,19900001234,2026/1/2,\n")
	want := map[string]any{
		"GMSFHM": "539902************", "XM": "司马**", "XBDM": "1", "CSRQ": "1985", "HJDXZQHDM": "539902", "HJDZ": "云岭市岭东区",
		"JZDXZQHDM": "539903", "JZDZ": "云岭市岭西区", "HYZKDM": "20", "LXDH": "199****1234", "GA03": []any{},
	}
	p.await(t, number, want)
	t.Logf("from the SQL commit to the gateway's answer: %v", took)

	t.Run("python", func(t *testing.T) { p.python(t, testKeys(t).Token("key:person.partial", number), want) })
	t.Run("kcat", func(t *testing.T) { p.kcat(t, testKeys(t).Token("key:person.partial", number), want) })

	p.sql(t, `DELETE FROM %s.t_czrk WHERE sfzh = '`+number+`'`)
	p.await(t, number, map[string]any{"XM": nil, "HJDZ": nil, "JZDZ": "云岭市岭西区"})
	if status, body := p.ask(t, "no key", number); status != http.StatusUnauthorized || strings.Contains(body, number) {
		t.Errorf("without a key: %d %s", status, body)
	}
	server.stop()
	processors.stop()
	connectors.stop()
}

// realPath is a city on real services.
type realPath struct {
	dir, drop, schema, prefix string
	brokers, redis, dsn       string
	gateway, registry, push   string
	reach                     string            // the database as its source reaches it
	catalogue                 string            // a folder; "" = the sample city's
	outside                   map[string]string // by role: where its registry is, "" = its own
	pushKeys                  string            // a file; "" = nobody pushes
	timeouts                  map[string]any    // of the bus, where the built-in ones are too long
	admin                     string            // where the role connectors answers its operators, "" = nowhere
}

const appKey = "key-of-the-tests-application"

// residentsTable is the department's own table of residents, %s being the test's schema.
const residentsTable = `CREATE SCHEMA %[1]s; CREATE TABLE %[1]s.t_czrk (sfzh varchar(18) PRIMARY KEY, xm text NOT NULL, xbdm varchar(1) NOT NULL, mzdm varchar(2) NOT NULL,
	csrq date NOT NULL, hjdxzqhdm varchar(6) NOT NULL, hjdz text NOT NULL, yhzgxdm varchar(2), hyzkdm varchar(2), zxbz varchar(1) NOT NULL DEFAULT '0', zxyy varchar(1), zxrq date)`

func openRealPath(t *testing.T) *realPath {
	t.Helper()
	dir := t.TempDir()
	p := &realPath{
		dir: dir, drop: filepath.Join(dir, "drop"), prefix: uniquePrefix(),
		brokers: service(t, "YIYUAN_TEST_KAFKA"), redis: service(t, "YIYUAN_TEST_REDIS"), dsn: service(t, "YIYUAN_TEST_POSTGRES"),
		gateway: freePort(t), registry: freePort(t), push: freePort(t), reach: "env:YIYUAN_TEST_POSTGRES",
	}
	p.schema = strings.NewReplacer("-", "_", ".", "").Replace(p.prefix)
	if err := os.MkdirAll(p.drop, 0o700); err != nil {
		t.Fatal(err)
	}
	p.sql(t, residentsTable)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 30*time.Second)
		defer cancel()
		db, err := pgx.Connect(ctx, p.dsn)
		if err != nil {
			t.Error(err)
			return
		}
		defer db.Close(ctx)
		for _, q := range []string{"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name LIKE 'yiyuan_" + p.schema + "%'", "DROP PUBLICATION IF EXISTS yiyuan_" + p.schema, "DROP SCHEMA " + p.schema + " CASCADE"} {
			if _, err := db.Exec(ctx, q); err != nil {
				t.Errorf("%s: %v", q, err)
			}
		}
	})
	p.bindTable(t, map[string]string{"sfzh": "GMSFHM"}, nil)
	write(t, map[string]any{
		"source": "ga-files", "kind": "file", "datasets": []string{"GA02"},
		"options": map[string]any{"dir": p.drop, "settle": "200ms", "poll": "100ms"},
	}, dir, "sources", "ga-files.yaml")
	write(t, map[string]any{"applications": []any{granted("MZ-DBHD", appKey, 0)}}, dir, "access.yaml")
	return p
}

// bindTable binds the table of residents, its columns mapped so and more of them
// absent.
func (p *realPath) bindTable(t *testing.T, columns, renamed map[string]string, absent ...string) {
	t.Helper()
	write(t, map[string]any{
		"source": "ga-pg", "kind": "postgres", "datasets": []string{"GA01"},
		"options": map[string]any{
			"dsn": p.reach, "slot": "yiyuan_" + p.schema, "publication": "yiyuan_" + p.schema,
			"tables": map[string]any{p.schema + ".t_czrk": map[string]any{
				"dataset": "GA01", "columns": columns, "renamed": renamed, "absent": append(absent, "CSZBH", "POGMSFHM"),
			}},
		},
	}, p.dir, "sources", "ga-pg.yaml")
}

// launch starts one role.
func (p *realPath) launch(t *testing.T, role string) *process {
	t.Helper()
	return launch(t, "run", "--role", role, "--config", p.configure(t, role))
}

// configure writes the configuration of a role.
func (p *realPath) configure(t *testing.T, role string) string {
	t.Helper()
	registry := map[string]any{"listen": "", "write_key_file": writeKey(t)}
	if role == roleGateway {
		registry["listen"] = p.registry
	}
	if at := p.outside[role]; at != "" {
		registry["url"] = "http://" + at
	}
	admin := ""
	if role == roleConnectors {
		admin = p.admin
	}
	kafka := map[string]any{"brokers": strings.Split(p.brokers, ","), "prefix": p.prefix}
	maps.Copy(kafka, p.timeouts)
	return write(t, map[string]any{
		"catalogue":  p.catalogue,
		"sources":    filepath.Join(p.dir, "sources"),
		"access":     filepath.Join(p.dir, "access.yaml"),
		"keys":       map[string]any{"file": keyFile(t, p.dir)},
		"bus":        kafka,
		"registry":   registry,
		"push":       map[string]any{"listen": p.push, "keys": p.pushKeys},
		"processors": map[string]any{"dir": filepath.Join(p.dir, "state"), "instance": "real"},
		"gateway":    map[string]any{"listen": p.gateway, "redis": "redis://" + p.redis, "unconnected": p.unconnected()},
		"admin":      map[string]any{"listen": admin},
	}, p.dir, role+".yaml")
}

// unconnected are the datasets about persons that nobody delivers here.
func (p *realPath) unconnected() []string {
	if p.catalogue != "" {
		return []string{}
	}
	return []string{"GA03", "MZ01", "RS02", "YB01"}
}

// sql runs statements, %s being the test's own schema.
func (p *realPath) sql(t *testing.T, statements string) {
	t.Helper()
	ctx := bounded(t, 30*time.Second)
	db, err := pgx.Connect(ctx, p.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(ctx)
	if _, err := db.Exec(ctx, fmt.Sprintf(statements, p.schema)); err != nil {
		t.Fatal(err)
	}
}

// deliversFirst puts the first file into the folder of the file source, so that
// nothing is awaited of it any more.
func (p *realPath) deliversFirst(t *testing.T) {
	t.Helper()
	p.drops(t, "居住登记-首次.csv", "公民身份号码,登记号,居住地行政区划,居住地址,联系电话,起始日期,终止日期\n"+
		"539902199001010011,R0,539903,云岭市岭西区金桥街道河滨路1号,19900000000,2026-01-02,\n")
}

// drops puts a GB18030 file into the folder of the file source.
func (p *realPath) drops(t *testing.T, name, content string) {
	t.Helper()
	file, err := simplifiedchinese.GB18030.NewEncoder().String(content)
	if err == nil {
		err = os.WriteFile(filepath.Join(p.drop, name), []byte(file), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// ask looks a person up and returns the answer as it came.
func (p *realPath) ask(t *testing.T, key, number string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.gateway+"/v1/lookup/person.partial/"+number, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("X-Purpose", "DBHD")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, terminal.WithoutURL(err).Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(b)
}

// await waits until the answer about a person holds the fields, and returns how
// long that took.
func (p *realPath) await(t *testing.T, number string, want map[string]any) time.Duration {
	t.Helper()
	began := time.Now()
	await(t, "answer", 2*time.Minute, func() string {
		status, body := p.ask(t, appKey, number)
		var answer struct {
			Data map[string]any `json:"data"`
		}
		if status != http.StatusOK {
			return fmt.Sprintf("%d %s", status, body)
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			return err.Error()
		}
		return unlike(want, answer.Data)
	})
	return time.Since(began).Round(time.Millisecond)
}

// unlike tells how got lacks what is wanted; it may hold more.
func unlike(want, got map[string]any) string {
	for name, value := range want {
		have, there := got[name]
		if !there || fmt.Sprint(have) != fmt.Sprint(value) {
			return fmt.Sprintf("%s is %v, want %v", name, have, value)
		}
	}
	return ""
}

// python reads the record with a client of another language.
func (p *realPath) python(t *testing.T, token string, want map[string]any) {
	t.Helper()
	python := service(t, "YIYUAN_TEST_PYTHON")
	cmd := exec.CommandContext(bounded(t, 2*time.Minute), python, "-B", "testdata/interop.py", p.brokers, "http://"+p.registry, p.prefix+"shared.person.partial", token, "60")
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
	if diff := unlike(want, seen.Record); diff != "" {
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
func (p *realPath) kcat(t *testing.T, token string, want map[string]any) {
	t.Helper()
	if _, err := exec.LookPath("kcat"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("kcat is not there: this test must run here")
		}
		t.Skip("kcat is not there")
	}
	read := func(more ...string) (string, error) {
		args := append([]string{"-b", p.brokers, "-t", p.prefix + "shared.person.partial", "-C", "-e", "-q", "-X", "isolation.level=read_committed"}, more...)
		out, err := exec.CommandContext(bounded(t, time.Minute), "kcat", args...).CombinedOutput()
		last := strings.TrimSpace(string(out))
		return last[max(0, strings.LastIndex(last, token+" ")):], err // the record may hold line ends itself
	}
	ways := [][]string{{"-f", "%k %s\n"}, {"-f", "%k %s\n", "-s", "value=avro", "-r", "http://" + p.registry}}
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
