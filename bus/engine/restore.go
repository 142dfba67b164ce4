package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/yiyuan-bus/yiyuan/bus/internal/kafka"
	"github.com/yiyuan-bus/yiyuan/bus/internal/replay"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// roll rolls partitions forward, side by side, and says of each when it is done,
// which may be said by several goroutines at a time.
func (e *Engine) roll(ctx context.Context, group string, changelog contract.Topic, w Restorer, starts map[int32]int64, done func(partition int32)) error {
	p := newProgress(e.link.Log, group, e.metrics.restoring.WithLabelValues(group))
	defer p.finish()
	restored := e.metrics.restored.WithLabelValues(group)
	lanes, ctx := errgroup.WithContext(ctx)
	apply := func(r replay.Batch) error {
		if err := w.Apply(r.Partition, r.Records, r.Next, !r.Last); errors.Is(err, ErrHandedOver) {
			return err
		} else if err != nil {
			return &StepError{err}
		}
		restored.Add(float64(len(r.Records)))
		p.reach(r.Partition, len(r.Records), r.Next)
		if r.Last {
			done(r.Partition)
		}
		return nil
	}
	l := newLanes(ctx, lanes, len(starts), apply)
	begun := maps.Clone(starts)
	reading := replay.ToFence(ctx, e.link, changelog, begun, func(r replay.Batch) error {
		p.expect(r.Partition, r.From, r.End)
		return l.put(ctx, r)
	})
	l.close()
	if err := lanes.Wait(); err != nil {
		return err
	}
	if reading == nil {
		p.done()
	}
	return reading
}

// lanes apply what is read of many partitions, each partition in order, beside
// the reading.
type lanes struct {
	in   []chan replay.Batch
	free sync.Pool
}

func newLanes(ctx context.Context, group *errgroup.Group, partitions int, apply func(replay.Batch) error) *lanes {
	l := &lanes{in: make([]chan replay.Batch, max(1, min(partitions, runtime.GOMAXPROCS(0))))}
	for i := range l.in {
		in := make(chan replay.Batch, 1)
		l.in[i] = in
		group.Go(func() error {
			for r := range in {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err := apply(r); err != nil {
					return err
				}
				clear(r.Records)
				l.free.Put(&r.Records)
			}
			return nil
		})
	}
	return l
}

// put hands a copy of r to its partition's lane, waiting while that is busy.
func (l *lanes) put(ctx context.Context, r replay.Batch) error {
	var room []kafka.Record
	if p, ok := l.free.Get().(*[]kafka.Record); ok {
		room = (*p)[:0]
	}
	r.Records = append(slices.Grow(room, len(r.Records)), r.Records...)
	select {
	case l.in[int(r.Partition)%len(l.in)] <- r:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l *lanes) close() {
	for _, in := range l.in {
		close(in)
	}
}

// progress follows a restore: it logs how far it is every ten seconds, and keeps
// the gauge of records that remain.
type progress struct {
	log   *slog.Logger
	group string
	gauge prometheus.Gauge
	began time.Time

	mu      sync.Mutex
	said    time.Time
	spans   map[int32]*span
	records int
}

// span is one partition's way, in offsets.
type span struct{ from, at, end int64 }

const progressEvery = 10 * time.Second

func newProgress(log *slog.Logger, group string, gauge prometheus.Gauge) *progress {
	now := time.Now()
	return &progress{log: log, group: group, gauge: gauge, began: now, said: now, spans: map[int32]*span{}}
}

// expect says where a partition begins and ends; only the first time counts.
func (p *progress) expect(partition int32, from, end int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.spans[partition] == nil {
		p.spans[partition] = &span{from, from, end}
		p.gauge.Add(float64(end - from))
	}
}

// reach says how far a partition is.
func (p *progress) reach(partition int32, records int, next int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.records += records
	if s := p.spans[partition]; s != nil {
		to := min(next, s.end)
		p.gauge.Add(float64(s.at - to))
		s.at = to
	}
	if now := time.Now(); now.Sub(p.said) >= progressEvery {
		p.said = now
		p.log.Info("restoring state", p.figures(now)...)
	}
}

// figures are what is told of a restore. Percent is by offsets, some of which
// compaction has taken the records of.
func (p *progress) figures(now time.Time) []any {
	var whole, gone int64
	for _, s := range p.spans {
		whole += s.end - s.from
		gone += s.at - s.from
	}
	percent := 100.0
	if whole > 0 {
		percent = 100 * float64(gone) / float64(whole)
	}
	took := max(now.Sub(p.began), time.Millisecond)
	return []any{
		"group", p.group, "partitions", len(p.spans), "records", p.records, "percent", fmt.Sprintf("%.1f", percent),
		"remaining", whole - gone, "records_per_second", int64(float64(p.records) / took.Seconds()), "seconds", fmt.Sprintf("%.1f", took.Seconds()),
	}
}

// done tells how it went, if it was worth telling.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.spans {
		p.gauge.Add(float64(s.at - s.end))
		s.at = s.end
	}
	if now := time.Now(); now.Sub(p.began) > time.Second {
		p.log.Info("state is current", p.figures(now)...)
	}
}

// finish takes what was not done off the gauge.
func (p *progress) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.spans {
		p.gauge.Add(float64(s.at - s.end))
		s.at = s.end
	}
}
