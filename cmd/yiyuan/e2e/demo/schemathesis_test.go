package demo

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/gateway"
)

// schemathesis asks all operations of a description, with what the city that answers
// really holds among what is made up, and finds nothing; and most are answered well.
func schemathesis(t *testing.T, tool, config string, city e2e.DemoCity, page string) {
	t.Helper()
	folder := t.TempDir()
	asks, values := held(t, city)
	for name, list := range values {
		if len(list) == 0 {
			t.Fatalf("the city has no %s to ask with", name)
		}
		var lines strings.Builder
		for _, value := range list {
			fmt.Fprintf(&lines, "\"%s\"\n", strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value))
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(lines.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(config)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "schemathesis.toml"), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(e2e.Bounded(t), tool, "--config-file", "schemathesis.toml", "run", city.Gateway+"/openapi.json", "--no-color", "--report-har-path", "asked.har")
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "YIYUAN_KEY="+asks.supervisor, "YIYUAN_ASKER="+asks.key, "YIYUAN_PURPOSE="+asks.purpose)
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("schemathesis: %v\n%s", err, said)
	}
	// All but the stream, and the description itself, which it leaves out by itself.
	n := operationsOf(t, page) - 1
	if !strings.Contains(string(said), fmt.Sprintf("%d selected / %d total", n-1, n)) || strings.Contains(string(said), "❌") {
		t.Errorf("not all was looked at: %s", said)
	}
	well, never := answeredWell(t, filepath.Join(folder, "asked.har"), page)
	t.Logf("%d operations answered well, never: %q", well, never)
	if least := (9*(n-1) + 9) / 10; well < least { // a verification needs its own fields, which nothing makes up
		t.Errorf("%d of %d operations were ever answered with 2xx, want %d: never %q", well, n-1, least, never)
	}
}

// asking is who asks a city, and what for.
type asking struct{ supervisor, key, purpose string }

// held is what a running city has: an application and a purpose that a view is answered
// for, with a key of it and the fields that it is answered with, and names of the rest.
func held(t *testing.T, city e2e.DemoCity) (asks asking, values map[string][]string) {
	t.Helper()
	values = map[string][]string{"view": nil, "key": nil, "field": nil, "entity": nil, "subject": nil, "dataset": nil, "finding": nil}
	get := func(key, purpose, path string, into any) bool {
		status, text := e2e.Request(t, http.MethodGet, city.Gateway+path, key, purpose, "")
		return status == http.StatusOK && json.Unmarshal([]byte(text), into) == nil
	}
	i := slices.IndexFunc(city.Apps, func(a gateway.DemoApp) bool { return slices.Contains(a.Purposes, "SUPERVISE") })
	if i < 0 {
		t.Fatal("nobody supervises")
	}
	asks.supervisor = city.Apps[i].Key
	var answer struct {
		Data map[string]any `json:"data"`
	}
	for _, app := range city.Apps {
		for _, view := range app.Views {
			for _, purpose := range app.Purposes {
				if values["view"] == nil && purpose != "SUPERVISE" && get(app.Key, purpose, "/v1/lookup/"+view+"/"+url.PathEscape(city.Samples[view]), &answer) {
					asks.key, asks.purpose = app.Key, purpose
					values["view"], values["key"], values["field"] = []string{view}, []string{city.Samples[view]}, slices.Sorted(maps.Keys(answer.Data))
				}
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(city.Samples)) {
		if entity, explains := strings.CutSuffix(id, ".explain"); explains && values["entity"] == nil && get(asks.supervisor, "SUPERVISE", "/v1/explain/"+entity+"/"+url.PathEscape(city.Samples[id]), new(any)) {
			values["entity"], values["subject"] = []string{entity}, []string{city.Samples[id]}
		}
	}
	type named struct {
		ID string `json:"id"`
	}
	var pages struct {
		Datasets []named `json:"datasets"`
		Findings []named `json:"findings"`
	}
	if !get(asks.supervisor, "", "/v1/catalogue", &pages) || !get(asks.supervisor, "", "/v1/findings?limit=5", &pages) {
		t.Fatal("the supervisor may not look")
	}
	for _, d := range pages.Datasets {
		values["dataset"] = append(values["dataset"], d.ID)
	}
	for _, f := range pages.Findings {
		values["finding"] = append(values["finding"], f.ID)
	}
	return asks, values
}

// answeredWell counts the operations of a description of which a record of questions and
// answers has one with 2xx, and names the others.
func answeredWell(t *testing.T, har, page string) (well int, never []string) {
	t.Helper()
	var record struct {
		Log struct {
			Entries []struct {
				Request  struct{ Method, URL string }
				Response struct{ Status int }
			}
		}
	}
	var api struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	text, err := os.ReadFile(har)
	if err == nil {
		err = json.Unmarshal(text, &record)
	}
	if err == nil {
		err = json.Unmarshal([]byte(page), &api)
	}
	if err != nil {
		t.Fatal(err)
	}
	good := map[string]bool{}
	for _, e := range record.Log.Entries {
		if at, err := url.Parse(e.Request.URL); err == nil && e.Response.Status/100 == 2 {
			good[e.Request.Method+" "+at.EscapedPath()] = true
		}
	}
	hole := regexp.MustCompile(`\\{[a-z]+\\}`)
	for path, methods := range api.Paths {
		like := regexp.MustCompile("^" + hole.ReplaceAllString(regexp.QuoteMeta(path), "[^/]+") + "$")
		for method := range methods {
			is := false
			for asked := range good {
				verb, at, _ := strings.Cut(asked, " ")
				is = is || verb == strings.ToUpper(method) && like.MatchString(at)
			}
			if is {
				well++
			} else {
				never = append(never, strings.ToUpper(method)+" "+path)
			}
		}
	}
	slices.Sort(never)
	return well, never
}
