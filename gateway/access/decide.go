package access

import (
	"slices"
	"time"
)

// Reason says in one word why a decision fell. The set is closed: metrics and
// the audit carry it.
type Reason string

// The reasons.
const (
	OK                Reason = "ok"
	NoKey             Reason = "no_key"
	UnknownKey        Reason = "unknown_key"
	ExpiredKey        Reason = "expired_key"
	NoPurpose         Reason = "no_purpose"
	UnknownPurpose    Reason = "unknown_purpose"
	UnknownView       Reason = "unknown_view"
	NoGrant           Reason = "no_grant"
	PurposeNotGranted Reason = "purpose_not_granted"
	ExpiredGrant      Reason = "expired_grant"
	FieldNotGranted   Reason = "field_not_granted"
	OverQuota         Reason = "over_quota"
	TooMany           Reason = "too_many" // more at once than a quota ever allows
	VerifyOnly        Reason = "verify_only"
	NotVerifiable     Reason = "not_verifiable"
	OverBudget        Reason = "over_budget"
)

// Charge is a grant that an answer would be counted against.
type Charge struct {
	Meter string // what it is counted under
	Quota int    // a minute
}

// Decision is the answer to one question.
type Decision struct {
	Allowed bool
	Reason  Reason
	Fields  []string      // granted and asked for, in the view's order; the answer is built from these alone
	Refused []string      // asked for and not granted
	Most    int           // of TooMany: how many may be asked for at once
	Retry   time.Duration // of OverQuota and OverBudget: when to come again
	// Charges are the ways to pay for the answer, the preferred one first: each
	// is a set of grants that are charged together or not at all. None = free.
	Charges [][]Charge
}

// Question is what a caller wants.
type Question struct {
	View    string
	Purpose string
	Fields  []string // nil = all that is granted
	Verify  bool     // yes or no instead of values
	Records int      // how many records are asked for
}

// Decide answers a question by the rules in force at now. It counts nothing:
// the answer is charged to one of Decision.Charges before it leaves.
func (a *Access) Decide(who Identity, q Question, now time.Time) Decision {
	app := a.current(who)
	if app == nil {
		return Decision{Reason: UnknownKey}
	}
	if expired(app.Until, now) {
		return Decision{Reason: ExpiredKey}
	}
	if reason := a.purpose(q.Purpose); reason != OK {
		return Decision{Reason: reason}
	}
	v, err := a.catalogue.View(q.View)
	if err != nil {
		return Decision{Reason: UnknownView}
	}
	vg := app.views[v.ID]
	if vg == nil {
		return Decision{Reason: NoGrant}
	}
	if v.Only == "verify" && !q.Verify {
		return Decision{Reason: VerifyOnly}
	}
	if v.Only != "verify" && q.Verify {
		return Decision{Reason: NotVerifiable}
	}
	return vg.decide(q, now)
}

func (vg *viewGrants) decide(q Question, now time.Time) Decision {
	reason := PurposeNotGranted
	var valid []*grant
	for _, g := range vg.grants {
		switch {
		case !slices.Contains(g.Purposes, q.Purpose):
		case expired(g.Until, now):
			reason = ExpiredGrant
		default:
			valid = append(valid, g)
		}
	}
	if len(valid) == 0 {
		return Decision{Reason: reason}
	}
	granted := func(f string) bool {
		return slices.ContainsFunc(valid, func(g *grant) bool { return g.allowed[f] })
	}
	d := Decision{Reason: OK}
	for _, f := range q.Fields {
		if !granted(f) {
			d.Refused = append(d.Refused, f)
		}
	}
	if len(d.Refused) > 0 {
		d.Reason = FieldNotGranted
		return d
	}
	for _, f := range vg.fields {
		if granted(f) && (q.Fields == nil || slices.Contains(q.Fields, f)) {
			d.Fields = append(d.Fields, f)
		}
	}
	d.Charges, d.Most = charges(valid, d.Fields, max(q.Records, 1))
	if d.Most > 0 {
		return Decision{Reason: TooMany, Most: d.Most}
	}
	d.Allowed = true
	return d
}

// DecidePurpose answers whether an application may open what a purpose alone
// opens, without a view.
func (a *Access) DecidePurpose(who Identity, purpose string, now time.Time) Decision {
	app := a.current(who)
	switch {
	case app == nil:
		return Decision{Reason: UnknownKey}
	case expired(app.Until, now):
		return Decision{Reason: ExpiredKey}
	case !slices.Contains(app.purposes, purpose):
		return Decision{Reason: PurposeNotGranted}
	}
	return Decision{Allowed: true, Reason: OK}
}

func (a *Access) purpose(id string) Reason {
	if id == "" {
		return NoPurpose
	}
	if _, err := a.catalogue.Purpose(id); err != nil && id != Supervise {
		return UnknownPurpose
	}
	return OK
}

func expired(until, now time.Time) bool { return !until.IsZero() && !now.Before(until) }
