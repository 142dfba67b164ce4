package gateway_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// page is the OpenAPI page, as a program reads it that makes its types of it.
type page struct {
	root     any
	compiler *jsonschema.Compiler
	schemas  map[string]*jsonschema.Schema
}

const pageURL = "https://yiyuan.test/openapi.json"

func readPage(t *testing.T, w *world) *page {
	t.Helper()
	root, err := jsonschema.UnmarshalJSON(strings.NewReader(w.get("/openapi.json", "", "").text))
	must(t, err)
	p := &page{root: root, compiler: jsonschema.NewCompiler(), schemas: map[string]*jsonschema.Schema{}}
	p.compiler.DefaultDraft(jsonschema.Draft2020)
	p.compiler.AssertFormat()
	must(t, p.compiler.AddResource(pageURL, root))
	return p
}

// at is what stands at a place, nil if nothing does.
func (p *page) at(names ...string) any {
	here := p.root
	for _, name := range names {
		object, _ := here.(map[string]any)
		here = object[name]
	}
	return here
}

// faults holds a value against the schema at a place.
func (p *page) faults(t *testing.T, value any, names ...string) error {
	t.Helper()
	at := pageURL + "#"
	for _, name := range names {
		at += "/" + strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D", "+", "%2B").Replace(name)
	}
	s := p.schemas[at]
	if s == nil {
		var err error
		s, err = p.compiler.Compile(at)
		must(t, err)
		p.schemas[at] = s
	}
	return s.Validate(value)
}

// operation is one of the page.
type operation struct{ path, method string }

func (o operation) String() string { return strings.ToUpper(o.method) + " " + o.path }

func (p *page) operations() (out []operation) {
	paths := p.at("paths").(map[string]any)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		for _, method := range slices.Sorted(maps.Keys(paths[path].(map[string]any))) {
			out = append(out, operation{path, method})
		}
	}
	return out
}

func (p *page) of(o operation, names ...string) any {
	return p.at(append([]string{"paths", o.path, o.method}, names...)...)
}

// answered holds an answer against the page: its status, its kind, its headers, its
// body and, of a refusal, its code.
func (p *page) answered(t *testing.T, what string, o operation, r *reply) {
	t.Helper()
	status := strconv.Itoa(r.status)
	if p.of(o, "responses", status) == nil {
		t.Errorf("%s (%s): answered %d, which is not described: %.300s", o, what, r.status, r.text)
		return
	}
	kind, _, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	if err != nil || p.of(o, "responses", status, "content", kind) == nil {
		t.Errorf("%s (%s): answered %d as %q, which is not described", o, what, r.status, r.header.Get("Content-Type"))
		return
	}
	p.bears(t, what, o, r)
	var body any = r.text
	if strings.HasSuffix(kind, "json") {
		body, err = jsonschema.UnmarshalJSON(strings.NewReader(r.text))
		must(t, err)
	}
	if err := p.faults(t, body, "paths", o.path, o.method, "responses", status, "content", kind, "schema"); err != nil {
		t.Errorf("%s (%s): answered %d: %v\n%.600s", o, what, r.status, err, r.text)
	}
	if kind == "application/problem+json" {
		codes, _ := p.of(o, "responses", status, "x-codes").([]any)
		if !slices.Contains(codes, any(r.code())) {
			t.Errorf("%s (%s): answered %d with %s, described are %v", o, what, r.status, r.code(), codes)
		}
	}
}

// good are paths and bodies that are answered with 200, by operation.
var good = map[string][2]string{
	"GET /v1/lookup/{view}/{key}":     {"/v1/lookup/person.partial/" + zhang + "?fields=XM,CSRQ", ""},
	"POST /v1/lookup/{view}":          {"/v1/lookup/person.partial", `{"key":"` + zhang + `","fields":["XM"]}`},
	"POST /v1/lookup":                 {"/v1/lookup", `{"view":"person.partial","keys":["` + zhang + `","1","` + li + `"],"fields":["XM"]}`},
	"POST /v1/verify":                 {"/v1/verify", `{"view":"person.verify","key":"` + zhang + `","fields":{"XM":"张三","HJDZ":"云岭市岭东区一街道1号"}}`},
	"GET /v1/explain/{entity}/{key}":  {"/v1/explain/person/" + zhang, ""},
	"POST /v1/explain/{entity}":       {"/v1/explain/person", `{"key":"` + zhang + `","fields":["XM"]}`},
	"GET /v1/catalogue/datasets/{id}": {"/v1/catalogue/datasets/GA01", ""},
	"GET /v1/catalogue/entities/{id}": {"/v1/catalogue/entities/person", ""},
	"GET /v1/findings":                {"/v1/findings?state=open&rule=XV-01&severity=high&limit=1", ""},
	"GET /v1/findings/{id}":           {"/v1/findings/f", ""},
	"GET /v1/quarantine":              {"/v1/quarantine?dataset=GA01&source=ga&reason=invalid&state=open&limit=500", ""},
	"POST /v1/quarantine/settle":      {"/v1/quarantine/settle", `{"id":"{entry}"}`},
	"GET /readyz":                     {"/readyz?verbose", ""},
}

// wellAsked is how an operation is asked that is answered with 200, if not as it stands. The
// one entry of quarantine is the first of its partition.
func wellAsked(operation string) (asked [2]string, is bool) {
	asked, is = good[operation]
	key := contract.Rejection{Dataset: "GA01", Source: "ga", Locator: "t@1"}.Key()
	asked[1] = strings.ReplaceAll(asked[1], "{entry}", contract.EntryID(bus.PartitionOf([]byte(key), 2), 0))
	return asked, is
}

// who asks an operation, and what for.
func asker(path string) (key, purpose string) {
	if strings.Contains(path, "lookup") || strings.Contains(path, "verify") {
		return "key-RS-GLJT", "GLJT"
	}
	return supervisor, "SUPERVISE"
}

// described is a world in which every operation can be answered, and its page.
func describedWorld(t *testing.T, options ...option) (*world, *page) {
	t.Helper()
	w := start(t, options...)
	l := schemas.ExplainLayout
	w.zhangVerifiable()
	w.person(1, "张*")
	w.publish([]string{"GA01"}, w.shared("person.explain", zhang, 1, map[string]schemas.Value{"cells": rows(l, "cells", map[string]schemas.Value{
		"field": schemas.Text("XM"), "dataset": schemas.Text("GA01"), "at": schemas.Int(1), "losers": rows(l.Columns[0].Rows, "losers", map[string]schemas.Value{"dataset": schemas.Text("MZ01")}),
	})}), w.finding("f", "open", zhang, time.Now()), w.refused("GA01", "r", time.Now(), zhang), w.rejected("GA01", "", "ga", 1, contract.ReasonInvalid))
	w.ready()
	eventually(t, "all is there", func() bool {
		rejected, _ := w.list("", supervisor, "")
		return rejected.Total == 1 && w.get("/v1/explain/person/"+zhang, supervisor, "SUPERVISE").status == http.StatusOK && w.get("/v1/findings/f", supervisor, "").status == http.StatusOK &&
			strings.Contains(w.get("/v1/lookup/person.partial/"+zhang, "key-RS-GLJT", "GLJT").text, `"refused":[{`)
	})
	w.knowing()
	return w, readPage(t, w)
}

// TestAnswersAreAsDescribed asks every operation of the OpenAPI page well, and in every
// bad way that its parameters and its body offer, and holds what is answered against the
// page: what its schemas refuse is refused, and each answer is one of those it describes.
func TestAnswersAreAsDescribed(t *testing.T) {
	w, p := describedWorld(t, func(c *gateway.Config) { c.DemoApps = []gateway.DemoApp{{ID: "A"}} })
	asked := 0
	ids := map[string][]string{"/v1/catalogue/datasets/{id}": {}, "/v1/catalogue/entities/{id}": {}}
	for _, d := range w.cat.Datasets {
		ids["/v1/catalogue/datasets/{id}"] = append(ids["/v1/catalogue/datasets/{id}"], d.ID)
	}
	for _, e := range w.cat.Entities {
		ids["/v1/catalogue/entities/{id}"] = append(ids["/v1/catalogue/entities/{id}"], e.ID)
	}
	for _, o := range p.operations() {
		if o.path == "/v1/events" { // never ends: TestEventsAreAsDescribed
			continue
		}
		ask, body := o.path, ""
		if g, is := wellAsked(o.String()); is {
			ask, body = g[0], g[1]
		}
		key, purpose := asker(o.path)
		method := strings.ToUpper(o.method)
		try := func(what, ask, key, purpose, body string, statuses ...int) {
			t.Helper()
			asked++
			r := w.do(method, ask, key, purpose, body)
			if len(statuses) > 0 && !slices.Contains(statuses, r.status) {
				t.Errorf("%s (%s): answered %d, want %v: %.400s", o, what, r.status, statuses, r.text)
			}
			p.answered(t, what, o, r)
		}
		try("well", ask, key, purpose, body, http.StatusOK)
		_, open := p.of(o, "security").([]any)
		for _, id := range ids[o.path] {
			try(id, strings.Replace(o.path, "{id}", id, 1), key, purpose, "", http.StatusOK)
		}
		if !open {
			try("no key", ask, "", purpose, body, 401)
			try("a wrong key", ask, "guess", purpose, body, 401)
		}
		if p.param(o, "X-Purpose") != nil {
			try("no purpose", ask, key, "", body, 403)
			try("an unknown purpose", ask, key, "NONE", body, 403)
			try("another's purpose", ask, key, "QYZX", body, 403)
		} else if strings.Contains(o.path, "/v1/") && !open && p.of(o, "responses", "403") != nil {
			try("no supervisor", ask, "key-RS-GLJT", "", body, 403)
		}
		try("an unknown parameter", strings.Split(ask, "?")[0]+"?none=1", key, purpose, body, 422)
		try("bad escapes", strings.Split(ask, "?")[0]+"?fields=%zz", key, purpose, body, 422)
		if body == "" && !strings.HasSuffix(o.path, "z") { // health is answered before anything is looked at
			try("a body", ask, key, purpose, "{}", 400)
		}
		for _, q := range p.params(o, "query") {
			base := strings.Split(ask, "?")[0]
			name := q["name"].(string)
			if name == "verbose" {
				continue
			}
			try(name+" empty", base+"?"+name+"=", key, purpose, body, 422)
			try(name+" twice", base+"?"+name+"=a&"+name+"=a", key, purpose, body, 422)
			for _, bad := range p.bad(t, o, q) {
				try(name+"="+bad, base+"?"+name+"="+bad, key, purpose, body, 400, 422)
			}
		}
		for _, q := range p.params(o, "path") {
			path := strings.Split(o.path, "{"+q["name"].(string)+"}")[0]
			for _, bad := range []string{"none", ".", "..", "%00", "%E5%BC%A0", strings.Repeat("a", 600)} {
				full := path + bad + strings.NewReplacer("{key}", zhang).Replace(strings.SplitN(o.path, "}", 2)[1])
				if q["name"] == "key" {
					full = strings.NewReplacer("{view}", "person.partial", "{entity}", "person").Replace(path) + bad
				}
				r := w.do(method, full, key, purpose, body)
				asked++
				if r.status == http.StatusOK || r.status >= 500 {
					t.Errorf("%s: %.80s: answered %d", o, full, r.status)
				}
				p.answered(t, full[:min(len(full), 80)], o, r)
			}
		}
		if body != "" {
			p.bodies(t, w, o, ask, key, purpose, body, &asked)
		}
	}
	if asked < 480 {
		t.Errorf("%d questions: too few for this to be all", asked)
	}
	t.Logf("%d questions", asked)
}

func (p *page) params(o operation, in string) (out []map[string]any) {
	all, _ := p.of(o, "parameters").([]any)
	for _, q := range all {
		if q := q.(map[string]any); q["in"] == in {
			out = append(out, q)
		}
	}
	return out
}

func (p *page) param(o operation, name string) map[string]any {
	for _, q := range p.params(o, "header") {
		if q["name"] == name {
			return q
		}
	}
	return nil
}

// bad are values of a parameter that its schema refuses.
func (p *page) bad(t *testing.T, o operation, q map[string]any) (out []string) {
	t.Helper()
	all, _ := p.of(o, "parameters").([]any)
	i := slices.IndexFunc(all, func(x any) bool { return x.(map[string]any)["name"] == q["name"] })
	for _, value := range []string{"0", "-1", "501", "1.5", "x", "none", ",", "XM,", strings.Repeat("a", 300), "%E5%BC%A0"} {
		var v any = value
		if q["schema"].(map[string]any)["type"] == "integer" {
			if _, err := strconv.ParseFloat(value, 64); err == nil {
				v = json.Number(value)
			}
		}
		at := pageURL + "#/paths/" + strings.NewReplacer("/", "~1", "{", "%7B", "}", "%7D").Replace(o.path) + "/" + o.method + "/parameters/" + strconv.Itoa(i) + "/schema"
		s, err := p.compiler.Compile(at)
		must(t, err)
		if s.Validate(v) != nil {
			out = append(out, value)
		}
	}
	return out
}

// bodies sends what a body can be: with each member left out, null, of every other kind,
// too long, and with one more. What the schema refuses is refused.
func (p *page) bodies(t *testing.T, w *world, o operation, ask, key, purpose, body string, asked *int) {
	t.Helper()
	send := func(what string, body []byte, status int) {
		t.Helper()
		*asked++
		r := w.do(strings.ToUpper(o.method), ask, key, purpose, string(body))
		if r.status != status && status != 0 {
			t.Errorf("%s (%s): answered %d, want %d: %.300s", o, what, r.status, status, r.text)
		}
		p.answered(t, what, o, r)
	}
	send("torn", []byte(body[:len(body)-1]), 400)
	send("twice", []byte(body+body), 0)
	send("a list", []byte("["+body+"]"), 422)
	var members map[string]any
	must(t, json.Unmarshal([]byte(body), &members))
	with := func(name string, change func(map[string]any)) {
		t.Helper()
		one := maps.Clone(members)
		change(one)
		text, err := json.Marshal(one)
		must(t, err)
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		must(t, err)
		status := 0
		if p.faults(t, value, "paths", o.path, o.method, "requestBody", "content", "application/json", "schema") != nil {
			status = 422
		}
		send(name, text, status)
	}
	with("one more", func(m map[string]any) { m["none"] = 1 })
	long := make([]string, 1001)
	for name := range members {
		with(name+" left out", func(m map[string]any) { delete(m, name) })
		for _, other := range []any{nil, true, 1, 1.5, "", "x", strings.Repeat("a", 600), []string{}, []string{"x"}, []any{nil}, []any{1}, long, map[string]any{}, map[string]any{"XM": nil}, map[string]any{"XM": 1}} {
			with(fmt.Sprintf("%s is %.40v", name, other), func(m map[string]any) { m[name] = other })
		}
	}
	for kind, status := range map[string]int{"text/plain": 415, "": 415, "application/json; charset=gbk": 415} {
		*asked++
		r, err := http.NewRequestWithContext(t.Context(), strings.ToUpper(o.method), w.url+ask, strings.NewReader(body))
		must(t, err)
		r.Header.Set("Authorization", "Bearer "+key)
		r.Header.Set("X-Purpose", purpose)
		if kind != "" {
			r.Header.Set("Content-Type", kind)
		}
		if got := w.send(r); got.status != status {
			t.Errorf("%s as %q: answered %d", o, kind, got.status)
		} else {
			p.answered(t, "as "+kind, o, got)
		}
	}
	*asked++
	r, err := http.NewRequestWithContext(t.Context(), strings.ToUpper(o.method), w.url+ask, struct{ *strings.Reader }{strings.NewReader(body)})
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	r.ContentLength = -1
	got := w.send(r)
	if got.status != http.StatusLengthRequired {
		t.Errorf("%s in chunks: answered %d", o, got.status)
	}
	p.answered(t, "in chunks", o, got)
}

// TestTroubleIsAsDescribed asks everything while the audit cannot be written and while the
// cache does not answer, and more than a quota allows.
func TestTroubleIsAsDescribed(t *testing.T) {
	w, p := describedWorld(t)
	each := func(what string, status int) {
		t.Helper()
		for _, o := range p.operations() {
			if !strings.HasPrefix(o.path, "/v1/") || o.path == "/v1/me" || o.path == "/v1/events" || status == 0 && p.param(o, "X-Purpose") == nil {
				continue
			}
			ask, body := o.path, ""
			if g, is := wellAsked(o.String()); is {
				ask, body = g[0], g[1]
			}
			key, purpose := asker(o.path)
			r := w.do(strings.ToUpper(o.method), ask, key, purpose, body)
			if r.status != http.StatusServiceUnavailable {
				t.Errorf("%s, %s: answered %d", what, o, r.status)
			}
			p.answered(t, what, o, r)
		}
	}
	for range 4 {
		r := w.get("/v1/lookup/enterprise.public/"+firm, "key-SP-QYZX", "QYZX")
		p.answered(t, "quota", operation{"/v1/lookup/{view}/{key}", "get"}, r)
		if r.status != http.StatusNotFound && r.status != http.StatusTooManyRequests {
			t.Errorf("quota: answered %d", r.status)
		}
	}
	r := w.post("/v1/lookup", "key-SP-QYZX", "QYZX", map[string]any{"view": "enterprise.public", "keys": []string{firm, firm, firm, firm}})
	p.answered(t, "more than a quota", operation{"/v1/lookup", "post"}, r)
	if r.status != 422 {
		t.Errorf("more than a quota: answered %d", r.status)
	}
	w.log.fail.Store(true)
	each("no audit", http.StatusServiceUnavailable)
	w.log.fail.Store(false)
	if w.mini == nil {
		return
	}
	w.mini.Close()
	each("no cache", 0)
	ready := operation{"/readyz", "get"}
	eventually(t, "it is noticed", func() bool { return w.get("/readyz", "", "").status == http.StatusServiceUnavailable })
	p.answered(t, "no cache", ready, w.get("/readyz?verbose", "", ""))
}

// TestEventsAreAsDescribed reads a stream: its data is what the page says.
func TestEventsAreAsDescribed(t *testing.T) {
	w, p := describedWorld(t)
	o := operation{"/v1/events", "get"}
	p.answered(t, "no key", o, w.get(o.path, "", ""))
	p.answered(t, "no supervisor", o, w.get(o.path, "key-RS-GLJT", ""))
	p.answered(t, "a parameter", o, w.get(o.path+"?x=1", supervisor, ""))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+o.path, nil)
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+supervisor)
	resp, err := http.DefaultClient.Do(r)
	must(t, err)
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, is := strings.CutPrefix(lines.Text(), "data: ")
		if !is {
			continue
		}
		p.answered(t, "a stream", o, &reply{status: resp.StatusCode, header: resp.Header, text: lines.Text()})
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(data))
		must(t, err)
		if err := p.faults(t, value, "components", "schemas", "FlowPage"); err != nil {
			t.Error(err)
		}
		return
	}
	t.Errorf("no event: %v", lines.Err())
}

// TestOpenPagesAreAsDescribed: where the pages about the exchange need no key, the page
// says so, of these and of no others.
func TestOpenPagesAreAsDescribed(t *testing.T) {
	w := start(t, func(c *gateway.Config) { c.OpenConsole = true })
	w.ready()
	p := readPage(t, w)
	for _, o := range p.operations() {
		if o.path == "/v1/events" {
			continue
		}
		ask, body := o.path, ""
		if g, is := wellAsked(o.String()); is {
			ask, body = g[0], g[1]
		}
		_, own := p.of(o, "security").([]any)
		r := w.do(strings.ToUpper(o.method), ask, "", "GLJT", body)
		p.answered(t, "no key", o, r)
		if needs := r.status == http.StatusUnauthorized; needs == own {
			t.Errorf("%s: answered %d without a key, described with security %v", o, r.status, p.of(o, "security"))
		}
	}
	for _, path := range []string{"/livez", "/readyz", "/v1/verify", "/v1/flow"} {
		if r := w.do(http.MethodPut, path, supervisor, "", ""); r.status != http.StatusMethodNotAllowed || r.header.Get("Allow") == "" {
			t.Errorf("PUT %s: answered %d, Allow %q", path, r.status, r.header.Get("Allow"))
		}
	}
}

// TestEveryRouteIsDescribed holds what is bound by hand against the page: what huma binds
// it describes.
func TestEveryRouteIsDescribed(t *testing.T) {
	w := start(t)
	p := readPage(t, w)
	known := map[string]bool{}
	for _, o := range p.operations() {
		known[o.String()] = true
	}
	for name := range operations(t, w) {
		if !known[name] {
			t.Errorf("%s is not described", name)
		}
	}
	for _, name := range []string{"GET /livez", "GET /readyz", "GET /openapi.json", "GET /openapi.yaml", "GET /openapi-3.0.json", "GET /openapi-3.0.yaml", "GET /v1/events"} {
		if !known[name] {
			t.Errorf("%s is not described", name)
		}
	}
	if text := w.get("/openapi.json", "", "").text; strings.Contains(text, `"default"`+`:{"description`) || strings.Contains(text, "ErrorModel") {
		t.Error("something is described that is never answered")
	}
}
