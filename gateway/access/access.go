// Package access decides who may ask what: an API key names an application, a
// grant says which fields of which view it may see, for which purposes, until
// when and how often. What no grant allows is refused.
//
// Applications come from a file (Load, Watch) or from the program (New). A
// change of the file is in force within a second everywhere the file is seen.
package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Supervise is the purpose that opens the pages about the exchange itself:
// findings, indicators, flow, quarantine.
const Supervise = "SUPERVISE"

// AllFields in a grant means every field of the view.
const AllFields = "*"

// ErrUnknownKey says that no application has that key.
var ErrUnknownKey = errors.New("unknown key")

// Application is a program of a department that asks.
type Application struct {
	ID         string
	Title      string
	Department string
	KeyDigest  [32]byte  // SHA-256 of the key; the key itself is nowhere
	Until      time.Time // zero = no end
	Purposes   []string  // beyond those of the grants, e.g. SUPERVISE
	Grants     []Grant
}

// Grant allows fields of one view.
type Grant struct {
	View     string
	Fields   []string // AllFields alone = every field
	Purposes []string
	Until    time.Time // zero = no end
	Quota    int       // records asked for a minute; 0 = no limit
}

// DigestKey returns what is kept of a key.
func DigestKey(key string) [32]byte { return sha256.Sum256([]byte(key)) }

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
	VerifyOnly        Reason = "verify_only"
	NotVerifiable     Reason = "not_verifiable"
	OverBudget        Reason = "over_budget"
)

// Decision is the answer to one question.
type Decision struct {
	Allowed bool
	Reason  Reason
	Fields  []string      // granted and asked for, in the view's order; the answer is built from these alone
	Refused []string      // asked for and not granted
	Retry   time.Duration // of OverQuota: when to come again
}

// Identity is an application as it stood when its key was shown. Decisions are
// taken by the rules in force at the time of the decision.
type Identity struct{ app *application }

// ID returns the application's id.
func (i Identity) ID() string { return i.app.ID }

// Title returns the application's title.
func (i Identity) Title() string { return i.app.Title }

// Department returns the id of the application's department.
func (i Identity) Department() string { return i.app.Department }

// Access holds the applications in force. It is safe for concurrent use.
type Access struct {
	catalogue *schemas.Catalogue
	rules     atomic.Pointer[rules]
}

type rules struct {
	byKey map[[32]byte]*application
	apps  []*application
}

type application struct {
	Application
	views    map[string]*viewGrants
	purposes []string
}

type viewGrants struct {
	view   *schemas.View
	fields []string // what may be granted of the view, in order
	grants []*grant
}

type grant struct {
	Grant
	allowed map[string]bool
	limit   *rate.Limiter // nil = no limit
}

// New checks applications against the catalogue and puts them in force.
func New(c *schemas.Catalogue, apps []Application) (*Access, error) {
	a := &Access{catalogue: c}
	return a, a.Replace(apps)
}

// Replace puts other applications in force, all or none. Quotas already used
// stay used where the grant is the same.
func (a *Access) Replace(apps []Application) error {
	before := a.rules.Load()
	next := &rules{byKey: make(map[[32]byte]*application, len(apps))}
	var problems []error
	for _, app := range apps {
		built, err := build(a.catalogue, app, before)
		if err != nil {
			problems = append(problems, fmt.Errorf("application %q: %w", app.ID, err))
			continue
		}
		if other, twice := next.byKey[app.KeyDigest]; twice {
			problems = append(problems, fmt.Errorf("application %q: has the key of %q", app.ID, other.ID))
		}
		if slices.ContainsFunc(next.apps, func(o *application) bool { return o.ID == app.ID }) {
			problems = append(problems, fmt.Errorf("application %q: stands twice", app.ID))
		}
		next.byKey[app.KeyDigest] = built
		next.apps = append(next.apps, built)
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	a.rules.Store(next)
	return nil
}

func build(c *schemas.Catalogue, app Application, before *rules) (*application, error) {
	out := &application{Application: app, views: map[string]*viewGrants{}}
	var problems []error
	if app.ID == "" {
		problems = append(problems, errors.New("has no id"))
	}
	if app.KeyDigest == ([32]byte{}) {
		problems = append(problems, errors.New("has no key_digest"))
	}
	if _, err := c.Department(app.Department); err != nil {
		problems = append(problems, unknown("department", app.Department, ids(c.Departments, func(d *schemas.Department) string { return d.ID })))
	}
	purposes := map[string]bool{}
	check := func(list []string) {
		for _, p := range list {
			if _, err := c.Purpose(p); err != nil && p != Supervise {
				problems = append(problems, unknown("purpose", p, ids(c.Purposes, func(p *schemas.Purpose) string { return p.ID })))
			}
			purposes[p] = true
		}
	}
	check(app.Purposes)
	for i := range app.Grants {
		g := app.Grants[i]
		check(g.Purposes)
		if len(g.Purposes) == 0 {
			problems = append(problems, fmt.Errorf("grant of %q names no purpose", g.View))
		}
		v, err := c.View(g.View)
		if err != nil {
			problems = append(problems, unknown("view", g.View, viewIDs(c)))
			continue
		}
		vg := out.views[v.ID]
		if vg == nil {
			vg = &viewGrants{view: v, fields: Fields(v)}
			out.views[v.ID] = vg
		}
		built := &grant{Grant: g, allowed: map[string]bool{}}
		for _, f := range g.Fields {
			switch {
			case f == AllFields:
				for _, every := range vg.fields {
					built.allowed[every] = true
				}
			case slices.Contains(vg.fields, f):
				built.allowed[f] = true
			default:
				problems = append(problems, unknown("field of "+v.ID, f, vg.fields))
			}
		}
		if g.Quota > 0 {
			built.limit = before.limiter(app.ID, g)
		}
		vg.grants = append(vg.grants, built)
	}
	for p := range purposes {
		out.purposes = append(out.purposes, p)
	}
	slices.Sort(out.purposes)
	return out, errors.Join(problems...)
}

// limiter keeps the limiter of a grant that has not changed.
func (r *rules) limiter(app string, g Grant) *rate.Limiter {
	if r != nil {
		for _, a := range r.apps {
			if vg := a.views[g.View]; a.ID == app && vg != nil {
				for _, old := range vg.grants {
					if old.limit != nil && old.Quota == g.Quota && slices.Equal(old.Purposes, g.Purposes) {
						return old.limit
					}
				}
			}
		}
	}
	return rate.NewLimiter(rate.Limit(float64(g.Quota)/60), g.Quota)
}

// Fields returns what can be granted of a view: its columns, or the entity's
// fields for the view that explains them.
func Fields(v *schemas.View) []string {
	var out []string
	if v.Entity != nil && v.Name == schemas.ExplainView {
		for _, f := range v.Entity.Fields {
			out = append(out, f.Name)
		}
		return out
	}
	for _, c := range v.Layout.Columns {
		out = append(out, c.Name)
	}
	return out
}

// Identify finds the application whose key it is.
func (a *Access) Identify(key string) (Identity, Reason) {
	if key == "" {
		return Identity{}, NoKey
	}
	digest := DigestKey(key)
	app := a.rules.Load().byKey[digest]
	// The map finds by digest, which tells a guesser nothing about the key; the
	// comparison that decides takes the same time whatever is in it.
	if app == nil || subtle.ConstantTimeCompare(app.KeyDigest[:], digest[:]) != 1 {
		return Identity{}, UnknownKey
	}
	return Identity{app}, OK
}

// current returns the application as the rules now in force have it.
func (a *Access) current(i Identity) *application {
	if i.app == nil {
		return nil
	}
	return a.rules.Load().byKey[i.app.KeyDigest]
}

// Question is what a caller wants.
type Question struct {
	View    string
	Purpose string
	Fields  []string // nil = all that is granted
	Verify  bool     // yes or no instead of values
	Records int      // how many records are asked for
}

// Decide answers a question by the rules in force at now, and counts it
// against the quota if the answer is yes.
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
	for _, g := range valid {
		if g.limit == nil {
			continue
		}
		if n := max(q.Records, 1); !g.limit.AllowN(now, n) {
			return Decision{Reason: OverQuota, Retry: time.Duration(float64(n)*60/float64(g.Quota)*1000) * time.Millisecond}
		}
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

// Grants returns what an application may ask, for the application itself.
func (a *Access) Grants(who Identity) (purposes []string, grants []Grant) {
	app := a.current(who)
	if app == nil {
		return nil, nil
	}
	return slices.Clone(app.purposes), slices.Clone(app.Grants)
}

// ParseDigest reads "sha256:" and 64 hexadecimal digits.
func ParseDigest(text string) ([32]byte, error) {
	var out [32]byte
	digits, ok := strings.CutPrefix(text, "sha256:")
	if !ok || len(digits) != 64 {
		return out, errors.New("want sha256: and 64 hexadecimal digits")
	}
	if _, err := hex.Decode(out[:], []byte(digits)); err != nil {
		return out, errors.New("want sha256: and 64 hexadecimal digits")
	}
	return out, nil
}

// FormatDigest writes what ParseDigest reads.
func FormatDigest(d [32]byte) string { return "sha256:" + hex.EncodeToString(d[:]) }
