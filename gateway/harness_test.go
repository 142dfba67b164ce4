package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	goredis "github.com/redis/go-redis/v9"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/embedded"
	"github.com/yiyuan-bus/yiyuan/gateway"
	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/gateway/redis"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/element"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/registry"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// Made-up people of the made-up city.
const (
	zhang = "539902198503120013"
	li    = "539902198503120021"
	firm  = "91539900MADE00011B"
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
	gateway *gateway.Gateway
	logs    *locked
	gather  *prometheus.Registry
	url     string
	address string
	source  *bus.Publisher
	denied  int
	stop    func()
}

// appender is the bus, whose Append can be made to fail or wait.
type appender struct {
	*bus.Bus
	fail atomic.Bool
	hold atomic.Pointer[chan struct{}]

	refused atomic.Int64                       // times that the topic of refused rows was begun to be read
	cut     atomic.Pointer[context.CancelFunc] // ends that reading, as a broker that goes away does
	away    atomic.Pointer[chan struct{}]      // until when it cannot be read

	last atomic.Pointer[chan struct{}] // told when the one view that is not complete is looked at
}

var errAppend = errors.New("broker is away")

func (a *appender) Append(ctx context.Context, records ...bus.Record) error {
	if hold := a.hold.Load(); hold != nil {
		<-*hold
	}
	if a.fail.Load() {
		return errAppend
	}
	return a.Bus.Append(ctx, records...)
}

func (a *appender) Follow(ctx context.Context, cfg bus.FollowConfig, fn func(ctx context.Context, records []bus.Record) error) error {
	if cfg.Topics[0] != contract.Refused {
		return a.Bus.Follow(ctx, cfg, fn)
	}
	away := a.away.Load()
	a.refused.Add(1)
	if away != nil {
		select {
		case <-*away:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	reading, cut := context.WithCancel(ctx)
	defer cut()
	a.cut.Store(&cut)
	if err := a.Bus.Follow(reading, cfg, fn); ctx.Err() != nil {
		return err
	}
	return errAppend
}

func (a *appender) StableOffsets(ctx context.Context, topics ...contract.Topic) (map[contract.Topic]map[int32]int64, error) {
	out, err := a.Bus.StableOffsets(ctx, topics...)
	if last := a.last.Load(); last != nil && len(topics) == 1 {
		select {
		case *last <- struct{}{}:
		default:
		}
	}
	return out, err
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
	w := &world{t: t, brokers: broker.Addrs(), logs: &locked{}, gather: prometheus.NewRegistry()}
	w.cat, err = manifest.Load(city)
	must(t, err)
	w.bus, err = bus.Open(ctx, bus.Config{Brokers: broker.Addrs(), Partitions: 2}, quiet(), prometheus.NewRegistry())
	must(t, err)
	t.Cleanup(w.bus.Close)
	must(t, w.bus.Ensure(ctx, topics(w.cat)...))
	var schemaRegistry *registry.Registry
	eventually(t, "the new topics are known", func() bool {
		schemaRegistry, err = registry.Open(ctx, w.bus.SchemaLog(), quiet())
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
	w.cache, err = redis.Open(ctx, redis.Config{Address: w.address, Database: realDB(), Poll: 50 * time.Millisecond, ReadTimeout: 5 * time.Second}, quiet(), w.gather)
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
		Catalogue: w.cat, Bus: w.log, Codec: w.codec, Keys: w.keys, Cache: w.slow, Access: w.access, Logger: logger, Metrics: reg,
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
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
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

// shared builds a record of a shared topic.
func (w *world) shared(viewID, key string, version uint64, columns map[string]schemas.Value) bus.Record {
	w.t.Helper()
	v, err := w.cat.View(viewID)
	must(w.t, err)
	r := bus.Record{Topic: contract.Shared(viewID), Partition: bus.ByKey, Key: []byte(w.recordKey(v, key)), Time: time.UnixMilli(1_790_000_000_000)}
	r.Headers = []bus.Header{{Key: "ver", Value: fmt.Appendf(nil, "%016x", version)}}
	if columns == nil {
		return r
	}
	values := make([]schemas.Value, len(v.Layout.Columns))
	for name, value := range columns {
		i := v.Layout.Index(name)
		if i < 0 {
			w.t.Fatalf("view %q has no column %q", viewID, name)
		}
		values[i] = value
	}
	for i, c := range v.Layout.Columns {
		if values[i].IsNull() && !c.Nullable {
			values[i] = zero(c)
		}
	}
	writer, err := w.codec.Writer(w.t.Context(), r.Topic.Subject(), v.Layout)
	must(w.t, err)
	r.Value, err = writer.Append(nil, schemas.NewRecord(v.Layout, values))
	must(w.t, err)
	return r
}

func zero(c schemas.Column) schemas.Value {
	switch c.Type {
	case schemas.String:
		return schemas.Text("")
	case schemas.Rows:
		return schemas.Table(nil)
	case schemas.Bytes:
		return schemas.Binary("")
	default:
		return schemas.Int(0)
	}
}

func (w *world) recordKey(v *schemas.View, key string) string {
	if !v.KeyMask {
		return key
	}
	audience := v.Audience
	if audience == "" {
		audience = v.ID
	}
	return w.keys.Token("key:"+audience, key)
}

// verifiable builds a record of a verification view of persons.
func (w *world) verifiable(viewID, key string, version uint64, fields map[string]string) bus.Record {
	w.t.Helper()
	v, err := w.cat.View(viewID)
	must(w.t, err)
	e, err := w.cat.Entity(v.Owner)
	must(w.t, err)
	columns := map[string]schemas.Value{}
	for name, text := range fields {
		kind := e.Key.Element
		for _, f := range e.Fields {
			if f.Name == name {
				kind = f.Element
			}
		}
		value, err := element.Parse(kind, text)
		must(w.t, err)
		columns[name] = schemas.Binary(string(w.keys.Digest("verify:"+viewID+":"+name, element.Render(kind, value))))
	}
	return w.shared(viewID, key, version, columns)
}

// publish writes records in one transaction, as the steps do, with a heartbeat
// of a source of the datasets.
func (w *world) publish(datasets []string, records ...bus.Record) {
	w.t.Helper()
	now := time.Now().UnixMilli()
	must(w.t, w.source.Publish(w.t.Context(), records, contract.SourceStatus{Position: "p", Datasets: datasets, State: "running", CaughtUp: now, Kind: "test"}))
}

// person publishes Zhang as the view person.partial shows him.
func (w *world) person(version uint64, name string) {
	w.t.Helper()
	w.publish([]string{"GA01"}, w.shared("person.partial", zhang, version, map[string]schemas.Value{
		"GMSFHM": schemas.Text("539902************"), "XM": schemas.Text(name), "XBDM": schemas.Text("1"),
	}))
}

// answer is what the gateway said.
type reply struct {
	status int
	header http.Header
	body   map[string]any
	text   string
}

func (r *reply) code() string { s, _ := r.body["code"].(string); return s }

func (w *world) do(method, path, key, purpose, body string) *reply {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	must(w.t, err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	if purpose != "" {
		r.Header.Set("X-Purpose", purpose)
	}
	return w.send(r)
}

func (w *world) send(r *http.Request) *reply {
	w.t.Helper()
	resp, err := http.DefaultClient.Do(r)
	must(w.t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	must(w.t, err)
	out := &reply{status: resp.StatusCode, header: resp.Header, text: string(text)}
	if strings.Contains(resp.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(text, &out.body); err != nil {
			w.t.Fatalf("%s %s: answer is not JSON: %v: %s", r.Method, r.URL.Path, err, text)
		}
	}
	return out
}

func (w *world) get(path, key, purpose string) *reply {
	w.t.Helper()
	return w.do(http.MethodGet, path, key, purpose, "")
}

func (w *world) post(path, key, purpose string, body any) *reply {
	w.t.Helper()
	text, err := json.Marshal(body)
	must(w.t, err)
	return w.do(http.MethodPost, path, key, purpose, string(text))
}

// ready waits until every view is loaded.
func (w *world) ready() {
	w.t.Helper()
	eventually(w.t, "ready", func() bool { return w.get("/readyz", "", "").status == http.StatusOK })
}

// knowing waits until it is known of every dataset who is not in it: until then neither a
// "no such record" nor a "no" is given. A supervisor asks, lest it cost others anything.
func (w *world) knowing() {
	w.t.Helper()
	eventually(w.t, "absence is known", func() bool {
		for _, path := range []string{"person.partial/539902198503120099", "enterprise.public/91530100MA6N000000"} {
			if r := w.get("/v1/lookup/"+path, "key-SJ-JDGL", "SUPERVISE"); r.status == http.StatusServiceUnavailable {
				return false
			}
		}
		return true
	})
}

// entries returns the audit as it stands.
func (w *world) entries() []audit.Entry {
	w.t.Helper()
	reader := w.codec.Reader(contract.AuditLayout)
	var out []audit.Entry
	must(w.t, w.bus.Replay(w.t.Context(), contract.Audit, func(r bus.Record) error {
		record, err := reader.Decode(w.t.Context(), r.Value)
		if err != nil {
			return err
		}
		out = append(out, audit.ParseEntry(record))
		return nil
	}))
	return out
}

// entry returns the audit entry of a request.
func (w *world) entry(r *reply) audit.Entry {
	w.t.Helper()
	id := r.header.Get("X-Request-Id")
	for _, e := range w.entries() {
		if e.Request == id {
			return e
		}
	}
	w.t.Fatalf("request %s is not in the audit", id)
	return audit.Entry{}
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
