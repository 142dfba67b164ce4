package gateway_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/redis"
)

// twin is another gateway beside w: its own process but for the broker and the
// cache, which both share.
func (w *world) twin(options ...option) *world {
	w.t.Helper()
	other := *w
	var err error
	other.cache, err = redis.Open(w.t.Context(), redis.Config{Address: w.address, Database: realDB(), Poll: 50 * time.Millisecond, ReadTimeout: 5 * time.Second}, quiet(), prometheus.NewRegistry())
	must(w.t, err)
	w.t.Cleanup(func() { must(w.t, other.cache.Close()) })
	other.slow = &pausing{Cache: other.cache}
	other.access, err = access.New(w.cat, w.apps)
	must(w.t, err)
	other.serve(options...)
	other.ready()
	other.knowing()
	return &other
}

// atOnce asks n questions at once and counts the answers by status.
func atOnce(n int, ask func(i int) *reply) (byStatus map[int]int, last map[int]*reply) {
	byStatus, last = map[int]int{}, map[int]*reply{}
	var mu sync.Mutex
	var all sync.WaitGroup
	begin := make(chan struct{})
	const most = 150 // connections of one address are bounded
	for first := range min(n, most) {
		all.Go(func() {
			<-begin
			for i := first; i < n; i += most {
				r := ask(i)
				mu.Lock()
				byStatus[r.status]++
				last[r.status] = r
				mu.Unlock()
			}
		})
	}
	close(begin)
	all.Wait()
	return byStatus, last
}

func retryAfter(t *testing.T, r *reply) int {
	t.Helper()
	n, err := strconv.Atoi(r.header.Get("Retry-After"))
	if err != nil {
		t.Fatalf("Retry-After: %v of %s", err, r.text)
	}
	return n
}

func (w *world) zhangVerifiable() {
	w.t.Helper()
	w.publish(nil, w.verifiable("person.verify", zhang, 1, map[string]string{"GMSFHM": zhang, "XM": "张三", "CSRQ": "1985-03-12", "HJDZ": "云岭市岭东区一街道1号"}))
	w.ready()
	w.knowing()
	eventually(w.t, "the record is there", func() bool { // to ask for it would cost budget while it is not
		keys, err := w.raw.Keys(w.t.Context(), "y:*:person.verify:*").Result()
		must(w.t, err)
		return slices.ContainsFunc(keys, func(key string) bool { return len(key)-strings.LastIndexByte(key, ':') > 2 }) // what the view is marked with has names of one letter
	})
	if r := w.verify(zhang, map[string]string{"XM": "张三", "HJDZ": "云岭市岭东区一街道1号"}); r.body["match"] != true {
		w.t.Fatalf("what is true is answered %d: %s", r.status, r.text)
	}
}

// TestBudgetOfTwoGateways guesses at a person through two gateways at once.
func TestBudgetOfTwoGateways(t *testing.T) {
	w := start(t)
	w.zhangVerifiable()
	both := []*world{w, w.twin()}
	got, last := atOnce(150, func(i int) *reply {
		return both[i%2].verify(zhang, map[string]string{"XM": "张三", "HJDZ": fmt.Sprintf("云岭市岭东区一街道%d号", i+2)})
	})
	if got[http.StatusOK] != 5 || got[http.StatusTooManyRequests] != 145 {
		t.Fatalf("answers by status: %v, want 5 and 145 refused", got)
	}
	if n := retryAfter(t, last[http.StatusTooManyRequests]); n < 1 || n > 60 {
		t.Errorf("Retry-After %d", n)
	}
	// Nobody learns by trying on that the right value is the right one.
	if r := w.verify(zhang, map[string]string{"XM": "张三", "HJDZ": "云岭市岭东区一街道1号"}); r.status != http.StatusTooManyRequests {
		t.Errorf("then answered %d", r.status)
	}
	eventually(t, "supervisors see it in both", func() bool {
		for _, g := range both {
			r := g.get("/v1/verifications", supervisor, "")
			if r.status != http.StatusOK || !strings.Contains(r.text, `"app":"RS-GLJT","title":"RS-GLJT 应用"`) || !strings.Contains(r.text, `"alarm":true`) {
				return false
			}
		}
		return true
	})
	eventually(t, "metrics and log say so", func() bool {
		return w.metric(t, "yiyuan_gateway_verify_alarming_applications") == 1 && strings.Contains(w.logs.String(), "most verifications of an application fail")
	})
}

// TestMatchesAtOnce asks many questions at once that are all answered with yes:
// nobody is in the way of himself.
func TestMatchesAtOnce(t *testing.T) {
	patient := func(c *gateway.Config) { c.VerifyCrowd = time.Minute } // however long the machine takes
	w := start(t, patient)
	w.zhangVerifiable()
	both := []*world{w, w.twin(patient)}
	got, _ := atOnce(150, func(i int) *reply {
		return both[i%2].verify(zhang, map[string]string{"XM": "张三", "HJDZ": "云岭市岭东区一街道1号"})
	})
	if got[http.StatusOK] != 150 {
		t.Errorf("answers by status: %v", got)
	}
	got, _ = atOnce(5, func(int) *reply {
		return w.verify(zhang, map[string]string{"XM": "李四", "HJDZ": "云岭市岭东区一街道1号"})
	})
	if got[http.StatusOK] != 5 {
		t.Errorf("afterwards misses are answered %v", got)
	}
}

// TestBudgetSlides moves the clock of the cache: a budget does not begin again
// with the minute of the clock, and there is one of an hour and one of a day.
func TestBudgetSlides(t *testing.T) {
	w := start(t)
	w.zhangVerifiable()
	at := time.Date(2026, 11, 28, 9, 59, 58, 0, time.UTC)
	tries := 0
	try := func(after time.Duration) *reply {
		tries++
		at = at.Add(after)
		w.mini.SetTime(at)
		return w.verify(zhang, map[string]string{"XM": "张三", "HJDZ": fmt.Sprintf("云岭市岭东区二街道%d号", tries)})
	}
	expect := func(what string, r *reply, status, least, most int) {
		t.Helper()
		if r.status != status {
			t.Fatalf("%s: answered %d: %s", what, r.status, r.text)
		}
		if status == http.StatusTooManyRequests {
			if n := retryAfter(t, r); n < least || n > most {
				t.Errorf("%s: Retry-After %d, want %d to %d", what, n, least, most)
			}
		}
	}
	for range 5 {
		expect("five in a minute", try(0), 200, 0, 0)
	}
	expect("in the next minute of the clock", try(5*time.Second), 429, 55, 55)
	expect("just before the window is over", try(54*time.Second), 429, 1, 1)
	for range 3 {
		at = at.Add(61 * time.Second)
		for range 5 {
			expect("when the window is over", try(0), 200, 0, 0)
		}
	}
	expect("twenty in an hour", try(2*time.Minute), 429, 50*60, 55*60)
	for range 6 {
		at = at.Add(time.Hour)
		for range 5 {
			expect("an hour later", try(0), 200, 0, 0)
		}
	}
	expect("fifty in a day", try(time.Hour), 429, 16*3600, 18*3600)
	expect("a day later", try(25*time.Hour), 200, 0, 0)
}

// TestQuota asks for more than a quota, for all of it, and for one more.
func TestQuota(t *testing.T) {
	w := start(t)
	w.ready()
	at := time.Date(2026, 11, 28, 9, 59, 58, 0, time.UTC)
	w.mini.SetTime(at)
	ask := func(n int) *reply {
		return w.post("/v1/lookup", "key-SP-QYZX", "QYZX", map[string]any{"view": "enterprise.public", "keys": slices.Repeat([]string{firm}, n)})
	}
	if r := ask(4); r.status != http.StatusUnprocessableEntity || !strings.Contains(r.text, "at most 3 at once") {
		t.Fatalf("more than ever: %d %s", r.status, r.text)
	}
	if r := ask(3); r.status != http.StatusOK {
		t.Fatalf("the whole quota, after it: %d %s", r.status, r.text)
	}
	at = at.Add(15 * time.Second)
	w.mini.SetTime(at)
	r := ask(1)
	if r.status != http.StatusTooManyRequests || retryAfter(t, r) != 45 {
		t.Fatalf("one more: %d, Retry-After %s", r.status, r.header.Get("Retry-After"))
	}
	w.mini.SetTime(at.Add(44 * time.Second))
	eventually(t, "a second too early", func() bool { // a refusal is believed for a moment
		r := ask(1)
		return r.status == http.StatusTooManyRequests && retryAfter(t, r) == 1
	})
	w.mini.SetTime(at.Add(45 * time.Second))
	eventually(t, "when it said", func() bool { return ask(3).status == http.StatusOK })
}

// TestQuotaIsForAnswers asks when no answer can be given.
func TestQuotaIsForAnswers(t *testing.T) {
	w := start(t)
	w.ready()
	const at = "/v1/lookup/enterprise.public/"
	w.log.fail.Store(true)
	for range 5 {
		if r := w.get(at+firm, "key-SP-QYZX", "QYZX"); r.status != http.StatusServiceUnavailable {
			t.Fatalf("answered %d", r.status)
		}
	}
	w.log.fail.Store(false)
	for range 5 {
		if r := w.get(at+"0", "key-SP-QYZX", "QYZX"); r.status != http.StatusUnprocessableEntity {
			t.Fatalf("answered %d", r.status)
		}
	}
	for i := range 3 {
		if r := w.get(at+firm, "key-SP-QYZX", "QYZX"); r.status != http.StatusNotFound {
			t.Errorf("question %d: answered %d %s", i, r.status, r.text)
		}
	}
	if r := w.get(at+firm, "key-SP-QYZX", "QYZX"); r.status != http.StatusTooManyRequests {
		t.Errorf("the fourth: answered %d", r.status)
	}
}

// TestGrantsThatAreUsed holds two grants of one view with quotas of their own.
func TestGrantsThatAreUsed(t *testing.T) {
	w := start(t)
	w.person(1, "张**")
	w.ready()
	grant := func(quota int, fields ...string) access.Grant {
		return access.Grant{View: "person.partial", Fields: fields, Purposes: []string{"GLJT"}, Quota: quota}
	}
	put := func(g ...access.Grant) {
		must(t, w.access.Replace([]access.Application{{ID: "RS-GLJT", Department: "RS", KeyDigest: access.DigestKey("key-RS-GLJT"), Grants: g}}))
	}
	status := func(fields string) int {
		return w.get("/v1/lookup/person.partial/"+zhang+"?fields="+fields, "key-RS-GLJT", "GLJT").status
	}
	put(access.Grant{View: "person.partial", Fields: []string{"GMSFHM"}, Purposes: []string{"GLJT"}})
	eventually(t, "the record is there", func() bool { return status("GMSFHM") == 200 })
	put(grant(2, "XM"), grant(10, "CSRQ"))
	for range 10 {
		if got := status("CSRQ"); got != 200 {
			t.Fatalf("the second grant alone: %d", got)
		}
	}
	if got := status("CSRQ"); got != 429 {
		t.Errorf("the second grant used up: %d", got)
	}
	if got := status("XM,CSRQ"); got != 429 {
		t.Errorf("both, one of them used up: %d", got)
	}
	for range 2 { // the refusal has not charged the first
		if got := status("XM"); got != 200 {
			t.Errorf("the first grant alone: %d", got)
		}
	}
	if got := status("XM"); got != 429 {
		t.Errorf("the first grant used up: %d", got)
	}
	put(grant(3, "XM", "GMSFHM"), grant(3, "GMSFHM"))
	for i := range 6 { // either will do
		if got := status("GMSFHM"); got != 200 {
			t.Errorf("question %d of either: %d", i, got)
		}
	}
	if got := status("GMSFHM"); got != 429 {
		t.Errorf("both used up: %d", got)
	}
}

// TestQuotaOfTwoGateways asks through two gateways at once for twice the quota.
func TestQuotaOfTwoGateways(t *testing.T) {
	w := start(t)
	w.apps = demoAccess()
	w.apps[1].Grants[0].Quota = 300
	must(t, w.access.Replace(w.apps))
	w.ready()
	w.knowing()
	both := []*world{w, w.twin()}
	got, last := atOnce(600, func(i int) *reply { return both[i%2].get("/v1/lookup/enterprise.public/"+firm, "key-SP-QYZX", "QYZX") })
	if n := got[http.StatusNotFound]; n > 300 || n < 285 || got[http.StatusNotFound]+got[http.StatusTooManyRequests] != 600 {
		text := ""
		if r := last[http.StatusServiceUnavailable]; r != nil {
			text = r.text
		}
		t.Errorf("answers by status: %v, want 300 less at most one slice of 15 %s", got, text)
	}
	if n := retryAfter(t, last[http.StatusTooManyRequests]); n < 1 || n > 60 {
		t.Errorf("Retry-After %d", n)
	}
	// A slice that lies unused goes back: the quota is there to its last record.
	eventually(t, "the whole quota", func() bool {
		for _, g := range both {
			if g.get("/v1/lookup/enterprise.public/"+firm, "key-SP-QYZX", "QYZX").status == http.StatusNotFound {
				got[http.StatusNotFound]++
			}
		}
		return got[http.StatusNotFound] >= 300
	})
	if n := got[http.StatusNotFound]; n > 300 {
		t.Errorf("%d answers", n)
	}
}

// metric returns the value of a metric without labels.
func (w *world) metric(t *testing.T, name string) float64 {
	t.Helper()
	families, err := w.gather.Gather()
	must(t, err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}
