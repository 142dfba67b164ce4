package question

import (
	"context"
	"slices"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/quota"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// Verify answers whether what is claimed of somebody is so.
func (d *Desk) Verify(ctx context.Context, viewID, key string, fields map[string]string) ([]byte, *Problem) {
	a := d.ask(ctx, "verify", viewID)
	body, p := a.verify(ctx, viewID, key, fields)
	a.observe(ctx, p)
	return body, p
}

// verify says one yes or no for all fields together. No is
// also the answer for a record that is not there, and it takes as long.
func (a *Ask) verify(ctx context.Context, viewID, raw string, fields map[string]string) ([]byte, *Problem) {
	defer a.holdBack(ctx, time.Now())
	v := a.view
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	question := access.Question{View: viewID, Fields: v.WithoutKey(names), Verify: true, Records: 1}
	key, _, p := a.admit(ctx, raw, question)
	if p != nil {
		return nil, p
	}
	if v.Telling(key, fields) < 2 {
		return nil, a.fail(ctx, problem.Few, "too_few_fields")
	}
	claim, bad := v.Claim(key, fields)
	if len(bad) > 0 {
		return nil, a.fail(ctx, problem.Value, "invalid_value", fieldErrors(bad)...)
	}
	if p := a.admitTry(ctx); p != nil {
		return nil, p
	}
	defer a.settle(ctx, quota.Withdrawn) // unless it has ended before
	match, withheld, p := a.compare(ctx, key, claim)
	if p != nil {
		return nil, p
	}
	if match {
		a.settle(ctx, quota.Matched)
	} else {
		a.d.metrics.negatives.WithLabelValues(a.who.ID()).Inc()
		a.settle(ctx, quota.Missed)
	}
	if !match && (withheld || len(a.missing) > 0) {
		// What is missing or withheld might match, so it is not a no. It is said whether
		// there is a record or not, and counts as a miss: it tells as much.
		return nil, a.undecided(ctx, withheld)
	}
	body := append(make([]byte, 0, 256), `{"match":`...)
	if match {
		// With a no it would tell that somebody of that key is known.
		body = append(appendRefused(append(body, "true,"...), a.refused(0)), ',')
	} else {
		body = append(body, "false,"...)
	}
	body = append(a.appendIDs(a.appendAsOf(body)), '}', '\n')
	// The audit says that there was an answer, not which: a list of who did not
	// match would be worth stealing.
	if p := a.finish(ctx, body, 1); p != nil {
		return nil, p
	}
	return body, nil
}

// holdBack waits until the answer is as old as every answer is.
func (a *Ask) holdBack(ctx context.Context, since time.Time) {
	left := a.d.VerifyFloor - time.Since(since)
	if left <= 0 {
		return
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// compare holds the claim against the record, and says whether the view has records that
// are withheld.
func (a *Ask) compare(ctx context.Context, key string, claim view.Claim) (match, withheld bool, p *Problem) {
	v := a.view
	stored, p := a.readOne(ctx, key)
	if p != nil {
		return false, false, p
	}
	var record schemas.Record
	if stored.Found() {
		var err error
		if record, err = v.Reader.Decode(ctx, stored.Value); err != nil {
			return false, false, a.unreadable(ctx, err)
		}
	}
	return claim.Matches(record), stored.Withheld, nil
}
