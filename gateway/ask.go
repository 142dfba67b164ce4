package gateway

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/gateway/catalog"
	"github.com/yiyuan-bus/yiyuan/gateway/quota"
	"github.com/yiyuan-bus/yiyuan/gateway/store"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/listener"
	"github.com/yiyuan-bus/yiyuan/schemas/problem"
)

// call is what is known of a request before anybody has looked at it.
type call struct {
	id        string
	client    string
	bearer    string
	purpose   string
	operation string
	body      []byte // of a POST, to say where in it something is wrong

	who        access.Identity // of bearer, when the request came
	reason     access.Reason
	identified bool
	fresh      bool // nobody has asked for it yet: a stream that asks again looks again
}

// callOf returns the call that the request belongs to.
func callOf(ctx context.Context) *call {
	if c, ok := listener.CallOf(ctx).Data.(*call); ok {
		return c
	}
	return &call{}
}

func newCall(r *http.Request, from *listener.Call) *call {
	c := &call{id: from.ID, purpose: strings.TrimSpace(r.Header.Get("X-Purpose"))}
	if from.Client.IsValid() {
		c.client = from.Client.String()
	}
	const scheme = "bearer "
	if h := r.Header.Get("Authorization"); len(h) > len(scheme) && len(h) < 1024 && strings.EqualFold(h[:len(scheme)], scheme) {
		c.bearer = strings.TrimSpace(h[len(scheme):])
	}
	return c
}

// ask is one question under way, from the key to the audit entry.
type ask struct {
	g     *Gateway
	call  *call
	begin time.Time
	view  *view.View
	who   access.Identity
	entry audit.Entry

	asOf    time.Time // of what read has read
	stale   bool
	missing []string // datasets of the view of which no complete copy had come through by then
	granted []string
	marks   [][]Refused // by key that was read, as of then; nil = nothing is refused at all

	charges [][]access.Charge // the ways to pay for the answer
	records int               // how many are paid for
	hold    *quota.Hold       // what is reserved of quotas
	try     *quota.Try        // the verification that is to be counted, or is
	tried   bool              // it is
}

// ask begins a question about a view, nil if it is about none.
func (g *Gateway) ask(ctx context.Context, operation, viewID string) *ask {
	c := callOf(ctx)
	a := &ask{g: g, call: c, begin: g.now(), view: g.views[viewID]}
	a.entry = audit.Entry{ID: g.audit.NextID(), Time: a.begin, Operation: operation, Request: c.id, Client: c.client, Decision: audit.Deny}
	if a.view != nil {
		a.entry.View = a.view.ID
	}
	if _, err := g.parts.Catalogue.Purpose(c.purpose); err == nil || c.purpose == access.Supervise {
		a.entry.Purpose = c.purpose // an unknown purpose could be any text
	}
	return a
}

// identify finds the application.
func (a *ask) identify() access.Reason {
	who, reason := a.call.who, access.OK
	if fresh := a.call.fresh; fresh {
		a.call.fresh = false
	} else {
		who, reason = a.g.parts.Access.Identify(a.call.bearer)
	}
	if reason == access.OK {
		a.who = who
		a.entry.App, a.entry.Department = who.ID(), who.Department()
	}
	return reason
}

// decide answers whether the question may be asked. A refusal is in the audit
// when decide returns it.
func (a *ask) decide(ctx context.Context, q access.Question) (access.Decision, *Problem) {
	if reason := a.identify(); reason != access.OK {
		return access.Decision{}, a.refuse(ctx, access.Decision{Reason: reason})
	}
	q.Purpose = a.call.purpose
	d := a.g.parts.Access.Decide(a.who, q, a.begin)
	if !d.Allowed {
		return d, a.refuse(ctx, d)
	}
	a.entry.Fields, a.granted = d.Fields, d.Fields
	a.charges, a.records = d.Charges, max(q.Records, 1)
	return d, nil
}

// supervise answers whether a page about the exchange itself may be seen.
func (a *ask) supervise(ctx context.Context) *Problem {
	if a.entry.Purpose == "" {
		a.entry.Purpose = access.Supervise
	}
	if a.g.cfg.OpenConsole && a.call.bearer == "" {
		if !a.g.openReads.AllowN(a.begin, 1) {
			return &Problem{Problem: *problem.Stranger.Of(a.call.id)} // what strangers read is in the audit too, and must not fill it
		}
		return nil
	}
	if reason := a.identify(); reason != access.OK {
		return a.refuse(ctx, access.Decision{Reason: reason})
	}
	d := a.g.parts.Access.DecidePurpose(a.who, access.Supervise, a.begin)
	if d.Allowed || a.g.cfg.OpenConsole {
		return nil
	}
	p := a.refuse(ctx, d)
	if d.Reason == access.PurposeNotGranted && p.Status == http.StatusForbidden {
		return faultSupervise.problem(a.call.id)
	}
	return p
}

// refuse writes the refusal to the audit and returns what the caller is told.
func (a *ask) refuse(ctx context.Context, d access.Decision) *Problem {
	a.g.metrics.denied.WithLabelValues(string(d.Reason)).Inc()
	a.g.flow.Denied.Add(1)
	f, ok := reasons[d.Reason]
	if !ok {
		f = faultInternal
	}
	p := f.problem(a.call.id)
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
	a.entry.Decision, a.entry.Reason, a.entry.Status = audit.Deny, string(d.Reason), f.Status
	if failed := a.append(ctx); failed != nil {
		return failed
	}
	return p
}

// fail ends a question that was allowed and could not be answered with data.
func (a *ask) fail(ctx context.Context, f fault, reason string, errs ...FieldError) *Problem {
	a.entry.Decision, a.entry.Reason, a.entry.Status, a.entry.Rows = audit.Allow, reason, f.Status, 0
	if failed := a.append(ctx); failed != nil {
		return failed
	}
	return f.problem(a.call.id, errs...)
}

// finish makes the entry of an answer durable. Not a byte of body may leave
// before it has returned nil.
func (a *ask) finish(ctx context.Context, body []byte, rows int) *Problem {
	a.entry.Decision, a.entry.Reason, a.entry.Status = audit.Allow, string(access.OK), http.StatusOK
	a.entry.Rows, a.entry.Body = rows, audit.Digest(body)
	return a.append(ctx)
}

// shown makes the entry of a page about the exchange itself durable, or of one
// that could not be shown. Nothing of it may leave before.
func (a *ask) shown(ctx context.Context, p *Problem) *Problem {
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

func (a *ask) append(ctx context.Context) *Problem {
	// An entry that is on its way must not be torn by a client that hangs up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.g.cfg.AuditTimeout)
	defer cancel()
	begin := time.Now()
	err := a.g.audit.Append(ctx, &a.entry)
	a.g.metrics.audit.Observe(time.Since(begin).Seconds())
	if err != nil {
		a.g.metrics.auditFailed.Inc()
		a.g.log.Error("audit entry could not be written, the answer is withheld", "request", a.call.id, "error", err)
		return faultAudit.problem(a.call.id)
	}
	return nil
}

// admit decides a question about the key raw and returns the key as it is
// written. That it is malformed is said only to who may ask.
// What else is wrong with the question, bad, is told in the same way.
func (a *ask) admit(ctx context.Context, raw string, q access.Question, bad ...FieldError) (key string, d access.Decision, p *Problem) {
	q.Fields = askable(q.Fields, bad)
	err := view.ErrKey
	if a.view != nil {
		if key, err = a.view.Normalise(raw); err == nil {
			a.entry.Subjects = []audit.Subject{{Digest: a.view.AuditDigest(key)}}
		}
	}
	if d, p = a.decide(ctx, q); p == nil && err != nil {
		p = a.fail(ctx, faultKey, "invalid_key", problem.At("key", a.view.KeyForm()))
	}
	if p == nil && len(bad) > 0 {
		p = a.fail(ctx, faultInvalid, "invalid_fields", bad...)
	}
	return key, d, p
}

// askable returns the fields to decide on: those of a question that is wrong in
// itself are not what is refused.
func askable(fields []string, bad []FieldError) []string {
	if len(bad) > 0 {
		return nil
	}
	return fields
}

// readOne reads what is stored of a key.
func (a *ask) readOne(ctx context.Context, key string) (store.Stored, *Problem) {
	var out [1]store.Stored
	p := a.read(ctx, []string{key}, out[:])
	return out[0], p
}

// record reads the record of a key, which has to be there.
func (a *ask) record(ctx context.Context, key string) (store.Stored, schemas.Record, *Problem) {
	stored, p := a.readOne(ctx, key)
	if p == nil && !stored.Found() {
		p = a.absent(ctx)
		p.Refused = a.refused(0)
	}
	if p != nil {
		return stored, schemas.Record{}, p
	}
	record, err := a.view.Reader.Decode(ctx, stored.Value)
	if err != nil {
		return stored, record, a.unreadable(ctx, err)
	}
	a.entry.Subjects[0].Found = true
	return stored, record, nil
}

// absent says that there is no record, and as of when; or that nobody knows, because
// of something that the view is made of no complete copy has come through yet.
func (a *ask) absent(ctx context.Context) *Problem {
	if len(a.missing) > 0 {
		return a.unknown(a.fail(ctx, faultNotLoaded, "not_loaded"))
	}
	p := a.fail(ctx, faultAbsent, "absent")
	if p.Status == faultAbsent.Status { // else the entry could not be written
		p.AsOf, p.Stale = catalog.Moment(a.asOf), &a.stale
	}
	return p
}

// unknown names the datasets that are missing.
func (a *ask) unknown(p *Problem) *Problem {
	if p.Status == faultNotLoaded.Status && p.Code == faultNotLoaded.Code {
		names := strings.Join(a.missing, "、")
		p.Errors = append(p.Errors, FieldError{Location: "view", Message: "以下数据集尚无完整副本，不能断定查无此人：" + names, MessageEN: "no complete copy of these datasets has come through yet, so absence cannot be claimed: " + strings.Join(a.missing, ", ")})
	}
	return p
}

// unanswered turns an error of the cache into what the caller is told.
func (a *ask) unanswered(ctx context.Context, err error) *Problem {
	switch {
	case errors.Is(err, store.ErrNotLoaded):
		return a.fail(ctx, faultNotLoaded, "not_loaded")
	case errors.Is(err, store.ErrMixedReply):
		return a.fail(ctx, faultMixed, "mixed_reply")
	case errors.Is(err, context.Canceled):
		return a.fail(ctx, faultCache, "gone")
	}
	a.g.log.Warn("cache cannot be read", "view", a.entry.View, "request", a.call.id, "error", err)
	return a.fail(ctx, faultCache, "cache")
}

// unreadable ends a question whose record is in the cache and not whole.
func (a *ask) unreadable(ctx context.Context, err error) *Problem {
	a.g.log.Error("cached record cannot be read", "view", a.entry.View, "request", a.call.id, "error", err)
	return a.fail(ctx, faultMixed, "unreadable")
}
