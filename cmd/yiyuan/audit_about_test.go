package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/exit"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings/settingstest"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/gateway/view"
	"github.com/yiyuan-bus/yiyuan/schemas/codec"
	"github.com/yiyuan-bus/yiyuan/schemas/manifest"
	"github.com/yiyuan-bus/yiyuan/schemas/yunling"
)

// Who asks the audit about a person is never told "nobody" while somebody's row was asked
// for by another key: the views are named, with how many questions there were and what
// lists or finds them.
func TestAuditTellsWhatItCannotJudge(t *testing.T) {
	settingstest.Bare(t)
	const number, other, certificate = "539902198503120013", "53990219850312003X", "J539902-2020-000001"
	const firm, firm2 = "91539900MADE00011B", "92539900MA6KXXXX1X"
	h := newHall(t)
	p := h.must("")
	log, err := audit.Open(t.Context(), p.Codec, p.Bus)
	if err != nil {
		t.Fatal(err)
	}
	cat, err := manifest.Load(yunling.Files())
	if err != nil {
		t.Fatal(err)
	}
	views, err := view.Compile(cat, codec.New(nil), h.keys)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().Truncate(time.Millisecond).Add(-time.Hour)
	write := func(e audit.Entry, keys ...string) {
		t.Helper()
		at = at.Add(time.Second)
		e.ID, e.App, e.Decision = e.ID+"!", "MZ-DBHD", audit.Allow
		if e.Time.IsZero() {
			e.Time = at
		}
		if e.Reason != "" {
			e.Decision = audit.Deny
		}
		for _, key := range keys {
			kept := views[e.View].AuditDigests(key)
			if e.Purpose == "before" { // as an earlier build wrote it
				kept = kept[:1]
			}
			for _, digest := range kept {
				e.Subjects = append(e.Subjects, audit.Subject{Digest: digest, Found: e.Rows > 0})
			}
		}
		if err := log.Append(t.Context(), &e); err != nil {
			t.Fatal(err)
		}
	}
	write(audit.Entry{ID: "a", Operation: "lookup", View: "person.partial", Fields: []string{"XM"}, Rows: 1}, number)
	write(audit.Entry{ID: "b", Operation: "lookup", View: "person.partial", Fields: []string{"XM"}, Rows: 1}, other)
	write(audit.Entry{ID: "c", Operation: "lookup", View: "MZ01.partial", Fields: []string{"DJRQ"}, Rows: 1}, certificate)
	write(audit.Entry{ID: "d", Operation: "batch", View: "MZ01.partial", Fields: []string{"DJRQ"}, Rows: 1}, certificate+"9", certificate)
	write(audit.Entry{ID: "e", Operation: "lookup", View: "MZ01.partial", Reason: "over_quota"}, certificate)
	write(audit.Entry{ID: "f", Operation: "lookup", View: "MZ01.partial", Rows: 1, Time: at.Add(-100 * time.Hour)}, certificate)
	write(audit.Entry{ID: "g", Operation: "lookup", View: "enterprise.public", Fields: []string{"JGMC"}, Rows: 1}, firm)
	write(audit.Entry{ID: "h", Operation: "lookup", View: "enterprise.public", Fields: []string{"CBRS"}, Rows: 1}, firm)
	write(audit.Entry{ID: "k", Operation: "lookup", View: "RS01.partial", Rows: 1}, other+"|"+firm)
	write(audit.Entry{ID: "l", Operation: "lookup", View: "RS01.partial", Rows: 1}, other+"|"+firm2)
	write(audit.Entry{ID: "m", Operation: "lookup", View: "RS01.partial", Rows: 1, Purpose: "before"}, other+"|"+firm)
	write(audit.Entry{ID: "n", Operation: "batch", View: "RS01.partial", Rows: 2}, other+"|"+firm, number+"|"+firm2)
	write(audit.Entry{ID: "i", Operation: "findings", Status: 200})
	write(audit.Entry{ID: "j", Operation: "flow", Status: 200})
	config := filepath.Join(t.TempDir(), "yiyuan.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "keys: {file: %q}\nbus: {brokers: [%q]}\n", e2e.KeyFile(t, t.TempDir()), h.broker.Addrs()[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func(in string, args ...string) (ids, told string, err error) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		root := newRoot()
		root.SetArgs(append([]string{"audit", "--config", config, "-o", "json"}, args...))
		root.SetIn(strings.NewReader(in))
		root.SetOut(&stdout)
		root.SetErr(&stderr)
		err = root.Execute()
		for _, id := range strings.Split("a b c d e f g h i j k l m n", " ") {
			if strings.Contains(stdout.String(), `"`+id+`!"`) {
				ids += id
			}
		}
		for _, secret := range []string{number, certificate} {
			if strings.Contains(stdout.String()+stderr.String(), secret) {
				t.Errorf("audit %v says %q", args, secret)
			}
		}
		return ids, stderr.String(), err
	}
	for _, c := range []struct {
		in, args, ids string
		told          []string
		untold        []string
	}{
		{number, "--about person", "an", []string{
			"MZ01.partial：3 条（2 条有回答），按 DJZH 记，行里另有 NFGMSFHM NVFGMSFHM / 3 entries (2 answered): kept by DJZH, its rows hold NFGMSFHM NVFGMSFHM",
			"enterprise.public：1 条（1 条有回答），按 TYSHXYDM 记，内容出自 SC01", "/v1/findings：1 条（1 条有回答）", "--view VIEW lists them", "--about DATASET",
		}, []string{"person.partial", "flow"}},
		{number, "--about person --since 0", "an", []string{"MZ01.partial：4 条（3 条有回答）"}, nil},
		{number, "--about person --view MZ01.partial --decision allow", "", []string{"MZ01.partial：2 条（2 条有回答）"}, []string{"enterprise", "findings"}},
		{number, "--about person --view person.partial", "a", nil, []string{"--view VIEW"}},
		{certificate, "--about MZ01", "cde", []string{"findings"}, []string{"MZ01.partial"}},
		{certificate + "0", "--about MZ01", "", nil, []string{"MZ01.partial"}},
		{firm, "--about enterprise --view RS01.partial", "kn", []string{"RS01.partial：1 条（1 条有回答），按 GMSFHM 记，行里另有 TYSHXYDM"}, nil},
		{"", "--view MZ01.partial", "cde", nil, []string{"--about"}},
	} {
		ids, told, err := ask(c.in+"\n", strings.Fields(c.args)...)
		if err != nil || ids != c.ids {
			t.Errorf("audit %s = %q, %v, want %q", c.args, ids, err, c.ids)
		}
		for _, want := range c.told {
			if !strings.Contains(told, want) {
				t.Errorf("audit %s does not say %q:\n%s", c.args, want, told)
			}
		}
		for _, not := range c.untold {
			if strings.Contains(told, not) {
				t.Errorf("audit %s says %q:\n%s", c.args, not, told)
			}
		}
	}
	var e *exit.Error
	if _, _, err := ask("12345\n", "--about", "person"); !errors.As(err, &e) || e.Code != exit.Usage {
		t.Errorf("what is no number: %v", err)
	}
	if _, _, err := ask(number+"\n"+other+"\n", "--about", "person"); !errors.As(err, &e) || e.Code != exit.Usage {
		t.Errorf("two numbers: %v, want to be told that it is one at a time", err)
	}
}
