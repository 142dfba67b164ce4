package access_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/gateway/access"
	"github.com/yiyuan-bus/yiyuan/schemas"
)

func catalogue(t *testing.T) *schemas.Catalogue {
	t.Helper()
	c, err := schemas.Load(schemas.Yunling())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const file = `
applications:
  - id: RS
    title: 高龄津贴
    department: RS
    key_digest: %s
    grants:
      - {view: person.partial, fields: [XM, CSRQ], purposes: [GLJT], until: 2026-12-31, quota: 60}
      - {view: person.partial, fields: ["*"], purposes: [DBHD]}
`

func text() string { return fmt.Sprintf(file, access.FormatDigest(access.DigestKey("secret"))) }

func TestDecide(t *testing.T) {
	t.Parallel()
	apps, err := access.Parse([]byte(text()))
	if err != nil {
		t.Fatal(err)
	}
	a, err := access.New(catalogue(t), apps)
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
		{"over the quota at once", access.Question{View: "person.partial", Purpose: "GLJT", Records: 61}, lastMoment.AddDate(0, 0, -1), access.OverQuota, ""},
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

func TestQuota(t *testing.T) {
	t.Parallel()
	apps, err := access.Parse([]byte(text()))
	if err != nil {
		t.Fatal(err)
	}
	a, err := access.New(catalogue(t), apps)
	if err != nil {
		t.Fatal(err)
	}
	who, _ := a.Identify("secret")
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	asked := func(n int) access.Decision {
		return a.Decide(who, access.Question{View: "person.partial", Purpose: "GLJT", Records: n}, now)
	}
	if d := asked(60); !d.Allowed {
		t.Fatalf("the whole quota: %+v", d)
	}
	if d := asked(1); d.Reason != access.OverQuota || d.Retry <= 0 {
		t.Errorf("one more: %+v", d)
	}
	// Loading the same rules again is no way around it.
	if err := a.Replace(apps); err != nil {
		t.Fatal(err)
	}
	if d := asked(1); d.Reason != access.OverQuota {
		t.Errorf("after a reload: %+v", d)
	}
	now = now.Add(10 * time.Second)
	if d := asked(10); !d.Allowed {
		t.Errorf("ten seconds later: %+v", d)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	good := text()
	for name, c := range map[string]struct{ from, to, want string }{
		"unknown member":     {"title:", "titel:", "titel"},
		"unknown view":       {"view: person.partial, fields: [XM", "view: person.parcial, fields: [XM", `did you mean "person.partial"`},
		"unknown field":      {"XM, CSRQ", "XN, CSRQ", `did you mean "XM"`},
		"unknown purpose":    {"[GLJT]", "[GLJD]", `did you mean "GLJT"`},
		"unknown department": {"department: RS", "department: XX", "unknown department"},
		"key in clear":       {"sha256:", "sha512:", "key_digest"},
		"bad day":            {"2026-12-31", "2026-02-31", "until"},
		"negative quota":     {"quota: 60", "quota: -1", "quota"},
		"no fields":          {"[XM, CSRQ]", "[]", "names no field"},
		"no purposes":        {"[GLJT]", "[]", "names no purpose"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			apps, err := access.Parse([]byte(strings.Replace(good, c.from, c.to, 1)))
			if err == nil {
				_, err = access.New(catalogue(t), apps)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want something about %q", err, c.want)
			}
		})
	}
	apps, err := access.Parse([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	twin := apps[0]
	twin.ID = "twin"
	if _, err := access.New(catalogue(t), append(apps, twin)); err == nil || !strings.Contains(err.Error(), "key of") {
		t.Errorf("two applications with one key: %v", err)
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "access.yaml")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(text())
	a, err := access.Load(path, catalogue(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); a.Watch(ctx, path, 5*time.Millisecond, slog.New(slog.DiscardHandler)) }()
	defer func() { cancel(); <-done }()
	served := func() bool { _, reason := a.Identify("secret"); return reason == access.OK }
	put("applications: [{}]")
	within(t, "a file that cannot be used changes nothing", 50*time.Millisecond, func() bool { return !served() }, false)
	put("applications: []")
	within(t, "the revocation is in force", 5*time.Second, func() bool { return !served() }, true)
	put(text())
	within(t, "the grant is back", 5*time.Second, served, true)
}

// within waits for ok, or makes sure that it does not come.
func within(t *testing.T, what string, limit time.Duration, ok func() bool, want bool) {
	t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if ok() {
			if !want {
				t.Fatalf("not so: %s", what)
			}
			return
		}
		select {
		case <-deadline:
			if want {
				t.Fatalf("not within %v: %s", limit, what)
			}
			return
		case <-tick.C:
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	c, err := schemas.Load(schemas.Yunling())
	if err != nil {
		b.Fatal(err)
	}
	apps, err := access.Parse([]byte(text()))
	if err != nil {
		b.Fatal(err)
	}
	a, err := access.New(c, apps)
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
