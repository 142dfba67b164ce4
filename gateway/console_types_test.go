package gateway_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/gateway"
)

// consoleTypes is what the console knows of the gateway's answers.
const consoleTypes = "console/web/src/api/description.ts"

// TestConsoleTypesAreTheDescription holds the types that the console is built with to
// what /openapi.json says of questions and good answers: by a digest always, and made
// anew where openapi-typescript is at hand (make console-types writes them).
func TestConsoleTypesAreTheDescription(t *testing.T) {
	w := start(t, func(c *gateway.Config) { c.DemoApps = []gateway.DemoApp{{ID: "A"}} })
	reduced := goodAnswers(t, w.get("/openapi.json", "", "").text)
	head := fmt.Sprintf("// Made of /openapi.json by openapi-typescript: make console-types. Not edited by hand.\n// %x\n", sha256.Sum256(reduced))
	had, err := os.ReadFile(consoleTypes)
	must(t, err)
	update := os.Getenv("YIYUAN_TEST_UPDATE") != ""
	if !strings.HasPrefix(string(had), head) && !update {
		t.Errorf("%s is not made of what the gateway says now: make console-types, then make console", consoleTypes)
	}
	tool := os.Getenv("YIYUAN_TEST_TS")
	if tool == "" {
		if update || os.Getenv("CI") == "true" {
			t.Fatal("YIYUAN_TEST_TS is not set")
		}
		return
	}
	folder := t.TempDir()
	must(t, os.WriteFile(filepath.Join(folder, "openapi.json"), reduced, 0o600))
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join(tool, "node_modules", "openapi-typescript", "bin", "cli.js"), "openapi.json", "-o", "description.ts")
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("openapi-typescript: %v\n%s", err, out)
	}
	made, err := os.ReadFile(filepath.Join(folder, "description.ts"))
	must(t, err)
	made = append([]byte(head), made...)
	if update {
		must(t, os.WriteFile(consoleTypes, made, 0o644))
		return
	}
	if !bytes.Equal(had, made) {
		t.Errorf("%s is not what openapi-typescript makes of the description: make console-types", consoleTypes)
	}
}

// goodAnswers leaves of a description what a page must know: of each operation of
// /v1 what it is asked with and what a good answer holds, and the schemas.
func goodAnswers(t *testing.T, page string) []byte {
	t.Helper()
	var d map[string]any
	must(t, json.Unmarshal([]byte(page), &d))
	paths := map[string]any{}
	for path, item := range d["paths"].(map[string]any) {
		if !strings.HasPrefix(path, "/v1/") {
			continue
		}
		methods := map[string]any{}
		for method, o := range item.(map[string]any) {
			operation := o.(map[string]any)
			good := operation["responses"].(map[string]any)["200"].(map[string]any)
			kept := map[string]any{"responses": map[string]any{"200": map[string]any{"description": "OK", "content": good["content"]}}}
			if body, has := operation["requestBody"]; has {
				kept["requestBody"] = body
			}
			var asked []any
			for _, p := range anys(operation["parameters"]) {
				if in := p.(map[string]any)["in"]; in == "path" || in == "query" {
					asked = append(asked, p)
				}
			}
			if asked != nil {
				kept["parameters"] = asked
			}
			methods[method] = kept
		}
		paths[path] = methods
	}
	components := d["components"].(map[string]any)
	out, err := json.Marshal(map[string]any{"openapi": d["openapi"], "info": d["info"], "paths": paths, "components": map[string]any{"schemas": components["schemas"]}})
	must(t, err)
	return out
}

func anys(v any) []any {
	list, _ := v.([]any)
	return list
}
