package pulse

import (
	"context"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/freshness"
	"github.com/yiyuan-bus/yiyuan/gateway/indicator"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
)

// Run moves what depends on time: as_of, the indicators, the rates. An error
// is the bus's or the cache's, which their owners report: as_of stands still.
func (p *Pulse) Run(ctx context.Context) error {
	raw := make([]contract.Topic, 0, len(p.Catalogue.Datasets))
	for _, d := range p.Catalogue.Datasets {
		raw = append(raw, contract.Raw(d.ID))
	}
	tick := time.NewTicker(p.Step)
	defer tick.Stop()
	var sampled, computed time.Time
	var still listener.Sparse
	stands := time.Time{} // since when as_of stands still; zero = it moves
	for {
		step, cancel := context.WithTimeout(ctx, 10*time.Second)
		if err := p.Fresh.Step(step); err != nil && ctx.Err() == nil {
			if stands.IsZero() {
				stands = time.Now()
			}
			if n, ok := still.Tell("as_of", time.Now()); ok {
				p.Logger.Warn("as_of stands still", "times", n, "error", err)
			}
		} else if err == nil && !stands.IsZero() {
			p.Logger.Info("as_of moves again", "stood", time.Since(stands).Round(time.Second))
			stands = time.Time{}
		}
		if now := time.Now(); now.Sub(sampled) >= time.Second {
			sampled = now
			look, done := context.WithTimeout(ctx, attendWait) // whatever as_of waited for
			ends, err := p.Bus.EndOffsets(look, raw...)
			done()
			if err == nil {
				p.Rates.Take(now, ends, p.Catalogue.Datasets)
			}
			p.probe(step)
		}
		cancel()
		if now := time.Now(); now.Sub(computed) >= time.Second {
			computed = now
			p.compute()
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
func (p *Pulse) probe(ctx context.Context) {
	progress := *p.progress.Load()
	for _, d := range p.Catalogue.Datasets {
		loaded := len(d.Views) > 0
		for _, v := range d.Views {
			loaded = loaded && progress[v.ID].Ready
		}
		if loaded {
			p.Health.Loaded(d.ID, p.Clock())
		}
		for _, v := range d.Views {
			err := p.ping(ctx, v.ID)
			if err != nil {
				err = p.ping(ctx, v.ID)
			}
			if ctx.Err() != nil {
				return
			}
			p.Health.Probe(d.ID, err == nil, p.Clock())
		}
	}
}

func (p *Pulse) ping(ctx context.Context, view string) error {
	var key [1]store.Digest
	var into [1]store.Stored
	return p.Cache.Get(ctx, view, key[:], into[:], nil)
}

// compute brings the indicators up to date.
func (p *Pulse) compute() {
	now := p.Clock()
	progress := *p.progress.Load()
	list := indicator.Compute(p.Catalogue, p.Targets, func(d *schemas.Dataset) indicator.Dataset {
		s := p.Fresh.Dataset(d)
		if s.AsOf.IsZero() { // unknown is no age at all
			p.metrics.freshness.DeleteLabelValues(d.ID)
		} else {
			p.metrics.freshness.WithLabelValues(d.ID).Set(s.Lag.Seconds())
		}
		out := indicator.Dataset{
			Running: s.State != freshness.Stopped, Known: len(s.Sources) > 0 && !s.AsOf.IsZero(), Lag: s.Lag,
			Within: s.State == freshness.Fresh || s.State == freshness.Due, Published: len(d.Views) > 0,
		}
		p.Health.Lag(d.ID, d.Cycle == "realtime" && out.Known && out.Running && out.Within, now)
		out.Health = p.Health.Summary(d.ID, now)
		out.Rows, _, _ = p.held(d)
		for _, v := range d.Views {
			out.Published = out.Published && progress[v.ID].Ready
		}
		return out
	})
	p.metrics.realtime.Set(list[0].Value)
	p.metrics.observed.Set(list[0].Observed.Seconds())
	p.metrics.asked.Set(float64(list[0].Lookups))
	p.metrics.waiting.Set(float64(len(p.Waiting())))
	p.indicators.Store(&indicators{now, list})
}
