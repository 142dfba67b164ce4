package gateway

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/quota"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// A verification whose budget is used up by others that are still under way waits
// for them, crowdPoll at a time and crowd at most: nobody is stopped because
// many of their questions, all answered with yes, are asked at once.
const (
	crowd     = 2 * time.Second
	crowdPoll = 5 * time.Millisecond
)

// reservation is what the next read has to reserve, nil if there is nothing; or
// the refusal, if it is known already.
func (a *ask) reservation(ctx context.Context) (*quota.Reservation, *Problem) {
	takes, wait := a.hold.Takes(time.Now())
	for wait != nil {
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, a.unanswered(ctx, ctx.Err())
		}
		takes, wait = a.hold.Takes(time.Now())
	}
	if retry, over := a.hold.Refused(); over {
		return nil, a.refuse(ctx, access.Decision{Reason: access.OverQuota, Retry: retry})
	}
	try := a.try
	if a.tried {
		try = nil
	}
	if takes == nil && try == nil {
		return nil, nil
	}
	return &quota.Reservation{ID: rand.Text(), Takes: takes, Try: try}, nil
}

// reserved looks at what came of a reservation. What was read with one that was
// refused is not answered with: it returns a refusal, or that there is another way.
func (a *ask) reserved(ctx context.Context, r *quota.Reservation, began time.Time) (p *Problem, again bool) {
	if r == nil || !r.Made {
		return nil, false
	}
	a.tried = a.tried || r.Tried == quota.Allowed
	if r.Takes != nil && !a.hold.Took(r, time.Now()) {
		if retry, over := a.hold.Refused(); over {
			return a.refuse(ctx, access.Decision{Reason: access.OverQuota, Retry: retry}), false
		}
		again = true
	}
	switch r.Tried {
	case quota.Stopped:
		return a.stopped(ctx, r.TryWait), false
	case quota.Crowded:
		if time.Since(began) > crowd {
			return a.stopped(ctx, crowd), false
		}
		_ = pause(ctx, crowdPoll) // the read says so if ctx has ended
		again = true
	case quota.Undecided, quota.Allowed:
	}
	return nil, again
}

func (a *ask) stopped(ctx context.Context, wait time.Duration) *Problem {
	a.g.metrics.stopped.WithLabelValues(a.who.ID()).Inc()
	a.g.log.Debug("verification stopped, too many failed", "app", a.who.ID(), "request", a.call.id)
	return a.refuse(ctx, access.Decision{Reason: access.OverBudget, Retry: wait})
}

// newTry is a verification by the application about the subject of the question.
func (a *ask) newTry() *quota.Try {
	key := func(name string) (k quota.Key) {
		copy(k[:], a.g.parts.Keys.Digest(contract.LabelBudget, name))
		return k
	}
	app := a.who.ID()
	return &quota.Try{
		ID: rand.Text(), Application: app, App: key(app), Target: key(app + "\x00" + a.entry.Subjects[0].Digest),
		PerApp: a.g.cfg.Negatives, PerTarget: a.g.cfg.TargetNegatives,
	}
}

// admitTry waits until a verification may be made. It returns a refusal if the
// others of its budget take too long.
func (a *ask) admitTry(ctx context.Context) *Problem {
	try := a.newTry()
	wait, cancel := context.WithTimeout(ctx, crowd)
	defer cancel()
	if !a.g.gates.Enter(wait, try) {
		return a.stopped(ctx, crowd)
	}
	a.try = try
	return nil
}

// settle ends the verification. One that cannot be ended stays charged.
func (a *ask) settle(ctx context.Context, o quota.Outcome) {
	if a.try == nil {
		return
	}
	try := a.try
	a.try = nil
	defer a.g.gates.Leave(try)
	if err := a.g.parts.Cache.Settle(context.WithoutCancel(ctx), try, o); err != nil {
		a.g.log.Warn("verification stays charged", "app", a.who.ID(), "request", a.call.id, "error", err)
	}
}

// release gives back what was reserved for a question that is not answered.
func (a *ask) release(ctx context.Context) {
	a.hold.GiveBack(time.Now())
	a.settle(ctx, quota.Withdrawn)
}

// How often unused parts of quotas go back, and tallies are read.
const (
	givingBack = 500 * time.Millisecond
	tallying   = 5 * time.Second
)

// account gives back what nobody uses, and watches how verifications end.
func (g *Gateway) account(ctx context.Context) error {
	back := func(ctx context.Context, unused []quota.Took) {
		if len(unused) == 0 {
			return
		}
		if err := g.parts.Cache.GiveBack(ctx, unused); err != nil && ctx.Err() == nil {
			g.log.Debug("unused parts of quotas stay taken for a minute", "error", err)
		}
	}
	tick := time.NewTicker(givingBack)
	defer tick.Stop()
	var tallied time.Time
	for {
		select {
		case <-ctx.Done():
			back(context.WithoutCancel(ctx), g.ledger.Idle(time.Now().Add(quota.Window)))
			return ctx.Err()
		case <-tick.C:
		}
		back(ctx, g.ledger.Idle(time.Now()))
		if now := time.Now(); now.Sub(tallied) >= tallying {
			tallied = now
			g.tally(ctx)
		}
	}
}

// tally looks how the verifications of every application end.
func (g *Gateway) tally(ctx context.Context) {
	tallies, err := g.parts.Cache.Tallies(ctx)
	if err != nil {
		if ctx.Err() == nil {
			g.log.Debug("tallies of verifications cannot be read", "error", err)
		}
		return
	}
	before := *g.tallies.Swap(&tallies)
	g.metrics.missRatio.Reset()
	alarms := 0
	for app, t := range tallies {
		g.metrics.missRatio.WithLabelValues(app).Set(t.Ratio())
		if !t.Alarm() {
			continue
		}
		alarms++
		if !before[app].Alarm() {
			g.log.Warn("most verifications of an application fail: it may be trying values", "app", app, "asked", t.Asked, "missed", t.Missed, "stopped", t.Stopped)
		}
	}
	g.metrics.missAlarms.Set(float64(alarms))
}
