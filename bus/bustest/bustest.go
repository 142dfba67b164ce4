// Package bustest gives tests a bus: on the embedded broker always, on a real
// Kafka cluster where one is named, over a network in memory for simulations
// inside testing/synctest, and over lines that can be cut, held and lied on.
package bustest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net"
	"os"
	"strconv"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/embedded"
)

// Env names the variable that holds a real cluster's host:port.
const Env = "YIYUAN_TEST_KAFKA"

// Kafka is a cluster for one test. Prefix keeps tests on one cluster apart.
type Kafka struct {
	Brokers []string
	Prefix  string
	Broker  *embedded.Broker // nil if it is a real cluster
	dial    func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Each runs the test on the embedded broker and on the cluster named by Env. In
// CI there must be one.
func Each(t *testing.T, test func(t *testing.T, k Kafka)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		test(t, Embedded(t))
	})
	t.Run("kafka", func(t *testing.T) {
		addr := os.Getenv(Env)
		if addr == "" {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is not set", Env)
			}
			t.Skipf("%s is not set", Env)
		}
		t.Parallel()
		test(t, Kafka{Brokers: []string{addr}, Prefix: prefix()})
	})
}

// Seeds returns how many seeds a simulation runs: n, or n times the number in
// YIYUAN_TEST_SEEDS, for the long runs at night.
func Seeds(n uint64) uint64 {
	if times, err := strconv.ParseUint(os.Getenv("YIYUAN_TEST_SEEDS"), 10, 64); err == nil {
		return n * times
	}
	return n
}

func prefix() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand stops the process instead
	return "test-" + hex.EncodeToString(b[:]) + "."
}

// Embedded starts an embedded broker for the test.
func Embedded(t testing.TB) Kafka {
	t.Helper()
	br, err := embedded.Start(t.Context(), embedded.Options{Logger: Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(br.Close)
	return Kafka{Brokers: br.Addrs(), Prefix: prefix(), Broker: br}
}

// InMemory starts an embedded broker behind pipes: no port, no real time, fit
// for a synctest bubble.
func InMemory(t testing.TB) Kafka {
	t.Helper()
	return Brokers(t, 1)
}

// Brokers is InMemory with several brokers, between which leaders and
// coordinators can be moved.
func Brokers(t testing.TB, count int) Kafka {
	t.Helper()
	return behindPipes(t, embedded.Options{Brokers: count})
}

// OnDisk is InMemory with a folder of its own; sync brings a file or folder to the
// disk, as the test wants it.
func OnDisk(t testing.TB, dir string, sync func(path string) error) Kafka {
	t.Helper()
	return behindPipes(t, embedded.Options{Dir: dir, Sync: sync})
}

func behindPipes(t testing.TB, o embedded.Options) Kafka {
	t.Helper()
	n := &pipes{listeners: map[string]*listener{}}
	o.ListenFn, o.Logger = n.listen, Logger(t)
	br, err := embedded.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(br.Close)
	return Kafka{Brokers: br.Addrs(), Prefix: prefix(), Broker: br, dial: n.dial}
}

// Dial dials a broker.
func (k Kafka) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if k.dial != nil {
		return k.dial(ctx, network, addr)
	}
	return (&net.Dialer{}).DialContext(ctx, network, addr)
}

// Config is a bus configuration for the cluster.
func (k Kafka) Config() bus.Config {
	c := bus.Config{Brokers: k.Brokers, Prefix: k.Prefix}
	if k.dial != nil {
		c.Dialer = k.dial
	}
	return c
}

// Open opens a bus on the cluster, after change, if there is one.
func (k Kafka) Open(t testing.TB, change func(*bus.Config)) *bus.Bus {
	t.Helper()
	c := k.Config()
	if change != nil {
		change(&c)
	}
	b, err := bus.Open(t.Context(), c, Logger(t), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// Logger is silent, unless YIYUAN_TEST_LOG is set.
func Logger(t testing.TB) *slog.Logger {
	t.Helper()
	if os.Getenv("YIYUAN_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	level := slog.LevelInfo
	if os.Getenv("YIYUAN_TEST_LOG") == "debug" {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}
