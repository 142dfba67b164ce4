package gateway_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/gateway/audit"
)

// TestFieldsAreRefused asks for fields in ways that cannot be meant: none may be
// answered with more than what was asked for, and every one says why.
func TestFieldsAreRefused(t *testing.T) {
	w := start(t)
	w.person(1, "张**")
	w.ready()
	const at = "/v1/lookup/person.partial/" + zhang
	eventually(t, "the record is there", func() bool { return w.get(at, "key-RS-GLJT", "GLJT").status == 200 })
	for _, query := range []string{"fields=%zz", "field=XM", "fields=", "fields", "fields=,", "fields=XM,", "fields=XM,XM", "fields=XM&fields=CSRQ", "fields=XM&x=1", "Fields=XM", "fields=XM;x=1", "%66ields=XM&" + zhang + "=1"} {
		r := w.get(at+"?"+query, "key-RS-GLJT", "GLJT")
		if r.status != http.StatusUnprocessableEntity || r.body["errors"] == nil || strings.Contains(r.text, "张**") || strings.Contains(r.text, zhang) {
			t.Errorf("%s: answered %d %s", query, r.status, r.text)
			continue
		}
		if e := w.entry(r); e.Reason != "invalid_fields" && e.Reason != "YIYUAN-4222" || e.Status != 422 {
			t.Errorf("%s: audited as %s %d", query, e.Reason, e.Status)
		}
		if r := w.get(at+"?"+query, "guess", "GLJT"); r.status != http.StatusUnauthorized {
			t.Errorf("%s: a stranger is told %d", query, r.status)
		}
	}
	for path, body := range map[string]string{
		"/v1/lookup/person.partial": `{"key":"` + zhang + `","fields":%s}`,
		"/v1/lookup":                `{"view":"person.partial","keys":["` + zhang + `"],"fields":%s}`,
	} {
		for _, fields := range []string{`[]`, `[""]`, `["XM",""]`, `["XM","XM"]`, `[{}]`, `[{},{}]`, `["XM",[]]`} {
			if r := w.do(http.MethodPost, path, "key-RS-GLJT", "GLJT", fmt.Sprintf(body, fields)); r.status != http.StatusUnprocessableEntity || strings.Contains(r.text, "张**") {
				t.Errorf("%s %s: answered %d %s", path, fields, r.status, r.text)
			}
		}
		if r := w.do(http.MethodPost, path, "key-RS-GLJT", "GLJT", fmt.Sprintf(body, `["LXDH"]`)); r.status != http.StatusForbidden {
			t.Errorf("%s, a field that is not granted: answered %d", path, r.status)
		}
	}
	var page struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct {
					MinItems    int  `json:"minItems"`
					UniqueItems bool `json:"uniqueItems"`
				} `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	must(t, json.Unmarshal([]byte(w.get("/openapi.json", "", "").text), &page))
	for _, name := range []string{"KeyQuestion", "BatchQuestion", "ExplainQuestion"} {
		if f := page.Components.Schemas[name].Properties["fields"]; f.MinItems != 1 || !f.UniqueItems {
			t.Errorf("%s: fields are described as %+v", name, f)
		}
	}
	if r := w.get(at+"?fields=XM", "key-RS-GLJT", "GLJT"); r.status != 200 {
		t.Errorf("one field: answered %d %s", r.status, r.text)
	}
}

// TestNamesAreNotRepeated puts a number into every name of a body.
func TestNamesAreNotRepeated(t *testing.T) {
	w := start(t)
	w.ready()
	for _, c := range []struct{ path, body, location string }{
		{"/v1/lookup", `{"view":"person.partial","keys":["1"],"` + zhang + `":1}`, "body.#3"},
		{"/v1/lookup/person.partial", `{"key":"1","` + zhang + `":1}`, "body.#2"},
		{"/v1/lookup/person.partial", `{"` + zhang + `.key":1,"key":"1"}`, "body.#1"},
		{"/v1/lookup/person.partial", `{"key[` + zhang + `]":1,"key":"1"}`, "body.#1"},
		{"/v1/explain/person", `{"key":"1","` + zhang + `":{"` + li + `":1}}`, "body.#2"},
		{"/v1/verify", `{"view":"person.verify","key":"1","fields":{"` + zhang + `":5}}`, "body.fields.#1"},
		{"/v1/verify", `{"view":"person.verify","key":"1","fields":{"XM":"a","` + zhang + `":{"a":1}}}`, "body.fields.#2"},
		{"/v1/verify", `{"view":"person.verify","key":"1","fields":{"XM":5,"HJDZ":"a"}}`, "body.fields.XM"},
		{"/v1/lookup", `{"view":"person.partial","keys":["1",{"` + zhang + `":1}]}`, "body.keys[1]"},
	} {
		r := w.do(http.MethodPost, c.path, "key-RS-GLJT", "GLJT", c.body)
		if r.status != http.StatusUnprocessableEntity || strings.Contains(r.text, zhang) || strings.Contains(r.text, li) {
			t.Errorf("%s %s: answered %d %s", c.path, c.body, r.status, r.text)
		}
		if !strings.Contains(r.text, `"location":"`+c.location+`"`) {
			t.Errorf("%s %s: does not point at %s: %s", c.path, c.body, c.location, r.text)
		}
	}
	// What is verified is named in fields: an unknown name is refused by place too.
	r := w.verify(zhang, map[string]string{zhang: "a", "XM": "b", "HJDZ": "c"})
	if r.status == http.StatusOK || strings.Contains(r.text, zhang) {
		t.Errorf("answered %d %s", r.status, r.text)
	}
	if strings.Contains(w.logs.String(), zhang) {
		t.Error("the log holds the number")
	}
}

// TestAuditTellsNoAnswer takes an entry and tries every answer that a verification
// could have had. Whoever holds the answer proves it with the entry and SHA-256.
func TestAuditTellsNoAnswer(t *testing.T) {
	w := start(t)
	w.zhangVerifiable()
	for _, address := range []string{"云岭市岭东区一街道1号", "云岭市岭东区一街道2号"} {
		r := w.verify(zhang, map[string]string{"XM": "张三", "HJDZ": address})
		e := w.entry(r)
		sum := sha256.Sum256([]byte(r.text))
		if e.Body != hex.EncodeToString(sum[:]) {
			t.Errorf("the entry does not prove the answer: %s of %s", e.Body, r.text)
		}
		nonce, _ := r.body["nonce"].(string)
		if len(nonce) < 26 || strings.Contains(fmt.Sprintf("%+v", e), nonce) {
			t.Fatalf("nonce %q", nonce)
		}
		// All of the answer that is in the entry or can be tried, and no nonce.
		for _, match := range []string{"true", "false"} {
			guess := fmt.Sprintf(`{"match":%s,"as_of":null,"stale":%t,"request_id":%q,"audit_id":%q}`, match, r.body["stale"] == true, e.Request, e.ID)
			for _, end := range []string{"", "\n"} {
				if audit.Digest([]byte(guess+end)) == e.Body {
					t.Error("the entry tells the answer")
				}
			}
		}
	}
	a := w.verify(zhang, map[string]string{"XM": "张三", "HJDZ": "云岭市岭东区一街道1号"})
	b := w.verify(zhang, map[string]string{"XM": "张三", "HJDZ": "云岭市岭东区一街道1号"})
	if a.body["nonce"] == b.body["nonce"] {
		t.Error("two answers have one nonce")
	}
}

// TestKeyInTheBody asks without a key in the address.
func TestKeyInTheBody(t *testing.T) {
	w := start(t)
	w.person(1, "张**")
	w.ready()
	one := func(body string) *reply {
		return w.do(http.MethodPost, "/v1/lookup/person.partial", "key-RS-GLJT", "GLJT", body)
	}
	eventually(t, "the record is there", func() bool { return one(`{"key":"`+zhang+`"}`).status == 200 })
	byPath := w.get("/v1/lookup/person.partial/"+zhang+"?fields=XM", "key-RS-GLJT", "GLJT")
	byBody := one(`{"key":"` + zhang + `","fields":["XM"]}`)
	if fmt.Sprint(byPath.body["data"]) != fmt.Sprint(byBody.body["data"]) || byBody.status != 200 {
		t.Errorf("by path %s\nby body %s", byPath.text, byBody.text)
	}
	p, b := w.entry(byPath), w.entry(byBody)
	if p.Operation != b.Operation || p.View != b.View || p.Subjects[0] != b.Subjects[0] || p.Rows != b.Rows || strings.Join(p.Fields, ",") != strings.Join(b.Fields, ",") {
		t.Errorf("audited as %+v\nand %+v", p, b)
	}
	for body, status := range map[string]int{`{}`: 422, `{"key":""}`: 422, `{"key":"12"}`: 422, `{"key":"` + li + `"}`: 404, `[]`: 422, `{"key":"` + zhang + `","fields":["LXDH"]}`: 403} {
		if r := one(body); r.status != status {
			t.Errorf("%s: answered %d %s", body, r.status, r.text)
		}
	}
	if r := w.do(http.MethodPost, "/v1/explain/person", supervisor, "SUPERVISE", `{"key":"`+zhang+`"}`); r.status != 404 || w.entry(r).Operation != "explain" {
		t.Errorf("explain: answered %d %s", r.status, r.text)
	}
	for _, r := range []*reply{byPath, byBody} {
		if r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("Cache-Control: %q", r.header.Get("Cache-Control"))
		}
	}
	if strings.Contains(w.logs.String(), zhang) {
		t.Error("the log holds the key")
	}
}

// described is what the OpenAPI page says of an operation.
type described struct {
	ID   string   `json:"operationId"`
	Tags []string `json:"tags"`
}

// operations returns every operation of the API, as "GET /v1/flow": those that the
// OpenAPI page describes, and those that are registered without it.
func operations(t *testing.T, w *world) map[string]described {
	t.Helper()
	page := w.get("/openapi.json", supervisor, "")
	var api struct {
		Paths map[string]map[string]described `json:"paths"`
	}
	if err := json.Unmarshal([]byte(page.text), &api); err != nil || page.status != http.StatusOK {
		t.Fatalf("openapi: %d %v", page.status, err)
	}
	out := map[string]described{}
	for path, methods := range api.Paths {
		for method, o := range methods {
			out[strings.ToUpper(method)+" "+path] = o
		}
	}
	files, err := filepath.Glob("*/*.go")
	must(t, err)
	byHand := regexp.MustCompile(`\.Handle(?:Func)?\("([A-Z]+ /v1/[^"]+)"`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		must(t, err)
		for _, m := range byHand.FindAllStringSubmatch(string(text), -1) {
			if _, there := out[m[1]]; !there {
				out[m[1]] = described{}
			}
		}
	}
	return out
}

// TestSupervisorsAreAudited reads every page about the exchange itself, whichever there
// are, and asks every other question: what is answered stands in the audit, and without
// an audit nothing is answered. Only what an application is told of itself does not.
func TestSupervisorsAreAudited(t *testing.T) {
	w := start(t)
	w.ready()
	unaudited := []string{"GET /v1/me", "GET /v1/console/apps"}
	some := strings.NewReplacer("/datasets/{id}", "/datasets/GA01", "/entities/{id}", "/entities/person", "{view}", "person.partial", "{entity}", "person", "{key}", zhang, "{id}", "none")
	pages := 0
	type question struct{ method, path, body, purpose string }
	var asked []question
	for name, o := range operations(t, w) {
		if slices.Contains(unaudited, name) || name == "GET /v1/events" || !strings.Contains(name, " /v1/") { // which never ends: below; health and descriptions
			continue
		}
		method, path, _ := strings.Cut(name, " ")
		path = some.Replace(path)
		q := question{method, path, "", ""}
		supervised := len(o.Tags) == 1 && (strings.HasPrefix(o.Tags[0], "目录") || strings.HasPrefix(o.Tags[0], "监督"))
		if !supervised {
			q.purpose = "GLJT"
		}
		if method != http.MethodGet {
			q.body = `{"key":"` + zhang + `"}`
			switch path {
			case "/v1/quarantine/settle":
				q.body = `{"id":"none"}`
			case "/v1/lookup":
				q.body = `{"view":"person.partial","keys":["` + zhang + `"]}`
			case "/v1/verify":
				q.body = `{"view":"person.verify","key":"` + zhang + `","fields":{"XM":"a","HJDZ":"b"}}`
			}
		}
		asked = append(asked, q)
		r := w.do(method, path, supervisor, q.purpose, q.body)
		t.Logf("%s: answered %d", name, r.status)
		e := w.entry(r)
		switch {
		case e.App != "SJ-JDGL" || e.Department != "SJ" || e.Status != r.status || e.Operation == "":
			t.Errorf("%s, answered %d: audited as %+v", name, r.status, e)
		case supervised:
			pages++
			if e.Purpose != "SUPERVISE" || e.Operation != o.ID || e.Decision != audit.Allow || strings.Contains(path, "GA01") && r.status != http.StatusOK {
				t.Errorf("%s, answered %d: audited as %+v", name, r.status, e)
			}
		}
	}
	if pages < 10 || len(asked) < 16 {
		t.Fatalf("%d pages, %d operations: too few for this to be all", pages, len(asked))
	}
	w.log.fail.Store(true)
	for _, q := range asked {
		if r := w.do(q.method, q.path, supervisor, q.purpose, q.body); r.status != http.StatusServiceUnavailable || r.code() != "YIYUAN-5030" {
			t.Errorf("%s %s without an audit: answered %d %s", q.method, q.path, r.status, r.text)
		}
	}
	if r := w.get("/v1/events", supervisor, ""); r.status != http.StatusServiceUnavailable {
		t.Errorf("events without an audit: answered %d", r.status)
	}
	w.log.fail.Store(false)
	ctx, hangUp := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/v1/events", nil)
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+supervisor)
	resp, err := http.DefaultClient.Do(r)
	must(t, err)
	reasons := func() (out []string) {
		for _, e := range w.entries() {
			if e.Operation == "events" && e.Request == resp.Header.Get("X-Request-Id") {
				out = append(out, e.App+" "+e.Reason)
			}
		}
		return out
	}
	if got := fmt.Sprint(reasons()); got != "[SJ-JDGL ok]" {
		t.Errorf("a stream that has begun is audited as %s", got)
	}
	hangUp()
	_ = resp.Body.Close()
	eventually(t, "the end of the stream is in the audit", func() bool { return fmt.Sprint(reasons()) == "[SJ-JDGL ok SJ-JDGL ended]" })
}
