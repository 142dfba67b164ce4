package gateway

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/gateway/finding"
	"github.com/yiyuan-bus/yiyuan/gateway/freshness"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/crash"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// follow keeps what the gateway folds in memory: findings, quarantine, and
// what the sources say of themselves, and refused rows.
func (g *Gateway) follow(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return g.fold(ctx, contract.Findings, func() {}, g.each(g.takeFinding)) })
	group.Go(func() error { return g.fold(ctx, contract.Quarantine, g.bad.Reset, g.each(g.takeRejection)) })
	group.Go(func() error { return g.fold(ctx, contract.Sources, func() {}, g.each(g.takeStatus)) })
	group.Go(func() error { return g.followRefused(ctx) })
	return group.Wait()
}

// fold reads a topic from its start for as long as ctx lives. If the bus fails
// it begins anew.
func (g *Gateway) fold(ctx context.Context, topic contract.Topic, reset func(), take func(context.Context, []bus.Record)) error {
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval, retry.MaxInterval = 100*time.Millisecond, 5*time.Second
	for {
		reset()
		err := g.parts.Bus.Follow(ctx, bus.FollowConfig{Topics: []contract.Topic{topic}}, func(ctx context.Context, records []bus.Record) error {
			take(ctx, records)
			return nil
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		g.log.Warn("topic cannot be followed, beginning anew", "topic", string(topic), "error", err)
		if err := pause(ctx, retry.NextBackOff()); err != nil {
			return err
		}
	}
}

func (g *Gateway) each(take func(context.Context, *bus.Record)) func(context.Context, []bus.Record) {
	return func(ctx context.Context, records []bus.Record) {
		for i := range records {
			g.one(ctx, &records[i], take)
		}
	}
}

// one takes a record, and leaves it aside where that panics: no record ends the process
// for all, and a trace of it would show what it holds.
func (g *Gateway) one(ctx context.Context, r *bus.Record, take func(context.Context, *bus.Record)) {
	defer func() {
		if p := recover(); p != nil {
			g.skip(string(r.Topic), "panicked", r, crash.Of(p))
		}
	}()
	take(ctx, r)
}

func (g *Gateway) takeFinding(ctx context.Context, r *bus.Record) {
	if r.Value == nil {
		g.book.Delete(string(r.Key))
		return
	}
	record, err := g.found.Decode(ctx, r.Value)
	if err != nil {
		g.skip(string(contract.Findings), "unreadable", r, err)
		return
	}
	g.book.Put(finding.Parse(record))
}

func (g *Gateway) takeRejection(ctx context.Context, r *bus.Record) {
	if r.Value == nil {
		return
	}
	record, err := g.rejected.Decode(ctx, r.Value)
	if err != nil {
		g.skip(string(contract.Quarantine), "unreadable", r, err)
		return
	}
	g.bad.Put(record)
}

func (g *Gateway) takeStatus(_ context.Context, r *bus.Record) {
	name := string(r.Key)
	if r.Value == nil {
		g.fresh.Forget(name)
		return
	}
	var s contract.SourceStatus
	if err := json.Unmarshal(r.Value, &s); err != nil {
		g.skip(string(contract.Sources), "unreadable", r, err)
		return
	}
	out := freshness.Source{Name: name, Kind: s.Kind, Datasets: s.Datasets, Awaited: s.Awaited, State: s.State, Error: s.Error, Rows: s.Rows, Seen: r.Time, Status: s}
	if s.At > 0 {
		out.Seen = time.UnixMilli(s.At)
	}
	if s.CaughtUp > 0 {
		out.CaughtUp = time.UnixMilli(s.CaughtUp)
	}
	if out.Datasets == nil {
		out.Datasets = []string{}
	}
	g.fresh.Observe(out)
}

// skip counts a record that cannot be taken. It cannot be put aside better
// than where it is: the topic keeps it.
func (g *Gateway) skip(what, reason string, r *bus.Record, err error) {
	g.metrics.skipped.WithLabelValues(what, reason).Inc()
	g.log.Error("record cannot be taken", "topic", string(r.Topic), "partition", r.Partition, "offset", r.Offset, "reason", reason, "error", err)
}

// viewIDs returns the ids of all views, sorted.
func (g *Gateway) viewIDs() []string {
	out := make([]string, 0, len(g.views))
	for id := range g.views {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

// filled is the gateway as the tracker sees it.
type filled struct{ *Gateway }

// Polled implements freshness.Cache.
func (g filled) Polled() (int64, time.Duration) {
	fill := g.filling.Load()
	if fill == nil {
		return 0, 0
	}
	reader, waited := g.marks.polled()
	// Both numbers only rise, so their sum is another one when either reader is.
	return fill.session + reader, min(fill.polled(), waited)
}

// Applied implements freshness.Cache, and keeps what the cache says.
func (g filled) Applied(ctx context.Context) (map[contract.Topic]map[int32]int64, error) {
	generation, err := g.parts.Cache.Current(ctx)
	if err != nil {
		return nil, err
	}
	progress, err := g.parts.Cache.Progress(ctx, generation, g.viewIDs())
	if err != nil {
		return nil, err
	}
	g.progress.Store(&progress)
	out := make(map[contract.Topic]map[int32]int64, len(progress)+1)
	for id, p := range progress {
		out[contract.Shared(id)] = p.Next
	}
	out[contract.Refused] = g.marks.offsets()
	return out, nil
}

// attended is what came of looking whether the cache answers.
type attended struct {
	at  time.Time
	err error
}

// How often the cache is looked at, for how long an answer is waited for, and for
// how long what it said counts.
const (
	attendEvery = time.Second
	attendWait  = 2 * time.Second
	attendFor   = 2 * (attendEvery + attendWait)
)

// attend looks all the time whether the cache answers, whatever the bus does.
func (g *Gateway) attend(ctx context.Context) error {
	tick := time.NewTicker(attendEvery)
	defer tick.Stop()
	for {
		look, cancel := context.WithTimeout(ctx, attendWait)
		_, err := filled{g}.Applied(look)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if before := g.attended.Swap(&attended{time.Now(), err}); err != nil && (before == nil || before.err == nil) {
			g.log.Warn("cache does not answer, not ready", "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// answers reports whether the cache answered when it was last looked at, lately.
func (g *Gateway) answers() bool {
	last := g.attended.Load()
	return last != nil && last.err == nil && time.Since(last.at) < attendFor
}

// pulse moves what depends on time: as_of, the indicators, the rates. An error
// is the bus's or the cache's, which their owners report: as_of stands still.
func (g *Gateway) pulse(ctx context.Context) error {
	raw := make([]contract.Topic, 0, len(g.parts.Catalogue.Datasets))
	for _, d := range g.parts.Catalogue.Datasets {
		raw = append(raw, contract.Raw(d.ID))
	}
	tick := time.NewTicker(g.cfg.Step)
	defer tick.Stop()
	var sampled, computed time.Time
	var still listener.Sparse
	stands := time.Time{} // since when as_of stands still; zero = it moves
	for {
		step, cancel := context.WithTimeout(ctx, 10*time.Second)
		if err := g.fresh.Step(step); err != nil && ctx.Err() == nil {
			if stands.IsZero() {
				stands = time.Now()
			}
			if n, ok := still.Tell("as_of", time.Now()); ok {
				g.log.Warn("as_of stands still", "times", n, "error", err)
			}
		} else if err == nil && !stands.IsZero() {
			g.log.Info("as_of moves again", "stood", time.Since(stands).Round(time.Second))
			stands = time.Time{}
		}
		if now := time.Now(); now.Sub(sampled) >= time.Second {
			sampled = now
			if ends, err := g.parts.Bus.EndOffsets(step, raw...); err == nil {
				g.flow.Take(now, ends, g.parts.Catalogue.Datasets)
			}
			g.probe(step)
		}
		cancel()
		if now := time.Now(); now.Sub(computed) >= time.Second {
			computed = now
			g.compute()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// probe asks every dataset's views a question that nobody asks, so that
// availability is known of what is not used too. One failure may be the
// network's; two are the dataset's.
func (g *Gateway) probe(ctx context.Context) {
	progress := *g.progress.Load()
	for _, d := range g.parts.Catalogue.Datasets {
		loaded := len(d.Views) > 0
		for _, v := range d.Views {
			loaded = loaded && progress[v.ID].Ready
		}
		if loaded {
			g.health.Loaded(d.ID, g.now())
		}
		for _, v := range d.Views {
			err := g.ping(ctx, v.ID)
			if err != nil {
				err = g.ping(ctx, v.ID)
			}
			if ctx.Err() != nil {
				return
			}
			g.health.Probe(d.ID, err == nil, g.now())
		}
	}
}

func (g *Gateway) ping(ctx context.Context, view string) error {
	var key [1]store.Digest
	var into [1]store.Stored
	return g.parts.Cache.Get(ctx, view, key[:], into[:], nil)
}
