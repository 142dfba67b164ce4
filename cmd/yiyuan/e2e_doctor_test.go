package main

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
)

// TestDoctorOnRealServices lets the doctor look at a city on real Kafka, Redis
// and PostgreSQL, first sound, then with a Redis that evicts, a transaction that
// somebody left open and a slot that is gone; and lets the operator end that
// transaction.
func TestDoctorOnRealServices(t *testing.T) {
	p := openRealPath(t)
	p.sql(t, `INSERT INTO %s.t_czrk (sfzh, xm, xbdm, mzdm, csrq, hjdxzqhdm, hjdz) VALUES ('539902198503120013', '欧阳建国', '1', '01', '1985-03-12', '539902', '云岭市岭东区')`)
	cache := startRedis(t)
	p.redis = cache.address
	p.timeouts = map[string]any{"transaction_timeout": "2s", "session_timeout": "6s"}
	running := []*process{p.launch(t, roleConnectors), p.launch(t, roleProcessors), p.launch(t, roleGateway)}
	p.await(t, "539902198503120013", map[string]any{"XM": "欧阳**"})
	config := p.configure(t, roleGateway)
	var found []finding
	await(t, "a delivery is awaited", time.Minute, func() string {
		if found = doctorSays(t, config); !strings.Contains(graded(found, "source.ga-files.state", gradeWarning), "GA02") {
			return "the doctor does not say so"
		}
		return ""
	})
	p.deliversFirst(t)
	expected := []string{"kafka.replication", "rules.waiting"} // one broker; most datasets have no source here
	await(t, "sound", time.Minute, func() string {
		found = doctorSays(t, config)
		for _, f := range found {
			if f.Grade != gradeOK && !slices.Contains(expected, f.Check) {
				return f.Check + ": " + f.What
			}
		}
		return ""
	})
	for _, check := range []string{"kafka.version", "kafka.transaction.version", "kafka.topics", "registry", "redis.views", "redis.clock", "source.ga-pg", "source.ga-pg.clock", "step.resolve.person"} {
		expect(t, found, check, gradeOK, "")
	}
	for _, r := range running {
		r.stop()
	}

	cache.say(t, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
	left, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(p.brokers, ",")...), kgo.TransactionalID(p.prefix+"left"), kgo.TransactionTimeout(10*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	defer left.Close()
	if err := left.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := left.ProduceSync(t.Context(), &kgo.Record{Topic: p.prefix + "findings", Key: []byte("k"), Value: []byte("v")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	await(t, "stuck", time.Minute, func() string {
		if found = doctorSays(t, config); graded(found, "kafka.transactions", gradeProblem) == "" {
			return "the transaction does not count as stuck"
		}
		if graded(found, "step.route", gradeWarning) == "" { // its members are missed when their session has ended
			return "somebody still works on route"
		}
		return ""
	})
	expect(t, found, "kafka.transactions", gradeProblem, p.prefix+"left")
	expect(t, found, "redis.eviction", gradeProblem, "allkeys-lru")
	expect(t, found, "source.ga-pg", gradeWarning, "")

	listed, err := exec.CommandContext(bounded(t, time.Minute), "yiyuan", "txn", "ls", "--config", config).Output()
	if err != nil || !strings.Contains(string(listed), p.prefix+"left") || !strings.Contains(string(listed), "Ongoing") || !strings.Contains(string(listed), "findings/") {
		t.Errorf("txn ls = %v\n%s", err, listed)
	}
	if out, err := exec.CommandContext(bounded(t, time.Minute), "yiyuan", "txn", "abort", p.prefix+"left", "--yes", "--config", config).CombinedOutput(); err != nil {
		t.Fatalf("txn abort: %v\n%s", err, out)
	}
	if got := graded(doctorSays(t, config), "kafka.transactions", gradeProblem); got != "" {
		t.Errorf("after the abort: %s", got)
	}
	out, err := exec.CommandContext(bounded(t, time.Minute), "yiyuan", "txn", "abort", p.prefix+"left", "--yes", "--config", config).CombinedOutput()
	var ended *exec.ExitError
	if !asExit(err, &ended) || ended.ExitCode() != exit.NotFound {
		t.Errorf("a second abort ends with %v, want exit code %d\n%s", err, exit.NotFound, out)
	}
}

// doctorSays runs the command and returns what it found. Its exit code must
// agree with that.
func doctorSays(t *testing.T, config string) []finding {
	t.Helper()
	out, err := exec.CommandContext(bounded(t, 2*time.Minute), "yiyuan", "doctor", "-o", "json", "--config", config).Output()
	var said struct {
		Checks   []finding `json:"checks"`
		Problems int       `json:"problems"`
	}
	if err := json.Unmarshal(out, &said); err != nil {
		t.Fatalf("doctor: %v in %s", err, out)
	}
	code := exit.OK
	var ended *exec.ExitError
	if asExit(err, &ended) {
		code = ended.ExitCode()
	}
	want := exit.OK
	if said.Problems > 0 {
		want = exit.Problems
	}
	if code != want || said.Problems != count(said.Checks, gradeProblem) {
		t.Errorf("doctor ends with %d, having found %d problems", code, said.Problems)
	}
	return said.Checks
}
