package fault

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
)

// ownKafka is Kafka of a test's own, to be killed and cut off.
type ownKafka struct {
	testing.TB
	bed       string
	listeners []string // further ones, as the test bed wants them
	brokers   []string
}

// startCluster starts brokers that end with the test, by the test bed's own
// script: kafka is one of them, kafka3 and apart are three. Each proxy stands in front of
// a listener of its own.
func startCluster(t testing.TB, name string, proxies map[string]*proxy) *ownKafka {
	t.Helper()
	e2e.Service(t, "YIYUAN_TEST_KAFKA") // where there is no test bed there are no further brokers either
	return startClusterIn(t, t.TempDir(), name, proxies)
}

// startClusterIn is startCluster with the brokers' data in a folder.
func startClusterIn(t testing.TB, bed, name string, proxies map[string]*proxy) *ownKafka {
	t.Helper()
	c := &ownKafka{TB: t, bed: bed}
	for listener, x := range proxies {
		c.listeners = append(c.listeners, listener+"="+x.address)
	}
	t.Cleanup(func() { c.testbed("down") })
	c.testbed("up", name)
	at := map[string]string{}
	for line := range strings.Lines(c.testbed("env")) {
		if variable, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export YIYUAN_TEST_"), "="); ok {
			at[variable] = strings.Trim(value, "'")
		}
	}
	if c.brokers = strings.Split(at[strings.ToUpper(name)], ","); c.brokers[0] == "" {
		t.Fatalf("the test bed started no %s", name)
	}
	for listener, x := range proxies {
		x.aim(at["KAFKA_"+listener])
	}
	return c
}

// testbed runs the script on this cluster's folder.
func (c *ownKafka) testbed(args ...string) string {
	c.Helper()
	cmd := exec.Command(e2e.InTree(c, "deploy/testbed/testbed"), args...) // no context: down runs after the test's has ended
	cmd.Env = append(os.Environ(), "YIYUAN_TESTBED="+c.bed, "YIYUAN_TESTBED_LISTENERS="+strings.Join(c.listeners, " "))
	var talk strings.Builder
	cmd.Stderr = &talk
	out, err := cmd.Output()
	if err != nil {
		c.Errorf("testbed %v: %v\n%s", args, err, talk.String())
	}
	return string(out)
}

// TestFaultBroker kills brokers with -9 under load: one of three, another, and
// all three at once. What was acknowledged is there afterwards, and what the city
// came to is what it comes to undisturbed. While a broker starts the connectors are
// held: on a slow machine that takes as long as the rest of the journey, and the
// next kill would find nobody at work.
func TestFaultBroker(t *testing.T) {
	e2e.InTurn(t)
	c := startCluster(t, "kafka3", nil)
	d := disturb(t, undisturbed(t, 1), c.brokers, map[string]any{"replication": 3, "partitions": 1})
	connectors, processors := d.launch(e2e.ConnectorsRole, "c"), d.launch(e2e.ProcessorsRole, "p")
	var story []string
	const most = 8 // of one broker: more take longer than the journey
	n := min(kills(1), most)
	for i := range n + 1 {
		d.at(70*int64(i+1)/int64(n+1), connectors, processors)
		names, what := []string{fmt.Sprintf("trio%d", i%3+1)}, "one killed"
		if i == n {
			names, what = []string{"trio1", "trio2", "trio3"}, "all killed and started"
		}
		stood := progress(t.Context(), t, d.bus, d.cat)
		if stood > d.want.total*95/100 {
			t.Fatalf("%s too late: at %d of %d", what, stood, d.want.total)
		}
		c.testbed(append([]string{"kill"}, names...)...)
		killed := time.Now()
		if i == n {
			c.testbed(append([]string{"start"}, names...)...)
			killed = time.Now()
		}
		d.until(stood+d.want.total/50, connectors, processors) // how soon is told: three brokers on two cores decide it
		story = append(story, fmt.Sprintf("%s at %d of %d: on after %v", what, stood, d.want.total, time.Since(killed).Round(100*time.Millisecond)))
		if i < n {
			connectors.Hold()
			c.testbed(append([]string{"start"}, names...)...)
			d.until(stood, connectors, processors) // else they may be at their end before the cluster tells how far they are
			connectors.Resume()
		}
	}
	d.want.reached(t, c.brokers, d.prefix, false)
	for _, p := range []*e2e.Process{connectors, processors} {
		p.Stop()
	}
	t.Log(strings.Join(story, "; "))
}

// TestFaultBrokerLost takes a broker's disk away under load. It comes back empty and
// fills itself from the two others; after that another may die, for it holds all.
func TestFaultBrokerLost(t *testing.T) {
	e2e.LongOnly(t)
	c := startCluster(t, "kafka3", nil)
	d := disturb(t, undisturbed(t, 1), c.brokers, map[string]any{"replication": 3, "partitions": 1})
	connectors, processors := d.launch(e2e.ConnectorsRole, "c"), d.launch(e2e.ProcessorsRole, "p")
	d.at(30, connectors, processors)
	c.testbed("kill", "trio2")
	connectors.Hold()
	e2e.Await(t, "it is missed", func() string {
		if behind(t, c.brokers) == "" {
			return "all in sync"
		}
		return ""
	})
	c.testbed("wipe", "trio2")
	c.testbed("start", "trio2")
	started := time.Now()
	e2e.Await(t, "all replicas in sync", func() string { return behind(t, c.brokers) })
	t.Logf("all in sync %v after it started empty", time.Since(started).Round(100*time.Millisecond))
	connectors.Resume()
	c.testbed("kill", "trio1")
	stood := progress(t.Context(), t, d.bus, d.cat)
	if stood > d.want.total*95/100 {
		t.Fatalf("the other was killed too late: at %d of %d", stood, d.want.total)
	}
	d.until(stood+d.want.total/50, connectors, processors)
	d.want.reached(t, c.brokers, d.prefix, false)
	for _, p := range []*e2e.Process{connectors, processors} {
		p.Stop()
	}
}

// behind says which partition has fewer replicas in sync than it should, "" if none.
func behind(t *testing.T, brokers []string) string {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	topics, err := kadm.NewClient(client).ListTopicsWithInternal(t.Context())
	if err != nil {
		return err.Error()
	}
	var out string
	topics.EachPartition(func(p kadm.PartitionDetail) {
		if len(p.ISR) < len(p.Replicas) {
			out = fmt.Sprintf("%s/%d: %v of %v", p.Topic, p.Partition, p.ISR, p.Replicas)
		}
	})
	return out
}

// TestFaultBrokersApart takes three brokers' ways to one another away under load:
// that between two of them, while the third and all clients reach both, and the
// city goes on; then all, so that there is no majority and all wait. It comes to
// what it comes to undisturbed.
func TestFaultBrokersApart(t *testing.T) {
	e2e.LongOnly(t)
	if os.Getuid() != 0 {
		t.Skip("network namespaces need root")
	}
	c := startCluster(t, "apart", nil)
	d := disturb(t, undisturbed(t, 1), c.brokers, map[string]any{"replication": 3, "partitions": 1})
	connectors, processors := d.launch(e2e.ConnectorsRole, "c"), d.launch(e2e.ProcessorsRole, "p")
	d.at(10, connectors, processors)
	c.testbed("part", "apart1", "apart2")
	parted := time.Now()
	d.at(40, connectors, processors)
	story := fmt.Sprintf("a third of the journey with two apart: %v", time.Since(parted).Round(100*time.Millisecond))
	c.testbed("join", "apart1", "apart2")
	d.at(50, connectors, processors)
	stood := progress(t.Context(), t, d.bus, d.cat)
	c.testbed("part", "apart1", "apart2", "apart3")
	stood = max(stood, d.still(15*time.Second, connectors, processors)) // there may be nobody to say where
	if stood > d.want.total*95/100 {
		t.Fatalf("they were parted too late: at %d of %d", stood, d.want.total)
	}
	c.testbed("join", "apart1", "apart2", "apart3")
	joined := time.Now()
	d.until(stood+d.want.total/50, connectors, processors)
	t.Logf("%s; all apart, on %v after they were joined", story, time.Since(joined).Round(100*time.Millisecond))
	d.want.reached(t, c.brokers, d.prefix, false)
	for _, p := range []*e2e.Process{connectors, processors} {
		p.Stop()
	}
}
