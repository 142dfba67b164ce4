package docs_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// unrun are the sections of docs/operations.md in which nothing is run, and why.
var unrun = map[string]string{
	"备份与恢复 / Backup and restore":                           "says that it is not offered yet",
	"主题被误删 / A topic that was deleted":                     "cmd/yiyuan/e2e/journey: TestLostTopics does it to a town of its own",
	"接入部门的 PostgreSQL / Connect a department's PostgreSQL": "cmd/yiyuan/e2e/journey: TestProbedSourceRuns does it to a database of its own",
	"补读一张表 / Read a table again":                           "connectors/postgres: TestBackfillOnTheBus does it to a database of its own",
	"证书文件 / The files of certificates":                     "says how files are written; the sections beside it replace them",
}

// alone are the sections that need a service, in the order in which it is asked for. The
// rest of the page does without what they leave behind.
var alone = map[string]func(*testing.T, *place){
	"谁可读写哪些主题 / Kafka users and ACLs": func(t *testing.T, p *place) { p.guarded(t) },
	"告警 / Alerts": func(t *testing.T, _ *place) { command(t, "promtool") },
}

// TestOperations types the whole of docs/operations.md: what an operator is told to do
// works, and answers what the page shows.
func TestOperations(t *testing.T) {
	for _, c := range []string{"bash", "curl", "openssl"} {
		command(t, c)
	}
	sections, err := parse(read(t, "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	p := settle(t)
	for _, sec := range sections {
		t.Run(sec.name, func(t *testing.T) {
			if why, ok := unrun[sec.name]; ok != (len(sec.blocks) == 0) {
				t.Fatalf("%d blocks are run; unrun says %q", len(sec.blocks), why)
			}
			if prepare, ok := alone[sec.name]; ok {
				prepare(t, p)
			}
			for _, b := range sec.blocks {
				if err := p.shell.follow(b); err != nil {
					t.Error(err)
					p.tell(t)
					p.broken = true
					break
				}
			}
			if p.after != nil && !p.broken {
				p.after(t)
				p.after = nil
			}
		})
		if p.broken {
			t.Fatal("what follows rests on this")
		}
	}
	for name := range unrun {
		if !slices.ContainsFunc(sections, func(s section) bool { return s.name == name }) {
			t.Errorf("there is no section %q", name)
		}
	}
}

// TestOperationsTellsAll: each alert has its row, and each group of settings.
func TestOperationsTellsAll(t *testing.T) {
	t.Parallel()
	page := read(t, "operations.md")
	for _, alert := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(read(t, "..", "deploy", "prometheus", "alerts.yml"), -1) {
		if !strings.Contains(page, "\n| "+alert[1]+" | ") {
			t.Errorf("alert %s has no row", alert[1])
		}
	}
	settings := regexp.MustCompile("(?m)^\\| `yiyuan.yaml`.*$").FindString(page)
	for _, group := range regexp.MustCompile(`(?m)^(\w+):`).FindAllStringSubmatch(read(t, "..", "deploy", "yiyuan.yaml"), -1) {
		if !strings.Contains(settings, "`"+group[1]+"`") {
			t.Errorf("what a change of %s takes is not said", group[1])
		}
	}
}

// place is where the page is typed.
type place struct {
	dir    string
	shell  *shell
	real   map[string]string // where it lies, by what the page calls it
	after  func(*testing.T)  // of the section under way
	broken bool
}

// settle lays out the machine of the page: the program in two releases, the city's
// configuration, and folders of its own in place of the system's.
func settle(t *testing.T) *place {
	t.Helper()
	dir := t.TempDir()
	p := &place{dir: dir, real: map[string]string{}}
	for called, at := range map[string]string{"/etc/yiyuan": "etc", "/var/lib/yiyuan": "lib", "/var/log/yiyuan": "log", "/opt/yiyuan": "opt", "/run/": "run/"} {
		p.real[called] = filepath.Join(dir, at) + strings.Repeat("/", strings.Count(at, "/"))
		if err := os.MkdirAll(p.real[called], 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, port := range []string{"8080", "8081", "8090", "8098", "8099", "9092"} {
		p.real["127.0.0.1:"+port] = freePort(t)
	}
	var places []string
	for _, called := range slices.Sorted(maps.Keys(p.real)) {
		places = append(places, called, p.real[called])
	}
	for _, v := range []string{"1.0.0", "1.0.1"} {
		build := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-X main.version="+v, "-o", filepath.Join(dir, "opt", "yiyuan-"+v), "../cmd/yiyuan")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build: %v\n%s", err, out)
		}
	}
	must(t, os.Symlink("yiyuan-1.0.0", filepath.Join(dir, "opt", "yiyuan")))
	tree, err := filepath.Abs("..")
	must(t, err)
	must(t, os.Symlink(filepath.Join(tree, "deploy"), filepath.Join(dir, "deploy")))
	must(t, os.CopyFS(filepath.Join(dir, "etc", "catalogue"), yunling.Files()))
	must(t, os.CopyFS(filepath.Join(dir, "etc"), os.DirFS(filepath.Join("testdata", "city"))))
	p.shell = open(t, dir, []string{"PATH=" + filepath.Join(dir, "opt") + ":" + filepath.Join(dir, "tools") + ":" + os.Getenv("PATH"), "USER=operator"}, places...)
	p.write(t)
	return p
}

// write puts the page's places into the city's files.
func (p *place) write(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(p.dir, "etc", "*.yaml"))
	must(t, err)
	for _, f := range files {
		text := strings.NewReplacer(p.shell.places...).Replace(read(t, f))
		must(t, os.WriteFile(f, []byte(text), 0o600))
	}
}

// tell logs what the processes of the page said last.
func (p *place) tell(t *testing.T) {
	t.Helper()
	logs, _ := filepath.Glob(filepath.Join(p.dir, "log", "*.log"))
	for _, f := range logs {
		text := read(t, f)
		t.Logf("%s:\n%s", filepath.Base(f), text[max(0, len(text)-3000):])
	}
}

// guarded starts a Kafka that asks who comes, and holds what it decided against the rights
// that were given: nothing of the bus was refused, and it was given nothing it does not use.
func (p *place) guarded(t *testing.T) {
	t.Helper()
	service(t, "YIYUAN_TEST_KAFKA_LIBS")
	redis := service(t, "YIYUAN_TEST_REDIS")
	unmark(t, redis)
	command(t, "kcat")
	bed := filepath.Join(p.dir, "bed")
	testbed := func(args ...string) ([]byte, error) {
		cmd := exec.CommandContext(context.WithoutCancel(t.Context()), filepath.Join("..", "deploy", "testbed", "testbed"), args...)
		cmd.Env = append(os.Environ(), "YIYUAN_TESTBED="+bed)
		return cmd.CombinedOutput()
	}
	t.Cleanup(func() {
		if out, err := testbed("down"); err != nil {
			t.Errorf("testbed down: %v\n%s", err, out)
		}
	})
	if out, err := testbed("up", "guarded"); err != nil {
		t.Fatalf("testbed up: %v\n%s", err, out)
	}
	env := read(t, bed, "env")
	p.move("kafka.example:9092", regexp.MustCompile(`YIYUAN_TEST_GUARDED=(\S+)`).FindStringSubmatch(env)[1])
	p.move("redis.example:6379", redis)
	p.write(t)
	tools := filepath.Join(bed, "guarded1", "tools")
	must(t, os.CopyFS(filepath.Join(p.dir, "tools"), os.DirFS(tools)))
	must(t, os.WriteFile(filepath.Join(p.dir, "admin.properties"), []byte(read(t, tools, "admin.properties")), 0o600))
	p.after = func(t *testing.T) { judge(t, filepath.Join(bed, "guarded1", "log"), read(t, p.dir, "bus-acls.sh")) }
}

// unmark removes what a bus of the page's prefix has left in Redis: this Kafka is another one.
func unmark(t *testing.T, address string) {
	t.Helper()
	c := goredis.NewClient(&goredis.Options{Addr: address, DisableIdentity: true})
	defer c.Close()
	left := c.Scan(t.Context(), 0, "y-yl:*", 1000).Iterator()
	for left.Next(t.Context()) {
		must(t, c.Unlink(t.Context(), left.Val()).Err())
	}
	must(t, left.Err())
}

// move says where something lies that was not known before.
func (p *place) move(called, at string) {
	p.shell.places = append(p.shell.places, called, at)
}

// spare are rights that the page's half minute does not use, and what for they are given.
var spare = map[string]string{
	"Alter topic":        "repartition gives a topic more partitions",
	"AlterConfigs topic": "a topic that somebody keeps otherwise is set right, see TestKeep",

	"Write topic yl.findings":          "no department contradicts another here",
	"Write topic yl.refused":           "no row is refused here",
	"Write topic yl.quarantine":        "no row is refused here",
	"Write topic yl.raw.":              "the role connectors, which runs as another user here",
	"Write topic yl.sources":           "the role connectors, and the command source",
	"Write transactionalid yl.source.": "the role connectors, and the command source",
}

// judge reads the decisions that the broker logged.
func judge(t *testing.T, log, acls string) {
	t.Helper()
	decision := regexp.MustCompile(`Principal = User:(\w+) is (Allowed|Denied) operation = (\w+) .* on resource = (\w+):LITERAL:(\S+) for request = (\w+)`)
	type use struct{ operation, kind, name string }
	used := map[use]bool{}
	denied := map[string]int{}
	f, err := os.Open(log)
	must(t, err)
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		m := decision.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		denied[m[1]+" "+m[2]]++
		u := use{strings.ReplaceAll(strings.ToLower(m[3]), "_", ""), strings.ToLower(m[4]), m[5]}
		if m[2] == "Denied" && m[1] == "yiyuan" {
			t.Errorf("the bus may not %s %s %s, which %s wants", u.operation, u.kind, u.name, m[6])
		}
		if m[2] == "Allowed" && m[1] == "yiyuan" {
			used[u] = true
		}
	}
	for who, least := range map[string]int{"yiyuan Allowed": 500, "ga Allowed": 50, "ga Denied": 2, "mz Denied": 2, "mz Allowed": 1} {
		if denied[who] < least {
			t.Errorf("%d decisions of %s, want %d: is the log read?", denied[who], who, least)
		}
	}
	given := 0
	for line := range strings.Lines(acls) {
		words := strings.Fields(line)
		prefixed := slices.Contains(words, "prefixed")
		for i, kind := range words {
			if kind != "--topic" && kind != "--group" && kind != "--transactional-id" {
				continue
			}
			for j, word := range words {
				if word != "--operation" {
					continue
				}
				given++
				operation, name, on := words[j+1], words[i+1], strings.ReplaceAll(kind[2:], "-", "")
				spared := spare[operation+" "+on] != "" || spare[operation+" "+on+" "+name] != ""
				hit := false
				for u := range used {
					hit = hit || u.operation == strings.ToLower(operation) && u.kind == on && (u.name == name || prefixed && strings.HasPrefix(u.name, name))
				}
				if !hit && !spared {
					t.Errorf("%s on %s %s was given to the bus, and never used", operation, kind[2:], name)
				}
			}
		}
	}
	if given < 40 {
		t.Errorf("only %d rights were read", given)
	}
}

// service is where a real service is. Without it the test is skipped by name, but never
// where everything must run.
func service(t *testing.T, variable string) string {
	t.Helper()
	at := os.Getenv(variable)
	if at == "" {
		missing(t, variable+" is not set")
	}
	return at
}

// command skips the test without a command, as service does.
func command(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		missing(t, name+" is not there")
	}
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s: this test must run here", what)
	}
	t.Skip(what)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var errNoPort = errors.New("no free port")

// freePort returns an address nobody listens on, below those that the system gives to
// connections.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		var lc net.ListenConfig
		l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:"+strconv.Itoa(10_000+rand.IntN(22_000)))
		if err == nil {
			must(t, l.Close())
			return l.Addr().String()
		}
	}
	t.Fatal(fmt.Errorf("%w", errNoPort))
	return ""
}
