package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/identifier"
)

// The telephone number of a residence registration is what changes: it is in
// the golden record as the newest of two departments', and its last four digits
// are shown by the masked view. They count the person's changes.
const (
	changed    = "GA02"
	column     = "LXDH"
	changeRate = 1000
	writers    = 4
	pollEvery  = 5 * time.Millisecond
)

// stamp is a moment in nanoseconds after the start; 0 = not yet.
type stamp = atomic.Int64

// stream is the changes under way: change i is of person i modulo all of them,
// and all have as many behind them as whole rounds.
type stream struct {
	start  time.Time
	n      int
	people []string

	// By change: when it had come that far.
	committed, raw, claims, shared, seen []stamp

	// By person, how many of its changes are.
	done  []atomic.Int32
	shown []int // the poller's own
	index map[string]int
}

func newStream(people []string, n int) *stream {
	f := &stream{
		n: n, people: people,
		committed: make([]stamp, n), raw: make([]stamp, n), claims: make([]stamp, n), shared: make([]stamp, n), seen: make([]stamp, n),
		done: make([]atomic.Int32, len(people)), shown: make([]int, len(people)), index: map[string]int{},
	}
	for i, key := range people {
		f.index[key] = i
	}
	return f
}

// due is when a change is to be sent.
func (f *stream) due(i int) time.Duration { return time.Duration(i) * time.Second / changeRate }

// reach notes in one stage that a person stands at its version, and with it all
// changes before.
func (f *stream) reach(stage []stamp, person, from, version int) {
	now := int64(time.Since(f.start))
	for v := from + 1; v <= version; v++ {
		if i := (v-1)*len(f.people) + person; i < f.n {
			stage[i].CompareAndSwap(0, now)
		}
	}
}

// latencies are from the intended time of sending, of the changes after the
// warm-up; missing counts those that never came.
func (f *stream) latencies(stage []stamp, warm int) (q quantiles, missing int) {
	var all []time.Duration
	for i := warm; i < f.n; i++ {
		at := stage[i].Load()
		if at == 0 {
			missing++
			continue
		}
		all = append(all, time.Duration(at)-f.due(i))
	}
	return quantilesOf(all), missing
}

func phone(version int) string { return fmt.Sprintf("1990000%04d", version) }

// version reads it off a number, masked or not; -1 if it is no such number.
func version(phone string) int {
	if len(phone) != 11 {
		return -1
	}
	v, err := strconv.Atoi(phone[7:])
	if err != nil {
		return -1
	}
	return v
}

// freshness measures from commit in PostgreSQL to the gateway's answer.
func (b *bench) freshness(ctx context.Context) (err error) {
	if b.kafka == "" || b.redis == "" || b.postgre == "" {
		b.say("freshness: needs YIYUAN_TEST_KAFKA, YIYUAN_TEST_REDIS and YIYUAN_TEST_POSTGRES: left out")
		return nil
	}
	s, err := b.newSite(ctx, "Kafka 4.1, PostgreSQL 15, Redis 7", b.kafka)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	// Everything else is known of these people already, as in a city that runs.
	if _, err := s.produce(ctx, people{size: "tiny", skip: changed}); err != nil {
		return err
	}
	residents, err := s.residents(ctx)
	if err != nil {
		return err
	}
	office, err := openOffice(ctx, b.postgre, residents)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, office.close(ctx)) }()
	s.redis, s.sources = b.redis, filepath.Join(s.dir, "sources")
	if err := office.bind(s.sources); err != nil {
		return err
	}
	server, err := s.run(ctx, "connectors,processors,gateway")
	if err != nil {
		return err
	}
	stopped := false
	defer func() {
		if !stopped {
			err = errors.Join(err, server.stop())
		}
	}()
	r, err := s.follow(ctx, office, residents, server)
	if err != nil {
		return err
	}
	for _, w := range server.warnings() {
		b.say("warned: %s", w)
	}
	stopped = true
	if err := server.stop(); err != nil {
		return err
	}
	b.table.add(b, r)
	return nil
}

// resident is a person with an address that the list of addresses has.
type resident struct{ id, division, address string }

// residents are the people of the population register whose numbers are right.
func (s *site) residents(ctx context.Context) ([]resident, error) {
	var addresses []string
	if err := s.rows(ctx, "ZJ01", func(get func(string) string) { addresses = append(addresses, get("BZDZ")) }); err != nil {
		return nil, err
	}
	if len(addresses) == 0 {
		return nil, errors.New("the city has no addresses")
	}
	var out []resident
	seen := map[string]bool{}
	err := s.rows(ctx, "GA01", func(get func(string) string) {
		id := get("GMSFHM")
		if _, err := identifier.ParseCitizen(id); err == nil && !seen[id] {
			seen[id] = true
			out = append(out, resident{id, get("HJDXZQHDM"), addresses[len(out)%len(addresses)]})
		}
	})
	return out, err
}

// rows reads a dataset's raw rows.
func (s *site) rows(ctx context.Context, dataset string, visit func(get func(string) string)) error {
	d, err := s.cat.Dataset(dataset)
	if err != nil {
		return err
	}
	reader := s.codec.Reader(d.Layout)
	return s.bus.Replay(ctx, contract.Raw(dataset), func(r bus.Record) error {
		if r.Value == nil {
			return nil
		}
		row, err := reader.Decode(ctx, r.Value)
		if err != nil {
			return err
		}
		visit(func(name string) string { return row.Get(name).Str() })
		return nil
	})
}

// follow waits until everybody's first number is answered, then sends the
// changes and watches them pass.
func (s *site) follow(ctx context.Context, office *office, residents []resident, server *process) (row, error) {
	lasting, warm := 40*time.Second, 5*time.Second
	if s.b.quick {
		lasting, warm = 5*time.Second, time.Second
	}
	ids := make([]string, len(residents))
	for i := range residents {
		ids[i] = residents[i].id
	}
	f := newStream(ids, int((lasting+warm)/time.Second)*changeRate)
	ask := line{address: s.gateway, key: appKey, purpose: purpose}
	c, err := dialSoon(ctx, s.gateway)
	if err != nil {
		return row{}, server.blame(err)
	}
	defer c.close()
	err = await(ctx, 90*time.Second, 200*time.Millisecond, "everybody's first number is answered", func() (bool, error) {
		return f.first(c, ask)
	})
	if err != nil {
		return row{}, server.blame(err)
	}
	s.b.say("freshness: %d people are answered with their first number", len(ids))
	group, running := errgroup.WithContext(ctx)
	watching, enough := context.WithCancel(running)
	defer enough()
	if err := s.watch(watching, group, f); err != nil {
		return row{}, err
	}
	bare, err := s.startBareKafka(ctx, changeRate/10, lasting+warm)
	if err != nil {
		return row{}, err
	}
	group.Go(func() error { return bare.run(watching) })
	before := server.usage()
	f.start = time.Now()
	bare.begin(f.start)
	group.Go(func() error { return office.change(running, f) })
	polls := 0
	group.Go(func() (err error) {
		defer enough()
		polls, err = f.poll(running, c, ask)
		return err
	})
	if err := group.Wait(); err != nil {
		return row{}, server.blame(err)
	}
	return f.row(s, int(warm/time.Second)*changeRate, before, server.usage(), polls, bare)
}

func (f *stream) row(s *site, warm int, before, after usage, polls int, bare *bareKafka) (row, error) {
	seen, missing := f.latencies(f.seen, warm)
	raw, lost := f.latencies(f.raw, warm)
	commit, _ := f.latencies(f.committed, warm)
	claims, _ := f.latencies(f.claims, warm)
	shared, _ := f.latencies(f.shared, warm)
	if missing+lost > 0 {
		return row{}, fmt.Errorf("of %d changes %d never came to the raw topic, %d never to an answer", f.n-warm, lost, missing)
	}
	plain, err := bare.latency(time.Duration(warm) * time.Second / changeRate)
	if err != nil {
		return row{}, err
	}
	took := f.due(f.n)
	return row{
		what:   fmt.Sprintf("commit to answer, %s changes/s for %d s", count(changeRate), int((took - f.due(warm)).Seconds())),
		broker: s.name,
		figure: fmt.Sprintf("%s, max %s, from the intended time of sending", seen, millis(seen.max)),
		limit:  fmt.Sprintf("same changes to a consumer of raw.%s: %s; bare Kafka produce to consume, %d/s: %s", changed, raw, changeRate/10, plain),
		ratio:  fmt.Sprintf("p50 %.1f, p99 %.1f of raw", float64(seen.p50)/float64(raw.p50), float64(seen.p99)/float64(raw.p99)),
		goal:   "p50 <= 100 ms, p99 <= 400 ms",
		more: fmt.Sprintf("on the way: PostgreSQL's own commit %s; raw as above; claims %s; shared %s; each of %s changes tracked by batch lookups, one every %s; CPU %.0f%% of a core, peak RSS %d MiB",
			commit, claims, shared, count(f.n-warm), millis(took/time.Duration(max(polls, 1))), (after.cpu-before.cpu).Seconds()/took.Seconds()*100, after.peak>>20),
	}, nil
}

// page is what of a batch answer counts here.
type page struct {
	Results []struct {
		Key   string `json:"key"`
		Found bool   `json:"found"`
		Data  struct {
			Phone string `json:"LXDH"`
		} `json:"data"`
	} `json:"results"`
}

// look asks for people and calls visit with what is shown of each.
func (f *stream) look(c *connection, l line, persons []int, visit func(person, version int)) error {
	keys := make([]string, len(persons))
	for i, p := range persons {
		keys[i] = f.people[p]
	}
	body, err := c.ask(l.batch(keys, column))
	if err != nil {
		return err
	}
	var got page
	if err := json.Unmarshal(body, &got); err != nil {
		return fmt.Errorf("understand the answer: %w", err)
	}
	for i, r := range got.Results {
		if i < len(persons) && r.Found {
			visit(persons[i], version(r.Data.Phone))
		}
	}
	return nil
}

const maxBatch = 1000 // of the gateway

// first reports whether everybody's first number is shown.
func (f *stream) first(c *connection, l line) (bool, error) {
	for from := 0; from < len(f.people); from += maxBatch {
		var persons []int
		for p := from; p < min(from+maxBatch, len(f.people)); p++ {
			persons = append(persons, p)
		}
		right := 0
		err := f.look(c, l, persons, func(_, v int) {
			if v == 0 {
				right++
			}
		})
		if err != nil && !strings.Contains(err.Error(), "answered 503") || right < len(persons) {
			return false, ignore503(err)
		}
	}
	return true, nil
}

// ignore503 lets "not loaded" count as not yet.
func ignore503(err error) error {
	if err != nil && strings.Contains(err.Error(), "answered 503") {
		return nil
	}
	return err
}

// poll asks, as often as it may, for everybody who has a committed change that
// has not been shown yet, until all have been; it returns how often it asked.
func (f *stream) poll(ctx context.Context, c *connection, l line) (int, error) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	polls, progress := 0, time.Now()
	left, from := f.n, 0
	for left > 0 {
		select {
		case <-ctx.Done():
			return polls, ctx.Err()
		case <-tick.C:
		}
		var persons []int
		for n := range f.people {
			if p := (from + n) % len(f.people); int(f.done[p].Load()) > f.shown[p] && len(persons) < maxBatch {
				persons = append(persons, p)
			}
		}
		if len(persons) == 0 {
			continue
		}
		from = persons[len(persons)-1] + 1 // whoever did not fit comes first the next time
		polls++
		err := f.look(c, l, persons, func(p, v int) {
			if v > f.shown[p] {
				f.reach(f.seen, p, f.shown[p], v)
				left, f.shown[p], progress = left-(v-f.shown[p]), v, time.Now()
			}
		})
		if err != nil {
			return polls, err
		}
		if time.Since(progress) > 30*time.Second {
			return polls, fmt.Errorf("%d changes are not shown 30 s after the last that was", left)
		}
	}
	return polls, nil
}

// bind writes the source that reads the office's table.
func (o *office) bind(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("bind source: %w", err)
	}
	text := fmt.Sprintf("source: bench-pg\nkind: postgres\ndatasets: [%s]\noptions:\n  dsn: %q\n  slot: %s\n  tables:\n    public.%s: {dataset: %s}\n", changed, o.dsn, o.name, o.name, changed)
	if err := os.WriteFile(filepath.Join(dir, "bench-pg.yaml"), []byte(text), 0o600); err != nil {
		return fmt.Errorf("bind source: %w", err)
	}
	return nil
}
