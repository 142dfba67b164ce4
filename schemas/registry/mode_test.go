package registry

import (
	"strings"
	"testing"
)

// TestModes: what is read only is not changed through the API until it is writable
// again, over restarts too; the bus's own writes are not held up.
func TestModes(t *testing.T) {
	t.Parallel()
	log := newLog()
	r := open(t, log)
	url := serve(t, r)
	const a, b = "/subjects/a-value", "/subjects/b-value"
	schema := post(`"string"`)
	for i, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", a + "/versions", schema, 200, `"id":1`},
		{"PUT", "/mode/a-value", `{"mode":"READONLY"}`, 200, `READONLY`},
		{"GET", "/mode/a-value", "", 200, `{"mode":"READONLY"}`},
		{"GET", "/mode", "", 200, `{"mode":"READWRITE"}`},
		{"POST", a + "/versions", post(`"bytes"`), 422, `42205`},
		{"PUT", "/config/a-value", `{"compatibility":"NONE"}`, 422, `42205`},
		{"DELETE", a, "", 422, `42205`},
		{"GET", a + "/versions", "", 200, `[1]`},
		{"POST", a, schema, 200, `"id":1`},
		{"POST", b + "/versions", schema, 200, `"id":1`},
		{"PUT", "/mode", `{"mode":"READONLY"}`, 200, `READONLY`},
		{"PUT", "/mode/b-value", `{"mode":"READWRITE"}`, 200, `READWRITE`},
		{"PUT", "/config/b-value", `{"compatibility":"NONE"}`, 200, `NONE`},
		{"POST", "/subjects/c-value/versions", schema, 422, `42205`},
		{"PUT", "/mode", `{"mode":"READONLY_OVERRIDE"}`, 200, `READONLY_OVERRIDE`},
		{"PUT", "/config/b-value", `{"compatibility":"FULL"}`, 422, `42205`},
		{"GET", "/mode/b-value", "", 200, `READONLY_OVERRIDE`},
	} {
		if status, got := call(t, url, c.method, c.path, c.body); status != c.status || !strings.Contains(got, c.want) {
			t.Fatalf("%d: %s %s = %d %s, want %d with %s", i, c.method, c.path, status, got, c.status, c.want)
		}
	}
	register(t, r, "raw.GA01-value", schemaOf("GA01")) // by the bus itself
	again := serve(t, open(t, log))
	if status, got := call(t, again, "POST", "/subjects/c-value/versions", schema); status != 422 || !strings.Contains(got, "42205") {
		t.Errorf("after a restart: %d %s", status, got)
	}
	if status, _ := call(t, url, "DELETE", "/mode", ""); status != 200 {
		t.Errorf("DELETE /mode: %d", status)
	}
	if status, got := call(t, url, "POST", "/subjects/c-value/versions", schema); status != 200 {
		t.Errorf("writable again: %d %s", status, got)
	}
}
