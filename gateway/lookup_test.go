package gateway_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

func TestLookup(t *testing.T) {
	w := start(t)
	w.person(1, "张**")
	w.ready()
	var r *reply
	eventually(t, "the record is there", func() bool {
		r = w.get("/v1/lookup/person.partial/"+zhang, "key-RS-GLJT", "GLJT")
		return r.status == http.StatusOK
	})
	data, _ := r.body["data"].(map[string]any)
	if len(data) != 4 || data["XM"] != "张**" || data["GMSFHM"] != "539902************" || data["CSRQ"] != nil {
		t.Errorf("data = %v, want the four granted fields", data)
	}
	if _, leaked := data["XBDM"]; leaked {
		t.Error("a field that was not granted was answered")
	}
	for _, name := range []string{"as_of", "source_time", "stale", "disputed", "masked", "view", "version", "request_id", "audit_id"} {
		if _, ok := r.body[name]; !ok {
			t.Errorf("the answer has no %q", name)
		}
	}
	if r.body["source_time"] != "2026-09-22T00:53:20.000+08:00" && r.body["source_time"] == nil {
		t.Errorf("source_time = %v", r.body["source_time"])
	}
	masked, _ := r.body["masked"].([]any)
	if !slices.Contains(masked, any("XM")) || !slices.Contains(masked, any("GMSFHM")) || !slices.Contains(masked, any("GA03.HPHM")) {
		t.Errorf("masked = %v", masked)
	}
	e := w.entry(r)
	if e.Decision != audit.Allow || e.App != "RS-GLJT" || e.Purpose != "GLJT" || e.View != "person.partial" || e.Rows != 1 || e.Status != 200 ||
		len(e.Subjects) != 1 || !e.Subjects[0].Found || e.Body != audit.Digest([]byte(r.text)) || e.ID != r.body["audit_id"] || e.Client != "127.0.0.1" {
		t.Errorf("audit entry = %+v", e)
	}
	if strings.Contains(e.Subjects[0].Digest, zhang) {
		t.Error("the audit names the person")
	}
	eventually(t, "as_of is known", func() bool {
		r = w.get("/v1/lookup/person.partial/"+zhang, "key-RS-GLJT", "GLJT")
		return r.body["as_of"] != nil && r.body["stale"] == false
	})
}

// TestHiddenNumberIsListed: who gets a text in which a number was hidden does not take
// it for the original; who gets another of the same view does.
func TestHiddenNumberIsListed(t *testing.T) {
	w := start(t)
	const other = "92539900MA6KXXXX1X"
	w.publish([]string{"SC01"},
		w.shared("enterprise.public", firm, 1, map[string]schemas.Value{"TYSHXYDM": schemas.Text(firm), "JGMC": schemas.Text("云岭139****5678修理铺")}),
		w.shared("enterprise.public", other, 1, map[string]schemas.Value{"TYSHXYDM": schemas.Text(other), "JGMC": schemas.Text("云岭修理铺")}))
	w.ready()
	const at = "/v1/lookup/enterprise.public/"
	var r *reply
	eventually(t, "the record is there", func() bool {
		r = w.get(at+firm, "key-SP-QYZX", "QYZX")
		return r.status == http.StatusOK
	})
	if masked, _ := r.body["masked"].([]any); !slices.Contains(masked, any("JGMC")) {
		t.Errorf("a name with a hidden number: masked = %v", masked)
	}
	r = w.get(at+other, "key-SP-QYZX", "QYZX")
	if masked, _ := r.body["masked"].([]any); r.status != http.StatusOK || slices.Contains(masked, any("JGMC")) {
		t.Errorf("%d: a name as it was written: masked = %v", r.status, masked)
	}
	r = w.post("/v1/lookup", "key-SP-QYZX", "QYZX", map[string]any{"view": "enterprise.public", "keys": []string{firm}})
	if r.status != http.StatusOK || !strings.Contains(r.text, `"masked":["JGMC"`) && !strings.Contains(r.text, `,"JGMC"]`) {
		t.Errorf("%d: the batch does not say that the name is masked: %s", r.status, r.text)
	}
}

func TestStatuses(t *testing.T) {
	w := start(t)
	w.person(1, "张**")
	w.ready()
	const at = "/v1/lookup/person.partial/"
	eventually(t, "the record is there", func() bool { return w.get(at+zhang, "key-RS-GLJT", "GLJT").status == 200 })
	batch := `{"view":"enterprise.public","keys":["` + firm + `","` + firm + `","` + firm + `","` + firm + `"]}`
	cases := []struct {
		name, method, path, key, purpose, body string
		status                                 int
		code, reason                           string // reason "" = not audited
	}{
		{"there", "GET", at + zhang, "key-RS-GLJT", "GLJT", "", 200, "", "ok"},
		{"not there", "GET", at + li, "key-RS-GLJT", "GLJT", "", 404, "YIYUAN-4040", "absent"},
		{"no key", "GET", at + zhang, "", "GLJT", "", 401, "YIYUAN-4010", "no_key"},
		{"unknown key", "GET", at + zhang, "guess", "GLJT", "", 401, "YIYUAN-4011", "unknown_key"},
		{"no purpose", "GET", at + zhang, "key-RS-GLJT", "", "", 403, "YIYUAN-4030", "no_purpose"},
		{"unknown purpose", "GET", at + zhang, "key-RS-GLJT", "FUN", "", 403, "YIYUAN-4037", "unknown_purpose"},
		{"other purpose", "GET", at + zhang, "key-RS-GLJT", "DBHD", "", 403, "YIYUAN-4032", "purpose_not_granted"},
		{"no grant", "GET", at + zhang, "key-SP-QYZX", "QYZX", "", 403, "YIYUAN-4031", "no_grant"},
		{"expired grant", "GET", "/v1/lookup/person.alive/" + zhang, "key-RS-GLJT", "GLJT", "", 403, "YIYUAN-4034", "expired_grant"},
		{"field not granted", "GET", at + zhang + "?fields=XM,LXDH", "key-RS-GLJT", "GLJT", "", 403, "YIYUAN-4033", "field_not_granted"},
		{"granted field", "GET", at + zhang + "?fields=XM", "key-RS-GLJT", "GLJT", "", 200, "", "ok"},
		{"unknown view", "GET", "/v1/lookup/nothing/" + zhang, "key-RS-GLJT", "GLJT", "", 404, "YIYUAN-4041", "unknown_view"},
		{"verify only", "GET", "/v1/lookup/person.verify/" + zhang, "key-RS-GLJT", "GLJT", "", 403, "YIYUAN-4035", "verify_only"},
		{"not for verification", "POST", "/v1/verify", "key-RS-GLJT", "GLJT", `{"view":"person.partial","key":"` + zhang + `","fields":{"XM":"a","CSRQ":"1985-03-12"}}`, 403, "YIYUAN-4036", "not_verifiable"},
		{"malformed key", "GET", at + "12345", "key-RS-GLJT", "GLJT", "", 422, "YIYUAN-4220", "invalid_key"},
		{"impossible birth date", "GET", at + "539902198502300013", "key-RS-GLJT", "GLJT", "", 422, "YIYUAN-4220", "invalid_key"},
		{"over quota at once", "POST", "/v1/lookup", "key-SP-QYZX", "QYZX", batch, 422, "YIYUAN-4224", "too_many"},
		{"the whole quota", "POST", "/v1/lookup", "key-SP-QYZX", "QYZX", strings.Replace(batch, `"`+firm+`",`, "", 1), 200, "", "ok"},
		{"over quota", "GET", "/v1/lookup/enterprise.public/" + firm, "key-SP-QYZX", "QYZX", "", 429, "YIYUAN-4290", "over_quota"},
		{"batch too long", "POST", "/v1/lookup", "key-SP-QYZX", "QYZX", `{"view":"enterprise.public","keys":[` + strings.Repeat(`"x",`, 1000) + `"x"]}`, 422, "YIYUAN-4222", ""},
		{"unknown member", "POST", "/v1/lookup", "key-SP-QYZX", "QYZX", `{"view":"enterprise.public","keys":["x"],"limit":5}`, 422, "YIYUAN-4222", ""},
		{"not json", "POST", "/v1/lookup", "key-SP-QYZX", "QYZX", `{"view":`, 400, "YIYUAN-4000", ""},
		{"duplicate member", "POST", "/v1/lookup", "key-SP-QYZX", "QYZX", `{"view":"a","View":"b","keys":["x"]}`, 400, "YIYUAN-4002", ""},
		{"too deep", "POST", "/v1/lookup", "key-SP-QYZX", "QYZX", strings.Repeat("[", 40) + strings.Repeat("]", 40), 400, "YIYUAN-4002", ""},
		{"not utf-8", "POST", "/v1/lookup", "key-SP-QYZX", "QYZX", "{\"view\":\"\xff\",\"keys\":[\"x\"]}", 400, "YIYUAN-4002", ""},
		{"no such path", "GET", "/v1/secrets", "key-RS-GLJT", "GLJT", "", 404, "YIYUAN-4042", ""},
		{"wrong method", "DELETE", at + zhang, "key-RS-GLJT", "GLJT", "", 405, "YIYUAN-4050", ""},
		{"supervision", "GET", "/v1/findings", "key-RS-GLJT", "", "", 403, "YIYUAN-4038", "purpose_not_granted"},
		{"supervision without key", "GET", "/v1/catalogue", "", "", "", 401, "YIYUAN-4010", "no_key"},
		{"cursor", "GET", "/v1/findings?cursor=%21", "key-SJ-JDGL", "", "", 400, "YIYUAN-4003", ""},
		{"unknown dataset", "GET", "/v1/catalogue/datasets/ZZ99", "key-SJ-JDGL", "", "", 404, "YIYUAN-4043", ""},
		{"unknown finding", "GET", "/v1/findings/none", "key-SJ-JDGL", "", "", 404, "YIYUAN-4043", ""},
		{"explain without grant", "GET", "/v1/explain/person/" + zhang, "key-RS-GLJT", "GLJT", "", 403, "YIYUAN-4031", "no_grant"},
		{"explain nothing", "GET", "/v1/explain/person/" + zhang, "key-SJ-JDGL", "SUPERVISE", "", 404, "YIYUAN-4040", "absent"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := w.do(c.method, c.path, c.key, c.purpose, c.body)
			if r.status != c.status || r.code() != c.code {
				t.Fatalf("answered %d %s, want %d %s: %s", r.status, r.code(), c.status, c.code, r.text)
			}
			if c.status != 200 {
				if ct := r.header.Get("Content-Type"); ct != "application/problem+json" {
					t.Errorf("Content-Type = %q", ct)
				}
				for _, name := range []string{"type", "title", "status", "detail", "request_id"} {
					if r.body[name] == nil {
						t.Errorf("problem has no %q: %s", name, r.text)
					}
				}
			}
			if strings.Contains(r.text, zhang) {
				t.Error("the answer repeats the key")
			}
			if c.status == 429 && r.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			if c.reason == "" {
				return
			}
			if c.status == http.StatusUnauthorized {
				eventually(t, "strangers are counted", func() bool {
					return slices.ContainsFunc(w.entries(), func(e audit.Entry) bool {
						return e.Operation == audit.Stranger && strings.Contains(e.Reason, c.reason) && e.Client == "127.0.0.0/24" && e.Count > 0
					})
				})
				return
			}
			if e := w.entry(r); e.Reason != c.reason || e.Status != c.status {
				t.Errorf("audited as %s %d, want %s %d", e.Reason, e.Status, c.reason, c.status)
			}
		})
	}
}

func TestKeysAreNormalised(t *testing.T) {
	w := start(t)
	w.person(1, "张**")
	w.ready()
	eventually(t, "the record is there", func() bool { return w.get("/v1/lookup/person.partial/"+zhang, "key-RS-GLJT", "GLJT").status == 200 })
	for name, key := range map[string]string{
		"full width":              "５３９９０２１９８５０３１２００１３",
		"spaces":                  "%20" + zhang + "%20",
		"15 digits":               zhang[:6] + zhang[8:17],
		"15 digits in full width": "５３９９０２８５０３１２００１",
	} {
		if r := w.get("/v1/lookup/person.partial/"+key, "key-RS-GLJT", "GLJT"); r.status != 200 {
			t.Errorf("%s: answered %d: %s", name, r.status, r.text)
		}
	}
}

// TestEveryoneNamedIsAudited: of a key that names two the audit keeps both, of one key and
// of many, and whether there was a record.
func TestEveryoneNamedIsAudited(t *testing.T) {
	w := start(t)
	const firm, other = "91539900MADE00011B", "92539900MA6KXXXX1X"
	w.publish([]string{"RS01"}, w.shared("RS01.partial", zhang+"|"+firm, 1, map[string]schemas.Value{}))
	w.ready()
	one := func() *reply { return w.get("/v1/lookup/RS01.partial/"+zhang+"%7C"+firm, supervisor, "SUPERVISE") }
	eventually(t, "the record is there", func() bool { return one().status == http.StatusOK })
	digest := func(entity, key string) string { return w.keys.DigestHex(contract.AuditLabel(entity), key) }
	want := []audit.Subject{{Digest: digest("person", zhang), Found: true}, {Digest: digest("enterprise", firm), Found: true}}
	if e := w.entry(one()); !slices.Equal(e.Subjects, want) {
		t.Errorf("a lookup is audited as about %+v, want %+v", e.Subjects, want)
	}
	many := w.post("/v1/lookup", supervisor, "SUPERVISE", map[string]any{"view": "RS01.partial", "keys": []string{li + "|" + other, "none", zhang + "|" + firm}})
	want = append([]audit.Subject{{Digest: digest("person", li)}, {Digest: digest("enterprise", other)}}, want...)
	if e := w.entry(many); !slices.Equal(e.Subjects, want) {
		t.Errorf("%s\na batch is audited as about %+v, want %+v", many.text, e.Subjects, want)
	}
}
