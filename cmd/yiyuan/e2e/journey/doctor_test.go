package journey

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
)

// TestDoctorOnRealServices lets the doctor look at a city on real Kafka, Redis
// and PostgreSQL, first sound, then with a Redis that evicts, a transaction that
// somebody left open and a slot that is gone; and lets the operator end that
// transaction.
func TestDoctorOnRealServices(t *testing.T) {
	p := e2e.OpenRealPath(t)
	p.SQL(t, `INSERT INTO %s.t_czrk (sfzh, xm, xbdm, mzdm, csrq, hjdxzqhdm, hjdz) VALUES ('539902198503120013', '欧阳建国', '1', '01', '1985-03-12', '539902', '云岭市岭东区')`)
	cache := e2e.StartRedis(t)
	p.Redis = cache.Address
	p.Timeouts = map[string]any{"transaction_timeout": "2s", "session_timeout": "6s"}
	running := []*e2e.Process{p.Launch(t, e2e.ConnectorsRole), p.Launch(t, e2e.ProcessorsRole), p.Launch(t, e2e.GatewayRole)}
	p.Await(t, "539902198503120013", map[string]any{"XM": "欧阳**"})
	config := p.Configure(t, e2e.GatewayRole)
	var found []e2e.Check
	e2e.Await(t, "a delivery is awaited", func() string {
		if found = e2e.DoctorSays(t, config); !strings.Contains(e2e.Judged(found, "source.ga-files.state", e2e.Warned), "GA02") {
			return "the doctor does not say so"
		}
		return ""
	})
	p.DeliversFirst(t)
	expected := []string{"kafka.replication", "rules.waiting", "datasets.sources"} // one broker; most datasets have no source here
	e2e.Await(t, "sound", func() string {
		found = e2e.DoctorSays(t, config)
		for _, f := range found {
			if f.Grade != e2e.Sound && !slices.Contains(expected, f.Check) {
				return f.Check + ": " + f.What
			}
		}
		return ""
	})
	for _, check := range []string{"kafka.version", "kafka.transaction.version", "kafka.topics", "registry", "redis.views", "redis.clock", "source.ga-pg", "source.ga-pg.clock", "step.resolve.person"} {
		e2e.WantJudged(t, found, check, e2e.Sound, "")
	}
	for _, r := range running {
		r.Stop()
	}

	cache.Say(t, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
	left, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(p.Brokers, ",")...), kgo.TransactionalID(p.Prefix+"left"), kgo.TransactionTimeout(10*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	defer left.Close()
	if err := left.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := left.ProduceSync(t.Context(), &kgo.Record{Topic: p.Prefix + "findings", Key: []byte("k"), Value: []byte("v")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	e2e.Await(t, "stuck", func() string {
		if found = e2e.DoctorSays(t, config); e2e.Judged(found, "kafka.transactions", e2e.Ill) == "" {
			return "the transaction does not count as stuck"
		}
		if e2e.Judged(found, "processors", e2e.Ill) == "" { // members are missed when their session has ended
			return "somebody still works on a step"
		}
		return ""
	})
	e2e.WantJudged(t, found, "kafka.transactions", e2e.Ill, p.Prefix+"left")
	e2e.WantJudged(t, found, "redis.eviction", e2e.Ill, "allkeys-lru")
	e2e.WantJudged(t, found, "source.ga-pg", e2e.Warned, "")

	listed, err := exec.CommandContext(e2e.Bounded(t), "yiyuan", "txn", "ls", "--config", config).Output()
	if err != nil || !strings.Contains(string(listed), p.Prefix+"left") || !strings.Contains(string(listed), "Ongoing") || !strings.Contains(string(listed), "findings/") {
		t.Errorf("txn ls = %v\n%s", err, listed)
	}
	if out, err := exec.CommandContext(e2e.Bounded(t), "yiyuan", "txn", "abort", p.Prefix+"left", "--yes", "--config", config).CombinedOutput(); err != nil {
		t.Fatalf("txn abort: %v\n%s", err, out)
	}
	if got := e2e.Judged(e2e.DoctorSays(t, config), "kafka.transactions", e2e.Ill); got != "" {
		t.Errorf("after the abort: %s", got)
	}
	out, err := exec.CommandContext(e2e.Bounded(t), "yiyuan", "txn", "abort", p.Prefix+"left", "--yes", "--config", config).CombinedOutput()
	var ended *exec.ExitError
	if !e2e.AsExit(err, &ended) || ended.ExitCode() != e2e.EndNotFound {
		t.Errorf("a second abort ends with %v, want exit code %d\n%s", err, e2e.EndNotFound, out)
	}
}
