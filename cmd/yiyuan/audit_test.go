package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/bus"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/internal/settings/settingstest"
	"github.com/yiyuan-bus/yiyuan/gateway/audit"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// What the gateway wrote is read as it is, by time, with each way to choose; nothing is
// written for it, and no number is said.
func TestAuditIsRead(t *testing.T) {
	settingstest.Bare(t)
	const number = "539902198503120013"
	h := newHall(t)
	root := newRoot()
	root.SetArgs([]string{"audit", "--brokers", h.broker.Addrs()[0]})
	if err := root.Execute(); err == nil || !strings.Contains(err.Error(), "never started on this Kafka") {
		t.Errorf("where nothing was started: %v", err)
	}
	p := h.must("")
	log, err := audit.Open(t.Context(), p.Codec, p.Bus)
	if err != nil {
		t.Fatal(err)
	}
	about := func(entity string) []audit.Subject {
		return []audit.Subject{{Digest: h.keys.DigestHex(contract.AuditLabel(entity), number), Found: true}}
	}
	now := time.Now().Truncate(time.Millisecond)
	for i, e := range []audit.Entry{
		{ID: "c", Time: now.Add(-time.Minute), Operation: "lookup", App: "MZ-DBHD", View: "person.partial", Decision: audit.Allow, Reason: "ok", Subjects: about("person"), Rows: 1},
		{ID: "a", Time: now.Add(-72 * time.Hour), Operation: "lookup", App: "MZ-DBHD", View: "person.partial", Decision: audit.Deny, Reason: "over_quota", Subjects: about("person")},
		{ID: "b", Time: now.Add(-time.Hour), Operation: "verify", App: "WJ-X", View: "person.verify", Decision: audit.Deny, Reason: "purpose", Subjects: about("enterprise")},
		{ID: "d", Time: now, Operation: audit.Stranger, Decision: audit.Deny, Reason: "unknown_key", Client: "192.0.2.0/24", Count: 7},
	} {
		if err := log.Append(t.Context(), &e); err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
	}
	if err := p.Bus.Append(t.Context(), bus.Record{Topic: contract.Audit, Partition: bus.ByKey, Key: []byte("x"), Value: []byte("of a stranger")}); err != nil {
		t.Fatal(err)
	}
	ends, err := p.Bus.EndOffsets(t.Context(), contract.Audit, contract.Schemas)
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "yiyuan.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "keys: {file: %q}\nbus: {brokers: [%q]}\n", e2e.KeyFile(t, t.TempDir()), h.broker.Addrs()[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	read := func(in string, args ...string) (ids, out, told string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		root := newRoot()
		root.SetArgs(append([]string{"audit", "--config", config}, args...))
		root.SetIn(strings.NewReader(in))
		root.SetOut(&stdout)
		root.SetErr(&stderr)
		if err := root.Execute(); err != nil {
			t.Fatalf("audit %v: %v", args, err)
		}
		for line := range strings.Lines(stdout.String()) {
			var e audit.Entry
			if json.Unmarshal([]byte(line), &e) == nil {
				ids += e.ID
			}
		}
		if strings.Contains(stdout.String()+stderr.String(), number) {
			t.Errorf("audit %v says the number", args)
		}
		return ids, stdout.String(), stderr.String()
	}
	for _, one := range []struct {
		in, args, want string
	}{
		{"", "", "bcd"},
		{"", "--since 0", "abcd"},
		{"", "--since 2m", "cd"},
		{"", "--since 0 --app MZ-DBHD", "ac"},
		{"", "--since 0 --decision deny", "abd"},
		{"", "--view person.verify", "b"},
		{"", "--since 0 --limit 2", "cd"},
		{number + "\n", "--since 0 --about person", "ac"},
		{" 53990219850312001X\n", "--since 0 --about person", ""},
	} {
		if got, _, _ := read(one.in, strings.Fields(one.args+" -o json")...); got != one.want {
			t.Errorf("audit %s = %q, want %q", one.args, got, one.want)
		}
	}
	_, table, told := read("", "--since", "0", "--limit", "2")
	for _, want := range []string{"MZ-DBHD", "192.0.2.0/24", "×7", now.UTC().Add(8 * time.Hour).Format("2006-01-02 15:04:05.000")} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
	for _, want := range []string{"另有更早的 2 条：--limit 4 / 2 earlier ones", "1 条不是审计条目，已略过"} {
		if !strings.Contains(told, want) {
			t.Errorf("not told: %s\nin %s", want, told)
		}
	}
	if after, err := p.Bus.EndOffsets(t.Context(), contract.Audit, contract.Schemas); err != nil || fmt.Sprint(after) != fmt.Sprint(ends) {
		t.Errorf("reading wrote: %v, before %v, %v", after, ends, err)
	}
}
