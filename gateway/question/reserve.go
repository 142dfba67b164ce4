package question

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/fold"
	"github.com/yiyuan-bus/yiyuan/gateway/quota"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// crowdPoll is how often a verification whose budget is used up by others that are still
// under way looks again, for Parts.VerifyCrowd at most: nobody is stopped because many of
// their questions, all answered with yes, are asked at once.
const crowdPoll = 5 * time.Millisecond

// reservation is what the next read has to reserve, nil if there is nothing; or
// the refusal, if it is known already.
func (a *Ask) reservation(ctx context.Context) (*quota.Reservation, *Problem) {
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
func (a *Ask) reserved(ctx context.Context, r *quota.Reservation, began time.Time) (p *Problem, again bool) {
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
		if time.Since(began) > a.d.VerifyCrowd {
			return a.stopped(ctx, a.d.VerifyCrowd), false
		}
		_ = fold.Pause(ctx, crowdPoll) // the read says so if ctx has ended
		again = true
	case quota.Undecided, quota.Allowed:
	}
	return nil, again
}

func (a *Ask) stopped(ctx context.Context, wait time.Duration) *Problem {
	a.d.metrics.stopped.WithLabelValues(a.who.ID()).Inc()
	a.d.Logger.Debug("verification stopped, too many failed", "app", a.who.ID(), "request", a.call.ID)
	return a.refuse(ctx, access.Decision{Reason: access.OverBudget, Retry: wait})
}

// newTry is a verification by the application about the subject of the question.
func (a *Ask) newTry() *quota.Try {
	key := func(name string) (k quota.Key) {
		copy(k[:], a.d.Keys.Digest(contract.LabelBudget, name))
		return k
	}
	app := a.who.ID()
	return &quota.Try{
		ID: rand.Text(), Application: app, App: key(app), Target: key(app + "\x00" + a.entry.Subjects[0].Digest),
		PerApp: a.d.Negatives, PerTarget: a.d.TargetNegatives,
	}
}

// admitTry waits until a verification may be made. It returns a refusal if the
// others of its budget take too long.
func (a *Ask) admitTry(ctx context.Context) *Problem {
	try := a.newTry()
	wait, cancel := context.WithTimeout(ctx, a.d.VerifyCrowd)
	defer cancel()
	if !a.d.gates.Enter(wait, try) {
		return a.stopped(ctx, a.d.VerifyCrowd)
	}
	a.try = try
	return nil
}

// settle ends the verification. One that cannot be ended stays charged.
func (a *Ask) settle(ctx context.Context, o quota.Outcome) {
	if a.try == nil {
		return
	}
	try := a.try
	a.try = nil
	defer a.d.gates.Leave(try)
	if err := a.d.Cache.Settle(context.WithoutCancel(ctx), try, o); err != nil {
		if n, ok := a.d.told.Tell("charged", time.Now()); ok {
			a.d.Logger.Warn("verification stays charged", "app", a.who.ID(), "request", a.call.ID, "times", n, "error", err)
		}
	}
}

// release gives back what was reserved for a question that is not answered.
func (a *Ask) release(ctx context.Context) {
	a.hold.GiveBack(time.Now())
	a.settle(ctx, quota.Withdrawn)
}
