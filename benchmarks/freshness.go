package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/benchmarks/process"
	"github.com/yiyuan-bus/yiyuan/benchmarks/site"
	"github.com/yiyuan-bus/yiyuan/benchmarks/table"
	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/identifier"
)

// freshness measures from commit in PostgreSQL to the gateway's answer.
func (b bench) freshness(ctx context.Context) (err error) {
	if b.Kafka == "" || b.Redis == "" || b.Postgres == "" {
		b.Say("freshness: needs YIYUAN_TEST_KAFKA, YIYUAN_TEST_REDIS and YIYUAN_TEST_POSTGRES: left out")
		return nil
	}
	s, err := b.deploy(ctx, "Kafka 4.1, PostgreSQL 15, Redis 7", b.Kafka)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(ctx)) }()
	// Everything else is known of these people already, as in a city that runs.
	if _, err := s.Produce(ctx, site.People{Size: "tiny", Skip: changed}); err != nil {
		return err
	}
	residents, err := s.residents(ctx)
	if err != nil {
		return err
	}
	office, err := openOffice(ctx, b.Postgres, residents)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, office.close(ctx)) }()
	s.Redis, s.Sources = b.Redis, filepath.Join(s.Dir, "sources")
	if err := office.bind(s.Sources); err != nil {
		return err
	}
	server, err := s.Run(ctx, "connectors,processors,gateway")
	if err != nil {
		return err
	}
	stopped := false
	defer func() {
		if !stopped {
			err = errors.Join(err, server.Stop())
		}
	}()
	r, err := s.follow(ctx, office, residents, server)
	if err != nil {
		return err
	}
	for _, w := range server.Warnings() {
		b.Say("warned: %s", w)
	}
	stopped = true
	if err := server.Stop(); err != nil {
		return err
	}
	b.Add(r)
	return nil
}

// residents are the people of the population register whose numbers are right.
func (s deployment) residents(ctx context.Context) ([]resident, error) {
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
func (s deployment) rows(ctx context.Context, dataset string, visit func(get func(string) string)) error {
	d, err := s.Catalogue.Dataset(dataset)
	if err != nil {
		return err
	}
	reader := s.Codec.Reader(d.Layout)
	return s.Bus.Replay(ctx, contract.Raw(dataset), func(r bus.Record) error {
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
func (s deployment) follow(ctx context.Context, office *office, residents []resident, server *process.Process) (table.Row, error) {
	lasting, warm := 40*time.Second, 5*time.Second
	if s.Bench.Quick {
		lasting, warm = 5*time.Second, time.Second
	}
	ids := make([]string, len(residents))
	for i := range residents {
		ids[i] = residents[i].id
	}
	f := newStream(ids, int((lasting+warm)/time.Second)*changeRate)
	ask := line{address: s.Gateway, key: site.AppKey, purpose: site.Purpose}
	c, err := dialSoon(ctx, s.Gateway)
	if err != nil {
		return table.Row{}, server.Blame(err)
	}
	defer c.close()
	err = process.Await(ctx, 90*time.Second, 200*time.Millisecond, "everybody's first number is answered", func() (bool, error) {
		return f.first(c, ask)
	})
	if err != nil {
		return table.Row{}, server.Blame(err)
	}
	s.Bench.Say("freshness: %d people are answered with their first number", len(ids))
	group, running := errgroup.WithContext(ctx)
	watching, enough := context.WithCancel(running)
	defer enough()
	if err := s.watch(watching, group, f); err != nil {
		return table.Row{}, err
	}
	bare, err := s.startBareKafka(ctx, changeRate/10, lasting+warm)
	if err != nil {
		return table.Row{}, err
	}
	group.Go(func() error { return bare.run(watching) })
	before := server.Usage()
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
		return table.Row{}, server.Blame(err)
	}
	return f.row(s, int(warm/time.Second)*changeRate, before, server.Usage(), polls, bare)
}

func (f *stream) row(s deployment, warm int, before, after process.Usage, polls int, bare *bareKafka) (table.Row, error) {
	seen, missing := f.latencies(f.seen, warm)
	raw, lost := f.latencies(f.raw, warm)
	commit, _ := f.latencies(f.committed, warm)
	claims, _ := f.latencies(f.claims, warm)
	shared, _ := f.latencies(f.shared, warm)
	if missing+lost > 0 {
		return table.Row{}, fmt.Errorf("of %d changes %d never came to the raw topic, %d never to an answer", f.n-warm, lost, missing)
	}
	plain, err := bare.latency(time.Duration(warm) * time.Second / changeRate)
	if err != nil {
		return table.Row{}, err
	}
	took := f.due(f.n)
	return table.Row{
		What:   fmt.Sprintf("commit to answer, %s changes/s for %d s", table.Count(changeRate), int((took - f.due(warm)).Seconds())),
		Broker: s.Name,
		Figure: fmt.Sprintf("%s, max %s, from the intended time of sending", seen, table.Millis(seen.Max)),
		Limit:  fmt.Sprintf("same changes to a consumer of raw.%s: %s; bare Kafka produce to consume, %d/s: %s", changed, raw, changeRate/10, plain),
		Ratio:  fmt.Sprintf("p50 %.1f, p99 %.1f of raw", float64(seen.P50)/float64(raw.P50), float64(seen.P99)/float64(raw.P99)),
		Goal:   "p50 <= 100 ms, p99 <= 400 ms",
		More: fmt.Sprintf("on the way: PostgreSQL's own commit %s; raw as above; claims %s; shared %s; each of %s changes tracked by batch lookups, one every %s; CPU %.0f%% of a core, peak RSS %d MiB",
			commit, claims, shared, table.Count(f.n-warm), table.Millis(took/time.Duration(max(polls, 1))), (after.CPU-before.CPU).Seconds()/took.Seconds()*100, after.Peak>>20),
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
