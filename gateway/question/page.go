package question

import (
	"context"
	"net/http"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// Page begins a question about the exchange itself.
func (d *Desk) Page(ctx context.Context, operation string) *Ask { return d.ask(ctx, operation, "") }

// Trace leaves the trace of a refusal that came before any question.
func (d *Desk) Trace(ctx context.Context, operation string, p *problem.Problem) (written bool) {
	a := d.ask(ctx, operation, "")
	a.entry.App, a.entry.Department = a.call.Who.ID(), a.call.Who.Department()
	a.entry.Decision, a.entry.Reason, a.entry.Status = audit.Deny, p.Code, p.Status
	return a.append(ctx) == nil
}

// Denied counts a refusal, by its reason.
func (d *Desk) Denied(reason string) {
	d.metrics.denied.WithLabelValues(reason).Inc()
	d.Rates.Denied.Add(1)
}

// Strangers writes what those without a key were refused for.
func (d *Desk) Strangers(ctx context.Context, r listener.Refusals) {
	d.Logger.Info("strangers refused", "from", r.Neighbourhood, "count", r.Count, "reasons", r.Reasons)
	if err := d.Audit.AppendStrangers(ctx, "gateway", r); err != nil {
		d.metrics.auditFailed.Inc()
		if n, ok := d.told.Tell("strangers", time.Now()); ok {
			d.Logger.Error("audit entry of strangers could not be written", "from", r.Neighbourhood, "count", r.Count, "times", n, "error", err)
		}
	}
}

// Settle writes for how many questions no entry could be written, as soon as one can be.
func (d *Desk) Settle(ctx context.Context) error {
	return d.Audit.Settle(ctx, d.AuditTimeout, func(since time.Time, count int) {
		d.Logger.Info("audit entries are written again", "since", since, "withheld", count)
	})
}

// Who finds the application, which need not be granted anything.
func (a *Ask) Who(ctx context.Context) (access.Identity, *Problem) {
	if reason := a.identify(); reason != access.OK {
		return a.who, a.refuse(ctx, access.Decision{Reason: reason})
	}
	if d := a.d.Access.DecidePurpose(a.who, access.Supervise, a.begin); d.Reason == access.ExpiredKey || d.Reason == access.UnknownKey {
		return a.who, a.refuse(ctx, d)
	}
	return a.who, nil
}

// Supervise answers whether a page about the exchange itself may be seen.
func (a *Ask) Supervise(ctx context.Context) *Problem {
	if a.entry.Purpose == "" {
		a.entry.Purpose = access.Supervise
	}
	if a.d.Open && a.call.Bearer == "" && !a.call.Identified {
		if !a.d.openReads.AllowN(a.begin, 1) {
			return &Problem{Problem: *problem.Stranger.Of(a.call.ID)} // what strangers read is in the audit too, and must not fill it
		}
		return nil
	}
	if reason := a.identify(); reason != access.OK {
		return a.refuse(ctx, access.Decision{Reason: reason})
	}
	d := a.d.Access.DecidePurpose(a.who, access.Supervise, a.begin)
	if d.Allowed || a.d.Open {
		return nil
	}
	p := a.refuse(ctx, d)
	if d.Reason == access.PurposeNotGranted && p.Status == http.StatusForbidden {
		return Of(problem.Supervise, a.call.ID)
	}
	return p
}

// Still answers whether what Supervise has allowed is allowed now. A refusal is a
// question of its own in the audit.
func (a *Ask) Still(ctx context.Context) *Problem {
	if a.who == (access.Identity{}) {
		return nil // it was open to everybody
	}
	return a.d.Page(ctx, a.entry.Operation).Supervise(ctx)
}

// Browse answers whether what every application may see may be seen, and whether the
// one that asks may see as well how the exchange does.
func (a *Ask) Browse(ctx context.Context) (supervises bool, p *Problem) {
	if a.d.Open {
		return true, a.Supervise(ctx)
	}
	if _, p := a.Who(ctx); p != nil {
		return false, p
	}
	supervises = a.d.Access.DecidePurpose(a.who, access.Supervise, a.begin).Allowed
	if supervises && a.entry.Purpose == "" {
		a.entry.Purpose = access.Supervise
	}
	return supervises, nil
}

// Shown makes the entry of a page about the exchange itself durable, or of one
// that could not be shown. Nothing of it may leave before.
func (a *Ask) Shown(ctx context.Context, p *Problem) *Problem {
	reason, status := string(access.OK), http.StatusOK
	if a.who == (access.Identity{}) {
		reason = "open_console"
	}
	if p != nil {
		reason, status = "absent", p.Status
	}
	a.entry.Decision, a.entry.Reason, a.entry.Status = audit.Allow, reason, status
	if failed := a.append(ctx); failed != nil {
		return failed
	}
	return p
}

// Ended puts the end of a stream into the audit. The stream is over whether or
// not it can be written.
func (a *Ask) Ended(ctx context.Context) {
	last := a.d.ask(ctx, "events", "")
	last.who, last.entry.App, last.entry.Department, last.entry.Purpose = a.who, a.entry.App, a.entry.Department, a.entry.Purpose
	last.entry.Decision, last.entry.Reason, last.entry.Status = audit.Allow, "ended", http.StatusOK
	_ = last.append(ctx) // it logs and counts a failure
}
