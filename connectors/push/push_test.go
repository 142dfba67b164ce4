package push_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/bus/embedded"
	"github.com/yiyuan-bus/yiyuan/connectors"
	"github.com/yiyuan-bus/yiyuan/connectors/push"
	"github.com/yiyuan-bus/yiyuan/connectors/sourcetest"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/keyring"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

const (
	zjKey = "zj-key-0123456789abcdef0123456789abcdef"
	gaKey = "ga-key-0123456789abcdef0123456789abcdef"
	clKey = "cl-key-0123456789abcdef0123456789abcdef"
)

func catalogue(t *testing.T) *schemas.Catalogue {
	t.Helper()
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

func config(t *testing.T) connectors.Config {
	t.Helper()
	cat := catalogue(t)
	d, err := cat.Dataset("ZJ01")
	if err != nil {
		t.Fatal(err)
	}
	k, err := keyring.New(keyring.Intl, map[int][]byte{1: []byte("a key that is long enough for it")}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return connectors.Config{Name: "zj-push", Kind: "push", Datasets: []*schemas.Dataset{d}, Keys: k, Catalogue: cat, Metrics: prometheus.NewRegistry()}
}

func server(t *testing.T, cfg push.Config) *push.Server {
	t.Helper()
	cfg.Keys = []push.Key{{Department: "ZJ", Digest: push.KeyDigest(zjKey)}, {Department: "CL", Digest: push.KeyDigest(clKey)}, {Department: "GA", Digest: push.KeyDigest(gaKey)}}
	s, err := push.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// client sends requests to a server.
type client struct {
	url string
	key string
}

type reply struct {
	status int
	header http.Header
	body   string
}

func (c client) send(ctx context.Context, dataset, body string, header ...string) (reply, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/v1/push/"+dataset, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
		if header[i] == "Content-Type" {
			r.Header.Set(header[i], header[i+1])
		}
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, string(b)}, err
}

func (c client) must(t *testing.T, dataset, body string, header ...string) reply {
	t.Helper()
	r, err := c.send(t.Context(), dataset, body, header...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func row(n int) string {
	return fmt.Sprintf(`{"JZWBM":"B%04d","LDZB":"102.7,25.0","CS":%d,"BZDZ":"云岭路%d号"}`, n, n%30+1, n)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	sourcetest.Run(t, sourcetest.Features{}, func(t *testing.T) sourcetest.Fixture {
		t.Helper()
		s := server(t, push.Config{})
		web := httptest.NewServer(s.Handler())
		t.Cleanup(web.Close)
		c := client{web.URL, zjKey}
		var sent sync.WaitGroup
		t.Cleanup(sent.Wait)
		return sourcetest.Fixture{
			Kind: push.Kind(s, ""), Config: config(t), Bursts: 3, Secrets: []string{"云岭路", "102.7", "B0001"},
			Want: map[string][]string{"ZJ01": {"B0002", "B0003", "B0004"}},
			Write: func(t *testing.T, n int) {
				t.Helper()
				bodies := []string{
					"[" + row(1) + "," + row(2) + "]",
					`[{"op":"delete","key":{"JZWBM":"B0001"}},{"op":"upsert","row":` + row(3) + `}]`,
					row(4),
				}
				// Answered only when committed: in order, but not waited for here.
				arrived := make(chan struct{})
				sent.Go(func() {
					body := &notify{Reader: strings.NewReader(bodies[n]), read: arrived}
					r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, c.url+"/v1/push/ZJ01", body)
					if err != nil {
						t.Error(err)
						return
					}
					r.Header.Set("Authorization", "Bearer "+c.key)
					response, err := http.DefaultClient.Do(r)
					if err != nil {
						t.Error(err)
						return
					}
					_ = response.Body.Close() // only the status counts
				})
				<-arrived
				s.WaitQueued(t.Context(), "ZJ01", n+1)
			},
		}
	})
}

// notify tells when a body has been read to its end.
type notify struct {
	io.Reader
	read chan struct{}
	once sync.Once
}

func (n *notify) Read(p []byte) (int, error) {
	k, err := n.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		n.once.Do(func() { close(n.read) })
	}
	return k, err
}

// live is a push source on a real (embedded) bus.
type live struct {
	client
	bus  *bus.Bus
	stop func()
}

func run(t *testing.T, b *bus.Bus, cfg connectors.Config, sc push.Config) live {
	t.Helper()
	s := server(t, sc)
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Serve(ctx, l); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	cfg.Metrics = prometheus.NewRegistry()
	wg.Go(func() {
		if err := connectors.Run(ctx, b, codec.New(codec.NewMemory()), cfg, push.Open(s)); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	stop := sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(stop)
	c := client{"http://" + l.Addr().String(), zjKey}
	deadline := time.Now().Add(sourcetest.Patience)
	for {
		// Until the source is open its dataset is not known.
		if r := c.must(t, "ZJ01", "[]"); r.status == http.StatusUnprocessableEntity {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("the source does not open: %d %s", r.status, r.body)
		}
	}
	return live{c, b, stop}
}

func newBus(t *testing.T) *bus.Bus {
	t.Helper()
	broker, err := embedded.Start(t.Context(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	b, err := bus.Open(t.Context(), bus.Config{Brokers: broker.Addrs()}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	err = b.Ensure(t.Context(), contract.Spec{Topic: contract.Raw("ZJ01"), Compact: true}, contract.Spec{Topic: contract.Quarantine}, contract.Spec{Topic: contract.Sources, Compact: true, Partitions: 1})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func count(t *testing.T, b *bus.Bus) int {
	t.Helper()
	n := 0
	if err := b.Replay(t.Context(), contract.Raw("ZJ01"), func(bus.Record) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCommittedBeforeAnswered(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	l := run(t, b, config(t), push.Config{})
	r := l.must(t, "ZJ01", row(1)+"\n\n"+row(2)+"\n", "Content-Type", "application/x-ndjson; charset=utf-8")
	if r.status != http.StatusOK || count(t, b) != 2 {
		t.Fatalf("answer %d %s with %d rows on the bus, want 200 and 2", r.status, r.body, count(t, b))
	}
	var got struct {
		Dataset, Position string
		Accepted          int
	}
	if err := json.Unmarshal([]byte(r.body), &got); err != nil || got.Accepted != 2 || got.Dataset != "ZJ01" || !strings.HasPrefix(got.Position, "zj-push@") {
		t.Errorf("answer %s (%v)", r.body, err)
	}
}

// A department that pushes a deletion has the row gone, whichever of its sources said it
// last: that stands at the deletion, and at nothing else.
func TestDeletionIsOutright(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	live := run(t, b, config(t), push.Config{})
	live.must(t, "ZJ01", "["+row(1)+`,{"op":"delete","key":{"JZWBM":"B0001"}}]`)
	var got []string
	if err := b.Replay(t.Context(), contract.Raw("ZJ01"), func(r bus.Record) error {
		got = append(got, string(r.Header(contract.Operation))+string(r.Header(contract.Outright)))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, []string{"u", "d1"}) {
		t.Errorf("raw has %q", got)
	}
}

// TestIdempotency repeats requests: at once, at the same time, and after a
// restart of source and server.
func TestIdempotency(t *testing.T) {
	t.Parallel()
	b := newBus(t)
	cfg := config(t)
	l := run(t, b, cfg, push.Config{})
	first := l.must(t, "ZJ01", row(1), "Idempotency-Key", "k1")
	again := l.must(t, "ZJ01", row(1), "Idempotency-Key", "k1")
	if first.status != 200 || again.status != 200 || again.body != first.body || again.header.Get("Idempotency-Replayed") != "true" || count(t, b) != 1 {
		t.Errorf("repeated: %d %s, then %d %s; %d rows", first.status, first.body, again.status, again.body, count(t, b))
	}
	if other := l.must(t, "ZJ01", row(2), "Idempotency-Key", "k1"); other.status != http.StatusConflict {
		t.Errorf("another body under the key: %d, want 409", other.status)
	}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			r, err := l.send(t.Context(), "ZJ01", row(3), "Idempotency-Key", "k3")
			if err != nil || r.status != 200 {
				t.Errorf("one of many at once: %d %s %v", r.status, r.body, err)
			}
		})
	}
	wg.Wait()
	if n := count(t, b); n != 2 {
		t.Errorf("%d rows after 50 equal requests at once, want 2", n)
	}
	l.stop()
	l = run(t, b, cfg, push.Config{})
	after := l.must(t, "ZJ01", row(1), "Idempotency-Key", "k1")
	if after.status != 200 || after.body != first.body || count(t, b) != 2 {
		t.Errorf("after a restart: %d %s, want the first answer %s", after.status, after.body, first.body)
	}
	if other := l.must(t, "ZJ01", row(2), "Idempotency-Key", "k1"); other.status != http.StatusConflict {
		t.Errorf("another body after a restart: %d, want 409", other.status)
	}
}

// stalled is a source on a server whose batches nobody publishes.
func stalled(t *testing.T, cfg push.Config) (client, connectors.Source, *push.Server) {
	t.Helper()
	s := server(t, cfg)
	src, err := push.Open(s)(t.Context(), config(t), "")
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s.Handler())
	t.Cleanup(web.Close)
	t.Cleanup(func() { _ = src.Close() })
	return client{web.URL, zjKey}, src, s
}

func TestBusyAndUnknownOutcome(t *testing.T) {
	t.Parallel()
	c, src, web := stalled(t, push.Config{InFlight: 2})
	statuses := make(chan reply, 2)
	for i := range 2 {
		go func() {
			r, err := c.send(t.Context(), "ZJ01", row(i), "Idempotency-Key", fmt.Sprint(i))
			if err != nil {
				t.Error(err)
			}
			statuses <- r
		}()
	}
	web.WaitQueued(t.Context(), "ZJ01", 2)
	if r := c.must(t, "ZJ01", row(9), "Idempotency-Key", "0"); r.status != http.StatusConflict {
		t.Errorf("another body while the first waits: %d, want 409", r.status)
	}
	if r := c.must(t, "ZJ01", row(8)); r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") == "" {
		t.Errorf("a third request: %d, want 429 with Retry-After", r.status)
	}
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if r := <-statuses; r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
			t.Errorf("outcome unknown: %d, want 503 with Retry-After", r.status)
		}
	}
	if r := c.must(t, "ZJ01", row(1)); r.status != http.StatusServiceUnavailable {
		t.Errorf("source closed: %d, want 503", r.status)
	}
}

func TestWaitsNoLongerThanAllowed(t *testing.T) {
	t.Parallel()
	c, _, _ := stalled(t, push.Config{Wait: 50 * time.Millisecond})
	if r := c.must(t, "ZJ01", row(1)); r.status != http.StatusServiceUnavailable {
		t.Errorf("a request that is never committed: %d, want 503", r.status)
	}
}

func TestExpectedButNotOpen(t *testing.T) {
	t.Parallel()
	s := server(t, push.Config{})
	s.Expect("ZJ01")
	web := httptest.NewServer(s.Handler())
	t.Cleanup(web.Close)
	c := client{web.URL, zjKey}
	if r := c.must(t, "ZJ01", row(1)); r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
		t.Errorf("expected dataset: %d, want 503 with Retry-After", r.status)
	}
	if r := c.must(t, "CL01", row(1)); r.status != http.StatusNotFound {
		t.Errorf("other dataset: %d, want 404", r.status)
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	c, _, _ := stalled(t, push.Config{})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url+"/v1/push/ZJ01", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.key)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusMethodNotAllowed || response.Header.Get("Allow") != "POST" {
		t.Errorf("GET: %d, want 405 with Allow", response.StatusCode)
	}
}

// TestConnectionsOfOneAddress holds connections open until the server refuses
// more.
func TestConnectionsOfOneAddress(t *testing.T) {
	t.Parallel()
	s := server(t, push.Config{Shared: listener.Shared{Limits: listener.Limits{ConnectionsPerAddress: 3}}})
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	dial := func() net.Conn {
		var d net.Dialer
		conn, err := d.DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	speaks := func(conn net.Conn) bool {
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second)) // fails only when closed, and then the read says so
		if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
			return false
		}
		answer := make([]byte, 12)
		_, err := io.ReadFull(conn, answer)
		return err == nil && bytes.HasPrefix(answer, []byte("HTTP/1.1 401"))
	}
	var held []net.Conn
	for i := range 3 {
		conn := dial()
		if held = append(held, conn); !speaks(conn) {
			t.Fatalf("connection %d is not answered", i)
		}
	}
	if !speaks(dial()) {
		t.Error("a fourth connection of the address is not answered in place of its oldest")
	}
	if speaks(held[0]) {
		t.Error("the address has more than its share")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestServerRefusesBadKeys(t *testing.T) {
	t.Parallel()
	for _, k := range []push.Key{{Department: "ZJ", Digest: "not hex"}, {Department: "ZJ", Digest: "ab"}, {Digest: push.KeyDigest("x")}} {
		if _, err := push.NewServer(push.Config{Keys: []push.Key{k}}); !errors.Is(err, connectors.ErrConfig) {
			t.Errorf("NewServer with key %+v = %v, want ErrConfig", k, err)
		}
	}
}

// TestKeysChange takes a department's key back while the server answers, over a
// connection that stays open; keys that are malformed leave those before them.
func TestKeysChange(t *testing.T) {
	t.Parallel()
	s := server(t, push.Config{})
	web := httptest.NewServer(s.Handler())
	t.Cleanup(web.Close)
	old, young := client{web.URL, zjKey}, client{web.URL, "another key"}
	want := func(c client, status int) {
		t.Helper()
		if r := c.must(t, "ZJ01", row(1)); r.status != status {
			t.Errorf("answered %d, want %d: %s", r.status, status, r.body)
		}
	}
	want(old, http.StatusNotFound) // known, and no source is bound
	want(young, http.StatusUnauthorized)
	if err := s.SetKeys([]push.Key{{Department: "ZJ", Digest: push.KeyDigest(young.key)}, {Department: "ZJ"}}); !errors.Is(err, connectors.ErrConfig) {
		t.Errorf("malformed keys: %v", err)
	}
	want(old, http.StatusNotFound)
	if err := s.SetKeys([]push.Key{{Department: "ZJ", Digest: push.KeyDigest(young.key)}}); err != nil {
		t.Fatal(err)
	}
	want(old, http.StatusUnauthorized)
	want(young, http.StatusNotFound)
}
