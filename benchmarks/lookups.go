package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	goredis "github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/yiyuan-bus/yiyuan/benchmarks/process"
	"github.com/yiyuan-bus/yiyuan/benchmarks/site"
	"github.com/yiyuan-bus/yiyuan/benchmarks/table"
	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

const (
	connections = 32
	batchKeys   = 100
)

// line is a running gateway that has people to be asked about.
type line struct {
	name    string
	address string
	key     string // of the application
	purpose string
	brokers string
	prefix  string
	admin   string
	redis   string // "" = the limit has an embedded cache of its own
	people  []string
	server  *process.Process
}

// lookups measures the gateway on the embedded broker and cache (yiyuan demo)
// and on real Kafka and Redis (yiyuan run).
func (b bench) lookups(ctx context.Context) error {
	if err := b.lookupsDemo(ctx); err != nil {
		return fmt.Errorf("embedded: %w", err)
	}
	if b.Kafka == "" || b.Redis == "" {
		b.Say("lookups: no YIYUAN_TEST_KAFKA and YIYUAN_TEST_REDIS: the line on real services is left out")
		return nil
	}
	if err := b.lookupsReal(ctx); err != nil {
		return fmt.Errorf("real services: %w", err)
	}
	return nil
}

func (b bench) lookupsDemo(ctx context.Context) error {
	demo, ready, err := b.StartDemo(ctx, "--rate", "0", "--correct-after", "1h")
	if err != nil {
		return err
	}
	defer demo.Stop() //nolint:errcheck // it has answered all that was asked
	l := line{name: "embedded, miniredis", server: demo, brokers: ready.Kafka, address: strings.TrimPrefix(ready.Gateway, "http://"), admin: ready.Admin, purpose: site.Purpose}
	for _, a := range ready.Apps {
		if slices.Contains(a.Purposes, site.Purpose) {
			l.key = a.Key
		}
	}
	view, err := bus.Open(ctx, bus.Config{Brokers: strings.Split(ready.Kafka, ",")}, nil, nil)
	if err != nil {
		return err
	}
	defer view.Close()
	if l.people, err = peopleOf(ctx, view); err != nil {
		return err
	}
	return demo.Blame(b.ask(ctx, l))
}

func (b bench) lookupsReal(ctx context.Context) (err error) {
	s, err := b.deploy(ctx, "Kafka 4.1", b.Kafka)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(ctx)) }()
	if _, err := s.Produce(ctx, site.People{Size: "tiny"}); err != nil {
		return err
	}
	s.Redis = b.Redis
	server, err := s.Run(ctx, "processors,gateway", "step running")
	if err != nil {
		return err
	}
	defer server.Stop() //nolint:errcheck // it has answered all that was asked
	if _, err := server.Logged(ctx, "step running"); err != nil {
		return err
	}
	if err := s.Settled(ctx, time.Minute, server.Alive); err != nil {
		return err
	}
	l := line{name: "Kafka 4.1, Redis 7", server: server, address: s.Gateway, admin: "http://" + s.Admin, key: site.AppKey, purpose: site.Purpose, brokers: s.Brokers, prefix: s.Prefix, redis: b.Redis}
	if l.people, err = peopleOf(ctx, s.Bus); err != nil {
		return err
	}
	return server.Blame(b.ask(ctx, l))
}

// peopleOf returns the keys of the golden records of persons, in order.
func peopleOf(ctx context.Context, b *bus.Bus) ([]string, error) {
	alive := map[string]bool{}
	err := b.Replay(ctx, contract.Resolved("person"), func(r bus.Record) error {
		alive[string(r.Key)] = r.Value != nil
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read who there is: %w", err)
	}
	var out []string
	for key, is := range alive {
		if is {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	if len(out) < batchKeys {
		return nil, fmt.Errorf("only %d persons to ask for", len(out))
	}
	return out, nil
}

// single is the request for one person.
func (l *line) single(key string) []byte {
	return append(l.head("GET", fmt.Sprintf("/v1/lookup/%s/%s", site.Asked, key)), "\r\n"...)
}

// head begins a request of the application; its blank line is to be added.
func (l *line) head(method, path string) []byte {
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nX-Purpose: %s\r\n", method, path, l.key, l.purpose)
}

// batch is the request for several.
func (l *line) batch(keys []string, fields ...string) []byte {
	body, err := json.Marshal(struct {
		View   string   `json:"view"`
		Keys   []string `json:"keys"`
		Fields []string `json:"fields,omitempty"`
	}{site.Asked, keys, fields})
	if err != nil {
		panic(err) // strings always encode
	}
	head := fmt.Appendf(l.head("POST", "/v1/lookup"), "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(body))
	return append(head, body...)
}

// ask measures single lookups and the limit in turns, then batches.
func (b bench) ask(ctx context.Context, l line) error {
	answer, err := l.loadedAll(ctx)
	if err != nil {
		return err
	}
	one := target{name: "lookup", server: l.server, address: l.address, expect: []byte(`"audit_id":"`)}
	many := one
	many.name = "batch lookup"
	for i, key := range l.people {
		one.requests = append(one.requests, l.single(key))
		if i%batchKeys == 0 && i+batchKeys <= len(l.people) {
			many.requests = append(many.requests, l.batch(l.people[i:i+batchKeys]))
		}
	}
	child, bare, err := l.startBare(ctx, answer)
	if err != nil {
		return err
	}
	defer child.Stop() //nolint:errcheck // it holds nothing
	rounds, each := 5, 4*time.Second
	if b.Quick {
		rounds, each = 2, time.Second
	}
	for _, t := range []target{one, bare, many} { // warm up, dropped
		if _, err := load(ctx, t, connections, each/4); err != nil {
			return err
		}
	}
	before, err := l.audited(ctx)
	if err != nil {
		return err
	}
	var ours, theirs, batched []loaded
	for range rounds {
		for _, turn := range []struct {
			t    target
			into *[]loaded
		}{{one, &ours}, {bare, &theirs}, {many, &batched}} {
			b.profiled(ctx, l, turn.t.name, each)
			got, err := load(ctx, turn.t, connections, each)
			if err != nil {
				return err
			}
			*turn.into = append(*turn.into, got)
		}
	}
	after, err := l.audited(ctx)
	if err != nil {
		return err
	}
	answers := total(ours) + total(batched)
	if after-before < int64(answers) {
		return fmt.Errorf("%d answers left %d entries in the audit", answers, after-before)
	}
	b.lookupRows(l, ours, theirs, batched)
	return nil
}

// profiled takes a CPU profile of the gateway while a load lasts, if wanted.
func (b bench) profiled(ctx context.Context, l line, load string, lasting time.Duration) {
	if b.Profile == "" || load == "bare handler" {
		return
	}
	go func() {
		file := filepath.Join(b.Profile, strings.Trim(strings.Fields(l.name)[0], ",")+"-"+strings.ReplaceAll(load, " ", "-")+".pprof")
		if err := site.Keep(ctx, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", l.admin, max(1, int(lasting/time.Second)-1)), file); err != nil {
			b.Say("no profile: %v", err)
		}
	}()
}

func (b bench) lookupRows(l line, ours, theirs, batched []loaded) {
	rate, limit, keys := rates(ours), rates(theirs), rates(batched)
	var ratio []float64
	for i := range rate {
		ratio = append(ratio, rate[i]/limit[i])
	}
	store := "the same Redis"
	if l.redis == "" {
		store = "an embedded Redis of its own"
	}
	b.Add(table.Row{
		What: fmt.Sprintf("lookups, %d connections", connections), Broker: l.name,
		Figure: fmt.Sprintf("%s lookups/s (%s), %s", table.Count(table.Median(rate)), table.Spread(rate), middle(ours)),
		Limit:  fmt.Sprintf("bare net/http handler doing one GET on %s: %s req/s, %s", store, table.Count(table.Median(limit)), middle(theirs)),
		Ratio:  fmt.Sprintf("%.2f", table.Median(ratio)), Goal: ">= 0.7",
		More: fmt.Sprintf("each authorised, masked, and in the audit before its answer: entries counted; CPU %d us a lookup, embedded services included, bare %d us", micros(ours), micros(theirs)),
	})
	b.Add(table.Row{
		What: fmt.Sprintf("batch lookups of %d, %d connections", batchKeys, connections), Broker: l.name,
		Figure: fmt.Sprintf("%s keys/s, %s a batch", table.Count(table.Median(keys)*batchKeys), middle(batched)),
		Limit:  fmt.Sprintf("single lookups: %s keys/s", table.Count(table.Median(rate))),
		Ratio:  fmt.Sprintf("%.1f", table.Median(keys)*batchKeys/table.Median(rate)), Goal: ">= 10",
		More: fmt.Sprintf("one audit entry a batch, which names every subject; CPU %d us a key", micros(batched)/batchKeys),
	})
}

func rates(all []loaded) (out []float64) {
	for _, l := range all {
		out = append(out, l.rate())
	}
	return out
}

// micros is the median CPU time of an answer.
func micros(all []loaded) int64 {
	var each []float64
	for _, l := range all {
		each = append(each, float64(l.cpu.Microseconds()))
	}
	return int64(table.Median(each))
}

func total(all []loaded) (n int) {
	for _, l := range all {
		n += l.answers
	}
	return n
}

// middle is the median run's latency.
func middle(all []loaded) table.Quantiles {
	s := slices.Clone(all)
	slices.SortFunc(s, func(a, b loaded) int { return int(a.latency.P99 - b.latency.P99) })
	return s[len(s)/2].latency
}

// loadedAll waits until every person can be looked up, checks that the answer
// is masked, and returns one.
func (l *line) loadedAll(ctx context.Context) ([]byte, error) {
	c, err := dialSoon(ctx, l.address)
	if err != nil {
		return nil, err
	}
	defer c.close()
	var body []byte
	at := 0
	err = process.Await(ctx, time.Minute, 100*time.Millisecond, "everybody can be looked up", func() (bool, error) {
		for ; at < len(l.people); at++ {
			if _, err := c.conn.Write(l.single(l.people[at])); err != nil {
				return false, fmt.Errorf("look up: %w", err)
			}
			status, got, err := readAnswer(c.in, nil)
			if err != nil || status != http.StatusOK {
				if err == nil && status != http.StatusNotFound && status != http.StatusServiceUnavailable {
					err = fmt.Errorf("lookup answered %d", status)
				}
				return false, err
			}
			if bytes.Contains(got, []byte(l.people[at])) || !bytes.Contains(got, []byte("****")) {
				return false, errors.New("an answer is not masked")
			}
			body = got
		}
		return true, nil
	})
	return body, err
}

func dialSoon(ctx context.Context, address string) (c *connection, err error) {
	err = process.Await(ctx, 30*time.Second, 50*time.Millisecond, "the gateway listens", func() (bool, error) {
		var failed error
		c, failed = dial(ctx, target{address: address})
		return failed == nil, nil
	})
	return c, err
}

// audited returns how many entries the audit holds.
func (l *line) audited(ctx context.Context) (int64, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(l.brokers, ",")...))
	if err != nil {
		return 0, fmt.Errorf("count audit entries: %w", err)
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, l.prefix+string(contract.Audit))
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return 0, fmt.Errorf("count audit entries: %w", err)
	}
	var n int64
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n, nil
}

// startBare starts the limit: a handler that answers with what one GET finds.
func (l *line) startBare(ctx context.Context, value []byte) (*process.Process, target, error) {
	child, err := process.Self(ctx, "child-bare", "-redis", l.redis, "-keys", strconv.Itoa(len(l.people)), "-size", strconv.Itoa(len(value)))
	if err != nil {
		return nil, target{}, err
	}
	t := target{name: "bare handler", server: child, expect: []byte("x")}
	if err := child.Answer(ctx, 10*time.Second, &t.address); err != nil {
		return nil, target{}, errors.Join(err, child.Stop())
	}
	for i := range l.people {
		t.requests = append(t.requests, append(l.head("GET", fmt.Sprintf("/%d", i)), "\r\n"...))
	}
	return child, t, nil
}

// childBare is the limit of lookups.
func childBare(ctx context.Context, args []string) error {
	ctx, cancel := process.UntilOrphaned(ctx)
	defer cancel()
	f := flag.NewFlagSet("child-bare", flag.ContinueOnError)
	address, keys, size := f.String("redis", "", ""), f.Int("keys", 0, ""), f.Int("size", 0, "")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *address == "" {
		mini, err := miniredis.Run()
		if err != nil {
			return fmt.Errorf("start embedded cache: %w", err)
		}
		defer mini.Close()
		*address = mini.Addr()
	}
	redis := goredis.NewClient(&goredis.Options{Addr: *address})
	defer redis.Close() //nolint:errcheck // the process ends
	prefix := fmt.Sprintf("bench:%d:", time.Now().UnixNano())
	for i := range *keys {
		if err := redis.Set(ctx, prefix+strconv.Itoa(i), strings.Repeat("x", *size), 10*time.Minute).Err(); err != nil {
			return fmt.Errorf("fill cache: %w", err)
		}
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		value, err := redis.Get(r.Context(), prefix+r.URL.Path[1:]).Bytes()
		if err != nil {
			http.Error(w, "no such key", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(value)))
		_, _ = w.Write(value) // the client has gone
	})}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })() // nobody waits for an answer any more
	if err := process.Report(listener.Addr().String()); err != nil {
		return err
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
