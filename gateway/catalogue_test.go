package gateway_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// TestCatalogueIsForEveryKey asks as everybody there is for what there is, and for how
// it does: the first is answered to every key and holds nothing of the second.
func TestCatalogueIsForEveryKey(t *testing.T) {
	w := start(t)
	late := access.Application{ID: "LATE", Title: "LATE", Department: "RS", KeyDigest: access.DigestKey("key-LATE"), Until: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}
	bare := access.Application{ID: "BARE", Title: "BARE", Department: "MZ", KeyDigest: access.DigestKey("key-BARE")}
	must(t, w.access.Replace(append(demoAccess(), late, bare)))
	w.person(1, "张**")
	w.publish([]string{"GA01"}, w.shared("GA01.partial", zhang, 1, map[string]schemas.Value{"XM": schemas.Text("张**")}))
	w.ready()
	eventually(t, "it is known how the dataset does", func() bool {
		r := w.get("/v1/catalogue/datasets/GA01", supervisor, "")
		return r.body["state"] == "fresh" && r.body["rows"] == float64(1) && r.body["live"] == true
	})
	catalogue := map[string][]string{
		"/v1/catalogue":                 {`"name":"云岭市"`, `"id":"GA01"`, `"class":"B"`, `"classes":[{"id":"A"`, `"apply":"向数据局`, `"id":"GLJT"`},
		"/v1/catalogue/datasets/GA01":   {`"mask":{"partial":"clear","verify":"digest"}`, `"provider_title":"公安局"`, `"apply":"向数据局提出应用`, `"apply_en":"apply to`},
		"/v1/catalogue/entities/person": {`"group":"residence"`, `"department_title":"民政局"`},
	}
	operations := []string{"/v1/flow", "/v1/indicators", "/v1/findings", "/v1/verifications", "/v1/topology"}
	for _, role := range []struct {
		key, purpose        string
		catalogue, operates int
		live                bool
	}{
		{"", "", 401, 401, false},
		{"guess", "", 401, 401, false},
		{"key-LATE", "", 401, 401, false},
		{"key-BARE", "", 200, 403, false},
		{"key-RS-GLJT", "", 200, 403, false},
		{"key-RS-GLJT", "GLJT", 200, 403, false},
		{"key-RS-GLJT", "SUPERVISE", 200, 403, false},
		{"key-SP-QYZX", "", 200, 403, false},
		{supervisor, "", 200, 200, true},
		{supervisor, "SUPERVISE", 200, 200, true},
	} {
		who := fmt.Sprintf("%q for %q", role.key, role.purpose)
		for path, want := range catalogue {
			r := w.get(path, role.key, role.purpose)
			if r.status != role.catalogue {
				t.Errorf("%s: %s answered %d", who, path, r.status)
			}
			if r.status != http.StatusOK {
				continue
			}
			for _, text := range want {
				if !strings.Contains(r.text, text) {
					t.Errorf("%s: %s lacks %s", who, path, text)
				}
			}
			for _, text := range []string{`"state":"fresh"`, `"rows":1`, `"sources":["`, `"last_update":"`, `"as_of":"`, `"live":true`} {
				if strings.Contains(r.text, text) && !role.live {
					t.Errorf("%s: %s tells how it does: %s", who, path, text)
				}
			}
			if strings.Contains(r.text, zhang) || strings.Contains(r.text, "张**") {
				t.Errorf("%s: %s holds a value", who, path)
			}
			if e := w.entry(r); "key-"+e.App != role.key || e.Status != http.StatusOK || role.live && e.Purpose != "SUPERVISE" {
				t.Errorf("%s: %s is audited as %+v", who, path, e)
			}
		}
		for _, path := range operations {
			if r := w.get(path, role.key, role.purpose); r.status != role.operates {
				t.Errorf("%s: %s answered %d", who, path, r.status)
			}
		}
	}
	if r := w.get("/v1/me", "key-LATE", ""); r.status != http.StatusUnauthorized || r.code() != "YIYUAN-4012" {
		t.Errorf("a key that has expired is told who it was: %d %s", r.status, r.text)
	}
	if r := w.get("/v1/catalogue/datasets/none", "key-BARE", ""); r.status != http.StatusNotFound || r.code() != "YIYUAN-4043" {
		t.Errorf("what there is not: answered %d %s", r.status, r.text)
	}
}
