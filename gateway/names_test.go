package gateway_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// TestNamesAreExact asks with members named almost as they are: none is taken for
// another, and what is said of them is Chinese in the Chinese place.
func TestNamesAreExact(t *testing.T) {
	w := start(t)
	w.person(1, "张**")
	w.ready()
	han := regexp.MustCompile(`\p{Han}`)
	for _, c := range []struct{ path, body, location string }{
		{"/v1/lookup/person.partial", `{"KEY":"` + zhang + `"}`, "body.#1"},
		{"/v1/lookup/person.partial", `{"key":"` + zhang + `","fieldſ":["XM"]}`, "body.#2"},
		{"/v1/lookup/person.partial", `{"Key":"` + zhang + `","fields":["XM"]}`, "body.#1"},
		{"/v1/lookup", `{"view":"person.partial","Keys":["` + zhang + `"]}`, "body.#2"},
		{"/v1/lookup", `{"View":"person.partial","keys":["` + zhang + `"]}`, "body.#1"},
		{"/v1/verify", `{"view":"person.verify","key":"` + zhang + `","FIELDS":{"XM":"a","CSRQ":"b"}}`, "body.#3"},
		{"/v1/explain/person", `{"Key":"` + zhang + `"}`, "body.#1"},
		{"/v1/lookup/person.partial", `{"key":5}`, "body.key"},
		{"/v1/lookup/person.partial", `{}`, "body"},
		{"/v1/lookup/person.partial", `[]`, "body"},
		{"/v1/lookup", `{"view":"person.partial","keys":[]}`, "body.keys"},
		{"/v1/verify", `{"view":"person.verify","key":"1","fields":{}}`, "body.fields"},
	} {
		r := w.do(http.MethodPost, c.path, "key-RS-GLJT", "GLJT", c.body)
		list, _ := r.body["errors"].([]any)
		if r.status != http.StatusUnprocessableEntity || len(list) == 0 || strings.Contains(r.text, zhang) {
			t.Errorf("%s %s: answered %d %s", c.path, c.body, r.status, r.text)
			continue
		}
		first, _ := list[0].(map[string]any)
		zh, _ := first["message"].(string)
		en, _ := first["message_en"].(string)
		if first["location"] != c.location || !han.MatchString(zh) || strings.Contains(zh, " / ") || en == "" || han.MatchString(en) {
			t.Errorf("%s %s: says %v", c.path, c.body, first)
		}
	}
	r := w.get("/v1/findings?limit=x", "key-SJ-JDGL", "SUPERVISE")
	if r.status != http.StatusUnprocessableEntity || !strings.Contains(r.text, `"message":"应为整数"`) {
		t.Errorf("a limit that is no number: answered %d %s", r.status, r.text)
	}
}
