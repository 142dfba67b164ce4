package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
)

// TestClientsMadeOfTheDescription makes a client in Python and one in TypeScript of
// /openapi.json, compiles them and calls every operation of a running city with each;
// has schemathesis look for what is answered otherwise than described; and has
// Confluent's client read the city's topics and registry, which it may not write to.
func TestForeignClients(t *testing.T) {
	python, ts := e2e.Service(t, "YIYUAN_TEST_PYTHON"), e2e.Service(t, "YIYUAN_TEST_TS")
	p, line, city := demonstrated(t, "--correct-after", "1h", "--rate", "1")
	folder := t.TempDir()
	status, page := e2e.Request(t, http.MethodGet, city.Gateway+"/openapi.json", "", "", "")
	if status != http.StatusOK {
		t.Fatalf("the description: answered %d", status)
	}
	description := filepath.Join(folder, "openapi.json")
	if err := os.WriteFile(description, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(t *testing.T, dir, name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(e2e.Bounded(t), name, args...)
		cmd.Dir, cmd.Stdin = dir, bytes.NewReader(line)
		cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "YIYUAN_KEY="+cityKey(t, city, "SJ-JDGL"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", filepath.Base(name), err, out)
		}
		return string(out)
	}
	ours := e2e.InTree(t, "deploy/testbed/clients") // what strangers would write
	operations := fmt.Sprintf("%d operations\n", operationsOf(t, page))
	t.Run("python", func(t *testing.T) {
		tool := filepath.Join(filepath.Dir(python), "openapi-python-client")
		said := run(t, folder, tool, "generate", "--path", description, "--output-path", "yiyuan_client", "--meta", "none", "--config", filepath.Join(ours, "python", "generate.yml"))
		if strings.Contains(said, "WARNING") {
			t.Errorf("not all of the description became a client:\n%s", said)
		}
		run(t, folder, python, "-m", "compileall", "-q", "yiyuan_client")
		if said := run(t, folder, python, "-B", filepath.Join(ours, "python", "call.py"), folder); said != operations {
			t.Errorf("called %q, described are %q", said, operations)
		}
	})
	t.Run("typescript", func(t *testing.T) {
		made := filepath.Join(folder, "ts")
		if err := os.CopyFS(made, os.DirFS(filepath.Join(ours, "ts"))); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(ts, "node_modules"), filepath.Join(made, "node_modules")); err != nil {
			t.Fatal(err)
		}
		run(t, made, "node", "node_modules/openapi-typescript/bin/cli.js", description, "-o", "api.d.ts")
		run(t, made, "node", "node_modules/typescript/bin/tsc", "-p", ".")
		if said := run(t, made, "node", "out/call.js"); said != operations {
			t.Errorf("called %q, described are %q", said, operations)
		}
	})
	t.Run("schemathesis", func(t *testing.T) {
		schemathesis(t, filepath.Join(filepath.Dir(python), "schemathesis"), filepath.Join(ours, "schemathesis.toml"), city, page)
	})
	t.Run("confluent", func(t *testing.T) {
		status, text := e2e.Request(t, http.MethodGet, city.Gateway+"/v1/lookup/person.partial/"+city.Samples["person.partial"], cityKey(t, city, "MZ-DBHD"), "DBHD", "")
		var answer struct {
			Data map[string]any `json:"data"`
		}
		if err := json.Unmarshal([]byte(text), &answer); err != nil || status != http.StatusOK || len(answer.Data) == 0 {
			t.Fatalf("answered %d: %v", status, err)
		}
		e2e.Subscriber{Kafka: city.Kafka, Registry: city.Registry, Topic: "shared.person.partial", Want: answer.Data}.Confluents(t)
	})
	p.Stop()
}

// operationsOf counts the operations of a description.
func operationsOf(t *testing.T, page string) (n int) {
	t.Helper()
	var api struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal([]byte(page), &api); err != nil {
		t.Fatal(err)
	}
	for _, methods := range api.Paths {
		n += len(methods)
	}
	return n
}

func cityKey(t *testing.T, city e2e.DemoCity, app string) string {
	t.Helper()
	for _, a := range city.Apps {
		if a.ID == app {
			return a.Key
		}
	}
	t.Fatalf("no application %s", app)
	return ""
}
