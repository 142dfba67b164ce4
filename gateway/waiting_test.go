package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Nobody takes a rule that waits for one that has found nothing: the list of
// findings names it, and the datasets that have had no complete copy.
func TestWaitingRulesAreNamed(t *testing.T) {
	w := start(t, func(c *gateway.Config) {
		c.Waits = []gateway.Waits{{Rule: "XV-10", Case: "gone", Datasets: []string{"GA01", "WJ02"}}, {Rule: "XV-11", Case: "late", Datasets: []string{"GA01"}}}
	})
	w.ready()
	shows := func(when, want string) {
		t.Helper()
		eventually(t, when, func() bool {
			r := w.get("/v1/findings", "key-SJ-JDGL", "SUPERVISE")
			return r.status == http.StatusOK && strings.Contains(r.text, `"waiting":`+want)
		})
	}
	says := func(announced ...string) {
		t.Helper()
		must(t, w.source.Publish(t.Context(), nil, contract.SourceStatus{Position: "p", Kind: "test", State: contract.StateRunning, Datasets: []string{"GA01", "WJ02"}, Announced: announced}))
	}
	shows("nothing has come", `[{"rule":"XV-10","case":"gone","datasets":["GA01","WJ02"]},{"rule":"XV-11","case":"late","datasets":["GA01"]}]`)
	says("GA01")
	shows("one has come", `[{"rule":"XV-10","case":"gone","datasets":["WJ02"]}]`)
	says("GA01", "WJ02")
	shows("all have come", `[]`)
}
