package question

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/gateway/quota"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// Ask is one question under way, from the key to the audit entry.
type Ask struct {
	d     *Desk
	call  *Call
	begin time.Time
	view  *view.View
	who   access.Identity
	entry audit.Entry

	asOf    time.Time // of what read has read
	stale   bool
	missing []string // datasets of the view of which no complete copy had come through by then
	former  bool     // another catalogue is in force, which has the view otherwise or not at all
	granted []string
	marks   [][]Refused // by key that was read, as of then; nil = nothing is refused at all

	charges [][]access.Charge // the ways to pay for the answer
	records int               // how many are paid for
	hold    *quota.Hold       // what is reserved of quotas
	try     *quota.Try        // the verification that is to be counted, or is
	tried   bool              // it is
}

// ask begins a question about a view, nil if it is about none.
func (d *Desk) ask(ctx context.Context, operation, viewID string) *Ask {
	c := CallOf(ctx)
	a := &Ask{d: d, call: c, begin: d.Clock(), view: d.Views[viewID]}
	a.entry = audit.Entry{ID: d.Audit.NextID(), Time: a.begin, Operation: operation, Request: c.ID, Client: c.Client, Decision: audit.Deny}
	if a.view != nil {
		a.entry.View = a.view.ID
	}
	if _, err := d.Catalogue.Purpose(c.Purpose); err == nil || c.Purpose == access.Supervise {
		a.entry.Purpose = c.Purpose // an unknown purpose could be any text
	}
	return a
}

// identify finds the application.
func (a *Ask) identify() access.Reason {
	who, reason := a.call.Who, access.OK
	if fresh := a.call.fresh; fresh {
		a.call.fresh = false
	} else {
		who, reason = a.call.Identify(a.d.Access, a.d.Clock())
	}
	if reason == access.OK {
		a.who = who
		a.entry.App, a.entry.Department = who.ID(), who.Department()
	}
	return reason
}

// decide answers whether the question may be asked. A refusal is in the audit
// when decide returns it.
func (a *Ask) decide(ctx context.Context, q access.Question) (access.Decision, *Problem) {
	if reason := a.identify(); reason != access.OK {
		return access.Decision{}, a.refuse(ctx, access.Decision{Reason: reason})
	}
	q.Purpose = a.call.Purpose
	d := a.d.Access.Decide(a.who, q, a.begin)
	if !d.Allowed {
		return d, a.refuse(ctx, d)
	}
	a.entry.Fields, a.granted = d.Fields, d.Fields
	a.charges, a.records = d.Charges, max(q.Records, 1)
	return d, nil
}

// refuse writes the refusal to the audit and returns what the caller is told.
func (a *Ask) refuse(ctx context.Context, d access.Decision) *Problem {
	a.d.metrics.denied.WithLabelValues(string(d.Reason)).Inc()
	a.d.Rates.Denied.Add(1)
	kind, ok := Reasons[d.Reason]
	if !ok {
		kind = problem.Internal
	}
	p := Of(kind, a.call.ID)
	if d.Retry > 0 {
		_ = p.After(d.Retry)
	}
	if d.Most > 0 {
		most := strconv.Itoa(d.Most)
		p.Errors = append(p.Errors, FieldError{Location: "keys", Message: "一次至多 " + most + " 条", MessageEN: "at most " + most + " at once"})
	}
	for i, name := range d.Refused {
		if a.view == nil || !slices.Contains(access.Fields(a.view.View), name) {
			name = "fields[" + strconv.Itoa(i) + "]" // what is no field's name is not repeated
		}
		p.Errors = append(p.Errors, FieldError{Location: name, Message: "未授权", MessageEN: "not granted"})
	}
	a.entry.Decision, a.entry.Reason, a.entry.Status = audit.Deny, string(d.Reason), kind.Status
	if failed := a.append(ctx); failed != nil {
		return failed
	}
	return p
}

// fail ends a question that was allowed and could not be answered with data.
func (a *Ask) fail(ctx context.Context, kind *problem.Kind, reason string, errs ...FieldError) *Problem {
	a.entry.Decision, a.entry.Reason, a.entry.Status, a.entry.Rows = audit.Allow, reason, kind.Status, 0
	if failed := a.append(ctx); failed != nil {
		return failed
	}
	return Of(kind, a.call.ID, errs...)
}

// finish makes the entry of an answer durable. Not a byte of body may leave
// before it has returned nil.
func (a *Ask) finish(ctx context.Context, body []byte, rows int) *Problem {
	a.entry.Decision, a.entry.Reason, a.entry.Status = audit.Allow, string(access.OK), http.StatusOK
	a.entry.Rows, a.entry.Body = rows, audit.Digest(body)
	return a.append(ctx)
}

func (a *Ask) append(ctx context.Context) *Problem {
	// An entry that is on its way must not be torn by a client that hangs up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.d.AuditTimeout)
	defer cancel()
	begin := time.Now()
	err := a.d.Audit.Append(ctx, &a.entry)
	a.d.metrics.audit.Observe(time.Since(begin).Seconds())
	if err != nil {
		a.d.metrics.auditFailed.Inc()
		if n, ok := a.d.told.Tell("audit", time.Now()); ok {
			a.d.Logger.Error("audit entry could not be written, the answer is withheld", "request", a.call.ID, "times", n, "error", err)
		}
		return Of(problem.Audit, a.call.ID)
	}
	return nil
}

// admit decides a question about the key raw and returns the key as it is
// written. That it is malformed is said only to who may ask.
// What else is wrong with the question, bad, is told in the same way.
func (a *Ask) admit(ctx context.Context, raw string, q access.Question, bad ...FieldError) (key string, d access.Decision, p *Problem) {
	q.Fields = askable(q.Fields, bad)
	err := view.ErrKey
	if a.view != nil {
		if key, err = a.view.Normalise(raw); err == nil {
			a.named(key)
		}
	}
	if d, p = a.decide(ctx, q); p == nil && err != nil {
		p = a.fail(ctx, problem.Key, "invalid_key", problem.At("key", a.view.KeyForm()))
	}
	if p == nil && len(bad) > 0 {
		p = a.fail(ctx, problem.Invalid, "invalid_fields", bad...)
	}
	return key, d, p
}

// named puts whom a key names into the entry: as many of each key of a view.
func (a *Ask) named(key string) {
	for _, digest := range a.view.AuditDigests(key) {
		a.entry.Subjects = append(a.entry.Subjects, audit.Subject{Digest: digest})
	}
}

// found says of the i-th of n keys that there is a record.
func (a *Ask) found(i, n int) {
	each := len(a.entry.Subjects) / n
	for j := range each {
		a.entry.Subjects[i*each+j].Found = true
	}
}

// askable returns the fields to decide on: those of a question that is wrong in
// itself are not what is refused.
func askable(fields []string, bad []FieldError) []string {
	if len(bad) > 0 {
		return nil
	}
	return fields
}

// unanswered turns an error of the cache into what the caller is told.
func (a *Ask) unanswered(ctx context.Context, err error) *Problem {
	switch {
	case errors.Is(err, store.ErrNotLoaded):
		return a.fail(ctx, problem.NotLoaded, "not_loaded")
	case errors.Is(err, store.ErrMixedReply):
		return a.fail(ctx, problem.Mixed, "mixed_reply")
	case errors.Is(err, context.Canceled):
		return a.fail(ctx, problem.Cache, "gone")
	}
	if n, ok := a.d.told.Tell("cache", time.Now()); ok {
		a.d.Logger.Warn("cache cannot be read", "view", a.entry.View, "request", a.call.ID, "times", n, "error", err)
	}
	return a.fail(ctx, problem.Cache, "cache")
}
