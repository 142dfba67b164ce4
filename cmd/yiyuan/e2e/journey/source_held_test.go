package journey

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
	"github.com/yiyuan-bus/yiyuan/schemas/contract"
)

// A whole table that would delete more than a fifth waits: source ls names the command
// that consents, and that command, word for word, lets it go on.
func TestHeldFileIsConsentedTo(t *testing.T) {
	p := e2e.OpenRealPath(t)
	admin := e2e.FreePort(t)
	t.Setenv("YIYUAN_ADMIN_LISTEN", admin)
	if err := os.Remove(filepath.Join(p.Dir, "sources", "ga-pg.yaml")); err != nil {
		t.Fatal(err)
	}
	e2e.Write(t, map[string]any{
		"source": "ga-files", "kind": "file", "datasets": []string{"GA02"},
		"options": map[string]any{"dir": p.Drop, "settle": "200ms", "poll": "100ms", "mode": "replace"},
	}, p.Dir, "sources", "ga-files.yaml")
	p.Launch(t, e2e.ConnectorsRole)
	table := func(n int) string {
		var b strings.Builder
		b.WriteString("公民身份号码,登记号,居住地行政区划,居住地址,联系电话,起始日期,终止日期\n")
		for i := range n {
			fmt.Fprintf(&b, "539902198503120013,R%d,539903,云岭市岭西区金桥街道河滨路%d号,1990000%04d,2026-01-02,\n", i, i+1, i)
		}
		return b.String()
	}
	say := func(args ...string) (string, error) {
		out, err := exec.CommandContext(e2e.Bounded(t), "yiyuan", append(args, "--gateway", "http://"+admin)...).CombinedOutput()
		return string(out), err
	}
	settled := func(n int) {
		t.Helper()
		e2e.Await(t, "done", func() string {
			if entries, err := os.ReadDir(filepath.Join(p.Drop, "done")); err != nil || len(entries) != n {
				out, _ := say("source", "ls") // only to be shown
				return fmt.Sprintf("%d files are done, %v\n%s", len(entries), err, out)
			}
			return ""
		})
	}
	p.Drops(t, "1.csv", table(10))
	settled(1)
	if out, err := say("source", "accept", "ga-files", "00000001"); err == nil || !strings.Contains(out, "waits for an answer") {
		t.Errorf("an answer about nothing: %v %s", err, out)
	}
	p.Drops(t, "2.csv", table(3))
	const command = "yiyuan source accept ga-files 00000002"
	e2e.Await(t, "held", func() string {
		out, err := say("source", "ls")
		if err != nil || !strings.Contains(out, contract.StateHeld) || !strings.Contains(out, "7/10") || !strings.Contains(out, command) {
			return fmt.Sprintf("%v\n%s", err, out)
		}
		return ""
	})
	if out, err := say(strings.Fields(command)[1:]...); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	settled(2)
	e2e.Await(t, "running", func() string {
		if out, err := say("source", "ls"); err != nil || !strings.Contains(out, contract.StateRunning) {
			return fmt.Sprintf("%v\n%s", err, out)
		}
		return ""
	})
}
