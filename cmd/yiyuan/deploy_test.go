package main

import (
	"errors"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/jackc/pgx/v5"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/process"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings/settingstest"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/wiring"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/postgres"
	"github.com/yiyuan-bus/yiyuan/connectors/push"
	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/grants"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

func sampleCity(t *testing.T) *schemas.Catalogue {
	t.Helper()
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

func exampleSources(t *testing.T) map[string]connectors.Config {
	t.Helper()
	cfgs, err := wiring.Bindings(filepath.Join(tree, "deploy", "sources"), sampleCity(t))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]connectors.Config{}
	for _, c := range cfgs {
		out[c.Name] = c
	}
	return out
}

func TestExampleSources(t *testing.T) {
	got := exampleSources(t)
	for name, want := range map[string]string{"ga-pg": "postgres", "jy-files": "file", "wj-push": "push"} {
		if got[name].Kind != want {
			t.Errorf("source %s is of kind %q, want %q", name, got[name].Kind, want)
		}
	}
	if dsn := got["ga-pg"].Options["dsn"]; dsn != "env:GA_DSN" {
		t.Errorf("dsn of ga-pg = %v, want a reference", dsn)
	}
	// Options that only opening checks: push needs no system behind it, a folder
	// is soon made.
	server, err := push.NewServer(push.Config{})
	if err != nil {
		t.Fatal(err)
	}
	files := got["jy-files"]
	files.Options = maps.Clone(files.Options)
	files.Options["dir"] = t.TempDir()
	for _, cfg := range []connectors.Config{got["wj-push"], files} {
		source, err := opened(t, wiring.Kinds(server, ""), cfg)
		if err != nil {
			t.Errorf("open %s: %v", cfg.Name, err)
			continue
		}
		if err := source.Close(); err != nil {
			t.Errorf("close %s: %v", cfg.Name, err)
		}
	}
}

func opened(t *testing.T, all connectors.Kinds, cfg connectors.Config) (connectors.Source, error) {
	t.Helper()
	kind, err := all.Find(cfg.Kind)
	if err != nil {
		return nil, err
	}
	return kind.Open(t.Context(), cfg, "")
}

func TestExampleGrants(t *testing.T) {
	_, who, err := grants.Load(filepath.Join(tree, "deploy", "access.yaml"), sampleCity(t))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		key, app, view, purpose string
		want                    access.Reason
	}{
		{"change-me", "MZ-DBHD", "person.partial", "DBHD", access.OK},
		{"change-me", "MZ-DBHD", "person.partial", "SUPERVISE", access.PurposeNotGranted},
		{"change-me", "MZ-DBHD", "person.clear", "DBHD", access.NoGrant},
		{"change-me-2", "SJ-JDGL", "person.explain", "SUPERVISE", access.OK},
		{"change-me-2", "SJ-JDGL", "person.partial", "SUPERVISE", access.NoGrant},
	} {
		app, reason := who.Identify(test.key)
		if reason != access.OK || app.ID() != test.app {
			t.Fatalf("key %q is %q's (%s), want %q's", test.key, app.ID(), reason, test.app)
		}
		if got := who.Decide(app, access.Question{View: test.view, Purpose: test.purpose, Records: 1}, now); got.Reason != test.want {
			t.Errorf("%s asks %s for %s: %s, want %s", test.app, test.view, test.purpose, got.Reason, test.want)
		}
	}
}

func TestExamplePushKeys(t *testing.T) {
	may, err := process.OpenPushKeys(filepath.Join(tree, "deploy", "push-keys.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	keys := may.Keys
	if _, err := push.NewServer(push.Config{Keys: keys}); err != nil {
		t.Fatal(err)
	}
	if len(keys) != 1 || keys[0].Department != "WJ" || keys[0].Digest != push.KeyDigest("change-me-push") {
		t.Errorf("keys = %v, want that of WJ, change-me-push", keys)
	}
	cat := sampleCity(t)
	for _, k := range keys {
		if _, err := cat.Department(k.Department); err != nil {
			t.Error(err)
		}
	}
}

func TestPushKeysRefuseNonsense(t *testing.T) {
	for name, text := range map[string]string{"unknown key": "keys: [{dept: GA}]", "no YAML": "keys: [", "emptied": ""} {
		path := filepath.Join(t.TempDir(), "keys.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := process.OpenPushKeys(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error = %v, want one that names the file", name, err)
		}
	}
	if _, err := process.OpenPushKeys(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error = %v, want that the file is not there", err)
	}
	if may, err := process.OpenPushKeys(""); err != nil || may.Keys != nil {
		t.Errorf("without a file: %v, %v", may.Keys, err)
	}
}

// The compose file sets variables that exist, mounts files that exist, and gives
// the examples what they refer to.
func TestComposeFile(t *testing.T) {
	var doc struct {
		Services map[string]struct {
			Environment map[string]string `yaml:"environment"`
			Volumes     []string          `yaml:"volumes"`
			Ports       []string          `yaml:"ports"`
			DependsOn   map[string]any    `yaml:"depends_on"`
			Command     any               `yaml:"command"`
		} `yaml:"services"`
		Volumes map[string]any `yaml:"volumes"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "deploy/compose.yaml")), &doc); err != nil {
		t.Fatal(err)
	}
	settingstest.Bare(t)
	ours := doc.Services["yiyuan"]
	inside := map[string]string{} // path in the container -> path here
	for name, s := range doc.Services {
		for _, v := range s.Volumes {
			parts := strings.Split(v, ":")
			if !strings.HasPrefix(parts[0], ".") {
				if _, ok := doc.Volumes[parts[0]]; !ok {
					t.Errorf("%s mounts %q, which is not among the volumes", name, parts[0])
				}
				continue
			}
			here := filepath.Join(tree, "deploy", filepath.FromSlash(parts[0]))
			if name == "yiyuan" {
				inside[parts[1]] = here
			}
			if _, err := os.Stat(here); err != nil && !strings.HasPrefix(parts[0], "./drop/") { // made by the first start
				t.Errorf("%s mounts %s: %v", name, parts[0], err)
			}
		}
		for other := range s.DependsOn {
			if _, ok := doc.Services[other]; !ok {
				t.Errorf("%s depends on %q, which is no service", name, other)
			}
		}
	}
	for k, v := range ours.Environment {
		t.Setenv(k, v)
	}
	cfg, err := settings.Load(filepath.FromSlash("../../deploy/yiyuan.yaml")) // as the image has it
	if err != nil {
		t.Fatal(err)
	}
	for key, path := range map[string]string{"sources": cfg.Sources, "access": cfg.Access, "push.keys": cfg.Push.Keys} {
		if inside[path] == "" {
			t.Errorf("%s is %q, where nothing is mounted", key, path)
		}
	}
	var redis redisAddress
	if err := redis.parse(cfg.Gateway.Redis); err != nil || doc.Services[redis.host].Command == nil {
		t.Errorf("gateway.redis = %q leads to no service (%v)", cfg.Gateway.Redis, err)
	}
	all := exampleSources(t)
	unit := read(t, "deploy/systemd/yiyuan.service")
	for name, c := range all {
		if dir, _ := c.Options["dir"].(string); c.Kind == "file" {
			if inside[dir] == "" {
				t.Errorf("%s reads %q, where nothing is mounted", name, dir)
			}
			if !regexp.MustCompile(`(?m)^#ReadWritePaths=/srv/drop$`).MatchString(unit) || !strings.HasPrefix(dir, "/srv/drop/") {
				t.Errorf("%s reads %q, which yiyuan.service does not name as to be written to", name, dir)
			}
		}
		for option, value := range c.Options {
			text, _ := value.(string)
			if ref, ok := strings.CutPrefix(text, "env:"); ok && ours.Environment[ref] == "" {
				t.Errorf("option %s of %s needs the variable %s, which compose.yaml does not set", option, name, ref)
			}
		}
	}
}

type redisAddress struct{ host string }

func (r *redisAddress) parse(text string) error {
	u, err := url.Parse(text)
	if err == nil {
		r.host = u.Hostname()
	}
	return err
}

// What else stands in deploy/ must fit the program: the unit's variables, the
// scraped port, the Go that builds the image.
func TestDeployFitsTheProgram(t *testing.T) {
	var variables []string
	for _, m := range regexp.MustCompile(`(?m)^#?Environment=(YIYUAN_\w+=.*)$`).FindAllStringSubmatch(read(t, "deploy/systemd/yiyuan.service"), -1) {
		variables = append(variables, m[1])
	}
	if err := settings.UnknownEnvironment(variables); err != nil || len(variables) == 0 {
		t.Errorf("yiyuan.service sets %v: %v", variables, err)
	}
	for _, line := range []string{"StateDirectoryMode=0700", "UMask=0077", "WorkingDirectory=/etc/yiyuan", "#ReadWritePaths=/srv/drop"} { // dossiers lie there, and files are moved
		if !strings.Contains(read(t, "deploy/systemd/yiyuan.service"), "\n"+line+"\n") {
			t.Errorf("yiyuan.service lacks %s", line)
		}
	}
	if scrape := read(t, "deploy/prometheus/prometheus.yml"); !strings.Contains(scrape, settings.Default().Admin.Listen) {
		t.Errorf("prometheus.yml does not scrape %s", settings.Default().Admin.Listen)
	}
	image := regexp.MustCompile(`FROM golang:(\d+\.\d+)`).FindStringSubmatch(read(t, "deploy/Dockerfile"))
	module := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "go.mod"))
	if image == nil || module == nil || image[1] != module[1] {
		t.Errorf("the image is built by %v, the module wants %v", image, module)
	}
}

// The alerts are about metrics, labels and states that there are.
func TestAlertsFitTheMetrics(t *testing.T) {
	page, rules := read(t, "docs/reference/metrics.md"), read(t, "deploy/prometheus/alerts.yml")
	if !strings.Contains(read(t, "deploy/prometheus/prometheus.yml"), "rule_files: [alerts.yml]") {
		t.Error("prometheus.yml does not load the alerts")
	}
	var doc struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal([]byte(rules), &doc); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, g := range doc.Groups {
		for _, r := range g.Rules {
			names := regexp.MustCompile(`yiyuan_\w+`).FindAllString(r.Expr, -1)
			if n++; len(names) == 0 && !strings.HasPrefix(r.Expr, `up{`) || r.Annotations["do"] == "" {
				t.Errorf("%s watches %v and says to do %q", r.Alert, names, r.Annotations["do"])
			}
			for _, name := range names {
				if !strings.Contains(page, "| `"+name+"` |") {
					t.Errorf("%s watches %s, which there is not", r.Alert, name)
				}
			}
			for _, m := range regexp.MustCompile(`state=~"([^"]+)"`).FindAllStringSubmatch(r.Expr, -1) {
				for _, state := range strings.Split(m[1], "|") {
					if !slices.Contains(contract.States(), state) || !contract.StandsStill(state) {
						t.Errorf("%s waits for the state %q", r.Alert, state)
					}
				}
			}
			e2e.CommandsExist(t, r.Annotations["do"])
		}
	}
	if n < 5 {
		t.Errorf("%d alerts", n)
	}
}

// The example table holds a column for every field that must have one.
func TestExampleTableFitsItsBinding(t *testing.T) {
	cfg := exampleSources(t)["ga-pg"]
	var o postgres.Options
	cfg.Options = maps.Clone(cfg.Options)
	if err := cfg.Read(&o); err != nil {
		t.Fatal(err)
	}
	var columns []string
	for _, m := range regexp.MustCompile(`(?m)^    ([a-z]+) +(?:varchar|date|text)`).FindAllStringSubmatch(read(t, "deploy/sources/ga-pg.sql"), -1) {
		columns = append(columns, m[1])
	}
	table, ok := o.Tables["ga.t_czrk"]
	if !ok {
		t.Fatalf("ga-pg reads %v, want ga.t_czrk", slices.Collect(maps.Keys(o.Tables)))
	}
	for column := range table.Columns {
		if !slices.Contains(columns, column) {
			t.Errorf("ga-pg.yaml maps column %q, which ga-pg.sql does not make", column)
		}
	}
	mapped := slices.Collect(maps.Values(table.Columns))
	for _, f := range cfg.Datasets[0].Fields {
		if !slices.Contains(mapped, f.Name) && !slices.Contains(columns, strings.ToLower(f.Name)) && !slices.Contains(table.Absent, f.Name) {
			t.Errorf("field %s has no column and is not said to be absent", f.Name)
		}
	}
}

// The example runs against a real server.
func TestExampleTableOnPostgreSQL(t *testing.T) {
	server := e2e.Service(t, "YIYUAN_TEST_POSTGRES")
	ctx := e2e.Bounded(t)
	admin, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(t.Context())
	const name = "yiyuan_test_deploy"
	tidy := func() {
		for _, q := range []string{
			"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '" + name + "' AND NOT active",
			"DROP DATABASE IF EXISTS " + name + " WITH (FORCE)",
		} {
			if _, err := admin.Exec(ctx, q); err != nil {
				t.Logf("tidy: %v", err)
			}
		}
	}
	tidy()
	if _, err := admin.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8'"); err != nil {
		t.Fatal(err)
	}
	config := admin.Config().Copy()
	config.Database = name
	db, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(ctx, read(t, "deploy/sources/ga-pg.sql"))
	if err = errors.Join(err, db.Close(ctx)); err != nil {
		t.Fatal(err)
	}
	dsn := url.URL{Scheme: "postgres", User: url.UserPassword(config.User, config.Password), Path: "/" + name}
	dsn.RawQuery = url.Values{"sslmode": {"disable"}, "host": {config.Host}, "port": {strconv.Itoa(int(config.Port))}}.Encode()
	t.Setenv("GA_DSN", dsn.String())
	source, err := postgres.Open(ctx, exampleSources(t)["ga-pg"], "")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for rows < 2 {
		batch, err := source.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range batch.Rejections {
			t.Errorf("a row of the example is refused: %s %s", r.Reason, r.Field)
			rows++
		}
		rows += len(batch.Changes)
	}
	if err := source.Close(); err != nil {
		t.Error(err)
	}
	tidy()
}
