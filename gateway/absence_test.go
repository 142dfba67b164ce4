package gateway_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// That somebody is not there can be said only when a complete copy of everything the
// view is made of has come through: not while a source has never been heard, cannot
// reach its server, has had nothing delivered yet, or is still copying.
func TestNotLoadedIsNotAbsent(t *testing.T) {
	w := start(t, func(c *gateway.Config) { c.Unconnected = nil })
	w.ready()
	all := make([]string, 0, len(w.cat.Datasets))
	for _, d := range w.cat.Datasets {
		all = append(all, d.ID)
	}
	says := func(s contract.SourceStatus) {
		t.Helper()
		s.Position, s.Kind = "p", "test"
		must(t, w.source.Publish(t.Context(), nil, s))
	}
	unknown := func(when string) {
		t.Helper()
		r := w.get("/v1/lookup/person.partial/"+li, "key-RS-GLJT", "GLJT")
		if r.status != http.StatusServiceUnavailable || r.code() != "YIYUAN-5031" || r.header.Get("Retry-After") == "" {
			t.Errorf("%s: lookup answered %s", when, r.text)
		}
		if !strings.Contains(r.text, "GA01") {
			t.Errorf("%s: the answer does not name what is missing: %s", when, r.text)
		}
		r = w.post("/v1/lookup", "key-RS-GLJT", "GLJT", map[string]any{"view": "person.partial", "keys": []string{li}})
		if r.status != http.StatusOK || !strings.Contains(r.text, `"found":false,"error":"YIYUAN-5031"`) {
			t.Errorf("%s: batch answered %s", when, r.text)
		}
	}
	unknown("no source was ever heard")
	says(contract.SourceStatus{Datasets: all, State: contract.StateStarting})
	unknown("a source that has not reached its server")
	says(contract.SourceStatus{Datasets: all, State: contract.StateFailed, Error: "unreachable"})
	unknown("a source whose server cannot be reached")
	now := time.Now().UnixMilli()
	says(contract.SourceStatus{Datasets: all, State: contract.StateRunning, CaughtUp: now, Awaited: []string{"GA01"}})
	eventually(t, "the others are as of now", func() bool {
		r := w.get("/v1/catalogue", "key-SJ-JDGL", "SUPERVISE")
		return strings.Contains(r.text, `"as_of":"2`)
	})
	unknown("of one dataset nothing was ever delivered")
	says(contract.SourceStatus{Datasets: all, State: contract.StateRunning, CaughtUp: now + 1})
	eventually(t, "absence is known", func() bool {
		r := w.get("/v1/lookup/person.partial/"+li, "key-RS-GLJT", "GLJT")
		return r.status == http.StatusNotFound && strings.Contains(r.text, `"as_of"`)
	})
	r := w.post("/v1/lookup", "key-RS-GLJT", "GLJT", map[string]any{"view": "person.partial", "keys": []string{li}})
	if !strings.Contains(r.text, `"found":false}`) {
		t.Errorf("batch answered %s", r.text)
	}
	// A department that has given its source up for good is waited for by nobody.
	says(contract.SourceStatus{Datasets: all, State: contract.StateRetired, CaughtUp: now + 1})
	eventually(t, "still known", func() bool {
		return w.get("/v1/lookup/person.partial/"+li, "key-RS-GLJT", "GLJT").status == http.StatusNotFound
	})
}

// A verification that does not match is not answered no while something is missing:
// what is missing might match, and the same is said whether there is a record or not.
func TestNotLoadedIsNoMismatch(t *testing.T) {
	w := start(t, func(c *gateway.Config) { c.Unconnected = nil })
	w.ready()
	w.publish(nil, w.verifiable("person.verify", zhang, 1, map[string]string{"GMSFHM": zhang, "XM": "张三", "HJDZ": "云岭市岭东区一街道1号"}))
	eventually(t, "what matches is told", func() bool {
		return w.verify(zhang, map[string]string{"XM": "张三", "HJDZ": "云岭市岭东区一街道1号"}).status == http.StatusOK
	})
	for name, r := range map[string]*reply{
		"another name":    w.verify(zhang, map[string]string{"XM": "李四", "HJDZ": "云岭市岭东区一街道1号"}),
		"nobody's record": w.verify(li, map[string]string{"XM": "李四", "HJDZ": "云岭市岭东区一街道1号"}),
	} {
		if r.status != http.StatusServiceUnavailable || r.code() != "YIYUAN-5031" {
			t.Errorf("%s: answered %s", name, r.text)
		}
	}
}
