package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// RealPath is a city on real services.
type RealPath struct {
	Dir, Drop, Schema, Prefix string
	Brokers, Redis, DSN       string
	Gateway, Registry, Push   string
	Reach                     string            // the database as its source reaches it
	Catalogue                 string            // a folder; "" = the sample city's
	Outside                   map[string]string // by role: where its registry is, "" = its own
	PushKeys                  string            // a file; "" = nobody pushes
	Timeouts                  map[string]any    // of the bus, where the built-in ones are too long
	Admin                     string            // where the role connectors answers its operators, "" = nowhere
	Deletes                   bool              // who has RegistryKey may delete
}

// AppKey is the key of the application MZ-DBHD of a RealPath.
const AppKey = "key-of-the-tests-application"

// ResidentsTable is the department's own table of residents, %s being the test's schema.
const ResidentsTable = `CREATE SCHEMA %[1]s; CREATE TABLE %[1]s.t_czrk (sfzh varchar(18) PRIMARY KEY, xm text NOT NULL, xbdm varchar(1) NOT NULL, mzdm varchar(2) NOT NULL,
	csrq date NOT NULL, hjdxzqhdm varchar(6) NOT NULL, hjdz text NOT NULL, yhzgxdm varchar(2), hyzkdm varchar(2), zxbz varchar(1) NOT NULL DEFAULT '0', zxyy varchar(1), zxrq date)`

// OpenRealPath lays a city out on real services: a table of residents in PostgreSQL, a drop folder, an application that may ask.
func OpenRealPath(t *testing.T) *RealPath {
	t.Helper()
	dir := t.TempDir()
	p := &RealPath{
		Dir: dir, Drop: filepath.Join(dir, "drop"), Prefix: UniquePrefix(),
		Brokers: Service(t, "YIYUAN_TEST_KAFKA"), Redis: Service(t, "YIYUAN_TEST_REDIS"), DSN: Service(t, "YIYUAN_TEST_POSTGRES"),
		Gateway: FreePort(t), Registry: FreePort(t), Push: FreePort(t), Reach: "env:YIYUAN_TEST_POSTGRES",
	}
	p.Schema = strings.NewReplacer("-", "_", ".", "").Replace(p.Prefix)
	if err := os.MkdirAll(p.Drop, 0o700); err != nil {
		t.Fatal(err)
	}
	p.SQL(t, ResidentsTable)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 30*time.Second)
		defer cancel()
		db, err := pgx.Connect(ctx, p.DSN)
		if err != nil {
			t.Error(err)
			return
		}
		defer db.Close(ctx)
		for _, q := range []string{"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name LIKE 'yiyuan_" + p.Schema + "%'", "DROP PUBLICATION IF EXISTS yiyuan_" + p.Schema, "DROP SCHEMA " + p.Schema + " CASCADE"} {
			if _, err := db.Exec(ctx, q); err != nil {
				t.Errorf("%s: %v", q, err)
			}
		}
	})
	p.BindTable(t, map[string]string{"sfzh": "GMSFHM"}, nil)
	Write(t, map[string]any{
		"source": "ga-files", "kind": "file", "datasets": []string{"GA02"},
		"options": map[string]any{"dir": p.Drop, "settle": "200ms", "poll": "100ms"},
	}, dir, "sources", "ga-files.yaml")
	Write(t, map[string]any{"applications": []any{Granted("MZ-DBHD", AppKey, 0)}}, dir, "access.yaml")
	return p
}

// BindTable binds the table of residents, its columns mapped so and more of them
// absent.
func (p *RealPath) BindTable(t *testing.T, columns, renamed map[string]string, absent ...string) {
	t.Helper()
	Write(t, map[string]any{
		"source": "ga-pg", "kind": "postgres", "datasets": []string{"GA01"},
		"options": map[string]any{
			"dsn": p.Reach, "slot": "yiyuan_" + p.Schema, "publication": "yiyuan_" + p.Schema,
			"tables": map[string]any{p.Schema + ".t_czrk": map[string]any{
				"dataset": "GA01", "columns": columns, "renamed": renamed, "absent": append(absent, "CSZBH", "POGMSFHM"),
			}},
		},
	}, p.Dir, "sources", "ga-pg.yaml")
}

// Launch starts one role.
func (p *RealPath) Launch(t *testing.T, role string) *Process {
	t.Helper()
	return Launch(t, "run", "--role", role, "--config", p.Configure(t, role))
}

// Configure writes the configuration of a role.
func (p *RealPath) Configure(t *testing.T, role string) string {
	t.Helper()
	registry := map[string]any{"listen": "", "write_key_file": writeKey(t), "allow_delete": p.Deletes}
	if role == GatewayRole {
		registry["listen"] = p.Registry
	}
	if at := p.Outside[role]; at != "" {
		registry["url"] = "http://" + at
	}
	admin := ""
	if role == ConnectorsRole {
		admin = p.Admin
	}
	kafka := map[string]any{"brokers": strings.Split(p.Brokers, ","), "prefix": p.Prefix}
	maps.Copy(kafka, p.Timeouts)
	return Write(t, map[string]any{
		"catalogue":  p.Catalogue,
		"sources":    filepath.Join(p.Dir, "sources"),
		"access":     filepath.Join(p.Dir, "access.yaml"),
		"keys":       map[string]any{"file": KeyFile(t, p.Dir)},
		"bus":        kafka,
		"registry":   registry,
		"push":       map[string]any{"listen": p.Push, "keys": p.PushKeys},
		"processors": map[string]any{"dir": filepath.Join(p.Dir, "state"), "instance": "real"},
		"gateway":    map[string]any{"listen": p.Gateway, "redis": "redis://" + p.Redis, "unconnected": p.unconnected()},
		"admin":      map[string]any{"listen": admin},
	}, p.Dir, role+".yaml")
}

// unconnected are the datasets about persons that nobody delivers here.
func (p *RealPath) unconnected() []string {
	if p.Catalogue != "" {
		return []string{}
	}
	return []string{"GA03", "MZ01", "RS02", "YB01"}
}

// SQL runs statements, %s being the test's own schema.
func (p *RealPath) SQL(t *testing.T, statements string) {
	t.Helper()
	ctx := Bounded(t)
	db, err := pgx.Connect(ctx, p.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(ctx)
	if _, err := db.Exec(ctx, fmt.Sprintf(statements, p.Schema)); err != nil {
		t.Fatal(err)
	}
}

// DeliversFirst puts the first file into the folder of the file source, so that
// nothing is awaited of it any more.
func (p *RealPath) DeliversFirst(t *testing.T) {
	t.Helper()
	p.Drops(t, "居住登记-首次.csv", "公民身份号码,登记号,居住地行政区划,居住地址,联系电话,起始日期,终止日期\n"+
		"539902199001010011,R0,539903,云岭市岭西区金桥街道河滨路1号,19900000000,2026-01-02,\n")
}

// Drops puts a GB18030 file into the folder of the file source.
func (p *RealPath) Drops(t *testing.T, name, content string) {
	t.Helper()
	file, err := simplifiedchinese.GB18030.NewEncoder().String(content)
	if err == nil {
		err = os.WriteFile(filepath.Join(p.Drop, name), []byte(file), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Ask looks a person up and returns the answer as it came.
func (p *RealPath) Ask(t *testing.T, key, number string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.Gateway+"/v1/lookup/person.partial/"+number, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("X-Purpose", "DBHD")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, WithoutURL(err).Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(b)
}

// Await waits until the answer about a person holds the fields, and returns how
// long that took.
func (p *RealPath) Await(t *testing.T, number string, want map[string]any) time.Duration {
	t.Helper()
	began := time.Now()
	Await(t, "answer", func() string {
		status, body := p.Ask(t, AppKey, number)
		var answer struct {
			Data map[string]any `json:"data"`
		}
		if status != http.StatusOK {
			return fmt.Sprintf("%d %s", status, body)
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			return err.Error()
		}
		return Unlike(want, answer.Data)
	})
	return time.Since(began).Round(time.Millisecond)
}

// Unlike tells how got lacks what is wanted; it may hold more.
func Unlike(want, got map[string]any) string {
	for name, value := range want {
		have, there := got[name]
		if !there || fmt.Sprint(have) != fmt.Sprint(value) {
			return fmt.Sprintf("%s is %v, want %v", name, have, value)
		}
	}
	return ""
}
