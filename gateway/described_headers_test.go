package gateway_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ofHTTP are headers that HTTP itself has, which OpenAPI has described elsewhere or not
// at all.
var ofHTTP = []string{"Connection", "Content-Length", "Content-Type", "Date"}

// bears holds the headers of an answer against the page: what is described is sent, what
// is sent is described, and has a value that its schema takes.
func (p *page) bears(t *testing.T, what string, o operation, r *reply) {
	t.Helper()
	status := strconv.Itoa(r.status)
	described, _ := p.of(o, "responses", status, "headers").(map[string]any)
	for name := range described {
		if len(r.header.Values(name)) != 1 && p.at("components", "headers", name, "required") == true {
			t.Errorf("%s (%s): answered %d without %s, or with several: %q", o, what, r.status, name, r.header.Values(name))
		}
	}
	for name, values := range r.header {
		if slices.Contains(ofHTTP, name) {
			continue
		}
		known := ""
		for spelled := range described {
			if http.CanonicalHeaderKey(spelled) == name {
				known = spelled
			}
		}
		if known == "" {
			t.Errorf("%s (%s): answered %d with %s, which is not described", o, what, r.status, name)
			continue
		}
		var v any = strings.Join(values, ", ")
		if p.at("components", "headers", known, "schema", "type") == "integer" {
			v = json.Number(values[0])
		}
		if err := p.faults(t, v, "components", "headers", known, "schema"); err != nil {
			t.Errorf("%s (%s): answered %d, %s: %v", o, what, r.status, name, err)
		}
	}
}

// TestHeadersAreDescribedOnce: each answer names its headers by what the page says of
// them in one place, in words, and nothing stands there that no answer has.
func TestHeadersAreDescribedOnce(t *testing.T) {
	p := readPage(t, start(t))
	used := map[string]bool{}
	for _, o := range p.operations() {
		for status, response := range p.of(o, "responses").(map[string]any) {
			for name, h := range response.(map[string]any)["headers"].(map[string]any) {
				used[name] = true
				if ref := "#/components/headers/" + name; len(h.(map[string]any)) != 1 || h.(map[string]any)["$ref"] != ref {
					t.Errorf("%s: %s: %s is %v, want a reference to %s", o, status, name, h, ref)
				}
			}
		}
	}
	for name, h := range p.at("components", "headers").(map[string]any) {
		if says, _ := h.(map[string]any)["description"].(string); !used[name] || !strings.Contains(says, " / ") {
			t.Errorf("%s: used %v, said to be %q", name, used[name], says)
		}
	}
}
