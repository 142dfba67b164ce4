package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings/settingstest"
)

// attempt is a command line of somebody who has just begun.
type attempt struct {
	line string // %dead is an address where nobody answers, %other a server that is none of ours
	code int
	says []string // each of which is told, on standard output or in the error
}

// What every command says where it lacks something: what it used, what is wrong and what
// to do about it, with a code that is not 0. A command that is added needs its lines here.
var attempts = map[string][]attempt{
	"demo": {
		{"demo --size huge", exit.Usage, []string{`--size "huge"`, "tiny"}},
		{"demo --for -1s", exit.Usage, []string{"--for"}},
		{"demo --rate -5", exit.Usage, []string{"--rate"}},
	},
	"init": {{"init full", exit.Usage, []string{"yiyuan init my-city"}}},
	"run": {
		{"run --config nowhere.yaml", exit.Usage, []string{"--config", "yiyuan init DIR", "%here/nowhere.yaml"}},
		{"run --config kafka.yaml", exit.Usage, []string{"yiyuan keys generate", "%here/nowhere.keys"}},
		{"run --config dead.yaml", exit.Unavailable, []string{"%dead", "bus.brokers"}},
		{"run --role captain", exit.Usage, []string{"connectors processors gateway"}},
	},
	"check": {
		{"check nowhere", exit.Problems, []string{"yiyuan init", "%here/nowhere"}},
		{"check full", exit.Problems, []string{"yiyuan init"}},
		{"check --catalogue nowhere", exit.Problems, []string{"--catalogue", "%here/nowhere"}},
		{"check --sources nowhere", exit.Problems, []string{"--sources", "%here/nowhere"}},
		{"check --access nowhere", exit.Problems, []string{"%here/nowhere"}},
		{"check --push-keys nowhere", exit.Problems, []string{"%here/nowhere"}},
	},
	"plan": {
		{"plan", exit.Unavailable, []string{"bus.brokers", "--against"}},
		{"plan --config nowhere.yaml", exit.Usage, []string{"--config", "%here/nowhere.yaml"}},
		{"plan --against nowhere", exit.Problems, []string{"%here/nowhere"}},
		{"plan --brokers %dead", exit.Unavailable, []string{"%dead", "--brokers"}},
	},
	"apply": {
		{"apply", exit.Unavailable, []string{"bus.brokers"}},
		{"apply --yes", exit.Usage, []string{"--config", "--brokers"}},
		{"apply --config nowhere.yaml", exit.Usage, []string{"--config", "%here/nowhere.yaml"}},
		{"apply --yes --brokers %dead", exit.Unavailable, []string{"%dead", "--brokers"}},
	},
	"topology": {
		{"topology --catalogue nowhere", exit.Problems, []string{"--catalogue", "%here/nowhere"}},
		{"topology --format png", exit.Usage, []string{"text mermaid"}},
	},
	"lookup": {
		{"lookup", exit.Usage, []string{"yiyuan lookup VIEW KEY"}},
		{"lookup a b --gateway http://%dead", exit.Unavailable, []string{"http://%dead", "--gateway"}},
		{"lookup a b --gateway %other", exit.Problems, []string{"%other", "--gateway"}},
		{"lookup a b --gateway http://%dead --ca nowhere", exit.Usage, []string{"%here/nowhere"}},
	},
	"verify": {
		{"verify", exit.Usage, []string{"FIELD=VALUE"}},
		{"verify a b c=d --gateway http://%dead", exit.Unavailable, []string{"http://%dead", "--gateway"}},
	},
	"audit": {
		{"audit", exit.Unavailable, []string{"--config", "--brokers", "%dead"}},
		{"audit --config nowhere.yaml", exit.Usage, []string{"%here/nowhere.yaml"}},
		{"audit --brokers %dead", exit.Unavailable, []string{"%dead", "--brokers"}},
		{"audit --about nobody", exit.NotFound, []string{"nobody", "person"}},
		{"audit --decision maybe", exit.Usage, []string{"allow", "deny"}},
	},
	"quarantine ls": {
		{"quarantine ls --gateway http://%dead", exit.Unavailable, []string{"http://%dead", "--gateway"}},
		{"quarantine ls --gateway %other", exit.Problems, []string{"%other", "--gateway"}},
	},
	"quarantine settle": {
		{"quarantine settle", exit.Usage, []string{"yiyuan quarantine settle ID"}},
		{"quarantine settle 1-2 --gateway http://%dead", exit.Unavailable, []string{"http://%dead", "--gateway"}},
	},
	"source ls": {
		{"source ls --gateway http://%dead", exit.Unavailable, []string{"http://%dead", "--gateway"}},
		{"source ls --gateway %other", exit.Problems, []string{"%other", "--gateway"}},
	},
	"source stop":   {{"source stop x --gateway http://%dead --config nowhere.yaml", exit.Usage, []string{"--config", "%here/nowhere.yaml"}}},
	"source start":  {{"source start x --gateway http://%dead", exit.Unavailable, []string{"http://%dead", "--gateway"}}},
	"source retire": {{"source retire x --gateway http://%dead --config dead.yaml", exit.Unavailable, []string{"%dead", "bus.brokers"}}, {"source retire x --drop --gateway http://%dead", exit.Unavailable, []string{"http://%dead", "--gateway"}}},
	"source accept": {{"source accept x", exit.Usage, []string{"source accept NAME FILE"}}, {"source accept x 1 --gateway http://%dead", exit.Unavailable, []string{"--gateway"}}},
	"source refuse": {{"source refuse x", exit.Usage, []string{"source refuse NAME FILE"}}, {"source refuse x 1 --gateway http://%dead", exit.Unavailable, []string{"--gateway"}}},
	"source init": {
		{"source init postgres", exit.Usage, []string{"--dsn --catalogue --out --name", "source init KIND"}},
		{"source init postgres --dsn postgres://u:secret@h/d --catalogue full --out new --name ga-pg", exit.Usage, []string{"env:NAME", "file:PATH"}},
		{"source init postgres --dsn env:NOT_SET --catalogue nowhere --out new --name ga-pg", exit.Usage, []string{"--catalogue", "%here/nowhere"}},
		{"source init postgres --dsn env:NOT_SET --catalogue full --out new --name ga-pg", exit.Problems, []string{"yiyuan check --catalogue full"}},
		{"source init postgres --dsn env:NOT_SET --catalogue city/catalogue --out new --name somebodys", exit.Usage, []string{"--department", "GA MZ"}},
		{"source init postgres --dsn env:NOT_SET --catalogue city/catalogue --out new --name ga-pg", exit.Usage, []string{"NOT_SET"}},
		{"source init postgres --dsn postgres://u@%dead/d --catalogue city/catalogue --out new --name ga-pg", exit.Unavailable, []string{"数据库连不上"}},
		{"source init postgres --dsn env:NOT_SET --catalogue city/catalogue --out city/catalogue/ --name ga-pg", exit.Usage, []string{"--out"}},
		{"source init oracle --dsn env:NOT_SET --catalogue city/catalogue --out new --name ga-pg", exit.Usage, []string{"postgres"}},
		{"source init postgres --dsn env:NOT_SET --catalogue city/catalogue --out new --name GA_PG", exit.Usage, []string{"--name", "ga-pg"}},
	},
	"source resync": {{"source resync x --gateway http://%dead", exit.Unavailable, []string{"http://%dead", "--gateway"}}},
	"keys generate": {{"keys generate", exit.Usage, []string{"keys generate FILE"}}, {"keys generate nowhere/k", exit.Problems, []string{"%here/nowhere"}}},
	"keys add":      {{"keys add nowhere", exit.Problems, []string{"yiyuan keys generate", "%here/nowhere"}}},
	"keys use":      {{"keys use nowhere 2", exit.Problems, []string{"yiyuan keys generate", "%here/nowhere"}}, {"keys use nowhere two", exit.Usage, []string{`"two"`}}},
	"keys show":     {{"keys show nowhere", exit.Problems, []string{"yiyuan keys generate", "%here/nowhere"}}},
	"repartition": {
		{"repartition person", exit.Usage, []string{"--partitions"}},
		{"repartition person --partitions 4", exit.Usage, []string{"--config", "bus.brokers"}},
		{"repartition person --partitions 4 --config nowhere.yaml", exit.Usage, []string{"%here/nowhere.yaml"}},
		{"repartition person --partitions 4 --config dead.yaml", exit.Unavailable, []string{"%dead", "bus.brokers"}},
	},
	"doctor": {
		{"doctor --config nowhere.yaml", exit.Problems, []string{"--config", "%here/nowhere.yaml"}},
		{"doctor --brokers %dead", exit.Problems, []string{"--config", "%dead", "--brokers"}},
		{"doctor -o xml", exit.Usage, []string{"-o is table or json"}},
	},
	"txn ls": {
		{"txn ls", exit.Unavailable, []string{"--config", "--brokers", "%dead"}},
		{"txn ls --config nowhere.yaml", exit.Usage, []string{"%here/nowhere.yaml"}},
		{"txn ls --brokers %dead", exit.Unavailable, []string{"%dead", "--brokers"}},
	},
	"txn abort": {
		{"txn abort x", exit.Usage, []string{"--yes"}},
		{"txn abort x --yes", exit.Unavailable, []string{"--config", "--brokers", "%dead"}},
	},
	"registry retire": {{"registry retire", exit.Usage, []string{"要 2 个参数，给了 0 个", "registry retire --help"}}},
	"acls": {
		{"acls", exit.Usage, []string{"acls WHO"}},
		{"acls bus", exit.Usage, []string{"User:NAME"}},
		{"acls bus --principal User:a --source ga-pg", exit.Usage, []string{"--source", "connectors"}},
		{"acls connectors --principal User:a --source ga-pg --view person.partial", exit.Usage, []string{"--view", "subscriber"}},
		{"acls bus --principal User:a --config nowhere.yaml", exit.Usage, []string{"%here/nowhere.yaml"}},
	},
	"version": {{"version please", exit.Usage, []string{"yiyuan version --help"}}},
}

func TestNewcomer(t *testing.T) {
	settingstest.Bare(t)
	here := t.TempDir()
	if resolved, err := filepath.EvalSymlinks(here); err == nil {
		here = resolved // as the system names the folder we stand in
	}
	t.Chdir(here)
	dead := deadAddress(t)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	t.Cleanup(other.Close)
	t.Setenv("YIYUAN_BUS_EMBEDDED_LISTEN", dead)
	if err := os.Mkdir("full", 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"full/left":  "",
		"kafka.yaml": "keys: {file: nowhere.keys}\nbus: {brokers: ['" + dead + "']}\n",
		"dead.yaml":  "keys: {file: city.keys}\nbus: {brokers: ['" + dead + "']}\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if code, said := try(t.Context(), "keys", "generate", "city.keys"); code != exit.OK {
		t.Fatal(said)
	}
	if code, said := try(t.Context(), "init", "city"); code != exit.OK {
		t.Fatal(said)
	}
	names := strings.NewReplacer("%dead", dead, "%other", other.URL, "%here", here)
	every(func(cmd *cobra.Command) {
		if cmd.HasSubCommands() {
			return
		}
		name := strings.TrimPrefix(cmd.CommandPath(), "yiyuan ")
		lines := append([]attempt{
			{name + " --help", exit.OK, []string{cmd.CommandPath(), "--help"}},
			{name + " --frob", exit.Usage, []string{"--frob", cmd.CommandPath() + " --help"}},
		}, attempts[name]...)
		if len(lines) == 2 {
			t.Errorf("%s: nothing says what a newcomer is told", name)
		}
		for _, a := range lines {
			t.Run(a.line, func(t *testing.T) {
				code, said := try(t.Context(), strings.Fields(names.Replace(a.line))...)
				if code != a.code {
					t.Errorf("ended with %d, want %d: %s", code, a.code, said)
				}
				for _, want := range a.says {
					if want = names.Replace(want); !strings.Contains(said, want) {
						t.Errorf("does not say %q: %s", want, said)
					}
				}
				if a.code != exit.OK && !strings.ContainsFunc(said, isHan) {
					t.Errorf("says nothing in Chinese: %s", said)
				}
			})
		}
	})
}

// try runs a command line to its end, and returns its code and all that it says.
func try(ctx context.Context, args ...string) (int, string) {
	root := newRoot()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetIn(strings.NewReader(""))
	root.SetArgs(args)
	code, said := ended(root.ExecuteContext(ctx))
	return code, out.String() + said
}

// deadAddress is one where nobody listens.
func deadAddress(t *testing.T) string {
	t.Helper()
	var any net.ListenConfig
	l, err := any.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // it was only asked for a free port
	return l.Addr().String()
}
