package fault

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
)

// TestFaultPartition cuts each role off from Kafka while it works: connectors
// held, processors with replies lost, the gateway held, each for longer than its
// session. Each is back after the heal, how soon is told; a gateway that cannot write its
// audit answers nobody meanwhile. In between the only broker is restarted as an
// operator would, and all go on. The city comes to what it comes to undisturbed.
func TestFaultPartition(t *testing.T) {
	e2e.InTurn(t)
	lines := map[string]*proxy{}
	for _, role := range []string{e2e.ConnectorsRole, e2e.ProcessorsRole, e2e.GatewayRole} {
		lines[strings.ToUpper(role)] = interpose(t, "")
	}
	c := startCluster(t, "kafka", lines)
	d := disturb(t, undisturbed(t, 4), c.brokers, nil)
	gateway := e2e.FreePort(t)
	more := d.answers(gateway, e2e.StartRedis(t))
	var roles []*e2e.Process
	for _, role := range []string{e2e.ConnectorsRole, e2e.ProcessorsRole, e2e.GatewayRole} {
		behind := maps.Clone(d.kafka)
		behind["brokers"] = []string{lines[strings.ToUpper(role)].address}
		more["bus"] = behind
		p := e2e.Launch(t, "run", "--role", role, "--config", d.configure(role, more))
		d.attach(p)
		roles = append(roles, p)
	}
	var story []string
	healed := func(what string, line *proxy, back func()) {
		t.Helper()
		line.set(disturbance{})
		began := time.Now()
		back()
		story = append(story, fmt.Sprintf("%s: back after %v", what, time.Since(began).Round(100*time.Millisecond)))
	}
	for _, cut := range []struct {
		at   int64
		role string
		how  disturbance
	}{{5, e2e.ConnectorsRole, disturbance{held: true}}, {30, e2e.ProcessorsRole, disturbance{deaf: true}}} {
		line := lines[strings.ToUpper(cut.role)]
		d.at(cut.at, roles...)
		line.set(cut.how)
		stood := d.still(7*time.Second, roles...) // beyond the session: others would have taken over
		if stood > d.want.total*95/100 {
			t.Fatalf("%s were cut off too late: at %d of %d", cut.role, stood, d.want.total)
		}
		healed(cut.role, line, func() { d.until(stood+d.want.total/100, roles...) })
	}
	stood := d.still(0, roles...)
	if stood > d.want.total*95/100 {
		t.Fatalf("the broker is restarted too late: at %d of %d", stood, d.want.total)
	}
	c.testbed("stop", "kafka1")
	c.testbed("start", "kafka1")
	began := time.Now()
	d.until(stood+d.want.total/25, roles...)
	story = append(story, fmt.Sprintf("broker restarted: on after %v", time.Since(began).Round(100*time.Millisecond)))
	lines[strings.ToUpper(e2e.ConnectorsRole)].reset()
	lines[strings.ToUpper(e2e.ProcessorsRole)].reset()
	d.want.reached(t, c.brokers, d.prefix, false)
	someone, line := d.residents(1)[0], lines[strings.ToUpper(e2e.GatewayRole)]
	says := func(want int) func() {
		return func() {
			t.Helper()
			e2e.Await(t, fmt.Sprintf("answer %d", want), func() string {
				for _, p := range roles {
					p.Alive()
				}
				if status, err := look(t.Context(), gateway, someone); status != want {
					return fmt.Sprintf("%d %v", status, err)
				}
				return ""
			})
		}
	}
	says(http.StatusOK)()
	line.set(disturbance{held: true})
	says(http.StatusServiceUnavailable)()
	healed("gateway", line, says(http.StatusOK))
	for _, p := range roles {
		p.Stop()
	}
	t.Log(strings.Join(story, "; "))
}

// still waits until the journey has stood still for so long, and says where.
func (d *disturbed) still(long time.Duration, alive ...*e2e.Process) int64 {
	d.Helper()
	stood, since := int64(-1), time.Now()
	e2e.Await(d, "stands still", func() string {
		for _, p := range alive {
			p.Alive()
		}
		if at := progress(d.Context(), d, d.bus, d.cat); at != stood {
			stood, since = at, time.Now()
		}
		if time.Since(since) < long {
			return fmt.Sprintf("at %d", stood)
		}
		return ""
	})
	return stood
}
