package journey

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yiyuan-bus/yiyuan/cmd/yiyuan/e2e"
)

// TestApplyAndRestart is how a city shows another view: an edited folder alone shows it
// to nobody, over a restart too; after plan and apply the next start does.
func TestApplyAndRestart(t *testing.T) {
	w := e2e.Found(t)
	w.Data = filepath.Join(w.Dir, "broker")
	w.Binds("residences", "file", map[string]any{"dir": w.Drop, "settle": "100ms", "poll": "50ms"}, "GA02")
	w.Grants("MZ-DBHD", "MZ", "DBHD", "GA02.partial")
	w.Open()
	const number = "539902198503120013"
	ask := func(view string) e2e.Answer {
		return w.Ask(http.MethodGet, "http://"+w.Gateway+"/v1/lookup/GA02."+view+"/"+number+"%7CR0", "MZ-DBHD", "DBHD", "")
	}
	answers := func(view string) {
		t.Helper()
		e2e.Await(t, "answer of GA02."+view, 2*time.Minute, func() string {
			if a := ask(view); a.Status != http.StatusOK || !strings.Contains(a.Body, "539903") {
				return fmt.Sprintf("%d %s", a.Status, a.Body)
			}
			return ""
		})
	}
	w.File("residences.csv", "公民身份号码,登记号,居住地行政区划,居住地址,联系电话,起始日期,终止日期\n"+
		number+",R0,539903,云岭市岭西区金桥街道河滨路1号,19900000000,2026-01-02,\n")
	answers("partial")
	w.Process.Stop()

	w.Edit("datasets/GA02.yaml", "\nviews:\n", "\nviews:\n  where: {title: 居住地, fields: [GMSFHM, DJH, JZDXZQHDM]}\n")
	w.Open()
	answers("partial")
	if a := ask("where"); a.Status != http.StatusNotFound && a.Status != http.StatusForbidden {
		t.Errorf("the edited folder alone: GA02.where answers %d %s", a.Status, a.Body)
	}
	if log := string(w.Process.Stderr.Bytes()); !strings.Contains(log, "the configured catalogue folder is not in force and not used") {
		t.Error("the difference is not told at the start")
	}
	config := filepath.Join(w.Dir, "yiyuan.yaml")
	if out := e2e.Runs(t, 0, "plan", "--config", config); !strings.Contains(out, "newly exposed GA02.where.JZDXZQHDM (clear)") {
		t.Errorf("plan:\n%s", out)
	}
	if out := e2e.Runs(t, 0, "doctor", "--config", config); !strings.Contains(out, "is not in force; ") {
		t.Errorf("doctor:\n%s", out)
	}
	e2e.Runs(t, 0, "apply", "--yes", "--config", config) // at the broker of the process that runs
	e2e.Await(t, "the running process says so", time.Minute, func() string {
		if log := string(w.Process.Stderr.Bytes()); strings.Contains(log, "another catalogue is in force: restart this process to take it") {
			return ""
		}
		return "nothing yet"
	})
	w.Process.Stop()

	w.Applications = nil
	w.Grants("MZ-DBHD", "MZ", "DBHD", "GA02.partial", "GA02.where")
	w.Open()
	answers("where")
	answers("partial")
	w.Process.Stop()
}
