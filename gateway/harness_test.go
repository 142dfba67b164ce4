package gateway_test

import (
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	goredis "github.com/redis/go-redis/v9"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/embedded"
	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/redis"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/registry"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// world is a bus, a cache and a gateway between them, with nothing in front.
type world struct {
	t       testing.TB
	cat     *schemas.Catalogue
	brokers []string
	bus     *bus.Bus
	codec   *codec.Codec
	keys    *keyring.Keyring
	cache   *redis.Store
	slow    *pausing             // the cache as the gateway has it
	mini    *miniredis.Miniredis // nil on a real server
	raw     *goredis.Client
	access  *access.Access
	apps    []access.Application // in force at first
	log     *appender
	kafka   *judge
	next    arriving
	gateway *gateway.Gateway
	logs    *locked
	gather  *prometheus.Registry
	url     string
	address string
	source  *bus.Publisher
	denied  int
	stop    func()
}

// demoAccess is who may ask what in the tests.
func demoAccess() []access.Application {
	app := func(id, department string, purposes []string, grants ...access.Grant) access.Application {
		return access.Application{ID: id, Title: id + " 应用", Department: department, KeyDigest: access.DigestKey("key-" + id), Purposes: purposes, Grants: grants}
	}
	all := []string{access.AllFields}
	return []access.Application{
		app("RS-GLJT", "RS", nil,
			access.Grant{View: "person.partial", Fields: []string{"GMSFHM", "XM", "CSRQ", "GA03"}, Purposes: []string{"GLJT"}},
			access.Grant{View: "person.verify", Fields: all, Purposes: []string{"GLJT"}},
			access.Grant{View: "person.alive", Fields: all, Purposes: []string{"GLJT"}, Until: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}),
		app("SP-QYZX", "SP", nil,
			access.Grant{View: "enterprise.public", Fields: all, Purposes: []string{"QYZX"}, Quota: 3}),
		app("SJ-JDGL", "SJ", []string{access.Supervise},
			access.Grant{View: "person.explain", Fields: all, Purposes: []string{access.Supervise}},
			access.Grant{View: "GA01.partial", Fields: all, Purposes: []string{access.Supervise}},
			access.Grant{View: "RS01.partial", Fields: all, Purposes: []string{access.Supervise}},
			access.Grant{View: "person.partial", Fields: all, Purposes: []string{access.Supervise}}),
	}
}

// realServer is the variable that puts a test on a real Redis; TestOnRealRedis sets it.
const realServer = "YIYUAN_TEST_REDIS_OF_GATEWAY"

// realDB is this package's database of the real server; others have theirs.
func realDB() int {
	if os.Getenv(realServer) != "" {
		return 2
	}
	return 0
}

// quiet is a logger that says nothing.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

type option func(*gateway.Config)

// start builds a world on an empty broker and an empty cache.
func start(t testing.TB, options ...option) *world {
	t.Helper()
	return startIn(t, yunling.Files(), options...)
}

// startIn is start in another city.
func startIn(t testing.TB, city fs.FS, options ...option) *world {
	t.Helper()
	ctx := t.Context()
	broker, err := embedded.Start(ctx, embedded.Options{})
	must(t, err)
	t.Cleanup(broker.Close)
	w := &world{t: t, brokers: broker.Addrs(), kafka: &judge{}, next: make(arriving), logs: &locked{}, gather: prometheus.NewRegistry()}
	w.cat, err = manifest.Load(city)
	must(t, err)
	w.bus, err = bus.Open(ctx, bus.Config{Brokers: broker.Addrs(), Partitions: 2}, quiet(), prometheus.NewRegistry())
	must(t, err)
	t.Cleanup(w.bus.Close)
	must(t, w.bus.Ensure(ctx, topics(w.cat)...))
	var schemaRegistry *registry.Registry
	eventually(t, "the new topics are known", func() bool {
		schemaRegistry, err = registry.Open(ctx, w.bus.SchemaLog(), "", quiet())
		return err == nil
	})
	w.codec = codec.New(schemaRegistry)
	w.keys, err = keyring.New("intl", map[int][]byte{1: bytes.Repeat([]byte{7}, 32)}, 1)
	must(t, err)
	w.address = os.Getenv(realServer)
	if w.address == "" {
		w.mini = miniredis.NewMiniRedis()
		must(t, w.mini.Start())
		t.Cleanup(w.mini.Close)
		w.address = w.mini.Addr()
	}
	w.raw = goredis.NewClient(&goredis.Options{Addr: w.address, DB: realDB(), DisableIdentity: true})
	t.Cleanup(func() { _ = w.raw.Close() })
	must(t, w.raw.FlushDB(ctx).Err())
	w.cache, err = redis.Open(ctx, redis.Config{Address: w.address, Database: realDB(), Poll: 50 * time.Millisecond, ReadTimeout: 5 * time.Second, Held: 3 * time.Second}, quiet(), w.gather)
	must(t, err)
	t.Cleanup(func() { must(t, w.cache.Close()) })
	w.slow = &pausing{Cache: w.cache}
	w.apps = demoAccess()
	w.access, err = access.New(w.cat, w.apps)
	must(t, err)
	w.log = &appender{Bus: w.bus}
	w.source, err = w.bus.Publisher(ctx, "test")
	must(t, err)
	t.Cleanup(w.source.Close)
	w.serve(options...)
	return w
}

// serve starts the gateway.
func (w *world) serve(options ...option) {
	w.t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(w.t.Context(), "tcp", "127.0.0.1:0")
	must(w.t, err)
	cfg := gateway.Config{Listener: listener, Step: 50 * time.Millisecond, VerifyFloor: time.Millisecond, AuditTimeout: 2 * time.Second, TellStrangers: 20 * time.Millisecond, Linger: 200 * time.Millisecond}
	for _, d := range w.cat.Datasets { // tests of completeness say otherwise
		cfg.Unconnected = append(cfg.Unconnected, d.ID)
	}
	for _, o := range options {
		o(&cfg)
	}
	reg := prometheus.NewRegistry()
	w.gather = reg
	logger := slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.gateway, err = gateway.New(w.t.Context(), cfg, gateway.Parts{
		Catalogue: w.cat, Bus: w.log, Kafka: w.kafka, Codec: w.codec, Keys: w.keys, Cache: w.slow, Access: w.access, Successors: w.next, Logger: logger, Metrics: reg,
	})
	must(w.t, err)
	w.url = "http://" + listener.Addr().String()
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	done := make(chan error, 1)
	go func() { done <- w.gateway.Run(ctx) }()
	stopped := false
	w.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("gateway ended: %v", err)
		}
	}
	w.t.Cleanup(w.stop)
	w.t.Cleanup(func() {
		if w.t.Failed() {
			w.t.Logf("the gateway said:\n%s", w.logs)
		}
	})
}

// topics are all that the gateway reads and writes.
func topics(c *schemas.Catalogue) []contract.Spec {
	specs := []contract.Spec{
		{Topic: contract.Findings, Compact: true},
		{Topic: contract.Refused, Compact: true},
		{Topic: contract.Quarantine},
		{Topic: contract.Audit},
		{Topic: contract.Sources, Partitions: 1, Compact: true},
		contract.BusSpec,
		{Topic: contract.Schemas, Partitions: 1, Compact: true},
	}
	for _, d := range c.Datasets {
		specs = append(specs, contract.Spec{Topic: contract.Raw(d.ID), Compact: true})
		for _, v := range d.Views {
			specs = append(specs, contract.Spec{Topic: contract.Shared(v.ID), Compact: true})
		}
	}
	for _, e := range c.Entities {
		specs = append(specs, contract.Spec{Topic: contract.Claims(e.ID)})
		for _, v := range e.Views {
			specs = append(specs, contract.Spec{Topic: contract.Shared(v.ID), Compact: true})
		}
	}
	return specs
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until ok returns true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within two minutes: %s", what)
		}
		waitABit()
	}
}

// waitABit lets others run between two looks at a condition.
func waitABit() {
	timer := time.NewTimer(10 * time.Millisecond)
	defer timer.Stop()
	<-timer.C
}

// locked is a buffer that several goroutines write.
type locked struct {
	mu sync.Mutex
	to bytes.Buffer
}

// Write implements io.Writer.
func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(b)
}

// String returns what has been written.
func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.String()
}
