// Package access decides who may ask what: an API key names an application, a
// grant says which fields of which view it may see, for which purposes, until
// when and how often. What no grant allows is refused.
//
// Deciding counts nothing: a Decision says which grants an answer would be
// charged to, package quota charges them. Where the grants come from is not
// known here either: package grants reads them from a file.
package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/yiyuan-bus/yiyuan/schemas"
)

// Supervise is the purpose that opens the pages about the exchange itself:
// findings, indicators, flow, quarantine.
const Supervise = "SUPERVISE"

// AllFields in a grant means every field of the view.
const AllFields = "*"

// Application is a program of a department that asks.
type Application struct {
	ID         string
	Title      string
	Department string
	KeyDigest  [32]byte // SHA-256 of the key; the key itself is nowhere. Zero = it has none
	// Certificates are names of client certificates that stand for a key: sha256:
	// and the certificate's fingerprint, uri: or dns: and a name in it.
	Certificates []string
	Until        time.Time // zero = no end
	Purposes     []string  // beyond those of the grants, e.g. SUPERVISE
	Grants       []Grant
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

// Identity is an application as it stood when its key was shown. Decisions are
// taken by the rules in force at the time of the decision.
type Identity struct {
	app  *application
	name string // of the certificate that it showed, "" if it showed its key
}

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
	byKey  map[[32]byte]*application
	byName map[string]*application // of certificates
	apps   []*application
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
	meter   string // what its quota is counted under; the same after a reload
}

// New checks applications against the catalogue and puts them in force.
func New(c *schemas.Catalogue, apps []Application) (*Access, error) {
	a := &Access{catalogue: c}
	return a, a.Replace(apps)
}

// Replace puts other applications in force, all or none.
func (a *Access) Replace(apps []Application) error {
	next := &rules{byKey: make(map[[32]byte]*application, len(apps)), byName: map[string]*application{}, apps: make([]*application, 0, len(apps))}
	seen := make(map[string]bool, len(apps))
	var faults FaultErrors
	for i, app := range apps {
		say := func(path, text string) { faults = append(faults, &FaultError{i, app.ID, path, text}) }
		built, sound := build(a.catalogue, app, say)
		if !sound {
			continue
		}
		if other, twice := next.byKey[app.KeyDigest]; twice {
			say("key_digest", fmt.Sprintf("与应用 %[1]q 的密钥相同 / has the key of %[1]q", other.ID))
		}
		for n, name := range app.Certificates {
			name = hostName(name)
			if other, twice := next.byName[name]; twice {
				say(fmt.Sprintf("certificates[%d]", n), fmt.Sprintf("与应用 %[1]q 的证书相同 / has the certificate of %[1]q", other.ID))
			}
			next.byName[name] = built
		}
		if seen[app.ID] {
			say("id", "代号重复 / duplicate id")
		}
		seen[app.ID] = true
		if app.KeyDigest != ([32]byte{}) {
			next.byKey[app.KeyDigest] = built
		}
		next.apps = append(next.apps, built)
	}
	if err := faults.Or(); err != nil {
		return err
	}
	a.rules.Store(next)
	return nil
}

// certificateName is what a certificate may be registered under.
var certificateName = regexp.MustCompile(`^(sha256:[0-9a-f]{64}|uri:[!-~]+|dns:[!-~]+)$`)

// hostName is the name of a certificate as it is compared: names of hosts have no case.
func hostName(name string) string {
	if strings.HasPrefix(name, "dns:") {
		return strings.ToLower(name)
	}
	return name
}

// build compiles an application, and says what is wrong with it, with the place.
func build(c *schemas.Catalogue, app Application, say func(path, text string)) (*application, bool) {
	out := &application{Application: app, views: map[string]*viewGrants{}}
	sound := true
	fail := func(path, text string) {
		sound = false
		say(path, text)
	}
	if app.ID == "" {
		fail("", "没有 id / has no id")
	}
	if app.KeyDigest == ([32]byte{}) && len(app.Certificates) == 0 {
		fail("", "没有 key_digest，也没有 certificates / has no key_digest, and no certificates")
	}
	for i, name := range app.Certificates {
		if !certificateName.MatchString(name) {
			fail(fmt.Sprintf("certificates[%d]", i), "应为 sha256: 和 64 位十六进制数字、uri: 或 dns: 加名称 / want sha256: and 64 hexadecimal digits, uri: or dns: and a name")
		}
	}
	if _, err := c.Department(app.Department); err != nil {
		fail("department", unknown("部门", "department", app.Department, ids(c.Departments, func(d *schemas.Department) string { return d.ID })))
	}
	purposes := map[string]bool{}
	check := func(path string, list []string) {
		for i, p := range list {
			if _, err := c.Purpose(p); err != nil && p != Supervise {
				known := ids(c.Purposes, func(p *schemas.Purpose) string { return p.ID })
				if !slices.Contains(known, Supervise) {
					known = append(known, Supervise)
				}
				fail(fmt.Sprintf("%s[%d]", path, i), unknown("用途", "purpose", p, known))
			}
			purposes[p] = true
		}
	}
	check("purposes", app.Purposes)
	for i := range app.Grants {
		g, at := app.Grants[i], fmt.Sprintf("grants[%d]", i)
		check(at+".purposes", g.Purposes)
		if len(g.Purposes) == 0 {
			fail(at, fmt.Sprintf("对 %[1]q 的授权没有用途 / grant of %[1]q names no purpose", g.View))
		}
		v, err := c.View(g.View)
		if err != nil {
			fail(at+".view", unknown("视图", "view", g.View, viewIDs(c)))
			continue
		}
		vg := out.views[v.ID]
		if vg == nil {
			vg = &viewGrants{view: v, fields: Fields(v)}
			out.views[v.ID] = vg
		}
		built := &grant{Grant: g, allowed: map[string]bool{}}
		for n, f := range g.Fields {
			switch {
			case f == AllFields:
				for _, every := range vg.fields {
					built.allowed[every] = true
				}
			case slices.Contains(vg.fields, f):
				built.allowed[f] = true
			default:
				fail(fmt.Sprintf("%s.fields[%d]", at, n), unknown("视图 "+v.ID+" 的字段", "field of "+v.ID, f, vg.fields))
			}
		}
		if g.Quota > 0 {
			built.meter = meter(app.ID, g, vg.grants)
		}
		vg.grants = append(vg.grants, built)
	}
	for p := range purposes {
		out.purposes = append(out.purposes, p)
	}
	slices.Sort(out.purposes)
	return out, sound
}

// meter names what a grant's quota is counted under. It holds what makes the
// grant another one, not how much it allows: a quota that is raised keeps what
// has been used of it.
func meter(app string, g Grant, before []*grant) string {
	parts := []string{app, g.View, strings.Join(g.Purposes, ","), strings.Join(g.Fields, ",")}
	name, same := strings.Join(parts, "\x00")+"\x00", 0
	for _, other := range before {
		if strings.HasPrefix(other.meter, name) {
			same++
		}
	}
	return name + strconv.Itoa(same)
}

// Len returns how many applications are in force.
func (a *Access) Len() int { return len(a.rules.Load().apps) }

// Title returns the title of an application, "" if none of that id is in force.
func (a *Access) Title(id string) string {
	for _, app := range a.rules.Load().apps {
		if app.ID == id {
			return app.Title
		}
	}
	return ""
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
	return Identity{app: app}, OK
}

// IdentifyCertificate finds the application that names of a client's certificate are
// registered for. The certificate's authority has been verified. Names of several
// applications name nobody: which of them comes first would decide.
func (a *Access) IdentifyCertificate(names []string) (Identity, Reason) {
	if len(names) == 0 {
		return Identity{}, NoKey
	}
	rules := a.rules.Load()
	found := Identity{}
	for _, name := range names {
		switch app := rules.byName[name]; {
		case app == nil:
		case found.app == nil:
			found = Identity{app, name}
		case found.app != app:
			return Identity{}, SeveralApps
		}
	}
	if found.app == nil {
		return Identity{}, UnknownKey
	}
	return found, OK
}

// current returns the application as the rules now in force have it.
func (a *Access) current(i Identity) *application {
	if i.app == nil {
		return nil
	}
	if i.name != "" {
		return a.rules.Load().byName[i.name]
	}
	return a.rules.Load().byKey[i.app.KeyDigest]
}

// Grants returns what an application may ask, for the application itself.
func (a *Access) Grants(who Identity) (purposes []string, grants []Grant) {
	app := a.current(who)
	if app == nil {
		return nil, nil
	}
	return slices.Clone(app.purposes), slices.Clone(app.Grants)
}
