package access_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/schemas"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

func catalogue(t *testing.T) *schemas.Catalogue {
	t.Helper()
	c, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// relief is an application with two grants of one view.
func relief() access.Application {
	return access.Application{
		ID: "RS", Title: "高龄津贴", Department: "RS", KeyDigest: access.DigestKey("secret"),
		Grants: []access.Grant{
			{View: "person.partial", Fields: []string{"XM", "CSRQ"}, Purposes: []string{"GLJT"}, Until: time.Date(2026, 12, 31, 16, 0, 0, 0, time.UTC), Quota: 60},
			{View: "person.partial", Fields: []string{"*"}, Purposes: []string{"DBHD"}},
		},
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	a, err := access.New(catalogue(t), []access.Application{relief()})
	if err != nil {
		t.Fatal(err)
	}
	if _, reason := a.Identify(""); reason != access.NoKey {
		t.Errorf("no key: %s", reason)
	}
	if _, reason := a.Identify("Secret"); reason != access.UnknownKey {
		t.Errorf("wrong key: %s", reason)
	}
	who, reason := a.Identify("secret")
	if reason != access.OK || who.ID() != "RS" || who.Department() != "RS" {
		t.Fatalf("right key: %s", reason)
	}
	lastMoment := time.Date(2026, 12, 31, 23, 59, 59, 0, time.FixedZone("", 8*3600))
	for _, c := range []struct {
		name   string
		q      access.Question
		now    time.Time
		reason access.Reason
		fields string
	}{
		{"all that is granted", access.Question{View: "person.partial", Purpose: "GLJT"}, lastMoment, access.OK, "XM CSRQ"},
		{"a part of it", access.Question{View: "person.partial", Purpose: "GLJT", Fields: []string{"CSRQ"}}, lastMoment, access.OK, "CSRQ"},
		{"nothing of it", access.Question{View: "person.partial", Purpose: "GLJT", Fields: []string{}}, lastMoment, access.OK, ""},
		{"too much", access.Question{View: "person.partial", Purpose: "GLJT", Fields: []string{"LXDH"}}, lastMoment, access.FieldNotGranted, ""},
		{"the day after", access.Question{View: "person.partial", Purpose: "GLJT"}, lastMoment.Add(time.Second), access.ExpiredGrant, ""},
		{"every field for another purpose", access.Question{View: "person.partial", Purpose: "DBHD", Fields: []string{"LXDH"}}, lastMoment.AddDate(1, 0, 0), access.OK, "LXDH"},
		{"a purpose of nobody's", access.Question{View: "person.partial", Purpose: "SGS"}, lastMoment, access.PurposeNotGranted, ""},
		{"no purpose", access.Question{View: "person.partial"}, lastMoment, access.NoPurpose, ""},
		{"no such purpose", access.Question{View: "person.partial", Purpose: "gljt"}, lastMoment, access.UnknownPurpose, ""},
		{"no such view", access.Question{View: "Person.partial", Purpose: "GLJT"}, lastMoment, access.UnknownView, ""},
		{"another view", access.Question{View: "person.clear", Purpose: "GLJT"}, lastMoment, access.NoGrant, ""},
		{"over the quota at once", access.Question{View: "person.partial", Purpose: "GLJT", Records: 61}, lastMoment.AddDate(0, 0, -1), access.TooMany, ""},
	} {
		d := a.Decide(who, c.q, c.now)
		if d.Reason != c.reason || strings.Join(d.Fields, " ") != c.fields || d.Allowed != (c.reason == access.OK) {
			t.Errorf("%s: %+v, want %s with %q", c.name, d, c.reason, c.fields)
		}
	}
	// The rules of the moment of the decision count, not those of the key.
	if err := a.Replace(nil); err != nil {
		t.Fatal(err)
	}
	if d := a.Decide(who, access.Question{View: "person.partial", Purpose: "GLJT"}, lastMoment); d.Allowed || d.Reason != access.UnknownKey {
		t.Errorf("after revocation: %+v", d)
	}
}

// TestCharges looks which grants an answer is charged to.
func TestCharges(t *testing.T) {
	t.Parallel()
	grant := func(quota int, fields ...string) access.Grant {
		return access.Grant{View: "person.partial", Fields: fields, Purposes: []string{"GLJT"}, Quota: quota}
	}
	other := access.Grant{View: "person.partial", Fields: []string{"*"}, Purposes: []string{"DBHD"}, Quota: 1}
	for _, c := range []struct {
		name   string
		grants []access.Grant
		fields []string
		n      int
		ways   string // quotas of each way
		most   int
	}{
		{"one grant", []access.Grant{grant(60, "XM")}, nil, 1, "60", 0},
		{"no quota", []access.Grant{grant(0, "XM")}, nil, 1, "", 0},
		{"a grant of another purpose", []access.Grant{grant(60, "XM"), other}, nil, 1, "60", 0},
		{"both needed", []access.Grant{grant(60, "XM"), grant(30, "CSRQ")}, nil, 1, "60+30", 0},
		{"the first is enough", []access.Grant{grant(60, "XM"), grant(30, "CSRQ")}, []string{"XM"}, 1, "60", 0},
		{"the second is enough", []access.Grant{grant(60, "XM"), grant(30, "CSRQ")}, []string{"CSRQ"}, 1, "30", 0},
		{"either will do", []access.Grant{grant(60, "XM", "CSRQ"), grant(30, "XM")}, []string{"XM"}, 1, "60 30", 0},
		{"one or two others", []access.Grant{grant(60, "XM"), grant(30, "CSRQ"), grant(10, "XM", "CSRQ")}, nil, 1, "10 60+30", 0},
		{"one without a quota", []access.Grant{grant(60, "XM"), grant(0, "XM")}, nil, 1, "", 0},
		{"one without a quota for a part", []access.Grant{grant(60, "XM", "CSRQ"), grant(0, "XM")}, nil, 1, "60", 0},
		{"more than ever", []access.Grant{grant(600, "XM")}, nil, 700, "", 600},
		{"more than one of two ever", []access.Grant{grant(600, "XM"), grant(30, "CSRQ")}, nil, 100, "", 30},
		{"only the larger will do", []access.Grant{grant(30, "XM"), grant(600, "XM")}, nil, 100, "600", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			app := relief()
			app.Grants = c.grants
			a, err := access.New(catalogue(t), []access.Application{app})
			if err != nil {
				t.Fatal(err)
			}
			who, _ := a.Identify("secret")
			d := a.Decide(who, access.Question{View: "person.partial", Purpose: "GLJT", Fields: c.fields, Records: c.n}, time.Now())
			var ways []string
			for _, w := range d.Charges {
				var quotas []string
				for _, one := range w {
					quotas = append(quotas, strconv.Itoa(one.Quota))
				}
				ways = append(ways, strings.Join(quotas, "+"))
			}
			if got := strings.Join(ways, " "); got != c.ways || d.Most != c.most || d.Allowed != (c.most == 0) {
				t.Errorf("ways %q, at most %d, allowed %t; want %q, %d", got, d.Most, d.Allowed, c.ways, c.most)
			}
		})
	}
}

// TestManyGrants weighs no more sets of grants than it can.
func TestManyGrants(t *testing.T) {
	t.Parallel()
	c := catalogue(t)
	view, err := c.View("person.partial")
	if err != nil || len(view.Fields) < 10 {
		t.Fatalf("the view has %d fields, want ten: %v", len(view.Fields), err)
	}
	app := relief()
	app.Grants = nil
	for _, f := range view.Fields[:10] {
		app.Grants = append(app.Grants, access.Grant{View: "person.partial", Fields: []string{f.Name}, Purposes: []string{"GLJT"}, Quota: 60})
	}
	a, err := access.New(c, []access.Application{app})
	if err != nil {
		t.Fatal(err)
	}
	who, _ := a.Identify("secret")
	d := a.Decide(who, access.Question{View: "person.partial", Purpose: "GLJT", Records: 1}, time.Now())
	if !d.Allowed || len(d.Charges) != 1 || len(d.Charges[0]) != 10 {
		t.Errorf("%d ways, the first of %d grants", len(d.Charges), len(d.Charges[0]))
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(a *access.Application)
		want  string
	}{
		"unknown view":       {func(a *access.Application) { a.Grants[0].View = "person.parcial" }, `did you mean person.partial? Known: `},
		"unknown field":      {func(a *access.Application) { a.Grants[0].Fields = []string{"XN"} }, `did you mean XM? Known: `},
		"unknown purpose":    {func(a *access.Application) { a.Grants[0].Purposes = []string{"GLJD"} }, `did you mean GLJT? Known: `},
		"unknown department": {func(a *access.Application) { a.Department = "XX" }, "unknown department"},
		"no purposes":        {func(a *access.Application) { a.Grants[0].Purposes = nil }, "names no purpose"},
		"no id":              {func(a *access.Application) { a.ID = "" }, "no id"},
		"no digest":          {func(a *access.Application) { a.KeyDigest = [32]byte{} }, "key_digest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := relief()
			c.spoil(&app)
			if _, err := access.New(catalogue(t), []access.Application{app}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want something about %q", err, c.want)
			}
		})
	}
	twin := relief()
	twin.ID = "twin"
	if _, err := access.New(catalogue(t), []access.Application{relief(), twin}); err == nil || !strings.Contains(err.Error(), "key of") {
		t.Errorf("two applications with one key: %v", err)
	}
	same := relief()
	same.KeyDigest = access.DigestKey("another")
	if _, err := access.New(catalogue(t), []access.Application{relief(), same}); err == nil || !strings.Contains(err.Error(), "duplicate id") {
		t.Errorf("two applications with one id: %v", err)
	}
}

func BenchmarkDecide(b *testing.B) {
	c, err := manifest.Load(yunling.Files())
	if err != nil {
		b.Fatal(err)
	}
	a, err := access.New(c, []access.Application{relief()})
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		who, _ := a.Identify("secret")
		if !a.Decide(who, access.Question{View: "person.partial", Purpose: "DBHD"}, now).Allowed {
			b.Fatal("refused")
		}
	}
}

// TestCertificates: a certificate stands for the key of the application that it
// is registered for, until it is taken out.
func TestCertificates(t *testing.T) {
	t.Parallel()
	c := catalogue(t)
	app := relief()
	app.KeyDigest, app.Certificates = [32]byte{}, []string{"uri:spiffe://yunling/rs", "dns:RS.Example"}
	keyed := relief()
	keyed.ID, keyed.Certificates = "OTHER", []string{"dns:other.example"}
	a, err := access.New(c, []access.Application{app, keyed})
	if err != nil {
		t.Fatal(err)
	}
	digits := "sha256:" + strings.Repeat("ab", 32)
	who, reason := a.IdentifyCertificate([]string{digits, "dns:rs.example"})
	if reason != access.OK || who.ID() != "RS" {
		t.Fatalf("its certificate: %s", reason)
	}
	question := access.Question{View: "person.partial", Purpose: "GLJT"}
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	if d := a.Decide(who, question, now); !d.Allowed {
		t.Errorf("granted to it: %s", d.Reason)
	}
	for name, names := range map[string][]string{"another's": {digits, "dns:evil.example"}, "one like it": {"dns:rs.example.evil"}} {
		if _, reason := a.IdentifyCertificate(names); reason != access.UnknownKey {
			t.Errorf("%s: %s", name, reason)
		}
	}
	if who, reason := a.IdentifyCertificate([]string{"uri:spiffe://yunling/rs", "dns:rs.example"}); reason != access.OK || who.ID() != "RS" {
		t.Errorf("two names of one: %s", reason)
	}
	if _, reason := a.IdentifyCertificate([]string{"dns:rs.example", "dns:other.example"}); reason != access.SeveralApps {
		t.Errorf("names of two applications: %s", reason)
	}
	if _, reason := a.IdentifyCertificate(nil); reason != access.NoKey {
		t.Errorf("no certificate: %s", reason)
	}
	for _, key := range []string{"", string(make([]byte, 32))} { // the digest that it does not have
		if who, reason := a.Identify(key); reason == access.OK {
			t.Errorf("a key of nobody is %s's", who.ID())
		}
	}
	app.Certificates = app.Certificates[:1]
	if err := a.Replace([]access.Application{app, keyed}); err != nil {
		t.Fatal(err)
	}
	if d := a.Decide(who, question, now); d.Allowed || d.Reason != access.UnknownKey {
		t.Errorf("after its name was taken out: %s", d.Reason)
	}
	for want, certificates := range map[string][]string{"certificate of": {"uri:spiffe://yunling/rs"}, "fingerprint": {"sha256:AB"}, "want sha256:": {"CN=rs"}, "no key_digest": nil} {
		twin := app
		twin.ID, twin.Certificates = "TWIN", certificates
		if _, err := access.New(c, []access.Application{app, twin}); err == nil || want != "fingerprint" && !strings.Contains(err.Error(), want) {
			t.Errorf("certificates %q: error %v, want %q", certificates, err, want)
		}
	}
}
