package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
)

// call sends a request and returns status and body.
func call(tb testing.TB, url, method, path, body string, headers ...string) (int, string) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, url+path, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", mediaType)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return res.StatusCode, strings.TrimSpace(string(text))
}

func serve(tb testing.TB, r *Registry) string {
	tb.Helper()
	s := httptest.NewServer(r.Handler(everything))
	tb.Cleanup(s.Close)
	return s.URL
}

// everything is what the tests may do.
var everything = Access{MayWrite: func(*http.Request) bool { return true }, AllowDelete: true}

// post writes the body of a request that carries a schema.
func post(schema string) string { return `{"schema":` + strconv.Quote(schema) + `}` }

// TestAPI is one conversation with the registry, request by request.
func TestAPI(t *testing.T) {
	t.Parallel()
	url := serve(t, open(t, newLog()))
	v1, v2 := schemaOf("GA01"), schemaOf("GA01", "XM")
	own, own2 := strings.Replace(v1, "GMSFHM", "OWN", 1), strings.Replace(v2, "GMSFHM", "OWN", 1)
	breaking := strings.Replace(v1, `"string"`, `"long"`, 1)
	for i, c := range []struct {
		method, path, body string
		status             int
		want               string // part of the answer, {1} and {2} are the schemas
	}{
		{"GET", "/", "", 200, `{}`},
		{"GET", "/subjects", "", 200, `[]`},
		{"GET", "/schemas/types", "", 200, `["AVRO"]`},
		{"GET", "/contexts", "", 200, `["."]`},
		{"GET", "/subjects/hr.GA01-value/versions", "", 404, `"error_code":40401`},
		{"GET", "/subjects/hr.GA01-value/versions/latest", "", 404, `"error_code":40401`},
		{"GET", "/schemas/ids/1", "", 404, `"error_code":40403`},
		{"GET", "/schemas/ids/x", "", 404, `"error_code":40403`},
		{"POST", "/subjects/hr.GA01-value", post(v1), 404, `"error_code":40401`},
		{"POST", "/subjects/hr.GA01-value/versions", post(v1), 200, `"id":1`},
		{"POST", "/subjects/hr.GA01-value/versions", post(v1), 200, `"version":1,"id":1`},
		{"POST", "/subjects/hr.GA01-value", post(v2), 404, `"error_code":40403`},
		{"POST", "/compatibility/subjects/hr.GA01-value/versions/latest", post(v2), 200, `{"is_compatible":true}`},
		{"POST", "/compatibility/subjects/hr.GA01-value/versions/latest", post(breaking), 200, `{"is_compatible":false}`},
		{"POST", "/compatibility/subjects/hr.GA01-value/versions/1?verbose=true", post(breaking), 200, `GMSFHM`},
		{"POST", "/compatibility/subjects/hr.GA01-value/versions?verbose=true", post(breaking), 200, `compatibility: BACKWARD`},
		{"POST", "/compatibility/subjects/hr.GA01-value/versions/7", post(v2), 404, `"error_code":40402`},
		{"POST", "/compatibility/subjects/none/versions/1", post(v2), 404, `"error_code":40401`},
		{"POST", "/subjects/hr.GA01-value/versions", post(v2), 200, `"version":2,"id":2`},
		{"POST", "/subjects/hr.GA01-value/versions", post(breaking), 409, `"error_code":409`},
		{"POST", "/subjects/copy-value/versions", post(v2), 200, `"version":1,"id":2`},
		{"GET", "/subjects", "", 200, `["copy-value","hr.GA01-value"]`},
		{"GET", "/subjects?subjectPrefix=hr", "", 200, `["hr.GA01-value"]`},
		{"GET", "/subjects/hr.GA01-value/versions", "", 200, `[1,2]`},
		{"GET", "/subjects/hr.GA01-value/versions/2", "", 200, `"subject":"hr.GA01-value","version":2,"id":2`},
		{"GET", "/subjects/hr.GA01-value/versions/latest/schema", "", 200, `{2}`},
		{"GET", "/subjects/hr.GA01-value/versions/-1", "", 200, `"version":2`},
		{"GET", "/subjects/hr.GA01-value/versions/3", "", 404, `"error_code":40402`},
		{"GET", "/subjects/hr.GA01-value/versions/0", "", 422, `"error_code":42202`},
		{"GET", "/subjects/hr.GA01-value/versions/x", "", 422, `"error_code":42202`},
		{"GET", "/subjects/hr.GA01-value/versions/1/referencedby", "", 200, `[]`},
		{"GET", "/schemas/ids/1/schema", "", 200, `{1}`},
		{"GET", "/schemas/ids/1?fetchMaxId=true", "", 200, `"maxId":2`},
		{"GET", "/schemas/ids/2/versions", "", 200, `[{"subject":"copy-value","version":1},{"subject":"hr.GA01-value","version":2}]`},
		{"GET", "/schemas/ids/2/subjects", "", 200, `["copy-value","hr.GA01-value"]`},
		{"GET", "/schemas?latestOnly=true&subjectPrefix=hr", "", 200, `"version":2`},
		{"POST", "/subjects/hr.GA01-value", post(v2), 200, `"version":2,"id":2`},
		{"GET", "/config", "", 200, `{"compatibilityLevel":"BACKWARD"}`},
		{"GET", "/config/hr.GA01-value", "", 404, `"error_code":40408`},
		{"GET", "/config/hr.GA01-value?defaultToGlobal=true", "", 200, `"BACKWARD"`},
		{"PUT", "/config", `{"compatibility":"full"}`, 200, `{"compatibility":"FULL"}`},
		{"PUT", "/config/hr.GA01-value", `{"compatibility":"NONE"}`, 200, `{"compatibility":"NONE"}`},
		{"PUT", "/config/hr.GA01-value", `{"compatibility":"SIDEWAYS"}`, 422, `"error_code":42203`},
		{"GET", "/config/other-value?defaultToGlobal=true", "", 200, `"FULL"`},
		{"GET", "/config/hr.GA01-value", "", 200, `"NONE"`},
		{"POST", "/subjects/hr.GA01-value/versions", post(breaking), 200, `"version":3,"id":3`},
		{"DELETE", "/config/hr.GA01-value", "", 200, `"compatibilityLevel":"NONE"`},
		{"DELETE", "/config/hr.GA01-value", "", 404, `"error_code":40408`},
		{"DELETE", "/config", "", 200, `"FULL"`},
		{"GET", "/config", "", 200, `"BACKWARD"`},
		{"DELETE", "/subjects/hr.GA01-value/versions/3?permanent=true", "", 404, `"error_code":40407`},
		{"DELETE", "/subjects/hr.GA01-value/versions/latest", "", 200, `3`},
		{"DELETE", "/subjects/hr.GA01-value/versions/3", "", 404, `"error_code":40406`},
		{"GET", "/subjects/hr.GA01-value/versions", "", 200, `[1,2]`},
		{"GET", "/subjects/hr.GA01-value/versions?deleted=true", "", 200, `[1,2,3]`},
		{"GET", "/subjects/hr.GA01-value/versions/3", "", 404, `"error_code":40402`},
		{"GET", "/subjects/hr.GA01-value/versions/3?deleted=true", "", 200, `"id":3`},
		{"GET", "/schemas/ids/3", "", 200, `"schema"`}, // records name it still
		{"DELETE", "/subjects/hr.GA01-value?permanent=true", "", 404, `"error_code":40405`},
		{"DELETE", "/subjects/hr.GA01-value", "", 200, `[1,2]`},
		{"DELETE", "/subjects/hr.GA01-value", "", 404, `"error_code":40404`},
		{"GET", "/subjects", "", 200, `["copy-value"]`},
		{"GET", "/subjects?deleted=true", "", 200, `["copy-value","hr.GA01-value"]`},
		{"GET", "/subjects?deletedOnly=true", "", 200, `["hr.GA01-value"]`},
		{"POST", "/subjects/hr.GA01-value/versions", post(v1), 200, `"version":4,"id":1`}, // the id it had
		{"DELETE", "/subjects/hr.GA01-value", "", 200, `[4]`},
		{"POST", "/subjects/hr.GA01-value/versions", post(v1), 200, `"version":5,"id":1`},
		{"POST", "/subjects/own-value/versions", post(own), 200, `"version":1,"id":4`},
		{"POST", "/subjects/own-value/versions", post(own2), 200, `"version":2,"id":5`},
		{"POST", "/subjects/own-value/versions", post(`{"type":"thing"}`), 422, "no valid Avro schema"}, // no profile holds for it
		{"POST", "/subjects/brief-value/versions", post(own), 200, `"id":4`},
		{"PUT", "/config/brief-value", `{"compatibility":"NONE"}`, 200, "NONE"},
		{"PUT", "/mode/brief-value", `{"mode":"READWRITE"}`, 200, "READWRITE"},
		{"PUT", "/mode", `{"mode":"READONLY"}`, 200, "READONLY"},
		{"GET", "/mode/brief-value", "", 200, `{"mode":"READWRITE"}`},
		{"DELETE", "/subjects/brief-value", "", 200, `[1]`},
		{"GET", "/config/brief-value", "", 404, `"error_code":40408`}, // they go with it
		{"GET", "/mode/brief-value", "", 200, `{"mode":"READONLY"}`},
		{"PUT", "/mode", `{"mode":"READWRITE"}`, 200, "READWRITE"},
		{"DELETE", "/subjects/brief-value?permanent=true", "", 200, `[1]`},
		{"DELETE", "/subjects/own-value/versions/2", "", 200, `2`},
		{"DELETE", "/subjects/own-value/versions/2?permanent=true", "", 200, `2`},
		{"GET", "/schemas/ids/5", "", 404, `"error_code":40403`},
		{"DELETE", "/subjects/own-value", "", 200, `[1]`},
		{"DELETE", "/subjects/own-value?permanent=true", "", 200, `[1]`},
		{"DELETE", "/subjects/none", "", 404, `"error_code":40401`},
		{"POST", "/subjects/own-value/versions", post(own), 200, `"version":1,"id":6`}, // never 4 or 5 again
		{"GET", "/mode", "", 200, `{"mode":"READWRITE"}`},
		{"GET", "/mode/hr.GA01-value", "", 200, `{"mode":"READWRITE"}`},
		{"PUT", "/mode", `{"mode":"READWRITE"}`, 200, `{"mode":"READWRITE"}`},
		{"PUT", "/mode", `{"mode":"IMPORT"}`, 422, `"error_code":42205`},
		{"PUT", "/mode", `{"mode":"X"}`, 422, `"error_code":42204`},
		// A subject with a slash, as clients escape it.
		{"POST", "/subjects/a%2Fb/versions", post(v1), 200, `"id":1`},
		{"GET", "/subjects/a%2Fb/versions/1", "", 200, `"subject":"a/b"`},
	} {
		status, got := call(t, url, c.method, c.path, c.body)
		want := strings.NewReplacer("{1}", v1, "{2}", v2).Replace(c.want)
		if status != c.status || !strings.Contains(got, want) {
			t.Fatalf("%d: %s %s = %d %s, want %d with %s", i, c.method, c.path, status, got, c.status, want)
		}
	}
}

// TestBadRequests: what is wrong with a request is said, and not by a panic.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	log := newLog()
	url := serve(t, open(t, log))
	const versions = "/subjects/raw.GA01-value/versions"
	good := schemaOf("GA01")
	for name, c := range map[string]struct {
		method, path, body string
		headers            []string
		status             int
		want               string
	}{
		"no body":            {"POST", versions, "", nil, 400, "JSON"},
		"not JSON":           {"POST", versions, "schema=1", nil, 400, "JSON"},
		"cut JSON":           {"POST", versions, `{"schema":"`, nil, 400, "JSON"},
		"list":               {"POST", versions, `[]`, nil, 400, "JSON"},
		"schema not a text":  {"POST", versions, `{"schema":{"type":"string"}}`, nil, 400, "JSON"},
		"no schema":          {"POST", versions, `{}`, nil, 422, "42201"},
		"schema not JSON":    {"POST", versions, post("{"), nil, 422, "42201"},
		"schema not Avro":    {"POST", versions, post(`{"type":"thing"}`), nil, 422, "42201"},
		"outside profile":    {"POST", versions, post(`{"type":"array","items":"null"}`), nil, 422, "42201"},
		"recursive":          {"POST", versions, post(`{"type":"record","name":"R","fields":[{"name":"n","type":["null","R"]}]}`), nil, 422, "42201"},
		"protobuf":           {"POST", versions, `{"schemaType":"PROTOBUF","schema":"syntax = \"proto3\";"}`, nil, 422, "PROTOBUF is not"},
		"references":         {"POST", versions, `{"schema":"{}","references":[{"name":"a","subject":"b","version":1}]}`, nil, 422, "there is no such subject or version"},
		"id given":           {"POST", versions, `{"id":9,"schema":` + strconv.Quote(good) + `}`, nil, 422, "42205"},
		"deep JSON":          {"POST", versions, `{"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, nil, 400, "nested too deep"},
		"2 MiB":              {"POST", versions, `{"schema":"` + strings.Repeat("x", 2<<20) + `"}`, nil, 413, "1 MiB"},
		"XML":                {"POST", versions, `<schema/>`, []string{"Content-Type", "application/xml"}, 415, "unsupported content type"},
		"content type lies":  {"POST", versions, post(good), []string{"Content-Type", ";;"}, 415, "unsupported content type"},
		"subject of control": {"POST", "/subjects/a%0Ab/versions", post(good), nil, 422, "42208"},
		"subject of 300":     {"POST", "/subjects/" + strings.Repeat("s", 300) + "/versions", post(good), nil, 422, "42208"},
		"subject of bytes":   {"POST", "/subjects/%FF/versions", post(good), nil, 422, "42208"},
		"global as subject":  {"PUT", "/config/__GLOBAL", `{"compatibility":"NONE"}`, nil, 422, "42208"},
		"level missing":      {"PUT", "/config", `{}`, nil, 422, "42203"},
		"lookup of nonsense": {"POST", "/subjects/raw.GA01-value", post(`"string"`), nil, 422, "42201"},
		"huge id":            {"GET", "/schemas/ids/99999999999999999999", "", nil, 404, "40403"},
		"negative id":        {"GET", "/schemas/ids/-1", "", nil, 404, "40403"},
		"metadata":           {"POST", versions, `{"schema":` + strconv.Quote(good) + `,"metadata":{"tags":{}}}`, nil, 422, "metadata: member not supported"},
		"rule set":           {"POST", versions, `{"schema":` + strconv.Quote(good) + `,"ruleSet":{"domainRules":[]}}`, nil, 422, "ruleSet: member not supported"},
		"alias":              {"PUT", "/config/a", `{"compatibility":"NONE","alias":"b"}`, nil, 422, "alias: member not supported"},
		"level normalises":   {"PUT", "/config", `{"normalize":true}`, nil, 422, "normalize: member not supported"},
		"member is a number": {"POST", versions, `{"539902198503120013":1}`, nil, 422, "?: member not supported"},
		"member twice":       {"POST", versions, `{"schema":"a","schema":"b"}`, nil, 400, "duplicate"},
		"normalize":          {"POST", versions + "?normalize=true", post(good), nil, 422, "normalize: not supported"},
		"flag is no boolean": {"GET", "/subjects?deleted=1x", "", nil, 422, "deleted: must be true or false"},
		"flag unknown":       {"GET", "/subjects?delete=true", "", nil, 422, "delete: unknown parameter"},
		"format":             {"GET", "/schemas/ids/1?format=serialized", "", nil, 422, "format: not supported"},
		"paging":             {"GET", "/schemas?limit=x", "", nil, 422, "limit: must be a whole number"},
		"normalize, Python":  {"POST", versions + "?normalize=True", post(good), nil, 422, "normalize: not supported"},
		"tags":               {"GET", "/schemas/ids/1?findTags=PII", "", nil, 422, "findTags: tags are not supported"},
		"context":            {"POST", "/subjects/:.other:a/versions", post(good), nil, 422, "contexts are not supported"},
		"context in a query": {"GET", "/schemas/ids/1?subject=:.other:a", "", nil, 422, "contexts are not supported"},
		"mode of a subject":  {"PUT", "/mode/a", `{"mode":"READONLY_OVERRIDE"}`, nil, 422, "READONLY_OVERRIDE is not supported"},
		"import mode":        {"PUT", "/mode/a", `{"mode":"IMPORT"}`, nil, 422, "IMPORT is not supported"},
		"unknown path":       {"GET", "/v1/metadata/version", "", nil, 404, `"error_code":404`},
		"unknown method":     {"PATCH", "/subjects", "", nil, 405, `"error_code":405`},
	} {
		status, got := call(t, url, c.method, c.path, c.body, c.headers...)
		if status != c.status || !strings.Contains(got, c.want) {
			t.Errorf("%s: %d %.300s, want %d with %q", name, status, got, c.status, c.want)
		}
		var p answerError
		if err := json.Unmarshal([]byte(got), &p); err != nil || p.Code == 0 || p.Message == "" {
			t.Errorf("%s: %.300s is not an error in the API's form", name, got)
		}
	}
	if len(log.records) != 0 {
		t.Errorf("%d records were written", len(log.records))
	}
	if status, _ := call(t, url, "PATCH", "/subjects", ""); status != http.StatusMethodNotAllowed {
		t.Errorf("PATCH: %d, want 405", status)
	}
	for _, ct := range []string{"application/json", "application/json; charset=utf-8", "application/vnd.schemaregistry+json", "application/octet-stream"} {
		if status, got := call(t, url, "POST", "/subjects/hr.GA01-value/versions", post(good), "Content-Type", ct); status != 200 {
			t.Errorf("content type %s: %d %s", ct, status, got)
		}
	}
}

// TestWhoMayWrite: strangers read; writing, and deleting, are for those who may.
func TestWhoMayWrite(t *testing.T) {
	t.Parallel()
	r := open(t, newLog())
	handler := func(a Access) string {
		s := httptest.NewServer(r.Handler(a))
		t.Cleanup(s.Close)
		return s.URL
	}
	key := func(req *http.Request) bool { return req.Header.Get("Authorization") == "Bearer k" }
	closed, locked := handler(Access{}), handler(Access{MayWrite: key})
	whole := handler(Access{MayWrite: key, AllowDelete: true})
	const versions = "/subjects/hr.GA01-value/versions"
	v1 := post(schemaOf("GA01"))
	for i, c := range []struct {
		url, method, path, body, key string
		status                       int
		want                         string
	}{
		{closed, "POST", versions, v1, "k", 403, `"error_code":40301`},
		{locked, "POST", versions, v1, "", 401, `"error_code":40101`},
		{locked, "POST", versions, v1, "other", 401, `"error_code":40101`},
		{locked, "PUT", "/config", `{"compatibility":"NONE"}`, "", 401, `40101`},
		{locked, "DELETE", "/config", "", "", 401, `40101`},
		{locked, "PUT", "/mode", `{"mode":"READWRITE"}`, "", 401, `40101`},
		{locked, "POST", versions, v1, "k", 200, `"id":1`},
		{locked, "POST", "/subjects/free-value/versions", v1, "k", 200, `"id":1`},
		{locked, "GET", versions, "", "", 200, `[1]`},
		{locked, "POST", "/subjects/hr.GA01-value", v1, "", 200, `"version":1`},
		{locked, "POST", "/compatibility" + versions, v1, "", 200, `true`},
		{locked, "DELETE", "/subjects/hr.GA01-value", "", "", 401, `40101`},
		{locked, "DELETE", "/subjects/hr.GA01-value", "", "k", 403, `40302`},
		{locked, "DELETE", versions + "/1", "", "k", 403, `40302`},
		{whole, "DELETE", "/subjects/hr.GA01-value", "", "", 401, `40101`},
		{whole, "DELETE", "/subjects/hr.GA01-value", "", "k", 200, `[1]`},
		{whole, "DELETE", versions + "/1?permanent=true", "", "k", 200, `1`},
		{whole, "DELETE", "/subjects/free-value", "", "k", 200, `[1]`},
		{whole, "DELETE", "/subjects/free-value?permanent=true", "", "k", 200, `[1]`},
		{whole, "GET", "/schemas/ids/1", "", "", 404, `40403`},
	} {
		var headers []string
		if c.key != "" {
			headers = []string{"Authorization", "Bearer " + c.key}
		}
		if status, got := call(t, c.url, c.method, c.path, c.body, headers...); status != c.status || !strings.Contains(got, c.want) {
			t.Fatalf("%d: %s %s with %q = %d %.200s, want %d with %s", i, c.method, c.path, c.key, status, got, c.status, c.want)
		}
	}
}

// TestContentType: the answer is in the form the client asks for.
func TestContentType(t *testing.T) {
	t.Parallel()
	r := open(t, newLog())
	for accept, want := range map[string]string{
		"":                 mediaType,
		"*/*":              mediaType,
		"application/json": "application/json",
		"application/vnd.schemaregistry.v1+json, application/json": mediaType,
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/subjects", nil)
		req.Header.Set("Accept", accept)
		res := httptest.NewRecorder()
		r.Handler(everything).ServeHTTP(res, req)
		if got := res.Header().Get("Content-Type"); got != want {
			t.Errorf("Accept %q: Content-Type %q, want %q", accept, got, want)
		}
	}
}

// TestStoreDown: a log that takes no writes is 500 with Confluent's code, and
// what is known is still answered.
func TestStoreDown(t *testing.T) {
	t.Parallel()
	log := newLog()
	r := open(t, log)
	url := serve(t, r)
	id := register(t, r, "hr.GA01-value", schemaOf("GA01"))
	log.mu.Lock()
	log.fail = errors.New("no leader")
	log.mu.Unlock()
	if status, got := call(t, url, "POST", "/subjects/hr.GA02-value/versions", post(schemaOf("GA02"))); status != 500 || !strings.Contains(got, `"error_code":50001`) {
		t.Errorf("write: %d %s, want 500 with 50001", status, got)
	}
	if again := register(t, r, "hr.GA01-value", schemaOf("GA01")); again != id {
		t.Errorf("what is registered: id %d, want %d", again, id)
	}
	if status, _ := call(t, url, "GET", "/schemas/ids/1", ""); status != 200 {
		t.Errorf("read: %d, want 200", status)
	}
}

// TestUnknownIDsDoNotFillTheLog: anybody may ask for an id that is not there, which makes
// the log be read. While that fails the process's own log has a line a minute.
func TestUnknownIDsDoNotFillTheLog(t *testing.T) {
	t.Parallel()
	var lines bytes.Buffer
	r, err := Open(t.Context(), &unreadable{memoryLog: newLog()}, "", slog.New(slog.NewTextHandler(&lines, nil)))
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(r.Handler(Access{}))
	for range 50 {
		if status, got := call(t, s.URL, "GET", "/schemas/ids/77", ""); status != 500 || !strings.Contains(got, `"error_code":50001`) {
			t.Fatalf("answered %d %s", status, got)
		}
	}
	s.Close()
	r.Close()
	if n := strings.Count(lines.String(), "level=WARN"); n != 1 {
		t.Errorf("50 calls of strangers left %d lines", n)
	}
}

// unreadable is a log that is read when the registry opens and never again.
type unreadable struct {
	*memoryLog
	opened atomic.Bool
}

func (l *unreadable) Replay(ctx context.Context, show func(key, value []byte) error) error {
	if l.opened.Swap(true) {
		return errors.New("no leader")
	}
	return l.memoryLog.Replay(ctx, show)
}

// TestFranzClient: the client that the bus uses for an outside registry works
// with this one, and the codec through it.
func TestFranzClient(t *testing.T) {
	t.Parallel()
	r := open(t, newLog())
	cl, err := sr.NewClient(sr.URLs(serve(t, r)))
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if types, err := cl.SupportedTypes(ctx); err != nil || !slices.Equal(types, []sr.SchemaType{sr.TypeAvro}) {
		t.Errorf("types = %v, %v", types, err)
	}
	v1, v2 := sr.Schema{Schema: schemaOf("GA01")}, sr.Schema{Schema: schemaOf("GA01", "XM")}
	made, err := cl.CreateSchema(ctx, "hr.GA01-value", v1)
	if err != nil || made.ID != 1 || made.Version != 1 || made.Subject != "hr.GA01-value" {
		t.Fatalf("created %+v, %v", made, err)
	}
	if is, err := cl.CheckCompatibility(sr.WithParams(ctx, sr.Verbose), "hr.GA01-value", -1, v2); err != nil || !is.Is {
		t.Errorf("compatible = %+v, %v", is, err)
	}
	bad := sr.Schema{Schema: strings.Replace(v1.Schema, `"string"`, `"long"`, 1)}
	if is, err := cl.CheckCompatibility(sr.WithParams(ctx, sr.Verbose), "hr.GA01-value", -2, bad); err != nil || is.Is || len(is.Messages) == 0 {
		t.Errorf("incompatible = %+v, %v", is, err)
	}
	if _, err := cl.CreateSchema(ctx, "hr.GA01-value", bad); err == nil {
		t.Error("an incompatible schema was created")
	}
	if _, err := cl.CreateSchema(ctx, "hr.GA01-value", v2); err != nil {
		t.Error(err)
	}
	if found, err := cl.LookupSchema(ctx, "hr.GA01-value", v2); err != nil || found.Version != 2 {
		t.Errorf("found %+v, %v", found, err)
	}
	if s, err := cl.SchemaByID(ctx, 2); err != nil || s.Schema != v2.Schema {
		t.Errorf("schema 2 = %+v, %v", s, err)
	}
	if text, err := cl.SchemaTextByVersion(ctx, "hr.GA01-value", -1); err != nil || text != v2.Schema {
		t.Errorf("text = %s, %v", text, err)
	}
	if all, err := cl.Schemas(ctx, "hr.GA01-value"); err != nil || len(all) != 2 {
		t.Errorf("schemas = %v, %v", all, err)
	}
	if all, err := cl.AllSchemas(ctx); err != nil || len(all) != 2 {
		t.Errorf("all schemas = %v, %v", all, err)
	}
	if uses, err := cl.SchemaUsagesByID(ctx, 1); err != nil || len(uses) != 1 {
		t.Errorf("uses = %v, %v", uses, err)
	}
	if names, err := cl.SubjectsByID(ctx, 1); err != nil || len(names) != 1 {
		t.Errorf("subjects = %v, %v", names, err)
	}
	if set := cl.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatNone}, "hr.GA01-value"); set[0].Err != nil || set[0].Level != sr.CompatNone {
		t.Errorf("set level = %+v", set)
	}
	if got := cl.Compatibility(ctx, "hr.GA01-value", ""); got[0].Level != sr.CompatNone || got[1].Level != sr.CompatBackward {
		t.Errorf("levels = %+v", got)
	}
	if reset := cl.ResetCompatibility(ctx, "hr.GA01-value"); reset[0].Err != nil || reset[0].Level != sr.CompatNone {
		t.Errorf("reset level = %+v", reset)
	}
	if mode := cl.Mode(ctx); mode[0].Err != nil || mode[0].Mode != sr.ModeReadWrite {
		t.Errorf("mode = %+v", mode)
	}
	var known *sr.ResponseError
	if _, err := cl.SchemaByID(ctx, 99); !errors.As(err, &known) || known.ErrorCode != 40403 {
		t.Errorf("unknown id: %v", err)
	}
	if gone, err := cl.DeleteSubject(ctx, "hr.GA01-value", sr.SoftDelete); err != nil || !slices.Equal(gone, []int{1, 2}) {
		t.Errorf("deleted %v, %v", gone, err)
	}
	if _, err := cl.DeleteSubject(ctx, "hr.GA01-value", sr.HardDelete); err != nil {
		t.Errorf("deleted for good: %v", err)
	}
	if names, err := cl.Subjects(ctx); err != nil || len(names) != 0 {
		t.Errorf("subjects = %v, %v", names, err)
	}
}

// TestCodec: records written through one registry are read through another on
// the same log, at once, and keep their attributes.
func TestCodec(t *testing.T) {
	t.Parallel()
	log := newLog()
	here, there := open(t, log), open(t, log)
	l := schemas.MustLayout("yiyuan.raw", "GA01", schemas.Column{Name: "XM", Type: schemas.String, Doc: "姓名", Attrs: map[string]string{"mask": "partial"}})
	w, err := codec.New(here).Writer(t.Context(), "raw.GA01-value", l)
	if err != nil {
		t.Fatal(err)
	}
	value, err := w.Append(nil, schemas.NewRecord(l, []schemas.Value{schemas.Text("张三")}))
	if err != nil {
		t.Fatal(err)
	}
	got, err := codec.New(there).Reader(l).Decode(t.Context(), value)
	if err != nil || got.Value(0).Str() != "张三" {
		t.Errorf("read: %v", err)
	}
	text, err := there.Schema(t.Context(), w.ID())
	if err != nil {
		t.Fatal(err)
	}
	if back, err := codec.ParseSchema(text); err != nil || back.Columns[0].Attrs["mask"] != "partial" || back.Columns[0].Doc != "姓名" {
		t.Errorf("attributes are lost: %v", err)
	}
}
