package question

import (
	"context"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/quota"
)

// How often unused parts of quotas go back, and tallies are read.
const (
	givingBack = 500 * time.Millisecond
	tallying   = 5 * time.Second
)

// Account gives back what nobody uses, and watches how verifications end.
func (d *Desk) Account(ctx context.Context) error {
	back := func(ctx context.Context, unused []quota.Took) {
		if len(unused) == 0 {
			return
		}
		if err := d.Cache.GiveBack(ctx, unused); err != nil && ctx.Err() == nil {
			d.Logger.Debug("unused parts of quotas stay taken for a minute", "error", err)
		}
	}
	tick := time.NewTicker(givingBack)
	defer tick.Stop()
	var tallied time.Time
	for {
		select {
		case <-ctx.Done():
			back(context.WithoutCancel(ctx), d.ledger.Idle(time.Now().Add(quota.Window)))
			return ctx.Err()
		case <-tick.C:
		}
		back(ctx, d.ledger.Idle(time.Now()))
		if now := time.Now(); now.Sub(tallied) >= tallying {
			tallied = now
			d.tally(ctx)
		}
	}
}

// tally looks how the verifications of every application end.
func (d *Desk) tally(ctx context.Context) {
	tallies, err := d.Cache.Tallies(ctx)
	if err != nil {
		if ctx.Err() == nil {
			d.Logger.Debug("tallies of verifications cannot be read", "error", err)
		}
		return
	}
	before := *d.tallies.Swap(&tallies)
	d.metrics.missRatio.Reset()
	alarms := 0
	for app, t := range tallies {
		d.metrics.missRatio.WithLabelValues(app).Set(t.Ratio())
		if !t.Alarm() {
			continue
		}
		alarms++
		if !before[app].Alarm() {
			d.Logger.Warn("most verifications of an application fail: it may be trying values", "app", app, "asked", t.Asked, "missed", t.Missed, "stopped", t.Stopped)
		}
	}
	d.metrics.missAlarms.Set(float64(alarms))
}

// Tallies returns how the verifications of every application ended lately.
func (d *Desk) Tallies() map[string]quota.Tally { return *d.tallies.Load() }
