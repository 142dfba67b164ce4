package fault

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// Two people whose answers cannot be taken for one another's.
var known = map[string]string{"539902198503120013": "欧阳**", "539902199001010011": "李*"}

// TestFaultAnswers disturbs what stands behind the gateway, and the gateway
// itself, while people ask: Redis is killed and emptied, the line to it held,
// slowed and broken, Redis full and read-only, the gateway killed and overloaded, the grant revoked. An answer is right,
// or there is none; nobody who is known is ever said not to be there; and each
// answer has its audit record.
func TestFaultAnswers(t *testing.T) {
	e2e.InTurn(t)
	p := e2e.OpenRealPath(t)
	cache := e2e.StartRedis(t)
	line := interpose(t, cache.Address)
	p.Redis = line.address
	p.Timeouts = map[string]any{"transaction_timeout": "3s", "session_timeout": "6s"}
	p.SQL(t, `INSERT INTO %s.t_czrk (sfzh, xm, xbdm, mzdm, csrq, hjdxzqhdm, hjdz) VALUES
		('539902198503120013', '欧阳建国', '1', '01', '1985-03-12', '539902', '云岭市岭东区'), ('539902199001010011', '李四', '1', '01', '1990-01-01', '539902', '云岭市岭东区')`)
	connectors, processors, server := p.Launch(t, e2e.ConnectorsRole), p.Launch(t, e2e.ProcessorsRole), p.Launch(t, e2e.GatewayRole)
	for number, name := range known {
		p.Await(t, number, map[string]any{"XM": name})
	}
	p.DeliversFirst(t)
	e2e.Await(t, "nothing is awaited, so that absence can be claimed", func() string {
		if status, body := p.Ask(t, e2e.AppKey, "539902198503120021"); status != http.StatusNotFound {
			return fmt.Sprintf("%d %s", status, body)
		}
		return ""
	})
	crowd := gather(t, p)
	disturb := func(name string, fault func(), heal func()) {
		t.Helper()
		began := crowd.mark()
		fault()
		crowd.until(t, name+": refused", began, func(s tally) bool { return s.refused > 0 })
		if heal != nil {
			heal()
		}
		healed := time.Now()
		at := crowd.mark()
		crowd.until(t, name+": answered", at, func(s tally) bool { return s.answered > 20 })
		t.Logf("%s: answers again after %v, %s", name, time.Since(healed).Round(time.Millisecond), crowd.since(began))
	}
	disturb("redis killed", func() { cache.Kill(t) }, func() { cache.Start(t) })
	disturb("redis emptied", func() { cache.Say(t, "FLUSHALL") }, nil)
	disturb("line held", func() { line.set(disturbance{held: true}) }, func() { line.set(disturbance{}) })
	disturb("replies held", func() { line.set(disturbance{deaf: true}) }, func() { line.set(disturbance{}) })
	disturb("slow line", func() { line.set(disturbance{delay: 2 * time.Second}) }, func() { line.set(disturbance{}) })
	for range 5 { // these may pass unnoticed: a read is asked again once
		at := crowd.mark()
		line.reset()
		line.set(disturbance{replyCut: true})
		crowd.until(t, "reset, reply cut", at, func(s tally) bool { return s.answered > 20 })
	}
	line.set(disturbance{})
	for _, c := range []struct {
		name, number string
		begin, end   []any
	}{
		{"redis full", "539902198503120021", []any{"CONFIG", "SET", "maxmemory", "1"}, []any{"CONFIG", "SET", "maxmemory", "0"}},
		{"redis read-only", "539902198503120048", []any{"REPLICAOF", "127.0.0.1", "1"}, []any{"REPLICAOF", "NO", "ONE"}},
	} {
		cache.Say(t, c.begin...)
		unwritable(t, p, server, crowd, c.name, c.number)
		cache.Say(t, c.end...)
		t.Logf("%s: what came meanwhile is there %v after", c.name, p.Await(t, c.number, map[string]any{"XM": "赵*"}))
	}
	for range kills(2) {
		disturb("gateway killed", server.Kill, func() { server = p.Launch(t, e2e.GatewayRole) })
	}
	overload(t, p, crowd)
	revoke(t, p)
	revoked := time.Now()
	at := crowd.mark()
	crowd.until(t, "revoked", at, func(s tally) bool { return s.denied > 0 })
	took := time.Since(revoked)
	at = crowd.mark()
	crowd.until(t, "denied", at, func(s tally) bool { return s.denied > 50 })
	if s := crowd.since(at); s.answered > crowd.workers {
		t.Errorf("after the first refusal: %s", s) // what was under way may still come
	}
	crowd.stop()
	audited(t, p, crowd.requests)
	t.Logf("revoked after %v; in all %s", took.Round(time.Millisecond), crowd.since(tally{}))
	server.Stop()
	processors.Stop()
	connectors.Stop()
}

// unwritable looks at a Redis that takes no writes: what it holds is answered, and
// of a person who is new meanwhile it says that there is no record as of a time
// before.
func unwritable(t *testing.T, p *e2e.RealPath, server *e2e.Process, crowd *crowd, name, number string) {
	t.Helper()
	told := len(server.Stderr.Bytes())
	said := time.Now()
	p.SQL(t, `INSERT INTO %s.t_czrk (sfzh, xm, xbdm, mzdm, csrq, hjdxzqhdm, hjdz) VALUES ('`+number+`', '赵六', '2', '01', '1985-03-12', '539902', '云岭市岭东区')`)
	e2e.Await(t, name+": told in the log", func() string {
		if !strings.Contains(string(server.Stderr.Bytes()[told:]), "cache cannot be written") {
			return "nothing is said"
		}
		return ""
	})
	at := crowd.mark()
	crowd.until(t, name+": answered", at, func(s tally) bool { return s.answered > 50 })
	if s := crowd.since(at); s.refused > s.answered {
		t.Errorf("%s: %s", name, s)
	}
	status, body := p.Ask(t, e2e.AppKey, number)
	var answer struct {
		AsOf time.Time `json:"as_of"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusNotFound || !answer.AsOf.Before(said) {
		t.Errorf("%s: about who is new: %d %s (%v), want 404 as of a time before %v", name, status, body, err, said)
	}
}

// tally counts what people were told.
type tally struct{ answered, refused, denied int }

func (s tally) String() string {
	return fmt.Sprintf("%d answered, %d told to wait or cut off, %d denied", s.answered, s.refused, s.denied)
}

// crowd asks about known people all the time.
type crowd struct {
	workers int
	end     context.CancelFunc
	asking  sync.WaitGroup

	mu       sync.Mutex
	seen     tally
	requests []string // of the answers
	wrong    []string
}

func gather(t *testing.T, p *e2e.RealPath) *crowd {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	c := &crowd{workers: 4, end: end}
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{}}
	var people []string
	for number := range known {
		people = append(people, number)
	}
	for w := range c.workers {
		c.asking.Go(func() {
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for i := w; ; i++ {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					c.ask(ctx, client, "http://"+p.Gateway, people[i%len(people)])
				}
			}
		})
	}
	t.Cleanup(c.stop)
	return c
}

func (c *crowd) stop() {
	c.end()
	c.asking.Wait()
}

func (c *crowd) ask(ctx context.Context, client *http.Client, gateway, number string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, gateway+"/v1/lookup/person.partial/"+number, nil)
	if err != nil {
		return
	}
	req.Header.Set("Authorization", "Bearer "+e2e.AppKey)
	req.Header.Set("X-Purpose", "DBHD")
	res, err := client.Do(req)
	var answer struct {
		Data map[string]any `json:"data"`
	}
	if err == nil {
		defer res.Body.Close()
		err = json.NewDecoder(res.Body).Decode(&answer)
	}
	if ctx.Err() != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil || res.StatusCode == http.StatusServiceUnavailable:
		c.seen.refused++
	case res.StatusCode == http.StatusForbidden:
		c.seen.denied++
	case res.StatusCode == http.StatusOK && answer.Data["XM"] == known[number]:
		c.seen.answered++
		c.requests = append(c.requests, res.Header.Get("X-Request-Id"))
	default:
		c.wrong = append(c.wrong, fmt.Sprintf("%d %v about %s", res.StatusCode, answer.Data["XM"], number))
	}
}

func (c *crowd) mark() tally {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen
}

func (c *crowd) since(at tally) tally {
	now := c.mark()
	return tally{now.answered - at.answered, now.refused - at.refused, now.denied - at.denied}
}

// until waits for what people are told. A wrong answer fails the test at once.
func (c *crowd) until(t *testing.T, what string, since tally, enough func(tally) bool) {
	t.Helper()
	e2e.Await(t, what, func() string {
		c.mu.Lock()
		wrong := c.wrong
		c.mu.Unlock()
		if len(wrong) > 0 {
			t.Fatalf("%s: wrong answers: %q", what, wrong[:min(5, len(wrong))])
		}
		if s := c.since(since); !enough(s) {
			return s.String()
		}
		return ""
	})
}

// revoke takes the application's only grant away.
func revoke(t *testing.T, p *e2e.RealPath) {
	t.Helper()
	e2e.Write(t, map[string]any{"applications": []any{map[string]any{
		"id": "MZ-DBHD", "title": "低保核对", "department": "MZ", "key_digest": "sha256:" + fmt.Sprintf("%x", access.DigestKey(e2e.AppKey)),
		"grants": []any{map[string]any{"view": "enterprise.public", "fields": []string{access.AllFields}, "purposes": []string{"DBHD"}}},
	}}}, p.Dir, "access.yaml")
}

// audited holds the answers people got against the audit topic.
func audited(t *testing.T, p *e2e.RealPath, requests []string) {
	t.Helper()
	j := e2e.Visit(t, strings.Split(p.Brokers, ","), p.Prefix, 0, time.Now())
	reader, entries := j.Codec.Reader(contract.AuditLayout), map[string]bool{}
	err := j.Bus.Replay(t.Context(), contract.Audit, func(r bus.Record) error {
		rec, err := reader.Decode(t.Context(), r.Value)
		if err == nil && rec.Get("decision").Str() == audit.Allow {
			entries[rec.Get("request").Str()] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	missing := 0
	for _, r := range requests {
		if !entries[r] {
			missing++
		}
	}
	if missing > 0 || len(requests) == 0 {
		t.Errorf("%d of %d answers have no audit record (%d entries, %s)", missing, len(requests), len(entries), filepath.Base(p.Dir))
	}
}
