package access

import (
	"slices"
	"time"
)

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
// opens, without a view. A purpose that only grants name ends with the last of them.
func (a *Access) DecidePurpose(who Identity, purpose string, now time.Time) Decision {
	app := a.current(who)
	switch {
	case app == nil:
		return Decision{Reason: UnknownKey}
	case expired(app.Until, now):
		return Decision{Reason: ExpiredKey}
	case !slices.Contains(app.purposes, purpose):
		return Decision{Reason: PurposeNotGranted}
	case !slices.Contains(app.Purposes, purpose) && !slices.ContainsFunc(app.Grants, func(g Grant) bool {
		return slices.Contains(g.Purposes, purpose) && !expired(g.Until, now)
	}):
		return Decision{Reason: ExpiredGrant}
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
