package main

import (
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// runs runs a command to its end and returns what it said.
func runs(t testing.TB, code int, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(bounded(t, time.Minute), "yiyuan", args...).CombinedOutput()
	var ended *exec.ExitError
	got := 0
	if errors.As(err, &ended) {
		got = ended.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if got != code {
		t.Fatalf("yiyuan %s ends with %d, want %d:\n%s", strings.Join(args, " "), got, code, out)
	}
	return string(out)
}

// TestApplyAndRestart is how a city shows another view: an edited folder alone shows it
// to nobody, over a restart too; after plan and apply the next start does.
func TestApplyAndRestart(t *testing.T) {
	w := found(t)
	w.data = filepath.Join(w.dir, "broker")
	w.binds("residences", "file", map[string]any{"dir": w.drop, "settle": "100ms", "poll": "50ms"}, "GA02")
	w.grants("MZ-DBHD", "MZ", "DBHD", "GA02.partial")
	w.open()
	const number = "539902198503120013"
	ask := func(view string) answer {
		return w.ask(http.MethodGet, "http://"+w.gateway+"/v1/lookup/GA02."+view+"/"+number+"%7CR0", "MZ-DBHD", "DBHD", "")
	}
	answers := func(view string) {
		t.Helper()
		await(t, "answer of GA02."+view, 2*time.Minute, func() string {
			if a := ask(view); a.status != http.StatusOK || !strings.Contains(a.body, "539903") {
				return fmt.Sprintf("%d %s", a.status, a.body)
			}
			return ""
		})
	}
	w.file("residences.csv", "公民身份号码,登记号,居住地行政区划,居住地址,联系电话,起始日期,终止日期\n"+
		number+",R0,539903,云岭市岭西区金桥街道河滨路1号,19900000000,2026-01-02,\n")
	answers("partial")
	w.process.stop()

	w.edit("datasets/GA02.yaml", "\nviews:\n", "\nviews:\n  where: {title: 居住地, fields: [GMSFHM, DJH, JZDXZQHDM]}\n")
	w.open()
	answers("partial")
	if a := ask("where"); a.status != http.StatusNotFound && a.status != http.StatusForbidden {
		t.Errorf("the edited folder alone: GA02.where answers %d %s", a.status, a.body)
	}
	if log := string(w.process.log.bytes()); !strings.Contains(log, "the configured catalogue folder is not in force and not used") {
		t.Error("the difference is not told at the start")
	}
	config := filepath.Join(w.dir, "yiyuan.yaml")
	if out := runs(t, 0, "plan", "--config", config); !strings.Contains(out, "newly exposed GA02.where.JZDXZQHDM (clear)") {
		t.Errorf("plan:\n%s", out)
	}
	if out := runs(t, 0, "doctor", "--config", config); !strings.Contains(out, "is not in force; ") {
		t.Errorf("doctor:\n%s", out)
	}
	runs(t, 0, "apply", "--yes", "--config", config) // at the broker of the process that runs
	await(t, "the running process says so", time.Minute, func() string {
		if log := string(w.process.log.bytes()); strings.Contains(log, "another catalogue is in force: restart this process to take it") {
			return ""
		}
		return "nothing yet"
	})
	w.process.stop()

	w.applications = nil
	w.grants("MZ-DBHD", "MZ", "DBHD", "GA02.partial", "GA02.where")
	w.open()
	answers("where")
	answers("partial")
	w.process.stop()
}
