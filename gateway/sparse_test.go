package gateway_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

// TestTroubleDoesNotFillTheLog: whatever stands in the cache, and whoever is away, asking
// again and again writes one line a minute of each kind, and how often it happened.
func TestTroubleDoesNotFillTheLog(t *testing.T) {
	w := start(t)
	w.person(1, "张*")
	cut := w.shared("person.partial", li, 1, map[string]schemas.Value{"XM": schemas.Text("李*")})
	cut.Value = cut.Value[:len(cut.Value)-3]
	strange := w.shared("person.alive", zhang, 1, nil)
	strange.Headers = nil
	w.publish(nil, append([]bus.Record{cut}, slices.Repeat([]bus.Record{strange}, 20)...)...)
	w.ready()
	lookup := func(key string) func() *reply {
		return func() *reply { return w.get("/v1/lookup/person.partial/"+key, "key-RS-GLJT", "GLJT") }
	}
	eventually(t, "they are there", func() bool { return lookup(zhang)().status == http.StatusOK && lookup(li)().code() == "YIYUAN-5033" })
	for _, c := range []struct {
		line  string
		code  string
		begin func()
		ask   func() *reply
		end   func()
	}{
		{"record cannot be taken", "", func() {}, nil, func() {}},
		{"cached record cannot be read", "YIYUAN-5033", func() {}, lookup(li), func() {}},
		{"audit entry could not be written", "YIYUAN-5030", func() { w.log.fail.Store(true) }, lookup(zhang), func() { w.log.fail.Store(false) }},
		{"refusal without an audit entry", "YIYUAN-4000", func() { w.log.fail.Store(true) }, func() *reply {
			return w.do(http.MethodPost, "/v1/lookup", "key-RS-GLJT", "GLJT", "{")
		}, func() { w.log.fail.Store(false) }},
		{"cache cannot be read", "YIYUAN-5032", func() { w.mini.SetError("ERR another city's") }, lookup(zhang), func() { w.mini.SetError("") }},
	} {
		c.begin()
		for range 20 {
			if c.ask == nil {
				break
			}
			if r := c.ask(); r.code() != c.code {
				t.Errorf("%s: answered %d %s", c.line, r.status, r.text)
				break
			}
		}
		c.end()
		if n := strings.Count(w.logs.String(), c.line); n != 1 {
			t.Errorf("%s: told %d times", c.line, n)
		}
	}
}
